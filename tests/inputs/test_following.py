"""Whoever follows a run misses nothing of it while it refuses answers."""

from __future__ import annotations

import asyncio

from terse_temporal.cli.following import Follower

from ..bench import Bench, cache_on
from . import jobs_asking as jobs
from .asking import answer, asked, refused

_EVENTS = 12


@cache_on
async def test_an_event_after_a_refused_answer(bench: Bench) -> None:
    """It has the number of what was told of the task that brought the answer, which is never recorded."""
    async with bench.worker(jobs.asks_for_a_form):
        run = await bench.start(jobs.asks_for_a_form)
        follower = Follower(bench.env.client, run, bench.task_queue, on_change=lambda _: None, on_notice=lambda _: None)
        following = asyncio.create_task(follower.follow())
        await asked(run)
        for number in range(_EVENTS):
            await run.signal("noise", number)
            await refused(run, id="1", data={})
        await answer(run, data={"title": "good"})
        assert (await following).failure is None
    assert sum(entry.kind == "event" for entry in follower.timeline.entries) == _EVENTS
