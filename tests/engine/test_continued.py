"""A run whose history grows long continues as new by itself, and is one run to its handler."""

from __future__ import annotations

import asyncio
import itertools
import logging
import random
import threading
import uuid
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.service import RPCError
from temporalio.worker import Replayer

from terse_temporal.engine.activity import handing_over
from terse_temporal.engine.code import builtin_functions, followed_runs
from terse_temporal.engine.journal import bounds, instance
from terse_temporal.engine.journal.instance import JournaledInstance
from terse_temporal.plugin import TersePlugin
from terse_temporal.runs.facts import Polls, gather_facts
from terse_temporal.runs.finding_waits import find_waits
from terse_temporal.runs.inputs import answer_question
from terse_temporal.runs.reading import read_timeline
from terse_temporal.serialization.wire_names import JOURNAL_REPLAY

from ..bench import Bench, Run, cache_on
from .helpers import DAWDLING
from .jobs_continued import child, dawdles, grows, interprets, loops, loops_locally, waiting_child, waits

MARKER: Final = "marker_recorded_event_attributes"

#: Events after which runs of these tests continue.
SMALL = 25


async def histories(bench: Bench, run: Run) -> int:
    """How many histories a run has had."""
    return len([each async for each in bench.env.client.list_workflows(f"WorkflowId='{run.id}'")])


async def test_a_loop(bench: Bench) -> None:
    """Steps that are done are not done again, and times, ids and random numbers stay as they were."""
    async with bench.worker(loops, continue_after=SMALL):
        run = await bench.start(loops, steps=40)
        total, *_ = await bench.result(run)
    assert total == sum(range(40))
    assert bench.effects.counted() == {f"n{number}": 1 for number in range(40)}
    assert await histories(bench, run) > 5


