"""An event that is sent to a run goes to its waits, one each, in order, however early or late it comes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType

from terse_temporal import get_run
from terse_temporal.errors import RunEndedError, RunNotFoundError
from terse_temporal.runs.memo import read_memo

from ..bench import Bench, Run, timers
from .jobs_waits import goes_on, races, reads_models, sends, takes, takes_quickly, times_out


async def waits(bench: Bench, run: Run, count: int = 1) -> dict[str, Any]:
    """What a run says that it waits for, as soon as that is so much."""
    async with asyncio.timeout(20):
        while True:
            fields = (await run.describe()).raw_description.workflow_execution_info.memo.fields
            _, waiting = await read_memo(bench.env.client, fields)
            if len(waiting or {}) == count:
                return waiting or {}
            await asyncio.sleep(0.02)


async def test_before_between_and_while_it_waits(bench: Bench) -> None:
    """Before there is a worker, before the wait, in order, one for each wait; by whatever client of Temporal."""
    run = await bench.start_on_the_wall_clock(takes, count=4)
    ours = get_run(run.id, client=bench.env.client)
    await ours.send("a", {"n": 1})
    await ours.send("b", "for nobody")
    await run.signal("a", 2)
    async with bench.worker(takes):
        shown = await waits(bench, run)
        assert [each["event"] for each in shown.values()] == ["a"]
        await run.signal("a")
        await ours.send("a", [4])
        assert await bench.result(run) == [{"n": 1}, 2, None, [4]]
    with pytest.raises(RunEndedError, match=r"the run '.*' of the job 'takes' has ended \(completed\)"):
        await ours.send("a")
    with pytest.raises(RunNotFoundError):
        await get_run("nobody", client=bench.env.client).send("a")


async def test_from_a_durable_handler(bench: Bench) -> None:
    """It is recorded; a run that has ended is an error there too."""
    async with bench.worker(takes_quickly, sends):
        run = await bench.start_on_the_wall_clock(takes_quickly, count=1)
        sending = [await bench.start_on_the_wall_clock(sends, count=0, to=run.id)]
        assert await bench.result(run) == ["direct"]
        assert await bench.result(sending[0]) is None
        late = await bench.start_on_the_wall_clock(sends, count=0, to=run.id)
        assert (await bench.failure(late)).type == "RunEndedError"


async def test_the_same_id_twice(bench: Bench) -> None:
    """An event with an id that was there before is none, also when the first was taken, and when the run goes on."""
    run = await bench.start_on_the_wall_clock(goes_on, count=3)
    ours = get_run(run.id, client=bench.env.client)
    for sent, data in [("1", "first"), ("1", "again"), ("2", "second")]:
        await ours.send("a", data, id=sent)
    async with bench.worker(goes_on):
        await waits(bench, run)
        await ours.send("a", "and again", id="1")
        await ours.send("a", "third", id="3")
        assert await bench.result(run) == ["first", "second", "third"]


async def test_a_schema(bench: Bench) -> None:
    """What does not fit is told with every wrong field, the event and the line; it is taken, and the next one fits."""
    run = await bench.start_on_the_wall_clock(reads_models)
    await run.signal("paid", {"amount": "much", "currency": 7})
    await run.signal("paid", {"amount": 5})
    async with bench.worker(reads_models):
        wrong, *paid = await bench.result(run)
    assert paid == [5, "EUR"]
    assert "the event 'paid'" in wrong
    assert "jobs_waits.py:" in wrong
    assert "  amount: " in wrong
    assert "  currency: " in wrong


@pytest.mark.parametrize("key", [None, "k"], ids=["to-the-run", "by-key"])
async def test_time_is_up(bench: Bench, key: str | None) -> None:
    """A wait that is over leaves the event that comes after to the next one."""
    async with bench.worker(times_out):
        said = await bench.result(await bench.start(times_out, **({"key": key} if key else {})))
    what = "the event 'a' with the key 'k'" if key else "the event 'a'"
    assert said[0].startswith(f"EventTimeoutError: {what} did not come within 4 weeks and 2 days")
    assert "jobs_waits.py:" in said[0]
    assert said[1:] == ["TimeoutError", "TimeoutError", 7 if key else None]


async def test_races(bench: Bench) -> None:
    """Waits race with steps and sleeps, and stand in groups."""
    run = await bench.start_on_the_wall_clock(races)
    await run.signal("b", "b")
    async with bench.worker(races):
        await waits(bench, run)
        for name, data in [("a", 1), ("a", 2), ("c", 3), ("c", 4)]:
            await run.signal(name, data)
        assert await bench.result(run) == [[1], [1], [2, "b", 2], [3, 4]]


async def test_what_is_there_costs_nothing(bench: Bench) -> None:
    """An event that has come before leaves no trace but its own."""
    run = await bench.start_on_the_wall_clock(takes_quickly, count=3)
    for number in range(3):
        await run.signal("a", number)
    async with bench.worker(takes_quickly):
        assert await bench.result(run) == [0, 1, 2]
    assert await timers(run) == []
    kinds = [EventType.Name(each.event_type) async for each in run.fetch_history_events()]
    assert not [kind for kind in kinds if "MODIFIED" in kind or "CHILD" in kind], kinds
