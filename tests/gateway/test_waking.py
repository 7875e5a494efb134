"""A delivery that a run waits for wakes it, whenever it came since the run began: each once, in order, to every run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.converter import DataConverter
from temporalio.service import RPCError, RPCStatusCode

from terse_temporal.engine.events import waits_table
from terse_temporal.gateway import registries, waking
from terse_temporal.gateway.spool import Spool
from terse_temporal.gateway.waking import Waking
from terse_temporal.serialization.wire_names import DELIVERY_SIGNAL
from terse_temporal.triggers.deliveries import Delivery

from ..bench import PATIENCE, Bench, Run
from ..events.test_by_key import _has
from ..events.test_waits import waits
from .deliveries import raw
from .jobs_waking import (
    waits_and_steps,
    waits_and_times_out,
    waits_beside,
    waits_for_customers,
    waits_in_a_chain,
)


class Waker:
    """A gateway's spool, and what wakes runs from it."""

    def __init__(self, spool: Spool, waking: Waking) -> None:
        self.spool = spool
        self.waking = waking

    async def deliver(self, id: str, email: str = "ada@example.com", *, body: Any = None) -> None:
        """Take in a delivery, and offer it as the drain does."""
        await self.put(id, email, body=body)
        async with asyncio.timeout(PATIENCE):
            await self.waking.offer(customer(id, email, body=body))

    async def put(self, id: str, email: str = "ada@example.com", *, body: Any = None) -> None:
        """Take in a delivery."""
        came = customer(id, email, body=body)
        await self.spool.put(came, raw(came), [])


def customer(id: str, email: str = "ada@example.com", *, body: Any = None) -> Delivery:
    made = {"type": "customer.created", "livemode": False, "data": {"object": {"id": id, "email": email}}}
    now = datetime.now(UTC)
    return Delivery(source="stripe", id=id, kind="customer.created", body=body or made, received_at=now)


@asynccontextmanager
async def waker(bench: Bench, directory: Path, *, client: Client | None = None) -> AsyncIterator[Waker]:
    """A gateway for the length of the block."""

    async def connect() -> Client:
        return client or bench.env.client

    async with Spool(directory) as spool:
        wakes = Waking(spool, connect, bench.task_queue, every=0.1)
        task = asyncio.create_task(wakes.run())
        try:
            yield Waker(spool, wakes)
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def given(run: Run, id: str) -> None:
    """Wait until a delivery is in the history of a run."""
    async with asyncio.timeout(PATIENCE):
        while True:
            async for event in run.fetch_history_events():
                signal = event.workflow_execution_signaled_event_attributes
                if signal.signal_name == DELIVERY_SIGNAL:
                    (said,) = DataConverter.default.payload_converter.from_payloads(signal.input.payloads)
                    if said["event"]["id"] == f"stripe:{id}":
                        return
            await asyncio.sleep(0.02)


async def ended(bench: Bench) -> None:
    """Wait until nobody is known to wait any more."""
    query = f'WorkflowType = "terse.waits" AND TaskQueue = "{bench.task_queue}" AND ExecutionStatus = "Running"'
    async with asyncio.timeout(PATIENCE):
        while [each async for each in bench.env.client.list_workflows(query)]:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_before_between_and_while_it_waits(bench: Bench, tmp_path: Path) -> None:
    """In order, one for each wait, once; only what matches; what came before the run is not for it."""
    async with waker(bench, tmp_path / "spool") as gateway:
        await gateway.deliver("old")
        run = await bench.start_on_the_wall_clock(waits_for_customers, count=4, email="ada@example.com")
        for number in (1, 2):
            await gateway.deliver(f"{number}")
            await gateway.deliver(f"{number}, of another", "bob@example.com")
        async with bench.worker(waits_for_customers):
            await _has(run, 2, "workflow_execution_signaled")
            (shown,) = (await waits(bench, run)).values()
            assert shown["trigger"] == "Triggers.stripe.on_customer_created()"
            assert shown["match"] == {"data.object.email": "ada@example.com"}
            await gateway.deliver("3")
            await gateway.deliver("3")
            await _has(run, 3, "workflow_execution_signaled")
            await gateway.waking.settled()
            await gateway.deliver("4")
            assert await bench.result(run) == ["1", "2", "3", "4"]
            await ended(bench)
            history = await run.fetch_history()
            signals = [each for each in history.events if each.HasField("workflow_execution_signaled_event_attributes")]
            assert len(signals) == 4


