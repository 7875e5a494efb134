"""The way `terminal`: a question asked at the terminal in which `terse-temporal dev` runs."""

from __future__ import annotations

from typing import ClassVar

from .ways import InputWay

__all__ = ["TerminalWay", "terminal"]


class TerminalWay(InputWay):
    """Asks at the terminal of `dev`."""

    way_name: ClassVar[str] = "terminal"


def terminal() -> TerminalWay:
    """Ask at the terminal in which `terse-temporal dev` runs. Anywhere else this way cannot ask."""
    return TerminalWay()
