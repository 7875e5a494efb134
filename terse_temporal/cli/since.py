"""The option `--since`: a duration ago, or a time."""

from __future__ import annotations

from datetime import UTC, datetime

from ..durations import to_timedelta
from ..errors import DurationError
from .exiting import CommandError

__all__ = ["read_since"]


def read_since(text: str) -> datetime:
    """Return a time: a duration ago, or one that was written, which is of this machine's zone where it has none."""
    try:
        return datetime.now(UTC) - to_timedelta(text)
    except (DurationError, OverflowError):
        try:
            return datetime.fromisoformat(text).astimezone(UTC)
        except (ValueError, OverflowError):
            raise CommandError(
                f'--since {text!r} is neither a duration, such as "2h" or "3d", nor a time, such as 2026-01-31T12:00'
            ) from None
