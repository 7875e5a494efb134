"""`terse-temporal runs skip`: the clock of a run jumps ahead."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Final

import typer
from temporalio.api.enums.v1 import WorkflowExecutionStatus
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionResponse
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import TimeSkipper

from ...durations import format_duration
from ...runs.clocks import clock_of, fast_forward
from ...serialization.wire_names import OWN_WORKFLOWS
from ..exiting import FAILED, CommandError
from ..options import Address, Debug, Namespace
from ..output import console
from ..servers import silent_client
from ..tasks import run_interruptibly
from ..times import read_duration

__all__ = ["skip"]

#: Seconds. The server answers at once, unless the run is about to do something; then it waits for the worker.
_TIMEOUT: Final = 60.0


def skip(
    run: Annotated[str, typer.Argument(metavar="WORKFLOW_ID", help="The run, as `trigger` named it.")],
    duration: Annotated[str, typer.Argument(metavar="DURATION", help='How far: "3d", "1 week", "90s".')],
    *,
    address: Address = None,
    namespace: Namespace = None,
    debug: Debug = False,
) -> None:
    """Let the clock of a run jump ahead, so that its sleeps, timeouts and waits before retries end at once.

    For work on this machine: the server has to allow it, as that of `terse-temporal dev` does. Nothing else has its
    time changed, and what a step or another system takes for the time stays the clock on the wall.

    The exit status is 1 where the run is not there or has ended, and where its server does not skip time.
    """
    run_interruptibly(_skip(run, read_duration(duration, "the duration"), address, namespace))


async def _skip(run: str, ahead: timedelta, address: str | None, namespace: str | None) -> None:
    client = await silent_client(address, namespace)
    handle = client.get_workflow_handle(run)
    try:
        before = await _describe(handle)
        if before.workflow_execution_info.status != WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_RUNNING:
            raise CommandError(f"the run {run!r} has ended: there is no time to skip", status=FAILED)
        children = [each for each in before.pending_children if not each.workflow_type_name.startswith(OWN_WORKFLOWS)]
        if children:
            raise CommandError(_of_children(run, [each.workflow_id for each in children]), status=FAILED)
        async with asyncio.timeout(_TIMEOUT):
            await fast_forward(TimeSkipper(client), handle, ahead)
        after = await _describe(handle)
    except TimeoutError as err:
        raise CommandError(
            f"the run {run!r} has not come to the end of that time in {_TIMEOUT:.0f} s: one of its steps is running,"
            " no worker takes it, or its history does not fit the code of the worker, whose log says so. It goes on"
            " when that has ended.",
            status=FAILED,
        ) from err
    except RPCError as err:
        raise CommandError(_describe_refusal(client, run, err), status=FAILED) from err
    skipped = clock_of(after) - clock_of(before)
    now = f"{clock_of(after).astimezone():%Y-%m-%d %H:%M:%S}"
    if after.workflow_execution_info.status != WorkflowExecutionStatus.WORKFLOW_EXECUTION_STATUS_RUNNING:
        console.print(f"the run {run!r} has come to its end", markup=False)
    else:
        whole = timedelta(seconds=round(skipped.total_seconds()))
        console.print(f"the run {run!r} is {format_duration(whole)} ahead of where it was: {now}", markup=False)


def _of_children(run: str, children: Sequence[str]) -> str:
    """Return why no time is skipped: the server skips none of a run while one that it has started is open."""
    first, *others = map(repr, children)
    more = f" and {len(others)} more {'is' if len(others) == 1 else 'are'}" if others else " is"
    return (
        f"no time of the run {run!r} is skipped while one that it has started is open, and {first}{more}. Let that come"
        f" to its end first, also by skipping its time: terse-temporal runs skip {first} …"
    )


async def _describe(handle: WorkflowHandle[object, object]) -> DescribeWorkflowExecutionResponse:
    return (await handle.describe()).raw_description


def _describe_refusal(client: Client, run: str, err: RPCError) -> str:
    if err.status == RPCStatusCode.NOT_FOUND:
        return f"there is no open run with the workflow id {run!r}: {err.message}"
    return (
        f"the server at {client.service_client.config.target_host!r} does not skip the time of {run!r}:"
        f" {err.message.rstrip('.')}. That of `terse-temporal dev` does; another has to be started with"
        " --dynamic-config-value frontend.WorkflowTimeSkippingEnabled=true."
    )
