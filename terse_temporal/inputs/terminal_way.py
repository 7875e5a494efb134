"""The way `terminal`: a question asked at the terminal in which `terse-temporal dev` runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Final

from ..errors import InputError
from .questions import InputQuestion
from .ways import InputWay

__all__ = ["TerminalWay", "terminal", "terminals"]

#: What asks at a terminal, in the worker of `dev`: there a question stays until it is over, whatever becomes of this
#: process.
terminals: Final[list[Callable[[InputQuestion], None]]] = []


class TerminalWay(InputWay):
    """Asks at the terminal of `dev`."""

    way_name: ClassVar[str] = "terminal"

    async def ask(self, question: InputQuestion) -> None:
        if not terminals:
            raise InputError(
                f"question {question.number} cannot be asked at a terminal: inputs.terminal() asks where"
                " `terse-temporal dev` runs in one, and this worker is not of such a `dev`. Name another way beside it,"
                " or instead."
            )
        for each in terminals:
            each(question)


def terminal() -> TerminalWay:
    """Ask at the terminal in which `terse-temporal dev` runs, as the user of the machine. Elsewhere it cannot ask.

    An option is chosen by its number, a form is filled in field by field, and what does not fit is asked again.
    """
    return TerminalWay()
