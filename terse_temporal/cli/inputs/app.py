"""`terse-temporal inputs`: the commands that there are."""

from __future__ import annotations

from typing import Final

from ..lazy_commands import LazyCommands

__all__ = ["COMMANDS", "app"]

#: The module of each command, its name in there, and the first line of its documentation.
COMMANDS: Final = {
    "list": ("list", "list_command", "List the questions that runs ask people, approvals of tools among them."),
    "show": ("show", "show", "Show what a run asks, with all that goes with it, and who has answered before."),
    "answer": ("answer", "answer", "Answer a question: the run goes on."),
}


class _Commands(LazyCommands):
    package = str(__package__)
    table = COMMANDS


app = _Commands.group("inputs")


@app.callback()
def _inputs() -> None:
    """See the questions that runs ask people, and answer them.

    No worker is needed to see one: what a run waits for stands in its memo. Its worker takes the answer.
    """