async def test_a_long_journal(bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """What is carried is replayed in slices, of which the log says nothing; other bounds replay it too."""
    monkeypatch.setattr(instance, "SLICE", 4)
    caplog.set_level(logging.INFO, "terse_temporal")
    async with bench.worker(interprets, continue_after=SMALL):
        run = await bench.start(interprets, program=["seq", *[["step", 1]] * 20, ["event", "late"], ["step", 2]])
        while await histories(bench, run) < 3:  # noqa: ASYNC110  # the server says it
            await asyncio.sleep(0.05)
        await run.signal("late", {"number": 5})
        assert await bench.result(run) == [*[1] * 20, 5, 2]
    assert set(bench.effects.counted().values()) == {1}
    latest = bench.env.client.get_workflow_handle(run.id)
    first = bench.env.client.get_workflow_handle(run.id, run_id=run.first_execution_run_id)
    markers = [event for event in (await latest.fetch_history()).events if event.HasField(MARKER)]
    assert len(markers) > 3
    assert "note-step" in caplog.text
    assert "journal" not in caplog.text
    replayer = Replayer(workflows=[], plugins=[TersePlugin([interprets])])
    for each in (first, latest):
        await replayer.replay_workflow(await each.fetch_history())


def random_program(draw: random.Random, kinds: list[str], depth: int = 0) -> list[Any]:
    """A program for `interprets`."""
    nested = ["all", "group", "seq", "raced"] if depth < 3 else []
    kind = draw.choice([*kinds, *nested]) if depth else "seq"

    def some(least: int, most: int) -> list[list[Any]]:
        return [random_program(draw, kinds, depth + 1) for _ in range(draw.randint(least, most))]

    match kind:
        case "step" | "local" | "run" | "start":
            return [kind, draw.randrange(9)]
        case "fails":
            return [kind, "local" in kinds and draw.random() < 0.5]
        case "sleep":
            return [kind, draw.choice([1, 30])]
        case "event":
            return [kind, f"event-{draw.randrange(4)}"]
        case "limit":
            return [kind, draw.random() < 0.5, ["step", 1]]
        case "raced":
            return [kind, random_program(draw, kinds, 3)]
        case "all" | "group" | "seq":
            return [kind, *(some(2, 4) if depth else some(7, 10))]
    return [kind]


def events_of(program: list[Any]) -> Iterator[str]:
    """The names of the events that a program waits for."""
    if program[0] == "event":
        yield program[1]
    for each in program[1:]:
        if isinstance(each, list):
            yield from events_of(each)


def given_by(program: list[Any]) -> Any:
    """What a program gives, in ordinary Python."""
    match program:
        case ["step" | "local" | "run" | "start", value]:
            return value
        case ["fails", _]:
            return "declined"
        case ["sleep", _]:
            return "slept"
        case ["draw"]:
            return [4, True, True]
        case ["event", _]:
            return 7
        case ["limit", is_over, body]:
            return "over" if is_over else given_by(body)
        case ["raced", body]:
            return given_by(body)
    return [given_by(each) for each in program[1:]]


async def test_random_programs(bench: Bench) -> None:
    """Whatever a handler does, it comes to the same as in plain Python, and nothing is done twice."""
    kinds = ["step", "local", "fails", "sleep", "draw", "event", "limit", "run", "start"]
    programs = [random_program(random.Random(seed), kinds) for seed in range(3)]
    async with bench.worker(interprets, child, continue_after=SMALL):
        runs = [
            await bench.start(interprets, program=program, of=str(number)) for number, program in enumerate(programs)
        ]
        for run, program in zip(runs, programs, strict=True):
            for name in events_of(program):
                await run.signal(name, {"number": 7})
        given = await asyncio.gather(*map(bench.result, runs))
    assert given == [given_by(program) for program in programs]
    assert [await histories(bench, run) > 2 for run in runs] == [True] * 3
    counted = bench.effects.counted()
    # A run that leaves the cache takes along what its local steps have come to and is not recorded yet.
    may_repeat = () if bench.cache else ("local", "fails")
    once = {line for line in counted if not line.startswith(may_repeat)}
    assert {line: counted[line] for line in once if counted[line] != 1} == {}


@cache_on
async def test_many_local_steps(bench: Bench) -> None:
    """What ends a workflow task of local steps is replayed alike, also beside markers, in the run that goes on."""
    async with bench.worker(loops_locally, continue_after=150):
        run = await bench.start(loops_locally, steps=360)
        assert await bench.result(run) == 360
    assert set(bench.effects.counted().values()) == {1}
    assert await histories(bench, run) > 2
    replayer = Replayer(workflows=[], plugins=[TersePlugin([loops_locally])])
    latest = bench.env.client.get_workflow_handle(run.id)
    await replayer.replay_workflow(await latest.fetch_history())


def question(number: int) -> list[Any]:
    """A program that asks, and does enough beside it that its run continues."""
    return ["all", ["ask"], ["seq", *[["step", number]] * 12, ["event", "late"]]]


async def answer(bench: Bench, run: Run) -> None:
    await answer_question(bench.env.client, run.id, "1", choice="yes")


async def test_what_comes_with_the_last_task(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal and an answer that come as the run continues are taken, by it or by the next."""
    reached, came = threading.Event(), threading.Event()
    original = JournaledInstance._continue

    def continues(self: JournaledInstance, act: Any, completion: Any) -> Any:
        if not reached.is_set():
            reached.set()
            assert came.wait(1.5)
        return original(self, act, completion)

    monkeypatch.setattr(JournaledInstance, "_continue", continues)
    async with bench.worker(interprets, continue_after=SMALL):
        run = await bench.start(interprets, program=question(1))
        assert await asyncio.to_thread(reached.wait, 20)
        answering = asyncio.ensure_future(answer(bench, run))
        await run.signal("late", {"number": 5})
        came.set()
        await answering
        assert await bench.result(run) == ["yes", [*[1] * 12, 5]]
    assert set(bench.effects.counted().values()) == {1}
    assert await histories(bench, run) > 1


@cache_on
async def test_asked_while_it_replays(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A query and an answer that come while what is carried is replayed are answered, however long that takes.

    The server turns away an update that a task does not answer, and the replay outlasts one.
    """
    began, go = asyncio.Event(), asyncio.Event()

    async def pause() -> None:
        began.set()
        await go.wait()

    monkeypatch.setattr(instance, "SLICE", 4)
    monkeypatch.setattr(handing_over, "LOCAL_PATIENCE", timedelta(seconds=20))
    monkeypatch.setitem(builtin_functions._SDK, JOURNAL_REPLAY, pause)
    async with bench.worker(interprets, continue_after=SMALL):
        run = await bench.start_on_the_wall_clock(interprets, program=question(1))
        async with asyncio.timeout(20):
            await began.wait()
        latest = bench.env.client.get_workflow_handle(run.id)
        answering = asyncio.ensure_future(answer(bench, run))
        asking = asyncio.ensure_future(latest.query("__temporal_workflow_metadata"))
        while not answering.done() and not await has_accepted(latest):  # noqa: ASYNC110  # as above
            await asyncio.sleep(0.05)
        assert not answering.done()
        go.set()
        await answering
        await asking
        await run.signal("late", {"number": 5})
        assert await bench.result(run) == ["yes", [*[1] * 12, 5]]


@cache_on
async def test_a_slice_that_takes_too_long(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A replay that the SDK cuts off is tried again, and the log does not say that the code does not fit."""
    begun = itertools.count()
    original = JournaledInstance._begin

    def begins(self: JournaledInstance, act: Any, start: Any) -> None:
        if next(begun) == 1:  # the first that continues
            DAWDLING.set()
        original(self, act, start)

    monkeypatch.setattr(JournaledInstance, "_begin", begins)
    async with bench.worker(dawdles, continue_after=SMALL) as worker:
        assert worker._workflow_worker is not None
        worker._workflow_worker._deadlock_timeout_seconds = 0.3  # type: ignore[assignment]  # it takes them
        run = await bench.start(dawdles)
        assert await bench.result(run) == list(range(8))
    assert not DAWDLING.is_set()
    assert "came to no `await` for 0.3 s, at " in caplog.text
    assert "does not fit" not in caplog.text
    assert set(bench.effects.counted().values()) == {1}


async def has_accepted(run: Run) -> bool:
    """Whether an update is accepted."""
    events = (await run.fetch_history()).events
    return any(each.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED for each in events)


async def test_a_reset(bench: Bench) -> None:
    """A run that has continued and is reset goes on from what it carries: that is not done again."""
    async with bench.worker(loops, continue_after=SMALL):
        run = await bench.start(loops, steps=12)
        total, *_ = await bench.result(run)
        again = await bench.reset(bench.env.client.get_workflow_handle(run.id))
        assert (await bench.result(again))[0] == total
    counted = bench.effects.counted()
    assert [counted[f"n{number}"] for number in range(6)] == [1] * 6
    assert counted["n11"] == 2


@cache_on
async def test_too_large(bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """A run that would carry more than the server takes goes on in its history, and fails before the server ends that:
    it says what to do.
    """
    async with bench.worker(grows, continue_after=60):
        assert await bench.result(await bench.start(grows, steps=36)) == 3_600_000
        assert caplog.text.count("Set TERSE_STORAGE") == 1
        monkeypatch.setattr(bounds, "_LAST_BYTES", 4 * 2**20)
        run = await bench.start(grows, steps=60)
        failure = await bench.failure(run)
    assert failure.type == "JournalError"
    assert "TERSE_STORAGE" in failure.message
    assert "jobs_continued.py" in failure.message
    replayer = Replayer(workflows=[], plugins=[TersePlugin([grows])])
    await replayer.replay_workflow(await bench.env.client.get_workflow_handle(run.id).fetch_history())


async def held(bench: Bench, run: Run) -> list[Any]:
    """What a run waits for that begins nothing new."""
    async with asyncio.timeout(20):
        while True:
            facts = await gather_facts(bench.env.client, run.id, "", Polls(bench.env.client))
            found = find_waits(facts)
            if any(each.kind == "held" for each in found):
                return found
            await asyncio.sleep(0.1)


@cache_on
async def test_a_run_that_is_waited_for(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """A run that cannot continue, as another has to end first, says so, and goes on when that has ended."""
    async with bench.worker(waits, waiting_child, continue_after=SMALL):
        run = await bench.start_on_the_wall_clock(waits, steps=20, child=f"child-{SMALL}")
        found = await held(bench, run)
        assert [each.id for each in found if each.kind == "run"] == [f"child-{SMALL}"]
        assert f"It waits for the run 'child-{SMALL}'" in caplog.text
        await bench.env.client.get_workflow_handle(f"child-{SMALL}").signal("end", {"number": 4})
        assert await bench.result(run) == [sum(range(20)), 4]
    assert set(bench.effects.counted().values()) == {1}
    assert await histories(bench, run) > 1


async def waited_for(bench: Bench, run: Run) -> list[tuple[str, int]]:
    """The run that a run waits for, and how many more of its job."""
    return [
        (each.id, each.more)
        for each in find_waits(await gather_facts(bench.env.client, run.id, "", Polls(bench.env.client)))
    ]


async def test_a_run_that_goes_on_by_itself(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs that are started and not waited for are no hindrance: their results come all the same, to any worker."""
    monkeypatch.setattr(followed_runs, "_ASKED_AT_ONCE", 2)
    monkeypatch.setattr(followed_runs, "_TURN", 0.1)
    async with bench.worker(waits, waiting_child, continue_after=SMALL):
        children = [f"goes-on-{uuid.uuid4()}" for _ in range(4)]
        run = await bench.start_on_the_wall_clock(waits, steps=24, goes_on=True, children=children)
        while await histories(bench, run) < 4:  # noqa: ASYNC110  # the server says it
            await asyncio.sleep(0.05)
    client = bench.env.client
    async with bench.worker(waits, waiting_child, continue_after=SMALL):  # the first has not waited for it
        await client.get_workflow_handle(children[3]).signal("end", {"number": 3})
        await client.get_workflow_handle(children[2]).terminate()
        await client.get_workflow_handle(children[1]).cancel()
        async with asyncio.timeout(20):
            while await waited_for(bench, run) != [(children[0], 0)]:  # noqa: ASYNC110  # as above
                await asyncio.sleep(0.1)
        timeline = await read_timeline(client, await client.get_workflow_handle(run.id).describe())
        await client.get_workflow_handle(children[0]).signal("end", {"number": 5})
        assert await bench.result(run) == [sum(range(24)), 5, "RunCancelledError", "RunTerminatedError", 3]
        latest = client.get_workflow_handle(run.id)
        states = [
            (each.name, each.state) for each in timeline.entries if each.kind != "step" or "note" not in each.name
        ]
        assert states == [("continued-waiting-child", each) for each in ("running", "cancelled", "failed", "done")]
    assert set(bench.effects.counted().values()) == {1}
    replayer = Replayer(workflows=[], plugins=[TersePlugin([waits])])
    await replayer.replay_workflow(await latest.fetch_history())


@cache_on
async def test_a_run_that_never_can(bench: Bench) -> None:
    """One that is sent events until the server would end it fails before that, and says what it waited for."""
    async with bench.worker(waits, waiting_child, continue_after=SMALL):
        run = await bench.start_on_the_wall_clock(waits, steps=20, child="child-over")
        await held(bench, run)
        with suppress(RPCError):  # it has ended
            for _ in range(9):
                await asyncio.gather(*(run.signal("more", {}) for _ in range(40)))
        failure = await bench.failure(run)
    assert failure.type == "JournalError"
    assert "the run 'child-over'" in failure.message
    replayer = Replayer(workflows=[], plugins=[TersePlugin([waits])])
    await replayer.replay_workflow(await run.fetch_history())
