"""A run whose tasks nothing wakes any more leaves the cache all the same, and goes on from its history."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from terse_temporal import create_job, job_step, log
from terse_temporal.engine.workflow.runner import _GuardedInstance

from ..bench import Bench
from ..effects import record

pytestmark = pytest.mark.parametrize("cache", [1], indirect=True)


async def until_there(file: str) -> str:
    async with asyncio.timeout(20):
        while not Path(file).exists():  # noqa: ASYNC110, ASYNC240  # the test makes it
            await asyncio.sleep(0.02)
    return file


@create_job(name="stuck-in-the-cache", durable=True)
async def stuck(event: dict[str, Any]) -> int:
    try:
        done = await asyncio.gather(*(job_step(run=until_there, input=event["go"]) for _ in range(3)))
    finally:
        log("left the steps")
    return len(done)


@create_job(name="next-in-the-cache", durable=True)
async def another(event: dict[str, Any]) -> None:
    await job_step(run=lambda path: record(path, "another"), name="record", input=event["effects"])


async def test_goes_on(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What was to wake its tasks is lost, as when a workflow task is cut off: no task is left, and nothing is said."""
    lost = 0
    activate = _GuardedInstance.activate

    def lossy(self: _GuardedInstance, act: Any) -> Any:
        nonlocal lost
        inner: Any = self._journaled.inner
        if self.get_info().workflow_type == stuck.name and any(job.HasField("remove_from_cache") for job in act.jobs):
            for task in inner._tasks:
                if (waits_for := task._fut_waiter) is not None and waits_for.cancel():
                    lost += 1
            inner._ready.clear()
        return activate(self, act)

    monkeypatch.setattr(_GuardedInstance, "activate", lossy)
    caplog.set_level(logging.INFO)
    async with bench.worker(stuck, another):
        run = await bench.start(stuck, go=str(tmp_path / "go"))
        async with asyncio.timeout(20):
            while len((await run.describe()).raw_description.pending_activities) < 3:  # noqa: ASYNC110  the server
                await asyncio.sleep(0.05)
        await bench.result(await bench.start(another))
        (tmp_path / "go").touch()
        assert await bench.result(run) == 3
    assert lost
    assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert caplog.text.count("left the steps") == 1
