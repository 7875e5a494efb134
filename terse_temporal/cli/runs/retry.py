"""`terse-temporal runs retry`: runs that have failed go on from before what failed."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Final

import typer
from rich.console import Console
from temporalio.client import Client
from temporalio.runtime import Runtime, TelemetryConfig

from ...diagnostics.text import list_names
from ...errors import RunRetryError, ServerUnavailableError
from ...jobs.job import Job
from ...jobs.loading import load_jobs
from ...runs.failed_runs import RunName, failed_runs, look_at_runs
from ...runs.requests import request as ask_server
from ...runs.retrying import reset
from ...runs.task_queues import is_gone, last_poll
from ...runs.times import moment_text
from ..asking import ask
from ..exiting import FAILED, CommandError
from ..options import Address, Debug, Namespace
from ..output import console, errors, print_json
from ..replay import without_logs
from ..tasks import run_interruptibly
from ..times import read_since
from .arguments import AsJson
from .asking_servers import client_for
from .retries import Retries

__all__ = ["retry"]

#: Resets a second. The worker replays each of the runs.
_RATE: Final = 20.0

_NOT_REPLAYED: Final = "whether they fit the code of the workers is not looked at: --jobs MODULE replays them first"


def retry(
    runs: Annotated[
        list[str] | None,
        typer.Argument(metavar="ID...", help="The workflow ids of the runs.", show_default=False),
    ] = None,
    *,
    failed: Annotated[
        str | None, typer.Option("--failed", metavar="JOB", help="Instead of ids: the runs of this job that failed.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="DURATION|TIME", help='With --failed: in the last "2h", or after a time.'),
    ] = None,
    jobs: Annotated[
        list[str] | None,
        typer.Option(
            "--jobs",
            metavar="MODULE|FILE|PACKAGE",
            help="Replay the runs with this code first, and leave out those that would break. May be given more than"
            " once.",
        ),
    ] = None,
    rate: Annotated[
        float, typer.Option("--rate", metavar="N", min=0.001, help="How many runs a second are retried at most.")
    ] = _RATE,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")] = False,
    as_json: AsJson = False,
    address: Address = None,
    namespace: Namespace = None,
    debug: Debug = False,
) -> int:
    """Let runs that have failed go on from before the step that failed, or the line that raised.

    What had finished stays, and steps keep their idempotency keys. What the runs failed with is shown first, alike ones
    together, and with --jobs they are replayed with the code that is deployed, as far as they stay.

    The exit status is 0 when all were retried, or there was none; 1 when one was not, or the answer was no; 2 when
    something has to be put right first: no server, a module that cannot be loaded.
    """
    if bool(runs) == (failed is not None):
        raise CommandError("give the workflow ids of the runs, or --failed JOB, and not both")
    if since is not None and failed is None:
        raise CommandError("--since goes with --failed JOB; a run that is named is retried whenever it failed")
    moment = None if since is None else read_since(since)
    with contextlib.nullcontext() if debug else without_logs():
        with contextlib.redirect_stdout(sys.stderr):
            loaded = load_jobs(jobs) if jobs else None
        request = _Request(runs or (), failed, moment, loaded, rate, yes, as_json)
        return run_interruptibly(_retry(request, address, namespace))


@dataclass
class _Request:
    """What is to be retried, and how."""

    ids: Sequence[str]
    failed: str | None
    since: datetime | None
    jobs: Sequence[Job] | None
    rate: float
    yes: bool
    as_json: bool

    async def names(self, client: Client) -> AsyncIterator[RunName]:
        """Yield the runs."""
        for each in dict.fromkeys(self.ids):
            yield RunName(each)
        if self.failed is not None:
            async for name in failed_runs(client, self.failed, self.since):
                yield name

    @property
    def how_long(self) -> str:
        """The time that it is about, in words."""
        return f" since {moment_text(self.since, datetime.now(UTC))}" if self.since is not None else ""

    @property
    def people(self) -> Console:
        """Where people read: beside the JSON, if that is asked for."""
        return errors if self.as_json else console


async def _retry(request: _Request, address: str | None, namespace: str | None) -> int:
    async with client_for(address, namespace) as client:
        found = Retries()
        silent = Runtime(telemetry=TelemetryConfig(logging=None))
        # What handlers print while they are replayed is not what this command says.
        with contextlib.redirect_stdout(sys.stderr):
            async for each in look_at_runs(client, request.names(client), request.jobs, silent):
                found.add(each)
        found.show_groups(request.people)
        if found.breaking and not request.as_json:
            found.show_breaking()
        if request.jobs is None and found.going_on:
            errors.print(_NOT_REPLAYED, style="dim", markup=False)
        if found.going_on and await ask(_question(len(found.going_on)), yes=request.yes):
            await _retry_each(client, found, request)
        found.refuse_rest("nobody has said yes")
        found.show_refused(request.people)
        await _say_who_is_missing(client, found)
    if request.as_json:
        print_json(found.data())
    elif found.is_empty:
        console.print(f"nothing to retry: no run of {request.failed!r} has failed{request.how_long}", markup=False)
    return FAILED if found.breaking or found.refused else 0


def _question(count: int) -> str:
    return "Retry this run?" if count == 1 else f"Retry these {count:,} runs?"


async def _retry_each(client: Client, found: Retries, request: _Request) -> None:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    for number, each in enumerate(list(found.going_on)):
        await asyncio.sleep(max(0.0, begun + number / request.rate - loop.time()))
        try:
            new = await ask_server(reset(client, each.run), f"the run {each.run.id!r} cannot be retried", client)
        except RunRetryError as error:
            found.refuse(each, str(error))
        except ServerUnavailableError as error:
            found.refuse_rest(str(error))
            return
        else:
            found.retry(each, new)
            again = f", from before {list_names(map(repr, each.run.steps))}" if each.run.steps else ""
            if not request.as_json:
                console.print(f"{each.run.id}  goes on{again} (run id {new})", markup=False)


async def _say_who_is_missing(client: Client, found: Retries) -> None:
    for queue in sorted({each.run.task_queue for each, _ in found.retried}):
        polled = await ask_server(last_poll(client, queue), "its task queue cannot be asked after", client)
        if is_gone(polled):
            errors.print(
                f"no worker polls the task queue {queue!r}: the runs wait for one", style="yellow", markup=False
            )
