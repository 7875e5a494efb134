"""Drip campaign: five e-mails within thirty days, until the customer unsubscribes or buys.

    terse-worker samples.drip_campaign

The one is sent by the page behind the link in the e-mails, the other by whoever takes the order:

    await send_event("unsubscribed", {"reason": "too many"}, key="ada@example.com")

It ends the campaign at once, in the middle of a sleep of a week, and also where it comes while an e-mail is being sent
or the worker is down: then nothing more is sent after that. `RESEND_API_KEY` and `EMAIL_FROM` are needed for sending.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Literal

from pydantic import BaseModel

from samples.trial_follow_up import Note, send_note
from terse_temporal import create_job, job_step, now, sleep, wait_for_event


class Subscriber(BaseModel):
    """Who gets the e-mails."""

    email: str
    name: str = "there"


class Unsubscribed(BaseModel):
    """What the page behind the link sends."""

    reason: str = ""


class Report(BaseModel):
    """How a campaign has ended."""

    sent: int
    ended_by: Literal["unsubscribed", "bought", "the end"]
    reason: str = ""


#: When the e-mails are sent, in days from the start, and their subjects.
_EMAILS = [
    (0, "Welcome"),
    (3, "Three things to try first"),
    (7, "How others use it"),
    (14, "A question"),
    (30, "The last one of these"),
]


@create_job(name="drip-campaign", durable=True)
async def drip_campaign(event: Subscriber) -> Report:
    begun = now()
    unsubscribed = asyncio.create_task(wait_for_event("unsubscribed", key=event.email, schema=Unsubscribed))
    bought = asyncio.create_task(wait_for_event("bought", key=event.email))
    for number, (day, subject) in enumerate(_EMAILS):
        if (until := begun + timedelta(days=day)) > now():
            due = asyncio.create_task(sleep(until))
            await asyncio.wait([due, unsubscribed, bought], return_when=asyncio.FIRST_COMPLETED)
            due.cancel()
        if unsubscribed.done():
            return Report(sent=number, ended_by="unsubscribed", reason=(await unsubscribed).reason)
        if bought.done():
            return Report(sent=number, ended_by="bought")
        note = Note(to=event.email, subject=subject, text=f"Hello {event.name},\n{subject} …")
        await job_step(run=send_note, input=note, name="send_email", label=subject)
    return Report(sent=len(_EMAILS), ended_by="the end")
