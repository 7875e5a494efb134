"""An event that is sent by key goes to every run that waits for it, once, and is kept where none does."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from contextlib import suppress
from typing import Any

import pytest
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError

from terse_temporal import send_event
from terse_temporal.engine.events import table
from terse_temporal.engine.events.messages import events_workflow_id

from ..bench import PATIENCE, Bench, Run
from .jobs_waits import goes_on, leaves_waits, races, sends, sends_in_a_step, takes, takes_quickly
from .test_waits import waits


@pytest.fixture
def key() -> str:
    """A key that nothing else uses."""
    return uuid.uuid4().hex


class Events:
    """The events under one key, on the task queue of a test."""

    def __init__(self, bench: Bench, key: str) -> None:
        self.key = key
        self.queue = bench.task_queue
        self.client: Client = bench.env.client
        self.handle = self.client.get_workflow_handle(events_workflow_id(bench.task_queue, "a", key))

    async def send(self, data: Any, *, id: str | None = None, keep: str = "7d") -> None:
        await send_event("a", data, key=self.key, id=id, keep=keep, client=self.client, task_queue=self.queue)

    async def end(self) -> None:
        """Wait until its workflow has ended, by itself."""
        async with asyncio.timeout(PATIENCE):
            await self.handle.result()


@pytest.fixture
def events(bench: Bench, key: str) -> Events:
    """The events under the key."""
    return Events(bench, key)


async def test_before_between_and_while_it_waits(bench: Bench, events: Events) -> None:
    """Kept while there is no run and no worker; in order, one for each wait; and then its workflow ends."""
    await events.send({"n": 1})
    await events.send(2)
    run = await bench.start_on_the_wall_clock(takes, key=events.key, count=4)
    async with bench.worker(takes):
        shown = await waits(bench, run)
        assert [(each["event"], each["key"]) for each in shown.values()] == [("a", events.key)]
        await events.send(None)
        await events.send([4])
        assert await bench.result(run) == [{"n": 1}, 2, None, [4]]
        await events.end()


async def test_to_every_run_that_waits(bench: Bench, events: Events) -> None:
    """All that wait get it, and nobody who comes later does."""
    async with bench.worker(takes, sends):
        runs = [await bench.start_on_the_wall_clock(takes, key=events.key, count=1) for _ in range(5)]
        for run in runs:
            await waits(bench, run)
        await registered(events, 5)
        await events.send("x")
        assert [await bench.result(run) for run in runs] == [["x"]] * 5
        await events.end()
        late = await bench.start_on_the_wall_clock(takes, key=events.key, count=2)
        await waits(bench, late)
        assert await bench.result(await bench.start_on_the_wall_clock(sends, key=events.key, count=2)) is None
        assert await bench.result(late) == [0, 1]


async def registered(events: Events, count: int) -> None:
    """Wait until so many messages have come to the workflow, all of them waits."""
    async with asyncio.timeout(PATIENCE):
        while True:
            with suppress(RPCError):  # not yet there
                history = await events.handle.fetch_history()
                said = [
                    each for each in history.events if each.HasField("workflow_execution_signaled_event_attributes")
                ]
                if 1 + len(said) >= count:
                    return
            await asyncio.sleep(0.02)


async def test_the_same_id_twice(bench: Bench, events: Events) -> None:
    """One event, also when the first was taken long ago."""
    await events.send("first", id="1")
    await events.send("again", id="1")
    await events.send("second")
    async with bench.worker(takes):
        run = await bench.start_on_the_wall_clock(takes, key=events.key, count=3)
        await waits(bench, run)
        await events.send("and again", id="1")
        await events.send("third", id="3")
        assert await bench.result(run) == ["first", "second", "third"]


async def test_kept_for_as_long_as_it_says(bench: Bench, events: Events) -> None:
    """Then it is gone, with its id, and the workflow has ended."""
    async with bench.worker(takes):
        await events.send("gone", id="1", keep="300ms")
        await events.end()
        run = await bench.start_on_the_wall_clock(takes, key=events.key, count=1)
        await waits(bench, run)
        await events.send("there")
        assert await bench.result(run) == ["there"]


async def test_races(bench: Bench, events: Events) -> None:
    """Waits race with steps and sleeps, and stand in groups; a step's event is one however often it is tried."""
    async with bench.worker(races, sends_in_a_step):
        run = await bench.start_on_the_wall_clock(races, key=events.key)
        await run.signal("b", "b")
        await waits(bench, run)
        await bench.result(await bench.start_on_the_wall_clock(sends_in_a_step, key=events.key, to=run.id))
        await events.send(2)
        for data in (3, 4):
            await send_event("c", data, key=events.key, client=events.client, task_queue=events.queue)
        result = await bench.result(run)
    assert result[0] == [1]
    assert Counter(map(str, [*result[1], result[2][0]])) <= Counter({"from a step": 2, "2": 1})
    assert result[3] == [3, 4]


