"""Trial follow-up: three days into a trial, a personal note that was written on its first day.

    terse-worker samples.trial_follow_up

Needed are `STRIPE_API_KEY`, to look the customer up, and for sending `RESEND_API_KEY` and `EMAIL_FROM`. The addresses
of the two services can be changed with `STRIPE_API_URL` and `RESEND_API_URL`.

The note is written in a step, so its text is recorded: what goes out after the sleep is that text to the letter, even
if the worker has meanwhile been replaced by one that has other words.
"""

from __future__ import annotations

import os
from datetime import datetime
from typing import Any

import httpx
from pydantic import BaseModel

from terse_temporal import Retry, Triggers, create_job, current_step, job_step, sleep
from terse_temporal.triggers import TrialStarted


class Recipient(BaseModel):
    email: str
    name: str


class Trial(BaseModel):
    recipient: Recipient
    ends_at: datetime | None


class Note(BaseModel):
    to: str
    subject: str
    text: str


class ServiceBusyError(Exception):
    """The service cannot answer now, and may later."""


#: What passes by itself. A wrong key or an unknown customer does not, and fails the run at once.
_WHILE_BUSY = Retry(max_attempts=5, on=(httpx.TransportError, ServiceBusyError))


@create_job(name="trial-follow-up", triggers=[Triggers.stripe.on_trial_started()], durable=True)
async def trial_follow_up(event: TrialStarted) -> dict[str, str]:
    if event.customer.email:
        recipient = Recipient(email=event.customer.email, name=event.customer.name or "there")
    else:
        # Stripe's own event names the customer by id alone.
        recipient = await job_step(run=find_customer, input=event.customer.id or "", retry=_WHILE_BUSY)
    note = await job_step(
        run=write_note,
        input={"recipient": recipient, "ends_at": event.subscription.trial_end},
        input_schema=Trial,
    )

    await sleep("3d")

    sent = await job_step(run=send_note, input=note, input_schema=Note, retry=_WHILE_BUSY)
    return {"to": note.to, "text": note.text, "email_id": sent}


async def find_customer(customer_id: str) -> Recipient:
    url = os.environ.get("STRIPE_API_URL") or "https://api.stripe.com"
    async with _client(url, _setting("STRIPE_API_KEY")) as stripe:
        customer = _answer(await stripe.get(f"/v1/customers/{customer_id}"))
    if not customer.get("email"):
        raise ValueError(f"the Stripe customer {customer_id!r} has no e-mail address to write to")
    return Recipient(email=customer["email"], name=customer.get("name") or "there")


def write_note(trial: Trial) -> Note:
    written = datetime.now().astimezone()
    lines = [f"Hello {trial.recipient.name},", f"you have been trying us since {written:%A, %d %B}. How is it going?"]
    if trial.ends_at is not None:
        lines.append(f"There is time until {trial.ends_at:%d %B %Y}; just reply if anything is in your way.")
    return Note(to=trial.recipient.email, subject="How is your trial going?", text="\n".join(lines))


async def send_note(note: Note) -> str:
    url = os.environ.get("RESEND_API_URL") or "https://api.resend.com"
    async with _client(url, _setting("RESEND_API_KEY")) as resend:
        sent = _answer(
            await resend.post(
                "/emails",
                json={"from": _setting("EMAIL_FROM"), "to": [note.to], "subject": note.subject, "text": note.text},
                # The service sends one e-mail for one key, however often it is asked.
                headers={"Idempotency-Key": current_step().idempotency_key},
            )
        )
    return str(sent["id"])


def _client(url: str, key: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=20)


def _answer(response: httpx.Response) -> Any:
    if response.status_code == httpx.codes.TOO_MANY_REQUESTS or response.is_server_error:
        raise ServiceBusyError(f"{response.url} answers {response.status_code}")
    response.raise_for_status()
    return response.json()


def _setting(name: str) -> str:
    """Secrets are read in the step that needs them: what a step is given as input stays in the history of the run."""
    if value := os.environ.get(name):
        return value
    raise RuntimeError(f"the environment variable {name} is not set on this worker")
