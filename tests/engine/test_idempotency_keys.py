"""A step's idempotency key is the same on all its attempts, and different for every other step of every other run."""

from __future__ import annotations

import re

from ..bench import Bench
from .jobs_parallel import keys


async def test_keys(bench: Bench) -> None:
    """Keys of one run differ from each other and from those of another; attempts of one step have one."""
    async with bench.worker(keys):
        runs = [await bench.start(keys) for _ in range(2)]
        one, other = [await bench.result(run) for run in runs]
        again = await bench.env.client.start_workflow(
            keys.name, {"effects": str(bench.effects)}, id=runs[0].id, task_queue=bench.task_queue
        )
        third = await bench.result(again)
    assert len({*one, *other, *third}) == 3 * 7
    assert all(re.fullmatch("[0-9a-f]{32}", key) for key in one)
    attempts = [line.split() for line in bench.effects.lines()]
    for found in (one, other, third):
        assert [attempt for attempt, key, name in attempts if key == found[3]] == ["1", "2", "3"]
    assert {name for _, _, name in attempts} == {"once_more"}
