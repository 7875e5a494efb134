"""A test sends events to its runs, skips the time of waits, and is told what a run waits for."""

from __future__ import annotations

import pytest

from terse_temporal.errors import EventError, RunEndedError
from terse_temporal.testing import Jobs

from . import jobs_events as kit


async def test_all_of_it(jobs: Jobs) -> None:
    """To a run, by key, and the end of a wait's time; the timeline has what came and what is waited for."""
    run = await jobs.start(kit.waits)
    assert await run.waiting_for_event() == "a"
    await run.send("a", {"n": 1}, id="1")
    await run.send("a", {"n": 2}, id="1")
    assert await run.waiting_for_event() == "b"
    await jobs.skip("9d")
    assert await run.waiting_for_event() == "b"
    await jobs.skip("3d")
    assert await run.waiting_for_event() == "c"
    assert "event  'c' with the key 'k'" in run.timeline()
    await jobs.send_event("c", 3, key="k")
    assert await run.result() == [{"n": 1}, "late", 3]
    lines = [" ".join(line.split()[:4]) for line in run.timeline().splitlines()]
    assert any(line.startswith("event a") for line in lines)
    assert any(line.startswith("event c, key k") for line in lines)
    with pytest.raises(RunEndedError):
        await run.send("a")


async def test_before_the_run(jobs: Jobs) -> None:
    """An event by key that was sent before anything was started, or by a run that has ended, is there."""
    await jobs.send_event("c", "early", key="k")
    with pytest.raises(EventError):
        await jobs.send_event("", key="k")
    first = await jobs.start(kit.waits)
    await first.send("a")
    await first.send("b")
    assert await first.result() == [None, None, "early"]
    await jobs.run(kit.sends)
    second = await jobs.start(kit.waits)
    await second.send("a")
    await second.send("b")
    assert await second.result() == [None, None, "from a run"]


async def test_what_it_waits_for(jobs: Jobs) -> None:
    """A test that waits for a run is told."""
    run = await jobs.start(kit.waits)
    with pytest.raises(AssertionError, match=r"it waits for the event 'a'\. Send it in the test, await run\.send"):
        await run.result()


async def test_a_crash_between_the_event_and_the_wait(jobs: Jobs) -> None:
    """The worker is killed when the event is there and not yet waited for."""
    jobs.crash_at("same", "after_effect")
    run = await jobs.start(kit.waits)
    await run.send("a", 1)
    await run.send("b", 2)
    await jobs.send_event("c", 3, key="k")
    assert await run.result() == [1, 2, 3]
