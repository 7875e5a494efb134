"""A run whose history grows long continues as new by itself, and is one run to its handler."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from typing import Any, Final

import pytest
from temporalio.worker import Replayer

from terse_temporal.engine.journal import instance
from terse_temporal.plugin import TersePlugin

from ..bench import Bench, Run, cache_on
from .jobs_continued import child, grows, interprets, loops, loops_locally

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


async def test_a_long_journal(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is carried is replayed in slices, what comes meanwhile is taken afterwards; other bounds replay it too."""
    monkeypatch.setattr(instance, "_SLICE", 4)
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
            return [kind, False]
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


async def test_random_programs(bench: Bench) -> None:
    """Whatever a handler does, it comes to the same as in one history, and nothing is done twice."""
    kinds = ["step", "step", "fails", "sleep", "draw", "event", "limit", "run", "start"]
    programs = [random_program(random.Random(seed), kinds) for seed in range(3)]

    async def perform(continue_after: int | None) -> tuple[list[Run], list[Any]]:
        async with bench.worker(interprets, child, continue_after=continue_after):
            runs = [
                await bench.start(interprets, program=program, of=f"{continue_after}-{number}")
                for number, program in enumerate(programs)
            ]
            for run, program in zip(runs, programs, strict=True):
                for name in events_of(program):
                    await run.signal(name, {"number": 7})
            return runs, list(await asyncio.gather(*map(bench.result, runs)))

    _, expected = await perform(None)
    runs, given = await perform(SMALL)
    assert given == expected
    assert [await histories(bench, run) > 2 for run in runs] == [True] * 3
    assert {line: n for line, n in bench.effects.counted().items() if n != 1} == {}


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
async def test_too_large(bench: Bench) -> None:
    """A run that carries more than the server takes fails before the server ends it, and says what to do."""
    async with bench.worker(grows, continue_after=140):
        failure = await bench.failure(await bench.start(grows))
    assert failure.type == "JournalError"
    assert "TERSE_STORAGE" in failure.message
    assert "jobs_continued.py" in failure.message
