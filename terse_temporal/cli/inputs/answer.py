"""`terse-temporal inputs answer`: the answer to a question."""

from __future__ import annotations

import asyncio
import getpass
from typing import Annotated, Any

import typer

from ...errors import AnswerRefusedError
from ...inputs.terminal_way import TerminalWay
from ...runs.inputs import answer_question
from ..event_argument import read_data_argument
from ..exiting import FAILED, CommandError
from ..options import Address, Debug, Namespace
from ..output import console, errors, print_json
from ..servers import silent_client
from ..tasks import run_interruptibly

__all__ = ["answer", "print_slow", "user_name"]


def answer(
    run: Annotated[str, typer.Argument(metavar="ID", help="The workflow id of the run.")],
    number: Annotated[
        str | None, typer.Argument(metavar="[NUMBER]", help="Of the question, where the run asks more than one.")
    ] = None,
    *,
    choice: Annotated[str | None, typer.Option("--choice", "-c", metavar="ID", help="The option.")] = None,
    text: Annotated[
        str | None, typer.Option("--text", "-t", metavar="TEXT", help="What goes with it, or is the answer.")
    ] = None,
    data: Annotated[
        str | None,
        typer.Option("--data", "-d", metavar="JSON|FILE|-", help="The fields of a form: JSON, a file of it, or -."),
    ] = None,
    by: Annotated[str | None, typer.Option(metavar="NAME", help="Who answers; by default this user.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False,
    address: Address = None,
    namespace: Namespace = None,
    debug: Debug = False,
) -> None:
    """Answer a question: the run goes on.

    What does not fit is refused, and the run does not notice. The exit status is 1 where somebody else was first, or
    nobody is asked any more, and 2 where the answer does not fit.
    """
    if choice is None and text is None and data is None:
        raise CommandError("say what the answer is: --choice ID, --text TEXT or --data JSON")
    given = {"choice": choice, "text": text or "", "data": None if data is None else read_data_argument(data)}
    by = by or user_name()
    run_interruptibly(_answer(run, number, given, by, address, namespace))
    if as_json:
        print_json({"id": run, "status": "taken", "by": by})
        return
    console.print(f"answered; the run {run!r} goes on", markup=False)


async def _answer(
    run: str, number: str | None, given: dict[str, Any], by: str, address: str | None, namespace: str | None
) -> None:
    client = await silent_client(address, namespace)
    slow = asyncio.get_running_loop().call_later(3, print_slow, run)
    try:
        await answer_question(client, run, number, **given, by=by, via=TerminalWay.way_name)
    except AnswerRefusedError as err:
        late = err.kind in ("answered", "closed")
        raise CommandError(f"not taken: {err}", **({"status": FAILED} if late else {})) from err
    finally:
        slow.cancel()


def print_slow(run: str) -> None:
    """Say that no worker has taken an answer yet."""
    errors.print(
        f"no worker has taken it yet. It is for the worker of the run {run!r} to take; left alone now, it may still"
        " count when there is one.",
        markup=False,
    )


def user_name() -> str:
    """Return who this is; empty where that is not known."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        return ""
