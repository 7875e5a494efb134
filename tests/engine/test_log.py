"""`log(...)` prints once, not once per replay."""

from __future__ import annotations

import logging

import pytest

from ..bench import Bench
from .jobs_small import logs


async def test_a_line_is_logged_once(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """Each line of a handler is logged once however often it is replayed, with its level, values and fields."""
    with caplog.at_level(logging.DEBUG, logger="terse_temporal.job"):
        await bench.run(logs, customer="ada")
    lines = [(each.levelname, each.getMessage()) for each in caplog.records if each.name == "terse_temporal.job"]
    assert lines == [
        *(("INFO", text) for text in ("begins 1 customer=ada", "between", "in the step")),
        *(("DEBUG", "found of=3"), ("INFO", "told"), ("WARNING", "nearly"), ("ERROR", "ends")),
    ]


async def test_without_logging_a_line_is_printed(
    bench: Bench, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Where logging would drop the line it goes to standard output."""
    caplog.set_level(logging.CRITICAL, logger="terse_temporal.job")
    await bench.run(logs, customer="ada")
    printed = [line for line in capfd.readouterr().out.splitlines() if "temporal" not in line]
    assert printed == ["begins 1 customer=ada", "between", "in the step", "told", "nearly", "ends"]
