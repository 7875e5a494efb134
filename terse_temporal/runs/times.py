"""Times and durations in few words, as they stand in sentences about runs."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

__all__ = ["moment_text", "rough"]

_UNITS: Final = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))


def rough(duration: timedelta) -> str:
    """Return a duration in whole seconds, and of its units the two largest: `41 s`, `9 min 5 s`, `3 d 11 h`."""
    if duration < timedelta(seconds=1):
        return "< 1 s"
    rest = round(duration.total_seconds())
    counts = []
    for unit, size in _UNITS:
        count, rest = divmod(rest, size)
        counts.append(f"{count} {unit}" if count else "")
    first = next((place for place, count in enumerate(counts) if count), len(counts) - 1)
    return " ".join(filter(None, counts[first : first + 2]))


def moment_text(moment: datetime, now: datetime) -> str:
    """Return a time in the zone of this machine; the date only where it is another day's."""
    there, here = moment.astimezone(), now.astimezone()
    return f"{there:%H:%M:%S}" if there.date() == here.date() else f"{there:%Y-%m-%d %H:%M:%S}"
