"""`terse-temporal approvals`, `approve` and `deny`: the decisions that runs wait for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.service import RPCError, RPCStatusCode

from ..diagnostics.text import printable
from ..runs.inputs import asked_at_start
from ..runs.memo import question_text, read_memo
from ..runs.timeline import short
from ..serialization.wire_names import INPUT_UPDATE
from .exiting import CommandError
from .inputs.answer import print_slow, user_name
from .options import Address, Debug, Namespace
from .output import console, print_json
from .servers import silent_client
from .tasks import run_interruptibly

__all__ = ["approvals", "approve", "deny"]

Run = Annotated[str, typer.Argument(metavar="WORKFLOW_ID", help="The run, as `terse-temporal approvals` lists it.")]
Question = Annotated[
    str | None, typer.Argument(metavar="[NUMBER]", help="Which, where the run waits for more than one.")
]


def approvals(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array, for programs.")] = False,
    address: Address = None,
    namespace: Namespace = None,
    debug: Debug = False,
) -> None:
    """List the calls of tools that runs wait to have approved.

    No worker is needed: what a run waits for stands in its memo.
    """
    rows = run_interruptibly(_list_questions(address, namespace))
    if as_json:
        print_json(rows)
    elif not rows:
        console.print("no run waits for a decision")
    else:
        table = Table(box=None, pad_edge=False, header_style="dim")
        for heading in ("run", "", "wants to call", "since"):
            table.add_column(heading, overflow="fold")
        for row in rows:
            began = datetime.fromisoformat(row["started"])
            table.add_row(
                Text(printable(row["workflow_id"])),
                Text(printable(row["number"])),
                Text(question_text(row)),
                f"run began {short(datetime.now(UTC) - began)} ago",
            )
        console.print(table)
        console.print("\nterse-temporal approve WORKFLOW_ID [NUMBER], or deny", style="dim", markup=False)


def approve(
    run: Run,
    number: Question = None,
    *,
    by: Annotated[str | None, typer.Option(metavar="NAME", help="Who decides; by default this user.")] = None,
    address: Address = None,
    namespace: Namespace = None,
    debug: Debug = False,
) -> None:
    """Approve a call that a run waits for: the tool is called, and the run goes on."""
    _decide(run, number, {"approved": True}, by, address, namespace)


def deny(
    run: Run,
    number: Question = None,
    *,
    reason: Annotated[str | None, typer.Option(metavar="TEXT", help="Why; the model, or the handler, is told.")] = None,
    by: Annotated[str | None, typer.Option(metavar="NAME", help="Who decides; by default this user.")] = None,
    address: Address = None,
    namespace: Namespace = None,
    debug: Debug = False,
) -> None:
    """Deny a call that a run waits for: the tool is not called, and the run goes on."""
    _decide(run, number, {"approved": False, "reason": reason or ""}, by, address, namespace)


def _decide(
    run: str,
    number: str | None,
    answer: dict[str, Any],
    by: str | None,
    address: str | None,
    namespace: str | None,
) -> None:
    if number is not None:
        answer["id"] = number
    answer["by"] = by or user_name()
    run_interruptibly(_send_answer(run, answer, address, namespace))
    console.print(f"{'approved' if answer['approved'] else 'denied'}; the run {run!r} goes on", markup=False)


async def _send_answer(run: str, answer: dict[str, Any], address: str | None, namespace: str | None) -> None:
    client = await silent_client(address, namespace)
    slow = asyncio.get_running_loop().call_later(3, print_slow, run)
    try:
        await client.get_workflow_handle(run).execute_update(INPUT_UPDATE, answer)
    except WorkflowUpdateFailedError as err:
        raise CommandError(f"the run {run!r} does not take it: {getattr(err.cause, 'message', err)}") from err
    except RPCError as err:
        if err.status == RPCStatusCode.NOT_FOUND:
            raise CommandError(f"there is no run with the workflow id {run!r} that goes on: {err.message}") from err
        raise CommandError(f"the server does not pass it on: {err.message}") from err
    finally:
        slow.cancel()


async def _list_questions(address: str | None, namespace: str | None) -> list[dict[str, Any]]:
    client = await silent_client(address, namespace)
    try:
        return [row async for row in _read_questions(client)]
    except RPCError as err:
        raise CommandError(f"the server does not list its runs: {err.message}") from err


async def _read_questions(client: Client) -> AsyncIterator[dict[str, Any]]:
    async for found in client.list_workflows("ExecutionStatus = 'Running'"):
        fields = found.raw_info.memo.fields
        _, waiting = await read_memo(client, fields)
        if not waiting or await asked_at_start(client, found):
            continue
        for number, question in waiting.items():
            if "tool" not in question:  # what else is asked, `inputs list` has
                continue
            # A memo is what somebody wrote: of it only what is asked, and nothing in the place of what is known.
            yield {
                "workflow_id": found.id,
                "job": found.workflow_type,
                "number": number,
                "tool": str(question.get("tool")),
                "arguments": question.get("arguments"),
                **({"because": str(question["because"])} if "because" in question else {}),
                "started": found.start_time.isoformat(),
            }
