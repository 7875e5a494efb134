"""What is in the spool becomes runs, once each and in order, whatever fails meanwhile; what cannot ever is refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError

from terse_temporal.errors import ServerUnavailableError
from terse_temporal.gateway.draining import Drain, OffersDeliveries
from terse_temporal.gateway.spool import DeliveryRow, Spool, SpoolFile, Target
from terse_temporal.jobs.job import Job
from terse_temporal.testing import JobEnvironment
from terse_temporal.triggers.deliveries import Delivery

from ..waiting import until
from . import jobs_drained as jobs
from .deliveries import delivery, raw, targets

JOBS = [jobs.on_push, jobs.on_typed_push, jobs.on_number, jobs.on_broken]


@asynccontextmanager
async def draining(
    spool: Spool,
    connect: Callable[[], Awaitable[Client]],
    queue: str,
    *,
    of: Sequence[Job[Any, Any]] = JOBS,
    waking: OffersDeliveries | None = None,
) -> AsyncIterator[Drain]:
    """The spool is drained for the length of the block."""
    drain = Drain(spool, of, connect, queue, waking)
    task = asyncio.create_task(drain.run())
    try:
        yield drain
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


def connecting(env: JobEnvironment) -> Callable[[], Awaitable[Client]]:
    """Give the client of the session's server."""

    async def connect() -> Client:
        return env.client

    return connect


def push(queue: str, number: int = 0, **more: Any) -> Delivery:
    """A push, whose id no other test uses."""
    body = {"ref": "refs/heads/main", "pusher": {"name": "ada"}, "repository": {"full_name": "acme/web"}, **more}
    return delivery(f"{queue}-{number}", body=body)


async def put(spool: Spool, of: Delivery, *names: str) -> None:
    await spool.put(of, raw(of), targets(of, *names))


async def event_of(client: Client, run_id: str) -> Any:
    """What the run of a workflow id was started with."""
    handle: WorkflowHandle[Any, Any] = client.get_workflow_handle(run_id)
    first = await anext(aiter(handle.fetch_history_events()))
    [event] = await client.data_converter.decode(first.workflow_execution_started_event_attributes.input.payloads)
    return event


def rows(spool: Spool) -> list[DeliveryRow]:
    """All deliveries, the oldest first."""
    return SpoolFile(spool.directory).deliveries()[::-1]


def states(spool: Spool) -> dict[str, str]:
    """How the jobs of all deliveries stand."""
    return {target.job: target.state for row in rows(spool) for target in row.targets}


async def drained(drain: Drain) -> None:
    async with asyncio.timeout(20):
        await drain.until_empty()


async def test_runs_are_started(env: JobEnvironment, task_queue: str, tmp_path: Path) -> None:
    """Each job of a delivery gets a run with its event, once; also one that a killed gateway has started already."""
    of = push(task_queue)
    async with Spool(tmp_path) as spool:
        await put(spool, of, "drained-push", "drained-typed")
        started = await env.client.start_workflow(
            "drained-typed", of.body, id=f"drained-typed/{of.run_suffix}", task_queue=task_queue
        )
        async with draining(spool, connecting(env), task_queue) as drain:
            await drained(drain)
        assert states(spool) == {"drained-push": "started", "drained-typed": "started"}
        assert await event_of(env.client, f"drained-push/github:{of.id}") == of.body
        assert (await env.client.get_workflow_handle(started.id).describe()).run_id == started.first_execution_run_id


