"""Durations and times as options and arguments of commands."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final

from ..durations import ACCEPTED, to_timedelta
from ..errors import DurationError
from .exiting import CommandError

__all__ = ["read_duration", "read_since"]

_NUMBER: Final = re.compile(r"[0-9]+(?:\.[0-9]+)?|\.[0-9]+", re.ASCII)


def read_duration(text: str, what: str) -> timedelta:
    """Return a duration with its unit. In code a bare number is milliseconds, which nobody means at a prompt.

    Args:
        text: as it was written.
        what: the option or argument, as its error names it.

    Raises:
        CommandError: it is no duration, or a number without a unit.
    """
    number = text.strip()
    if _is_number(text):
        raise CommandError(f"{what} {text!r} has no unit: write {number}d for days, {number}h for hours")
    if number.endswith("M"):  # in code it is minutes, as `m` is
        raise CommandError(f"{what} {text!r} may be minutes or months: write {number[:-1]}m or {number[:-1]}mo")
    try:
        return to_timedelta(text)
    except DurationError as error:
        said = str(error).removesuffix(f"; {ACCEPTED}")
        raise CommandError(f'{what} {said}; write one number and one unit, such as "90s", "2h" or "3d"') from None


def read_since(text: str) -> datetime:
    """Return a time: a duration ago, or one that was written, which is of this machine's zone where it has none.

    Raises:
        CommandError: it is neither.
    """
    if not _is_number(text):  # a date can be one as well: 20260131
        with suppress(ValueError, OverflowError):
            return datetime.fromisoformat(text).astimezone(UTC)
    with suppress(CommandError):
        return datetime.now(UTC) - read_duration(text, "--since")
    raise CommandError(
        f'--since {text!r} is neither a duration, such as "2h" or "3d", nor a time, such as 2026-01-31T12:00'
    )


def _is_number(text: str) -> bool:
    return _NUMBER.fullmatch(text.strip()) is not None and float(text) > 0
