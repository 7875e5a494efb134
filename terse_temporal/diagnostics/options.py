"""Options that are passed on to a function of the SDK."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable
from typing import Any

from .text import did_you_mean

__all__ = ["refuse_unknown_options"]


def refuse_unknown_options(
    call: str, given: Iterable[str], takes: Callable[..., Any], *, ours: Collection[str] = ()
) -> None:
    """Raise a `TypeError`, as Python does for an argument that is not there, with the nearest names.

    Args:
        call: the function of ours that was called.
        given: the names of the options.
        takes: what they are passed on to. Its own signature is asked, so that an option of a later SDK is taken too.
        ours: arguments of the call itself, which may be meant.
    """
    known = [*ours, *inspect.signature(takes).parameters]
    for name in given:
        if name not in known:
            raise TypeError(f"{call}() has no option {name!r}{did_you_mean(name, known)}")