async def test_refused(env: JobEnvironment, task_queue: str, tmp_path: Path) -> None:
    """What cannot be started is refused and keeps its reason, and what comes behind it is started."""
    elsewhere = push(task_queue, 1, repository={"full_name": "acme/api"})
    wrong = delivery(task_queue, source="stripe", kind="invoice.paid", body={"number": "many"})
    taken = push(task_queue, 2)
    await env.client.start_workflow("another", id=f"drained-push/{taken.run_suffix}", task_queue=task_queue)
    async with Spool(tmp_path) as spool:
        await put(spool, push(task_queue), "no-such-job", "drained-push")
        await put(spool, elsewhere, "drained-push")
        await put(spool, wrong, "drained-number")
        await put(spool, taken, "drained-push")
        await put(spool, push(task_queue, 3), "drained-push")
        async with draining(spool, connecting(env), task_queue) as drain:
            await drained(drain)
        found = [target for row in rows(spool) for target in row.targets]
        assert [each.state for each in found] == ["refused", "started", "refused", "refused", "refused", "started"]
        for target, said in zip(
            [each for each in found if each.state == "refused"],
            ["no job 'no-such-job' any more", "no trigger any more", "number", "of 'another'"],
            strict=True,
        ):
            assert said in target.reason
    with pytest.raises(RPCError, match="not found"):
        await env.client.get_workflow_handle(f"drained-push/{elsewhere.run_suffix}").describe()


