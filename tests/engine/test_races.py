"""Steps and sleeps race freely: the first wins on every replay, and the one that loses is withdrawn."""

from __future__ import annotations

from terse_temporal.engine.wire.history import RunHistory

from ..bench import Bench
from .jobs_races import races, races_a_sleep


async def test_the_first_of_several(bench: Bench) -> None:
    """`asyncio.wait` gives the one that ended; a step that lost has ended, and a timer is withdrawn."""
    async with bench.worker(races):
        run = await bench.start(races)
        assert await bench.result(run) == [1, True, True, 2]
    assert sorted(bench.effects.lines()[:3]) == ["begin quick", "begin slow", "end quick"]
    assert bench.effects.lines()[3:] == ["cancelled slow", "begin after", "end after"]
    history = RunHistory((await run.fetch_history()).events)
    assert {step.name: step.outcome for step in history.steps} == {
        "work-quick": "completed",
        "work-slow": "cancelled",
        "work-after": "completed",
    }
    assert [timer.outcome for timer in history.timers] == ["cancelled"]


async def test_a_limit_of_time(bench: Bench) -> None:
    """`asyncio.timeout`, `wait_for`, `as_completed` and groups: whichever is first, a step or time."""
    async with bench.worker(races_a_sleep):
        run = await bench.start_on_the_wall_clock(races_a_sleep)
        assert await bench.result(run) == ["over", 3, 4, "stopped"]
    history = RunHistory((await run.fetch_history()).events)
    assert [(step.name, step.outcome) for step in history.steps] == [
        *(("work-too slow", "cancelled"), ("work-in time", "completed")),
        *(("work-first", "completed"), ("forever", "cancelled")),
    ]
    # The two limits that were over, the sleep in the group, the limit that was not, and the sleep that nobody awaits.
    ended = [(timer.duration.days, timer.outcome) for timer in history.timers]
    assert ended == [(0, "completed"), (30, "cancelled"), (0, "cancelled"), (30, "open"), (0, "completed")]