async def test_two_runs_and_the_one_that_it_has_started(bench: Bench, tmp_path: Path) -> None:
    """All that wait get it, but not the run that it has started; that one takes what came since, however late it was
    started.
    """
    client = await Client.connect(bench.env.address)
    async with waker(bench, tmp_path / "spool") as gateway, bench.worker(waits_for_customers):
        runs = [await bench.start_on_the_wall_clock(waits_for_customers, count=1) for _ in range(2)]
        for run in runs:
            await waits(bench, run)
        await gateway.waking.settled()
        await gateway.deliver("1")
        await gateway.deliver("2")
        started = await client.start_workflow(
            waits_for_customers.name,
            {"count": 1},
            id=f"{waits_for_customers.name}/stripe:1",
            task_queue=bench.task_queue,
        )
        assert [await bench.result(run) for run in runs] == [["1"]] * 2
        assert await bench.result(started) == ["2"]
        await ended(bench)


async def test_the_gateway_is_started_again(bench: Bench, tmp_path: Path) -> None:
    """It goes on with what it has; what it had given a run it does not give again."""
    async with bench.worker(waits_for_customers):
        run = await bench.start_on_the_wall_clock(waits_for_customers, count=3)
        async with waker(bench, tmp_path / "spool") as gateway:
            await gateway.deliver("1")
            await _has(run, 1, "workflow_execution_signaled")
            await gateway.waking.settled()
        async with Spool(tmp_path / "spool") as spool:  # killed before it was offered
            came = customer("2")
            await spool.put(came, raw(came), [])
        async with waker(bench, tmp_path / "spool") as gateway:
            await _has(run, 2, "workflow_execution_signaled")
            await gateway.deliver("3")
            assert await bench.result(run) == ["1", "2", "3"]


async def test_two_gateways(bench: Bench, tmp_path: Path) -> None:
    """Of one delivery that comes to both the run takes one, and still gets what comes next."""
    async with bench.worker(waits_for_customers):
        run = await bench.start_on_the_wall_clock(waits_for_customers, count=3)
        async with waker(bench, tmp_path / "one") as one, waker(bench, tmp_path / "other") as other:
            await asyncio.gather(one.deliver("1"), other.deliver("1"))
            await given(run, "1")
            await other.deliver("2")
            await given(run, "2")  # `one` may give "3" to the same wait, and which of the two is first nobody says
            await one.deliver("3")
            assert await bench.result(run) == ["1", "2", "3"]


async def test_it_is_ended_in_the_moment_in_which_it_is_woken(bench: Bench, tmp_path: Path) -> None:
    """It ends all the same. (In Python 3.11 `asyncio.wait_for` forgets a cancellation that comes then.)"""
    async with asyncio.timeout(PATIENCE):
        for moment in range(6):
            async with waker(bench, tmp_path / "spool") as gateway:
                await gateway.waking.settled()
                asking = asyncio.create_task(gateway.waking.settled())
                for _ in range(moment):
                    await asyncio.sleep(0)
            asking.cancel()


