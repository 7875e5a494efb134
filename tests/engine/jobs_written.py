"""A job whose calls are written without a run of it."""

from __future__ import annotations

from dataclasses import dataclass

from terse_temporal import Event, create_job, job_step


@dataclass
class Order:
    number: int


def ship(order: Order) -> Order:
    return order


@create_job(name="written", durable=True)
async def written_job(event: Event) -> None:
    await job_step(run=ship, input=Order(event.number))