async def test_a_run_that_is_gone(bench: Bench, events: Events) -> None:
    """What was sent to a run that was terminated while it waited is kept for the next."""
    async with bench.worker(takes):
        run = await bench.start_on_the_wall_clock(takes, key=events.key, count=1)
        await waits(bench, run)
        await registered(events, 1)
        await run.terminate()
        await events.send("x")
        assert await bench.result(await bench.start_on_the_wall_clock(takes, key=events.key, count=1)) == ["x"]
        await events.end()


@pytest.mark.parametrize("how", ["returns", "fails", "cancelled"])
async def test_a_run_that_ends_with_open_waits(bench: Bench, events: Events, how: str) -> None:
    """It withdraws them, so that the workflow of the key ends; what is sent next is kept."""
    async with bench.worker(leaves_waits, takes):
        run = await bench.start_on_the_wall_clock(leaves_waits, key=events.key, fails=how == "fails")
        await waits(bench, run, 4)
        await registered(events, 1)
        await (run.cancel() if how == "cancelled" else run.signal("end"))
        await events.end()
        async with asyncio.timeout(PATIENCE):
            while (described := await run.describe()).status is WorkflowExecutionStatus.RUNNING:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert described.status is not None
        ended = {"returns": "COMPLETED", "fails": "FAILED", "cancelled": "CANCELED"}
        assert described.status.name == ended[how]


async def test_a_chain_of_runs(bench: Bench, events: Events) -> None:
    """A run that its author continues as new gets what is sent at any time."""
    async with bench.worker(goes_on):
        run = await bench.start_on_the_wall_clock(goes_on, key=events.key, count=2)
        for number in range(2):
            await events.send(number)
        assert await bench.result(run) == [0, 1]
        await events.end()


async def test_a_reset(bench: Bench, events: Events) -> None:
    """A run that is reset takes again what it took behind that point, and goes on with the events that come."""
    async with bench.worker(takes):
        run = await bench.start_on_the_wall_clock(takes, key=events.key, count=3)
        await events.send(1)
        await waits(bench, run)
        await events.send(2)
        await _has(run, 2, "workflow_execution_signaled")
        again = await bench.reset(run)
        await events.send(3)
        assert await bench.result(again) == [1, 2, 3]
        await events.end()


async def test_a_reset_while_an_event_is_on_its_way(bench: Bench, events: Events) -> None:
    """It goes to a wait that the run had opened before it was reset, and behind the events that come a second time."""
    async with bench.worker(takes_quickly):
        run = await bench.start_on_the_wall_clock(takes_quickly, key=events.key, count=3)
        for number in (1, 2):
            await _has(run, number, "child_workflow_execution_completed")  # its wait is registered
            await events.send(number)
        await _has(run, 3, "child_workflow_execution_completed")
    again = await bench.reset(run)
    await events.send(3)
    async with bench.worker(takes_quickly):
        assert await bench.result(again) == [1, 2, 3]
        await events.end()


async def _has(run: Run, count: int, kind: str) -> None:
    """Wait until so many events of a kind are in the history of a run."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found = [each async for each in run.fetch_history_events()]
            if sum(each.HasField(f"{kind}_event_attributes") for each in found) >= count:  # type: ignore[arg-type]
                return
            await asyncio.sleep(0.02)


async def test_many_events_of_one_key(bench: Bench, events: Events) -> None:
    """Its workflow continues as new on the way, and loses none."""
    async with bench.worker(takes):
        await asyncio.gather(*(events.send(number) for number in range(105)))
        run = await bench.start_on_the_wall_clock(takes, key=events.key, count=3)
        assert len(set(await bench.result(run))) == 3
        assert (await events.handle.describe()).raw_description.workflow_execution_info.first_run_id
        taking = [await bench.start_on_the_wall_clock(takes, key=events.key, count=1) for _ in range(3)]
        assert len({each for run in taking for each in await bench.result(run)}) == 3


async def test_one_that_is_refused_may_be_sent_again(
    bench: Bench, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its id is not remembered: there may be room by then."""
    monkeypatch.setattr(table, "MAX_KEPT", 1)
    await events.send("first")
    await events.send("refused", id="x")
    async with bench.worker(takes):
        assert await bench.result(await bench.start_on_the_wall_clock(takes, key=events.key, count=1)) == ["first"]
        await events.send("now", id="x")
        assert await bench.result(await bench.start_on_the_wall_clock(takes, key=events.key, count=1)) == ["now"]
