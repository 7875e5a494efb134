"""Dunning: reminders stop with the payment of that invoice, whenever it comes."""

from __future__ import annotations

from typing import Any

import pytest

from samples.stripe_dunning import stripe_dunning
from terse_temporal.errors import DeliveryRefusedError
from terse_temporal.testing import Jobs


def invoice_event(kind: str, id: str, invoice: str = "in_1", **more: Any) -> dict[str, Any]:
    """Return what Stripe sends, with the fields that matter."""
    subject = {
        "id": invoice,
        "object": "invoice",
        "customer": "cus_1",
        "customer_email": "ada@example.com",
        "amount_due": 4900,
        "currency": "eur",
        "attempt_count": 1,
        "hosted_invoice_url": "https://invoice.stripe.com/i/in_1",
    } | more
    return {"id": id, "object": "event", "type": kind, "data": {"object": subject}}


FAILED = invoice_event("invoice.payment_failed", "evt_1")
PAID = invoice_event("invoice.paid", "evt_2")


@pytest.fixture(autouse=True)
def sending(jobs: Jobs) -> None:
    jobs.steps.send_reminder.returns("email-1")
    jobs.steps.tell_billing.returns("email-2")


async def test_paid_after_the_second_reminder(jobs: Jobs) -> None:
    """The payment of this invoice ends it; that of another does not, nor does a further failure begin it again."""
    (run,) = await jobs.deliver("stripe", FAILED)
    assert run.job is stripe_dunning
    await run.waiting_for_event()
    await jobs.skip("3d")
    assert await jobs.deliver("stripe", invoice_event("invoice.paid", "evt_7", "in_7")) == []
    (again,) = await jobs.deliver("stripe", invoice_event("invoice.payment_failed", "evt_8", attempt_count=2))
    assert await again.result() == {"skipped": "filter"}
    await run.waiting_for_event()
    assert await jobs.deliver("stripe", PAID) == []
    assert await run.result() == {"paid": True, "reminders": 2}
    jobs.steps.tell_billing.not_called()


async def test_never_paid(jobs: Jobs) -> None:
    """Three reminders in two weeks, and then the people who deal with it."""
    (run,) = await jobs.deliver("stripe", FAILED)
    assert await run.result() == {"paid": False, "reminders": 3}
    assert [step.label for step in run.steps] == ["1", "2", "3", ""]


async def test_stripe_sends_it_twice(jobs: Jobs) -> None:
    """What Stripe delivers again starts nothing."""
    (run,) = await jobs.deliver("stripe", FAILED)
    assert await jobs.deliver("stripe", FAILED) == [run]
    await jobs.deliver("stripe", PAID)
    assert await run.result() == {"paid": True, "reminders": 1}


async def test_an_invoice_without_an_address(jobs: Jobs) -> None:
    """What cannot be reminded of is refused, and stays in the gateway's list."""
    nobody = invoice_event("invoice.payment_failed", "evt_1", customer_email=None)
    with pytest.raises(DeliveryRefusedError) as refused:
        await jobs.deliver("stripe", nobody)
    assert refused.value.status == 422
