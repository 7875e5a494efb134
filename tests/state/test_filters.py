"""A filter may read the state."""

from __future__ import annotations

import pytest

from terse_temporal import Job

from ..engine.bench import Bench, scheduled
from .jobs_state import filter_without_reading, once_each, once_each_in_place


@pytest.mark.parametrize("job", [once_each, once_each_in_place], ids=lambda job: job.name)
async def test_a_filter_that_reads(bench: Bench, job: Job) -> None:
    """A filter of `(event, state)` is answered by what runs before have kept, also in a job that is not durable."""
    async with bench.worker(job):
        runs = [await bench.start(job, id=each) for each in ("a", "b")]
        assert [await bench.result(run) for run in runs] == ["done", "done"]
        again = await bench.start(job, id="a")
        assert await bench.result(again) == {"skipped": "filter"}
    assert await scheduled(again) == ["state.get"]


async def test_a_filter_that_does_not_read(bench: Bench) -> None:
    """A filter that takes the state and does not read it schedules nothing."""
    async with bench.worker(filter_without_reading):
        run = await bench.start(filter_without_reading, wanted=False)
        assert await bench.result(run) == {"skipped": "filter"}
        assert await bench.result(await bench.start(filter_without_reading, wanted=True)) == "done"
    assert await scheduled(run) == []
