"""JSON and times as a page shows them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

from ...diagnostics.text import json_text, shorten
from ...runs.times import rough

__all__ = ["Shown", "pairs", "show", "show_time"]

#: A text, texts of a list, or pairs of a name and what it has.
Shown: TypeAlias = "str | list[str] | list[tuple[str, Shown]]"

#: Entries of an object or a list, how deep they are shown one below the other, and characters of a text. What a job
#: asks is smaller; a memo may be of anybody's making.
_MOST: Final = 200
_DEEPEST: Final = 4
_LONGEST: Final = 20_000
_LONGEST_NAME: Final = 200

#: In words, as the names of months are those of the process's locale.
_MONTHS: Final = (
    "January February March April May June July August September October November December".split()  # noqa: SIM905
)


def show(value: Any, depth: int = 0) -> Shown:
    """Return JSON as it is shown."""
    match value:
        case _ if value is None or value in ("", [], {}):
            return "—"
        case bool():
            return "yes" if value else "no"
        case str():
            return shorten(value, _LONGEST)
        case dict() if depth < _DEEPEST:
            return pairs(value, depth + 1)
        case list() if not any(isinstance(each, dict | list) for each in value):
            return _bounded([str(show(each)) for each in value[:_MOST]], len(value))
        case list() if depth < _DEEPEST:
            return pairs({str(number): each for number, each in enumerate(value[:_MOST], 1)}, depth + 1)
    try:
        return shorten(json_text(value), _LONGEST)
    except RecursionError:
        return "…"


def pairs(value: Mapping[str, Any], depth: int = 0) -> list[tuple[str, Shown]]:
    """Return an object as pairs of a name and what is shown of its value."""
    found = [(shorten(str(name), _LONGEST_NAME), show(each, depth)) for name, each in list(value.items())[:_MOST]]
    return [*found, *([("…", f"{len(value) - _MOST} more")] if len(value) > _MOST else [])]


def show_time(moment: datetime, now: datetime | None = None) -> str:
    """Return a moment as people write it, in UTC, and how far away it is."""
    at = moment.astimezone(UTC)
    written = f"{at.day} {_MONTHS[at.month - 1]} {at.year}, {at:%H:%M} UTC"
    minutes = round((at - (now or datetime.now(UTC))) / timedelta(minutes=1))
    if minutes == 0:
        return f"{written}, now"
    away = rough(timedelta(minutes=abs(minutes)))
    return f"{written}, in {away}" if minutes > 0 else f"{written}, {away} ago"


def _bounded(texts: list[str], length: int) -> list[str]:
    return [*texts, *([f"… {length - _MOST} more"] if length > _MOST else [])]
