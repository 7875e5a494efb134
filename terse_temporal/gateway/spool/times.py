"""Moments as the spool has them: microseconds since 1970, in UTC."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Final

__all__ = ["from_microseconds", "now_in_microseconds", "to_microseconds"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def to_microseconds(moment: datetime) -> int:
    """Return a moment with a timezone as a number."""
    return (moment - _EPOCH) // _MICROSECOND


def from_microseconds(number: int) -> datetime:
    """Return the moment of a number, in UTC."""
    return _EPOCH + timedelta(microseconds=number)


def now_in_microseconds() -> int:
    """Return what time it is."""
    return time.time_ns() // 1000
