"""The job on this package."""

from __future__ import annotations

from benchmarks.model import Charge, Receipt
from terse_temporal import Event, create_job, job_step


@create_job(name="bill-customer", durable=True)
async def bill_customer(event: Event) -> float:
    total = 0.0
    for number in range(event.steps):
        receipt = await job_step(
            run=charge,
            input={"customer": event.customer, "number": number, "amount": total},
            input_schema=Charge,
            output_schema=Receipt,
        )
        total = receipt.total
    return total


async def charge(charge: Charge) -> Receipt:
    return Receipt(number=charge.number, total=charge.amount + 1)
