"""`log(...)` prints once, not once per replay."""

from __future__ import annotations

import logging

import pytest

from .bench import Bench
from .jobs_small import logs


async def test_a_line_is_logged_once(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """Each line of a handler is logged once however often it is replayed, with its values and its fields."""
    with caplog.at_level(logging.INFO, logger="terse_temporal.job"):
        await bench.run(logs, customer="ada")
    lines = [record.getMessage() for record in caplog.records if record.name == "terse_temporal.job"]
    assert lines == ["begins 1 customer=ada", "between", "in the step", "ends"]


async def test_without_logging_a_line_is_printed(
    bench: Bench, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Where logging would drop the line it goes to standard output."""
    caplog.set_level(logging.WARNING, logger="terse_temporal.job")
    await bench.run(logs, customer="ada")
    printed = [line for line in capfd.readouterr().out.splitlines() if "temporal" not in line]
    assert printed == ["begins 1 customer=ada", "between", "in the step", "ends"]
