"""The worker's log says once how a run has ended, with the line of the user's where something was raised."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import re
from datetime import timedelta

import pytest
from temporalio.client import WorkflowFailureError

from terse_temporal.engine.activity import handing_over

from ..bench import Bench, cache_on, timers
from ..waiting import until, until_logged
from .jobs_endings import cleaning_up, ending, ending_in_its_task

#: For each way: what is said, and whether with a traceback.
SAID = {
    "returns": (r"ending done after", False),
    "while handling": (r"ending failed after .*: 'what is done then'(?s:.*)Declined: by the bank", True),
    "while handling, unsaid": (r"ending failed after .*: 'what is done then'(?s:.*)Declined: by the bank", True),
    "in a group": (r"ending failed after .*: (?s:.*)Declined: by the bank(?s:.*)'what is done then'", True),
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
    failed = {how for how, each in zip(SAID, results, strict=True) if isinstance(each, WorkflowFailureError)}
    assert failed == SAID.keys() - {"returns", "continues"}
    logged = [logging.Formatter().format(each) for each in caplog.records if each.msg.startswith(("run ", "%s"))]
    for how, (pattern, traced) in SAID.items():
        ends = [text for text in logged if runs[how].id in text and text.startswith("run ")]
        # The run that it continues as ends too.
        assert len(ends) == (2 if how == "continues" else 1), how
        assert re.search(pattern, ends[0]), how
        assert ("jobs_endings.py" in ends[0]) == traced, how
        # No line of this package or of the engine's, also of what was being handled.
        files = re.findall(r'File "(.*?)"', ends[0])
        assert "temporalio" not in ends[0], how
        assert not [file for file in files if f"{os.sep}terse_temporal{os.sep}" in file], how
        assert not files or "jobs_endings.py" in files[0], how


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


@cache_on
async def test_a_run_that_is_terminated_during_its_task(
    bench: Bench, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its worker, which hands in a task that nobody wants any more, says so once."""
    monkeypatch.setattr(handing_over, "LOCAL_PATIENCE", timedelta(minutes=1))
    with caplog.at_level(logging.INFO, "terse_temporal.worker"):
        async with bench.worker(ending_in_its_task):
            run = await bench.start_on_the_wall_clock(ending_in_its_task)
            await until(bench.effects.lines, "the step has begun")
            await run.terminate()
            bench.effects.path.with_name("end").touch()
            await until_logged(caplog, "is not this worker's any more: it was terminated")
    lines = [each.getMessage() for each in caplog.records if "not this worker's" in each.getMessage()]
    assert len(lines) == 1
    assert lines[0].startswith(f"run   {run.id}  ending-in-its-task is not this worker's any more")


async def test_a_handler_that_its_worker_leaves_behind(
    bench: Bench, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """What a handler does when its worker shuts down, in `finally` too, is not logged, and done when the run ends."""
    with caplog.at_level(logging.INFO, "terse_temporal.job"):
        async with bench.worker(cleaning_up):
            run = await bench.start_on_the_wall_clock(cleaning_up)
            async with asyncio.timeout(20):
                while not await timers(run):  # noqa: ASYNC110  asked of the server
                    await asyncio.sleep(0.05)
        gc.collect()
        assert [each.getMessage() for each in caplog.records if each.name == "terse_temporal.job"] == []
        async with bench.worker(cleaning_up):
            assert await bench.result(run) == "cleaned up"
    logged = [each.getMessage() for each in caplog.records if each.name == "terse_temporal.job"]
    assert logged == ["cleans up"]
    assert bench.effects.lines() == ["cleaned"]
    assert "another" not in capfd.readouterr().out
