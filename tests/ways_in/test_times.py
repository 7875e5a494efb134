"""At a prompt, a duration has a unit: a bare number, which is milliseconds in code, is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from terse_temporal.cli.exiting import CommandError
from terse_temporal.cli.times import read_duration, read_since

#: For Python, or not without a unit.
_NO_NUMBERS = ("nan", "inf", "٣", "1_0", "1e3", "-3", "0", "3.")


@pytest.mark.parametrize("text", ["90", "0.5", " 7 ", ".5", "20260131"])
def test_a_number_without_a_unit(text: str) -> None:
    """The error names the option, and for a duration what to write."""
    with pytest.raises(CommandError, match=f"--older-than '{text}' has no unit: write {text.strip()}d for days"):
        read_duration(text, "--older-than")
    with pytest.raises(CommandError, match=f"--since '{text}' is neither a duration, such as "):
        read_since(text)


@pytest.mark.parametrize("text", ["", "soon", "-1d", "0s", "2 fortnights", "300 years", "1d" * 100, *_NO_NUMBERS])
def test_no_duration(text: str) -> None:
    """Whatever else is none says so in one line."""
    with pytest.raises(CommandError, match=r"^the duration ") as caught:
        read_duration(text, "the duration")
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith('; write one number and one unit, such as "90s", "2h" or "3d"')
    with pytest.raises(CommandError, match="is neither a duration"):
        read_since(text)


def test_minutes_or_months() -> None:
    """`1M` is a minute in code. At a prompt it is taken for a month, so it is asked for."""
    with pytest.raises(CommandError, match="'1M' may be minutes or months: write 1m or 1mo"):
        read_duration("1M", "--older-than")
    with pytest.raises(CommandError, match="is neither a duration"):
        read_since("1M")


def test_what_is_read() -> None:
    """Durations as in code, and for `--since` times too, of this machine's zone where they have none."""
    assert read_duration("90d", "it") == timedelta(days=90)
    since = read_since("2h")
    assert timedelta(hours=2) <= datetime.now(UTC) - since < timedelta(hours=2, minutes=1)
    assert read_since("2026-01-31T12:00+01:00") == datetime(2026, 1, 31, 11, tzinfo=UTC)
    assert read_since("2026-01-31") == datetime(2026, 1, 31).astimezone(UTC)