async def test_no_value_of_a_body_is_logged(
    env: JobEnvironment, task_queue: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What models say of a body, and what they raise, is for the list of deliveries, and in no log."""
    wrong = delivery(f"{task_queue}-1", source="stripe", kind="invoice.paid", body={"number": "many-secrets"})
    stuck = delivery(f"{task_queue}-2", source="stripe", kind="invoice.paid", body={"number": "stuck-secrets"})
    ends = delivery(f"{task_queue}-3", source="stripe", kind="invoice.paid", body={"number": "ends-secrets"})
    async with Spool(tmp_path) as spool:
        await put(spool, wrong, "drained-number")
        await put(spool, stuck, "drained-number")
        await put(spool, ends, "drained-number")
        async with draining(spool, connecting(env), task_queue):
            await until(lambda: all(row.targets[0].reason for row in rows(spool)), "all have failed")
        reasons = [row.targets[0].reason for row in rows(spool)]
    assert ["secrets" in reason for reason in reasons] == [True, True, False]
    assert "secrets" not in caplog.text
    assert "its event does not fit" in caplog.text
    assert "(LookupError)\n" in caplog.text
    assert "in _check" in caplog.text


async def test_a_refused_one_is_started_again(env: JobEnvironment, task_queue: str, tmp_path: Path) -> None:
    """A command beside the running gateway has a refused delivery started, when it can be."""
    of = push(task_queue)
    async with Spool(tmp_path) as spool:
        await spool.put(of, raw(of), [Target("drained-push", f"drained-push/{of.run_suffix}", "it did not fit")])
        async with draining(spool, connecting(env), task_queue) as drain:
            await drained(drain)
            [row] = rows(spool)
            assert [(each.state, each.reason) for each in row.targets] == [("refused", "it did not fit")]
            assert SpoolFile(tmp_path).retry(row.number) == ["drained-push"]
            await drained(drain)
        assert states(spool) == {"drained-push": "started"}
        assert SpoolFile(tmp_path).retry(row.number) == []


async def test_too_large_an_event(env: JobEnvironment, task_queue: str, tmp_path: Path) -> None:
    """An event over the server's limit is cut down to what the model declares, or else refused."""
    commits = [{"id": f"{number:040}", "message": "m", "tree": ["a" * 100] * 30} for number in range(800)]
    large = push(task_queue, commits=commits)
    larger = push(task_queue, 1, commits=[{"id": "1", "message": "m" * 3_000_000, "tree": 1}])
    assert len(raw(large)) > 2**21
    async with Spool(tmp_path) as spool:
        await put(spool, large, "drained-typed")
        await put(spool, larger, "drained-typed")
        async with draining(spool, connecting(env), task_queue) as drain:
            await drained(drain)
        first, second = rows(spool)
        assert [each.state for each in first.targets] == ["started"]
        assert [each.state for each in second.targets] == ["refused"]
        assert "bytes" in second.targets[0].reason
    event = await event_of(env.client, f"drained-typed/{large.run_suffix}")
    assert event["pusher"] == {"name": "ada"}
    assert event["repository"] == {"full_name": "acme/web"}
    assert event["commits"] == [{"id": each["id"], "message": "m"} for each in commits]


async def test_one_that_is_stuck(
    env: JobEnvironment, task_queue: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A delivery that fails again and again is tried again, later, and those behind it are started meanwhile."""
    stuck = delivery(task_queue, source="stripe", kind="invoice.paid")
    async with Spool(tmp_path) as spool:
        await put(spool, stuck, "drained-broken")
        for number in range(40):
            await put(spool, push(task_queue, number), "drained-push")
        async with draining(spool, connecting(env), task_queue):
            await until(lambda: [row.targets[0].state for row in rows(spool)[1:]] == ["started"] * 40, "40 runs")
            first = rows(spool)[0].targets[0]
            assert (first.state, first.reason) == ("waiting", "a mistake in a trigger")
            await until(lambda: rows(spool)[0].targets[0].attempts >= 2, "another attempt")
    assert caplog.text.count("in event\n") == 1, "the places of a mistake are logged once"


async def test_the_server_comes_later(env: JobEnvironment, task_queue: str, tmp_path: Path) -> None:
    """While no server answers one at a time is asked for it, and afterwards all deliveries are handed on, in order."""
    asked: list[float] = []

    async def connect() -> Client:
        asked.append(asyncio.get_running_loop().time())
        if len(asked) < 3:
            raise ServerUnavailableError("no Temporal server answers")
        return env.client

    offers: list[Delivery] = []
    async with Spool(tmp_path) as spool:
        for number in range(30):
            await put(spool, push(task_queue, number), "drained-push")
        async with draining(spool, connect, task_queue, waking=Waking(offers)) as drain:
            await drained(drain)
        assert len(asked) == 3
    assert [each.id for each in offers] == [f"{task_queue}-{number}" for number in range(30)]


class Waking:
    """What offers deliveries to runs; the server goes away with some of them, and one is a mistake."""

    def __init__(self, offers: list[Delivery], fails: Sequence[Exception] = ()) -> None:
        self._offers = offers
        self._fails = list(fails)

    async def offer(self, delivery: Delivery) -> None:
        if self._fails:
            raise self._fails.pop(0)
        self._offers.append(delivery)


async def test_offers(env: JobEnvironment, task_queue: str, tmp_path: Path) -> None:
    """Each delivery is offered to the runs that wait, in order, also one that starts nothing, and again if it fails."""
    offers: list[Delivery] = []
    waking = Waking(offers, [ServerUnavailableError("away"), ZeroDivisionError("a mistake")])
    async with Spool(tmp_path) as spool:
        for number in range(3):
            await put(spool, push(task_queue, number))
        async with draining(spool, connecting(env), task_queue, waking=waking) as drain:
            await drained(drain)
            await put(spool, push(task_queue, 3))
            await drained(drain)
        async with draining(spool, connecting(env), task_queue, waking=waking) as drain:
            await drained(drain)
    # The first is tried again, and fails for good.
    assert [each.id for each in offers] == [f"{task_queue}-{number}" for number in (1, 2, 3)]


async def test_answers_go_first(env: JobEnvironment, task_queue: str, tmp_path: Path) -> None:
    """While senders wait for an answer runs are started slowly, and then as fast as it goes."""
    asked = 0

    def open_requests() -> int:
        nonlocal asked
        asked += 1
        return 1 if asked <= 10 else 0

    async with Spool(tmp_path) as spool:
        for number in range(40):
            await put(spool, push(task_queue, number), "drained-push")
        drain = Drain(spool, JOBS, connecting(env), task_queue, open_requests=open_requests)
        began = asyncio.get_running_loop().time()
        task = asyncio.create_task(drain.run())
        await drained(drain)
        task.cancel()
        assert asyncio.get_running_loop().time() - began > 0.1
    assert asked == 40
