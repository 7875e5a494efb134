"""`terse-temporal inputs show`: what a run asks, in full."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ...diagnostics.text import json_text, one_line, printable
from ...inputs.questions import InputQuestion
from ...runs.input_json import moment_json, question_json
from ...runs.inputs import find_question, questions_of
from ...runs.questions import PastQuestion
from ..exiting import CommandError
from ..options import Address, Debug, Namespace
from ..output import console, print_json
from ..servers import silent_client
from ..tasks import run_interruptibly
from .links import link_of
from .output import summary, wants

__all__ = ["show"]


def show(
    run: Annotated[str, typer.Argument(metavar="ID", help="The workflow id of the run.")],
    number: Annotated[
        str | None, typer.Argument(metavar="[NUMBER]", help="Of the question; without it, all that are open.")
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object, for programs.")] = False,
    address: Address = None,
    namespace: Namespace = None,
    debug: Debug = False,
) -> None:
    """Show what a run asks, with all that goes with it, and who has answered before."""
    questions, over = run_interruptibly(_find(run, number, address, namespace))
    if as_json:
        print_json(
            {
                "open": [question_json(each) | {"link": link_of(each, address)} for each in questions],
                "over": {n: _past(p) for n, p in over.items()},
            }
        )
        return
    for each in questions:
        _print(each, link_of(each, address))
    if not questions:
        console.print(f"the run {one_line(run)!r} asks nobody", markup=False)
    for past_number, past in over.items():
        by = f" by {one_line(past.by_name)}" if past.by_name else ""
        chose = f": {one_line(past.label)}" if past.label else ""
        console.print(
            f"question {one_line(past_number)} {one_line(past.ended).replace('_', ' ')}{by}{chose}",
            style="dim",
            markup=False,
            highlight=False,
        )


def _print(question: InputQuestion, link: str | None) -> None:
    lines = [f"question {one_line(question.number)} of {one_line(question.id)} ({one_line(question.job)})"]
    lines += ["", printable(question.prompt)]
    if question.tool is not None:
        lines += ["", f"  {summary(question)}"]
        lines += [f"  asked because {one_line(question.because)}"] if question.because else []
    if question.details:
        lines += ["", *(f"  {one_line(name)}: {json_text(each)}" for name, each in question.details.items())]
    lines += ["", "to answer:", *wants(question), ""]
    if question.until is not None:
        then = f", then {one_line(question.on_timeout)} counts" if question.on_timeout else ""
        lines.append(f"until {moment_json(question.until)}{then}")
    if question.respond_by:
        lines.append(f"to be answered by {', '.join(map(one_line, question.respond_by))}")
    if question.is_short:
        lines.append("(in short: no worker is there that has the rest)")
    if link is not None:
        who = "logged in there as one of these" if question.respond_by else "as nobody in particular"
        lines.append(f"or on its page, {who}: {link}")
    else:
        lines.append(
            "terse-temporal inputs answer ID answers it (a link needs TERSE_GATEWAY_URL and TERSE_GATEWAY_KEY here)"
        )
    console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)


def _past(past: PastQuestion) -> dict[str, Any]:
    shown = {"ended": past.ended, "at": moment_json(past.at), "by": past.by, "choice": past.choice, "via": past.via}
    return shown | {"by_name": past.by_name, "label": past.label}


async def _find(
    run: str, number: str | None, address: str | None, namespace: str | None
) -> tuple[list[InputQuestion], dict[str, PastQuestion]]:
    client = await silent_client(address, namespace)
    open_, over = await questions_of(client, run)
    if number is not None:
        open_ = [each for each in open_ if each.number == number]
        over = {each: past for each, past in over.items() if each == number}
        if not open_ and not over:
            raise CommandError(f"the run {run!r} has no question {number!r}, or it was over long ago")
    return [await find_question(client, run, each.number) if each.is_short else each for each in open_], over
