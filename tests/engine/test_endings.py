"""The worker's log says once how a run has ended, with the line of the user's where something was raised."""

from __future__ import annotations

import asyncio
import logging
import re

import pytest
from temporalio.client import WorkflowFailureError

from .bench import Bench
from .jobs_endings import ending

#: For each way: what is said, and whether with a traceback.
SAID = {
    "returns": (r"ending done after", False),
    "raises": (r"ending failed after .*: Declined: by hand", True),
    "step": (r"ending failed after .*: Declined: by the bank", True),
    "waits": (r"ending cancelled after", False),
    "sleeps": (r"ending cancelled after", False),
    "continues": (r"ending continues as a new run after", False),
}


async def test_each_ending_is_said_once(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """A run that returns, fails, is cancelled or continues as new has one line in the log of the worker."""
    with caplog.at_level(logging.INFO, "terse_temporal.worker"):
        async with bench.worker(ending):
            runs = {how: await bench.start_on_the_wall_clock(ending, how=how) for how in SAID}
            async with asyncio.timeout(20):
                while not any("waits" in line for line in bench.effects.lines()):  # noqa: ASYNC110  a file
                    await asyncio.sleep(0.05)
            for how in ("waits", "sleeps"):
                await runs[how].cancel()
            results = await asyncio.gather(*map(bench.result, runs.values()), return_exceptions=True)
    assert [isinstance(each, WorkflowFailureError) for each in results] == [False, True, True, True, True, False]
    logged = [logging.Formatter().format(each) for each in caplog.records if each.msg.startswith(("run ", "%s"))]
    for how, (pattern, traced) in SAID.items():
        ends = [text for text in logged if runs[how].id in text and text.startswith("run ")]
        # The run that it continues as ends too.
        assert len(ends) == (2 if how == "continues" else 1), how
        assert re.search(pattern, ends[0]), how
        assert ("jobs_endings.py" in ends[0]) == traced, how
        assert "temporalio" not in ends[0], how


async def test_a_run_that_is_terminated(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """The step of a run that is terminated says that its run is over: more is not told to a worker."""
    with caplog.at_level(logging.INFO, "terse_temporal.worker"):
        async with bench.worker(ending):
            run = await bench.start_on_the_wall_clock(ending, how="waits")
            async with asyncio.timeout(20):
                while not bench.effects.lines():  # noqa: ASYNC110  a file
                    await asyncio.sleep(0.05)
                await run.terminate()
                while not any("its run is over" in each.getMessage() for each in caplog.records):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
