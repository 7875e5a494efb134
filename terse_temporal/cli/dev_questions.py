"""Questions to people in `dev`: each has its link in the log of the worker, whatever way it is asked by."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
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
from .users_files import users_files

__all__ = ["asks_people", "log_links", "print_open_questions"]

#: What code that asks people has in it. Looked for in its text, since helpers ask and modules make agents.
_ASKS: Final = re.compile(rb"\b(wait_for_input|tool_approvals)\b")

#: Questions whose links are remembered, and that are printed at the start.
_REMEMBERED: Final = 1_000
_MOST_PRINTED: Final = 10


def asks_people() -> bool:
    """Return whether the code that is loaded asks people, as far as its text says."""
    for file in users_files():
        with suppress(OSError):
            if _ASKS.search(Path(file).read_bytes()):
                return True
    return False


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
