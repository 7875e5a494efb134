"""A run that a handler starts is started once, wherever the worker is killed between its start and its end."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from typing import Any

from .processes import Case, at_once, result

NAMES = ["first", "second", "third"]

#: With those whose step may be at work in another run just then: one whose effect is there, of which the server has not
#: heard, has another attempt.
POINTS: dict[str, set[str]] = {
    "asked for": set(),
    "second: started": {"first", "second"},
    "both: recorded": set(),
    "called first": {"second"},
    "called third": set(),
    "second: effect": {"first"},
}


async def survives(case: Case, crash_at: str, **options: Any) -> None:
    async with case.worker(crash_at=crash_at, **options) as first:
        run = await case.start("caller")
        assert await first.ended() == -signal.SIGKILL
    async with case.worker(**options):
        assert await result(run) == NAMES
    for name in NAMES:
        attempts = [mark.attempt for mark in case.marks.all("effect", name)]
        if f"{name}: effect" == crash_at:
            assert attempts == [1, 2]
        elif name in POINTS[crash_at]:
            assert attempts in ([1], [1, 2], [2])
        else:
            assert attempts == [1], name
    assert case.marks.one_key_for_each_step()
    await _listed(case)


async def _listed(case: Case) -> None:
    """The server has one run for each, as soon as its list has caught up."""
    query = f"WorkflowType = 'called' AND TaskQueue = '{case.task_queue}'"
    async with asyncio.timeout(10):
        while (count := (await case.client.count_workflows(query)).count) < len(NAMES):  # noqa: ASYNC110  # the list has no news
            await asyncio.sleep(0.1)
    assert count == len(NAMES)


async def test_started_once(new_case: Callable[..., Case]) -> None:
    """Between the start and its being recorded, in the run itself, and before its result is taken."""
    await at_once(
        {
            f"{point}, {cache}": survives(new_case(jobs="tests/crash/jobs_calls.py"), point, **options)
            for cache, options in {"cache on": {}, "cache at zero": {"max_cached_workflows": 0}}.items()
            for point in POINTS
            if cache == "cache on" or point in ("second: started", "called third")
        }
    )