async def test_waits_beside_each_other(bench: Bench, tmp_path: Path) -> None:
    """One delivery goes to one of two waits that it fits; the one that is left open is withdrawn at the end."""
    async with waker(bench, tmp_path / "spool") as gateway, bench.worker(waits_beside):
        run = await bench.start_on_the_wall_clock(waits_beside)
        await waits(bench, run, 3)
        for number in range(2):
            await gateway.waking.settled()
            await gateway.deliver(f"{number}")
        assert sorted(await bench.result(run)) == ["0", "1"]
        await ended(bench)
        history = await run.fetch_history()
        started = "start_child_workflow_execution_initiated_event_attributes"
        assert sum(each.HasField(started) for each in history.events) == 1  # type: ignore[arg-type]


async def test_timeouts_and_what_does_not_fit(bench: Bench, tmp_path: Path) -> None:
    """As for other waits, with the trigger as it is written."""
    async with waker(bench, tmp_path / "spool") as gateway, bench.worker(waits_and_times_out):
        run = await bench.start_on_the_wall_clock(waits_and_times_out)
        no_customer = {"type": "customer.created", "data": {"object": {"id": 5}}}
        await gateway.deliver("wrong", body=no_customer)
        await gateway.deliver("right")
        result = await bench.result(run)
        assert result[0].startswith(
            'Triggers.stripe.on_customer_created() with match={"livemode": null} did not come within 100 milliseconds'
        )
        assert result[1].startswith("Triggers.stripe.on_customer_created(), which came to wait_for_event() at ")
        assert result[2] == "right"


async def test_a_chain_of_runs(bench: Bench, tmp_path: Path) -> None:
    """A run that its author continues as new gets what came at any time since the first began."""
    async with waker(bench, tmp_path / "spool") as gateway:
        run = await bench.start_on_the_wall_clock(waits_in_a_chain, count=3)
        for number in range(3):
            await gateway.deliver(f"{number}")
        async with bench.worker(waits_in_a_chain):
            assert await bench.result(run) == ["0", "1", "2"]
            await ended(bench)


async def test_a_reset(bench: Bench, tmp_path: Path) -> None:
    """A run that is reset takes again what it took behind that point, and then what comes."""
    async with waker(bench, tmp_path / "spool") as gateway, bench.worker(waits_and_steps):
        run = await bench.start_on_the_wall_clock(waits_and_steps)
        await gateway.deliver("1")
        await _has(run, 1, "activity_task_completed")
        await waits(bench, run)
        again = await bench.reset(run)
        await gateway.deliver("2")
        assert await bench.result(again) == ["1", "2"]
        await ended(bench)


async def test_a_run_that_is_gone(bench: Bench, tmp_path: Path) -> None:
    """Who was terminated while it waited is known to wait no longer, as soon as something comes for it."""
    async with waker(bench, tmp_path / "spool") as gateway, bench.worker(waits_for_customers):
        run = await bench.start_on_the_wall_clock(waits_for_customers, count=1)
        await waits(bench, run)
        await gateway.waking.settled()
        await run.terminate()
        await gateway.deliver("1")
        await ended(bench)


