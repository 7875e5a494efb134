"""What a start does where its id was used before, in a step that is repeated, and in a job that is not durable."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

import pytest
from temporalio.client import Client

from terse_temporal import Run, get_run, list_runs, start_run
from terse_temporal.errors import RunExistsError
from terse_temporal.execution.run_operations import IfExists
from terse_temporal.runs import listing

from ..bench import Bench, cache_on
from ..waiting import until
from .jobs_runs import count, from_plain, from_step, from_thread, pay, wait

_ATTACHING: Final[tuple[IfExists, ...]] = ("attach", "rerun")


@cache_on
async def test_an_id_that_was_used_before(bench: Bench) -> None:
    """`attach` gives the run that is there, running or ended; `fail` raises; `rerun` starts one when that has ended."""
    event = {"effects": str(bench.effects), "text": "a"}
    key = bench.task_queue
    waiting = await count.start(event, key=key, task_queue=key, client=bench.env.client)  # nobody runs it yet
    assert waiting.id == f"runs-count/{key}"
    for policy in _ATTACHING:
        assert (await _start(bench, event, policy)).run_id == waiting.run_id
    with pytest.raises(RunExistsError) as refused:
        await _start(bench, event, "fail")
    assert (refused.value.id, refused.value.run_id) == (waiting.id, waiting.run_id)
    assert str(refused.value).startswith(f"a run with the id {waiting.id!r} is already there (run id {waiting.run_id})")

    async with bench.worker(count):
        assert await waiting.result() == "a"
        attached = await _start(bench, {**event, "text": "b"}, "attach")
        assert (attached.run_id, await attached.result()) == (waiting.run_id, "a")
        with pytest.raises(RunExistsError):
            await _start(bench, event, "fail")
        again = await _start(bench, {**event, "text": "b"}, "rerun")
        assert (again.id, await again.result()) == (waiting.id, "b")
        assert again.run_id != waiting.run_id
    assert bench.effects.lines() == ["a", "b"]


@cache_on
async def test_an_id_of_another_job(bench: Bench) -> None:
    """It is not attached to: whoever waits would get the result of something else."""
    there: dict[str, Any] = {"client": bench.env.client, "task_queue": bench.task_queue, "id": bench.task_queue}
    run = await wait.start({}, **there)
    with pytest.raises(RunExistsError, match="is already there, of 'runs-wait'"):
        await pay.start({"order_id": "a"}, **there)
    await run.terminate()


@cache_on
async def test_many_at_the_same_time(bench: Bench) -> None:
    """Twenty starts under one key are one run."""
    event = {"effects": str(bench.effects), "text": "once"}
    async with bench.worker(count):
        runs = await asyncio.gather(*(count.start(event, key=bench.task_queue) for _ in range(20)))
        assert await asyncio.gather(*(run.result() for run in runs)) == ["once"] * 20
    assert len({run.run_id for run in runs}) == 1
    assert bench.effects.lines() == ["once"]


async def test_from_a_step(bench: Bench) -> None:
    """What a step starts goes to the task queue of its worker; a repeated attempt attaches to what the first has
    started.
    """
    async with bench.worker(from_step, count):
        first, second = await from_step.run({"effects": str(bench.effects)})
    assert first != second
    assert first.startswith("runs-count-")
    # The event differs between the attempts: the run is that of the first.
    assert sorted(bench.effects.lines()) == ["first 1", "second"]


@cache_on
async def test_from_a_step_that_is_a_def(bench: Bench) -> None:
    """In its thread, by an event loop of its own, it starts by the worker's client, on the worker's task queue."""
    async with bench.worker(from_thread, count):
        run_id = await from_thread.run({"effects": str(bench.effects)})
        assert await get_run(run_id).result() == "thread"


@cache_on
async def test_from_a_job_that_is_not_durable(bench: Bench) -> None:
    """It runs in place, and starts: with a new id, and with the one of the key that it gives."""
    async with bench.worker(from_plain, count):
        assert await from_plain.run({"effects": str(bench.effects), "key": bench.task_queue}) == "plain"
        assert await get_run(f"runs-count/{bench.task_queue}").result() == "keyed"
    assert sorted(bench.effects.lines()) == ["keyed", "plain"]


@cache_on
async def test_a_start_that_is_put_off(bench: Bench) -> None:
    """With `delay` the run begins when that is over, and is there before."""
    event = {"effects": str(bench.effects), "text": "later"}
    async with bench.worker(count):
        begun = time.monotonic()
        client = await Client.connect(bench.env.address)  # on the wall clock
        run = await count.start(event, delay="1s", client=client, task_queue=bench.task_queue)
        assert await run.status() == "running"
        await run.result()
    assert time.monotonic() - begun > 0.9


@cache_on
async def test_tags(bench: Bench) -> None:
    """Runs are found by a tag, whatever is in it; by their job; by how they stand; the newest first."""
    tags = [f"{bench.task_queue} it's", f'{bench.task_queue} "quoted" \\', f"{bench.task_queue} ü, 'a'"]
    async with bench.worker(count, wait):
        event = {"effects": str(bench.effects), "text": "a"}
        first = await count.start(event, tags=[tags[0], tags[1], tags[1]])
        second = await count.start(event, tags=(tags[0], tags[2]))
        await asyncio.gather(first.result(), second.result())
    # On the wall clock, and without a worker: for others the server skips the delay, and what the job sleeps.
    clock = await Client.connect(bench.env.address)
    open_run = await wait.start({}, tags=[tags[0]], client=clock, task_queue=bench.task_queue)

    async def found(**query: object) -> list[str]:
        return [info.id async for info in list_runs(client=bench.env.client, **query)]  # type: ignore[arg-type]

    async def are_listed() -> bool:
        return await found(tag=tags[0]) == [open_run.id, second.id, first.id] and not await found(
            tag=tags[0], job="runs-count", status="running"
        )

    await until(are_listed, "the list of the server has the runs as they are")
    assert await found(tag=tags[1]) == [first.id]
    assert await found(tag=tags[2]) == [second.id]
    assert await found(tag=tags[0], limit=2) == [open_run.id, second.id]
    assert await found(tag=tags[0], job="runs-count") == [second.id, first.id]
    assert await found(tag=tags[0], status="running", since="1h") == [open_run.id]
    assert await found(tag=f"{bench.task_queue}' OR WorkflowType != '") == []
    assert await found(job="it's not there", limit=1) == []
    (info,) = [each async for each in list_runs(tag=tags[2], client=bench.env.client)]
    assert (info.run_id, info.job, info.status, info.tags) == (
        second.run_id,
        "runs-count",
        "completed",
        (tags[0], tags[2]),
    )
    assert info.ended_at is not None
    assert info.started_at < info.ended_at
    await open_run.terminate()


@cache_on
async def test_more_runs_than_are_sorted_at_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is listed once, the newest first, by as many requests as that takes."""
    monkeypatch.setattr(listing, "_SORTED_AT_ONCE", 2)
    tag = bench.task_queue
    client = bench.env.client
    runs = [await start_run("nobody's", client=client, task_queue=tag, tags=[tag]) for _ in range(9)]

    async def are_listed() -> bool:
        return [info.id async for info in list_runs(tag=tag, client=client)] == [run.id for run in reversed(runs)]

    await until(are_listed, "the list of the server has all runs")
    assert [info.id async for info in list_runs(tag=tag, limit=4, since="1h", client=client)] == [
        run.id for run in runs[:4:-1]
    ]
    for run in runs:
        await run.terminate()


async def _start(bench: Bench, event: dict[str, str], policy: IfExists) -> Run:
    return await count.start(
        event,
        key=bench.task_queue,
        if_exists=policy,
        task_queue=bench.task_queue,
        client=bench.env.client,
    )
