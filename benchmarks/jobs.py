"""The job on this package, in one file as one would write it."""

from __future__ import annotations

from dataclasses import dataclass

from terse_temporal import Event, Triggers, create_job, job_step, wait_for_event


@dataclass
class Bill:
    customer: str
    steps: int


@dataclass
class Charge:
    customer: str
    number: int
    amount: float


@dataclass
class Receipt:
    number: int
    total: float


@create_job(name="bill-customer", durable=True)
async def bill_customer(bill: Bill) -> float:
    total = 0.0
    for number in range(bill.steps):
        receipt = await job_step(
            run=charge,
            input=Charge(customer=bill.customer, number=number, amount=total),
            input_schema=Charge,
            output_schema=Receipt,
        )
        total = receipt.total
    return total


@create_job(name="bill-locally", durable=True)
async def bill_locally(bill: Bill) -> float:
    """Do the same with local steps."""
    total = 0.0
    for number in range(bill.steps):
        receipt = await job_step(
            run=charge,
            input=Charge(customer=bill.customer, number=number, amount=total),
            input_schema=Charge,
            output_schema=Receipt,
            local=True,
        )
        total = receipt.total
    return total


async def charge(charge: Charge) -> Receipt:
    return Receipt(number=charge.number, total=charge.amount + 1)


@create_job(name="waits-for-a-customer", durable=True)
async def waits_for_a_customer(event: Event) -> str | None:
    """Wait for the customer of a number."""
    match = {"data.object.metadata.number": event.number}
    return (await wait_for_event(Triggers.stripe.on_customer_created(), match=match)).customer.id
