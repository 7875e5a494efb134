"""Several workers on one task queue share its work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from .processes import Case, at_once, result

NewCase = Callable[[], Case]


async def test_steps_of_one_run_on_two_workers(new_case: NewCase) -> None:
    """Two parallel steps of one run are taken by two workers, where each has room for one."""

    async def meet(**options: Any) -> None:
        case = new_case()
        async with (
            case.worker(max_concurrent_activities=1, **options) as first,
            case.worker(max_concurrent_activities=1, **options) as second,
        ):
            assert await result(await case.start("meeting")) == [["ada", "bob"], ["ada", "bob"]]
        assert {mark.pid for mark in case.marks.all("began")} == {first.pid, second.pid}
        assert case.marks.count("began") == {"ada": 1, "bob": 1}

    await at_once({"cache on": meet(), "cache at zero": meet(max_cached_workflows=0)})


async def test_many_runs_on_two_workers(new_case: NewCase) -> None:
    """With one of two workers killed among many runs, every run ends right; a key is of one step of one run."""
    queue = new_case()
    cases = [queue.another() for _ in range(20)]
    async with queue.worker() as first, queue.worker():
        runs = [await case.start_one_step() for case in cases]
        for case in cases:
            await case.began("work")
        first.kill()
        await first.ended()
        for case in cases:
            case.go.touch()
        assert await asyncio.gather(*map(result, runs)) == ["work"] * len(cases)
    for case in cases:
        # What the killed one had begun began again.
        lost = [mark for mark in case.marks.all("began", "work") if mark.pid == first.pid]
        assert case.marks.count("began") == {"before": 1, "work": 1 + len(lost), "after": 1}
        assert case.marks.count("effect") == {"before": 1, "work": 1, "after": 1}
        assert case.marks.one_key_for_each_step()
    assert len({mark.key for case in cases for mark in case.marks.all("began")}) == 3 * len(cases)
