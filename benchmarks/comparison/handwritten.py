"""The same job on the Temporal SDK alone, as its documentation has people write it.

A class in a file of its own, so that the SDK's sandbox imports little anew for each run; a typed activity; and both
timeouts.
"""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from benchmarks.comparison.handwritten_activities import Bill, Charge, charge


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


@workflow.defn(name="bill-customer-by-hand-local")
class BillCustomerLocally:
    @workflow.run
    async def run(self, bill: Bill) -> float:
        total = 0.0
        for number in range(bill.steps):
            receipt = await workflow.execute_local_activity(
                charge,
                Charge(customer=bill.customer, number=number, amount=total),
                start_to_close_timeout=timedelta(minutes=10),
            )
            total = receipt.total
        return total


@workflow.defn(name="nothing-by-hand")
class Nothing:
    """The floor: what it costs to start a run and to end it."""

    @workflow.run
    async def run(self, bill: Bill) -> float:
        return bill.steps
