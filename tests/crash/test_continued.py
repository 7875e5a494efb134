"""A run that continues as new by itself does nothing again, wherever its worker is killed on the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .jobs_continued import ROUNDS
from .processes import Case, at_once, result

#: Methods of the run's journal at whose end the worker is killed, and how often they have ended by then.
POINTS = {
    "as it continues": ["_continue", 1],
    "as the next run begins": ["_begin", 2],
    "between slices": ["_replay_slice", 2],
    "when all is replayed": ["_take_up", 1],
    "as it continues again": ["_continue", 2],
}


async def survives(case: Case, point: list[Any], **options: Any) -> None:
    options |= {"continue_after": 25, "journal_slice": 4}
    async with case.worker(crash_after=point, **options) as first:
        run = await case.start("continuing")
        await run.signal("late", {"number": 7})
        await case.killed(first)
    async with case.worker(**options):
        assert await result(run) == [[f"step-{number}" for number in range(ROUNDS)], 7]
    for number in range(ROUNDS):
        attempts = [mark.attempt for mark in case.marks.all("effect", f"step-{number}")]
        # Of a local step the server hears at the end of a task.
        assert attempts == [1] or (number % 3 == 2 and len(attempts) == 2), (number, attempts)
    assert case.marks.one_key_for_each_step()


async def test_nothing_is_done_again(new_case: Callable[..., Case]) -> None:
    """At the continuation, and in the replay of what is carried."""
    await at_once(
        {
            f"{name}, {cache}": survives(new_case(jobs="tests/crash/jobs_continued.py"), point, **options)
            for cache, options in {"cache on": {}, "cache at zero": {"max_cached_workflows": 0}}.items()
            for name, point in POINTS.items()
            if cache == "cache on" or name in ("as it continues", "between slices")
        }
    )
