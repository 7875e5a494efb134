"""Durations and times as options and arguments of commands."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta

from ..durations import to_timedelta
from ..errors import DurationError
from .exiting import CommandError

__all__ = ["read_duration", "read_since"]


def read_duration(text: str, what: str) -> timedelta:
    """Return a duration with its unit. In code a bare number is milliseconds, which nobody means at a prompt.

    Args:
        text: as it was written.
        what: the option or argument, as its error names it.

    Raises:
        CommandError: it is no duration, or a number without a unit.
    """
    if _is_number(text):
        number = text.strip()
        raise CommandError(f"{what} {text!r} has no unit: write {number}d for days, {number}h for hours")
    try:
        return to_timedelta(text)
    except DurationError as error:
        raise CommandError(f"{what} {error}") from None


def read_since(text: str) -> datetime:
    """Return a time: a duration ago, or one that was written, which is of this machine's zone where it has none.

    Raises:
        CommandError: it is neither.
    """
    if not _is_number(text):  # a date can be one as well: 20260131
        with suppress(ValueError, OverflowError):
            return datetime.fromisoformat(text).astimezone(UTC)
        with suppress(DurationError):
            return datetime.now(UTC) - to_timedelta(text)
    raise CommandError(
        f'--since {text!r} is neither a duration, such as "2h" or "3d", nor a time, such as 2026-01-31T12:00'
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
