"""What is said of a handler that the SDK has cut off, as it came to no `await` for too long."""

from __future__ import annotations

import re
from types import TracebackType
from typing import Final

from .places import is_users, place

__all__ = ["place_in_traceback", "stalled_text"]

#: What the SDK says then. The number is one that it documents, the rest its words.
_STALLED: Final = re.compile(r"\[TMPRL1101\][^\n]*? within (?P<seconds>[\d.]+?)(?:\.0)? second")


def stalled_text(message: str, where: str) -> str | None:
    """Return in words of ours what an error of the SDK says; `None` where it says something else.

    Args:
        message: of the error.
        where: the user's line at which the handler was; empty where it is not known.
    """
    found = _STALLED.search(message)
    if found is None:
        return None
    return (
        f"no `await` for {found['seconds']} s{f', at {where}' if where else ''}. What computes that long, or reads that"
        " much, belongs in a step"
    )


def place_in_traceback(traceback: TracebackType | None) -> str:
    """Return the user's innermost line, where the innermost comes first, as the SDK has it of a handler."""
    while traceback is not None:
        if is_users(traceback.tb_frame):
            return place(traceback.tb_frame.f_code.co_filename, traceback.tb_lineno)
        traceback = traceback.tb_next
    return ""
