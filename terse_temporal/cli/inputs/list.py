"""`terse-temporal inputs list`: the questions that runs ask people."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from ...diagnostics.text import printable
from ...inputs.questions import InputQuestion
from ...runs.input_json import question_json
from ...runs.inputs import list_questions
from ...runs.times import rough
from ..options import Address, Debug, Namespace
from ..output import console, print_json
from ..servers import silent_client
from ..tasks import run_interruptibly
from .output import summary

__all__ = ["list_command"]


def list_command(
    *,
    job: Annotated[str | None, typer.Option("--job", "-j", metavar="NAME", help="Only of runs of this job.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array, for programs.")] = False,
    address: Address = None,
    namespace: Namespace = None,
    debug: Debug = False,
) -> None:
    """List the questions that runs ask people, approvals of tools among them.

    No worker is needed: what a run waits for stands in its memo. The list may be a second or two late.
    """
    questions = run_interruptibly(_list(job, address, namespace))
    if as_json:
        print_json([question_json(each) for each in questions])
        return
    if not questions:
        console.print("no run asks anybody")
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("run", "", "asks", "since", "until"):
        table.add_column(heading, overflow="fold")
    now = datetime.now(UTC)
    for each in questions:
        table.add_row(
            Text(printable(each.id)),
            Text(printable(each.number)),
            Text(summary(each)),
            "" if each.since is None else f"{rough(now - each.since)} ago",
            "" if each.until is None else f"in {rough(each.until - now)}",
        )
    console.print(table)
    console.print("\nterse-temporal inputs show ID [NUMBER], then inputs answer ID [NUMBER]", style="dim", markup=False)


async def _list(job: str | None, address: str | None, namespace: str | None) -> list[InputQuestion]:
    client = await silent_client(address, namespace)
    return [each async for each in list_questions(client, job=job)]
