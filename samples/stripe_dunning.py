"""Dunning: a customer whose payment failed is reminded until the invoice is paid, and then left in peace.

    terse-temporal gateway samples.stripe_dunning
    terse-worker samples.stripe_dunning

At Stripe, make a webhook to `https://HOST/webhooks/stripe` with the events `invoice.payment_failed` and `invoice.paid`;
its signing secret is `STRIPE_WEBHOOK_SECRET` of the gateway. The worker needs `RESEND_API_KEY`, `EMAIL_FROM` and
`BILLING_EMAIL`, who is told in the end.

Stripe tries a payment again by itself, and says so each time that it fails: what starts a run is the first failure
alone. What the run waits for is that this invoice is paid, by whichever card and on whichever day. That may happen
while a reminder is being sent, or while no worker runs: then no further one is sent.
"""

from __future__ import annotations

import os

from pydantic import BaseModel

from samples.trial_follow_up import Note, send_note
from terse_temporal import Triggers, create_job, job_step, wait_for_event
from terse_temporal.errors import EventTimeoutError


class Invoice(BaseModel):
    """An invoice, as far as it matters here."""

    id: str
    customer_email: str
    amount_due: int  # in cents, or what the currency has
    currency: str
    attempt_count: int = 1
    hosted_invoice_url: str | None = None


class InvoiceData(BaseModel):
    """What Stripe has around it."""

    object: Invoice


class PaymentFailed(BaseModel):
    """The event `invoice.payment_failed`."""

    data: InvoiceData


class Ending(BaseModel):
    """How it came out."""

    paid: bool
    reminders: int


#: How long the customer has after each reminder.
_PAUSES = ["3d", "4d", "7d"]


@create_job(
    name="stripe-dunning",
    triggers=[Triggers.stripe.on_event("invoice.payment_failed", model=PaymentFailed)],
    filter=lambda event: event.data.object.attempt_count == 1,
    durable=True,
)
async def stripe_dunning(event: PaymentFailed) -> Ending:
    invoice = event.data.object
    for reminders, pause in enumerate(_PAUSES, 1):
        note = Note(to=invoice.customer_email, subject=f"Reminder {reminders}", text=_ask(invoice))
        await job_step(run=send_note, input=note, name="send_reminder", label=str(reminders))
        try:
            await wait_for_event(
                Triggers.stripe.on_event("invoice.paid"), match={"data.object.id": invoice.id}, timeout=pause
            )
        except EventTimeoutError:
            continue
        return Ending(paid=True, reminders=reminders)
    await job_step(run=tell_billing, input=invoice)
    return Ending(paid=False, reminders=len(_PAUSES))


async def tell_billing(invoice: Invoice) -> str:
    text = f"{invoice.customer_email} has not paid {_amount(invoice)} after {len(_PAUSES)} reminders: {invoice.id}"
    return await send_note(Note(to=os.environ["BILLING_EMAIL"], subject="Not paid", text=text))


def _ask(invoice: Invoice) -> str:
    link = f" You can pay it here: {invoice.hosted_invoice_url}" if invoice.hosted_invoice_url else ""
    return f"Hello,\nwe could not collect {_amount(invoice)}.{link}"


def _amount(invoice: Invoice) -> str:
    return f"{invoice.amount_due / 100:.2f} {invoice.currency.upper()}"