async def test_one_that_is_too_large(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is left out, and the wait takes the next one: of those that were there before it, and of those that come."""
    monkeypatch.setattr(waking, "MAX_EVENT_BYTES", 500)
    async with waker(bench, tmp_path / "spool") as gateway, bench.worker(waits_for_customers):
        run = await bench.start_on_the_wall_clock(waits_for_customers, count=2)
        await gateway.deliver("large", "x" * 500)
        await gateway.deliver("1")
        await _has(run, 1, "workflow_execution_signaled")
        await waits(bench, run)
        await gateway.waking.settled()
        await gateway.deliver("large too", "x" * 500)
        await gateway.deliver("2")
        assert await bench.result(run) == ["1", "2"]


async def test_too_many_wait(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wait that there is no room for fails, instead of waiting for what never comes."""
    monkeypatch.setattr(waits_table, "MAX_BYTES", 10)
    async with bench.worker(waits_for_customers):
        run = await bench.start_on_the_wall_clock(waits_for_customers, count=1)
        failure = await bench.failure(run)
        assert "Triggers.stripe.on_customer_created() is not waited for: on this task queue" in failure.message


async def test_what_is_left_out(bench: Bench, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A delivery that is too large, or nested too deep, is no run's, and the wait that it fits takes the next one."""
    nested: Any = None
    for _ in range(198):
        nested = [nested]
    too_deep = {"type": "customer.created", "data": {"object": {"id": "deep"}}, "nested": nested}
    async with waker(bench, tmp_path / "spool") as gateway, bench.worker(waits_for_customers):
        run = await bench.start_on_the_wall_clock(waits_for_customers, count=3)
        await gateway.deliver("early", "x" * 1_200_000)
        await waits(bench, run)
        await gateway.deliver("1")
        await _has(run, 1, "workflow_execution_signaled")
        await gateway.waking.settled()
        await gateway.deliver("large", "x" * 1_200_000)
        await gateway.deliver("deep", body=too_deep)
        await gateway.deliver("2")
        await gateway.deliver("3")
        assert await bench.result(run) == ["1", "2", "3"]
        assert caplog.text.count("is not given to runs that wait for") == 3
        await ended(bench)


async def test_there_is_no_worker(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits is not told then, and no offer waits for that; what came meanwhile is there when there is a worker."""
    monkeypatch.setattr(registries, "_PATIENCE", 0.2)
    monkeypatch.setattr(waking, "_TOO_OLD", 0.5)
    async with waker(bench, tmp_path / "spool") as gateway:
        async with bench.worker(waits_for_customers):
            run = await bench.start_on_the_wall_clock(waits_for_customers, count=2)
            await waits(bench, run)
        for number in range(5):
            await gateway.deliver(f"{number}")
            await asyncio.sleep(0.2)
        async with bench.worker(waits_for_customers):
            assert await bench.result(run) == ["0", "1"]


class Old:
    """A client of a server that does not say with which run a chain began."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.described = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def get_workflow_handle(self, id: str) -> Any:
        handle = self._client.get_workflow_handle(id)
        describe = handle.describe

        async def described() -> Any:
            found = await describe()
            found.raw_description.workflow_execution_info.first_run_id = ""
            self.described += found.workflow_type == waits_for_customers.name
            return found

        handle.describe = described  # type: ignore[method-assign,assignment]
        return handle


async def test_an_older_server(bench: Bench, tmp_path: Path) -> None:
    """A run whose chain is not told is not taken for another one's, which would withdraw its waits."""
    server: Any = Old(bench.env.client)
    async with waker(bench, tmp_path / "spool", client=server) as gateway, bench.worker(waits_for_customers):
        run = await bench.start_on_the_wall_clock(waits_for_customers, count=1)
        await waits(bench, run)
        async with asyncio.timeout(PATIENCE):
            while server.described < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        await gateway.waking.settled()
        await gateway.deliver("1")
        assert await bench.result(run) == ["1"]


class Away:
    """A client of a server that is away, while it is said to be."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.is_away = True

    def __getattr__(self, name: str) -> Any:
        if self.is_away:
            raise RPCError("away", RPCStatusCode.UNAVAILABLE, b"")
        return getattr(self._client, name)


async def test_temporal_is_away(bench: Bench, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """An offer waits for as long, and what came meanwhile goes to its runs then, in order."""
    server: Any = Away(bench.env.client)
    async with waker(bench, tmp_path / "spool", client=server) as gateway, bench.worker(waits_for_customers):
        run = await bench.start_on_the_wall_clock(waits_for_customers, count=2)
        await gateway.put("1")
        offer = asyncio.create_task(gateway.waking.offer(customer("1")))
        async with asyncio.timeout(PATIENCE):
            while "are not woken for now" not in caplog.text:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        await gateway.put("2")
        await waits(bench, run)
        assert not offer.done()
        server.is_away = False
        assert await bench.result(run) == ["1", "2"]
        await offer
