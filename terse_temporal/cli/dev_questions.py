"""Questions to people in `dev`: each has its link in the log of the worker, whatever way it is asked by."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from temporalio.client import Client

from ..diagnostics.text import one_line
from ..errors import TerseError
from ..inputs.links import question_link
from ..inputs.questions import InputQuestion
from ..inputs.ways import InputWay, asked_listeners
from ..inputs.webpage_way import WebpageWay, log_link
from ..runs.inputs import list_questions
from .output import console

__all__ = ["log_links", "print_open_questions"]

#: Questions whose links are remembered, and that are printed at the start.
_REMEMBERED: Final = 1_000
_MOST_PRINTED: Final = 10


def log_links() -> None:
    """Have the link of every question logged in this process, once, as it is asked."""
    logged: dict[tuple[str, str, str], None] = {}

    def log(way: InputWay, question: InputQuestion) -> None:
        place = question.id, question.run, question.number
        # The page does so itself. A step that is tried again asks again.
        if not isinstance(way, WebpageWay) and place not in logged:
            log_link(question)
        logged[place] = None
        if len(logged) > _REMEMBERED:
            del logged[next(iter(logged))]

    asked_listeners.append(log)


async def print_open_questions(client: Client) -> None:
    """Print the links of what runs have asked before, and nobody has answered."""
    printed = 0
    with suppress(TerseError):  # the server is new, and what it says of itself is said elsewhere
        async for question in list_questions(client):
            if printed == _MOST_PRINTED:
                console.print("and more: terse-temporal inputs list", markup=False)
                break
            if printed == 0:
                console.print("\nasked before, and not answered:", markup=False)
            link = question_link(question) or f"terse-temporal inputs show {one_line(question.id)}"
            console.print(f"  run {one_line(question.id)}  question {one_line(question.number)}: {link}", markup=False)
            printed += 1
