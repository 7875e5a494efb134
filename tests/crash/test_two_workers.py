"""Several workers on one task queue share its work."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import AsyncExitStack
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


async def test_four_workers_killed_at_random(new_case: NewCase) -> None:
    """Three of four die amid the work, each at some moment: all runs end right, and nothing finished runs again."""
    queue = new_case()
    cases = [queue.another() for _ in range(30)]
    killed = set()
    async with AsyncExitStack() as stack:
        workers = [await stack.enter_async_context(queue.worker()) for _ in range(4)]
        runs = []
        for number, case in enumerate(cases):
            runs.append(await case.start_one_step(waits=False))
            if number % 10 == 9:
                await asyncio.sleep(random.uniform(0, 0.3))
                victim = workers.pop()
                victim.kill()
                killed.add(victim.pid)
        assert await asyncio.gather(*map(result, runs)) == ["work"] * len(cases)
    steps = ("before", "work", "after")
    for case in cases:
        began = case.marks.all("began")
        # The next step begins when the one before is recorded: none has begun again after that.
        assert [steps.index(mark.step) for mark in began] == sorted(steps.index(mark.step) for mark in began)
        for step in steps:
            *lost, last = case.marks.all("began", step)
            assert {mark.pid for mark in lost} <= killed
            assert case.marks.all("effect", step)[-1].pid == last.pid
        assert case.marks.one_key_for_each_step()
