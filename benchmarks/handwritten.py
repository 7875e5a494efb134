"""The same job on the Temporal SDK alone, as its documentation has people write it.

A class in the SDK's sandbox, typed activities with one dataclass in and one out, a timeout and a heartbeat timeout.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from temporalio import activity, workflow

with workflow.unsafe.imports_passed_through():
    from benchmarks.model import Charge, Receipt


@dataclass
class Bill:
    customer: str
    steps: int


@activity.defn
async def charge(charge: Charge) -> Receipt:
    return Receipt(number=charge.number, total=charge.amount + 1)


@workflow.defn(name="bill-customer-by-hand")
class BillCustomer:
    @workflow.run
    async def run(self, bill: Bill) -> float:
        total = 0.0
        for number in range(bill.steps):
            receipt = await workflow.execute_activity(
                charge,
                Charge(customer=bill.customer, number=number, amount=total),
                start_to_close_timeout=timedelta(minutes=10),
                heartbeat_timeout=timedelta(seconds=30),
            )
            total = receipt.total
        return total
