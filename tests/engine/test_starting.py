"""A run is started only with an event that its job takes."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from pydantic import BaseModel
from temporalio.client import Client

from terse_temporal import Triggers, create_job, get_run, start_run
from terse_temporal.errors import EventError, RunExistsError
from terse_temporal.testing import JobEnvironment


class Order(BaseModel):
    order_id: str
    amount: int


@dataclass
class Sent:
    orderId: str  # noqa: N815  # as a caller may have it
    amount: int


@create_job(name="starting-order")
def ship(event: Order) -> str:
    return f"{event.order_id}: {event.amount}"


@create_job(name="starting-due", triggers=[Triggers.schedule.cron("0 9 * * 1")])
def due(event) -> bool:  # type: ignore[no-untyped-def]  # its trigger says what the event is
    return event.scheduled_at is not None


class Unused:
    """A client that nothing may be asked of."""

    def __getattr__(self, name: str) -> None:
        raise AssertionError(f"the server was asked: {name}")


@pytest.mark.parametrize("event", [None, {"amount": "many", "orderid": 1}, [1], {"order_id": "a", "amount": 0.5}, {1}])
async def test_an_event_that_does_not_fit(event: object) -> None:
    """It is refused before the server is asked."""
    client: Client = Unused()  # type: ignore[assignment]
    with pytest.raises(EventError, match="'starting-order'"):
        await start_run(ship, event, client=client)


async def test_every_wrong_field() -> None:
    client: Client = Unused()  # type: ignore[assignment]
    with pytest.raises(EventError) as refused:
        await start_run(ship, {"amount": "many"}, client=client)
    assert "order_id: Field required" in str(refused.value)
    assert "amount: " in str(refused.value)


async def test_what_an_event_may_be(env: JobEnvironment, task_queue: str) -> None:
    """JSON data, a model or a dataclass; and of a run that no schedule starts, the moment of its start is filled in."""
    async with env.worker([ship, due], task_queue=task_queue):
        for event in ({"orderId": "a", "amount": 2}, Order(order_id="a", amount=2), Sent("a", 2)):
            assert await ship.run(event) == "a: 2"  # type: ignore[arg-type]  # a dataclass of other fields fits too
        assert await due.run()


async def test_an_id_that_is_taken(env: JobEnvironment, task_queue: str) -> None:
    """Told to fail, it names the run that has the id; without an id there is a new one each time."""
    event = {"order_id": "a", "amount": 2}
    first = await start_run(ship, event, client=env.client, id=task_queue, task_queue=task_queue)
    with pytest.raises(RunExistsError) as refused:
        await start_run(ship, event, client=env.client, id=task_queue, task_queue=task_queue, if_exists="fail")
    assert (refused.value.id, refused.value.run_id) == (task_queue, first.run_id)
    other = await start_run(ship, event, client=env.client, task_queue=task_queue)
    assert other.id.startswith("starting-order-")
    for run in (first, get_run(other.id, client=env.client)):
        await run.terminate()
