"""A job that is not durable is one activity of the job's name, run once."""

from __future__ import annotations

import asyncio

import pytest
from temporalio.client import Client

from terse_temporal.worker import build_worker

from ..bench import Bench, Run, cache_on, scheduled
from .jobs_small import plain_async, plain_def, plain_that_raises, plain_without_result


async def test_an_async_job(bench: Bench) -> None:
    """An `async def` runs on the loop, its event typed by its annotation, with the clock on the wall."""
    async with bench.worker(plain_async):
        run = await bench.start(plain_async, fullName="Ada")
        assert await bench.result(run) == ["Ada", True, 4, "MainThread"]
    assert await scheduled(run) == ["plain-async"]
    assert bench.effects.lines() == ["ran"]


async def test_a_def_job(bench: Bench) -> None:
    """A `def` runs on a thread."""
    async with bench.worker(plain_def):
        run = await bench.start(plain_def)
        assert await bench.result(run) == "terse-step"
    assert await scheduled(run) == ["plain-def"]
    assert bench.effects.lines() == ["ran"]


async def test_a_job_without_a_result(bench: Bench) -> None:
    """A result of None is fine."""
    assert await bench.run(plain_without_result) is None


@cache_on
@pytest.mark.parametrize(
    ("case", "cls", "text"),
    [
        ("own", "Broken", "it broke"),
        ("builtin", "KeyError", "'key'"),
        ("exit", "SystemExit", "4"),
        ("cancelled", "SelfCancelledError", "cancelled itself"),
        ("group", "ExceptionGroup", "several: ValueError: one"),
        ("large", "ValueError", "5,000,000 characters in all"),
    ],
)
async def test_it_is_attempted_once(bench: Bench, case: str, cls: str, text: str) -> None:
    """A job that raises fails its run with the name of the class and the text, and is not run again."""
    failure = await bench.fail(plain_that_raises, case=case)
    assert failure.type == cls
    assert text in failure.message
    assert len(failure.message) < 11_000
    assert bench.effects.lines() == ["ran"]


async def test_a_worker_without_the_job(bench: Bench) -> None:
    """Refused by a worker of the version before, which does not have it, a job waits for a worker that has."""
    before = build_worker(await Client.connect(bench.env.address), jobs=[plain_def], task_queue=bench.task_queue)
    async with bench.worker(plain_async, no_remote_activities=True):
        run = await bench.start(plain_async, fullName="Ada")
        async with asyncio.timeout(20):
            while not await scheduled(run):  # noqa: ASYNC110  else the other worker may take the workflow task
                await asyncio.sleep(0.05)
    async with before, asyncio.timeout(20):
        while not await _was_refused(run):  # noqa: ASYNC110  the server tells of no attempts
            await asyncio.sleep(0.05)
    assert bench.effects.lines() == []
    async with bench.worker(plain_async):
        assert (await bench.result(run))[0] == "Ada"
    assert await scheduled(run) == ["plain-async"]
    assert bench.effects.lines() == ["ran"]


async def _was_refused(run: Run) -> bool:
    pending = (await run.describe()).raw_description.pending_activities
    return [each.last_failure.application_failure_info.type for each in pending] == ["UnknownJobError"]


async def test_a_wrong_event(bench: Bench) -> None:
    """An event that does not fit fails the run before the job is called, naming the field."""
    failure = await bench.refuse(plain_async, fullName=5)
    assert failure.type == "EventError"
    assert "full" in failure.message
    assert bench.effects.lines() == []
