"""The same job on the Temporal SDK alone, as its documentation has people write it.

A class in the SDK's sandbox, in a file of its own so that little is imported anew for each run; a typed activity; and
both timeouts.
"""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from benchmarks.handwritten_activities import Bill, Charge, charge


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


@workflow.defn(name="bill-children-by-hand")
class BillChildren:
    @workflow.run
    async def run(self, bill: Bill) -> float:
        total = 0.0
        for _ in range(bill.steps):
            one = Bill(customer=bill.customer, steps=1)
            total += await workflow.execute_child_workflow(BillCustomer.run, one, id=f"one-{workflow.uuid4()}")
        return total
