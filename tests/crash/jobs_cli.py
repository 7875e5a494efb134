"""A job as somebody might write it, to be started, cancelled and ended from the command line."""

from __future__ import annotations

import asyncio
from pathlib import Path

from pydantic import BaseModel

from terse_temporal import create_job, job_step

from ..effects import record


class Customer(BaseModel):
    """Who is to be welcomed."""

    email: str


class Signup(BaseModel):
    """The event. The file `approved` is made by whoever approves."""

    customer: Customer
    effects: str
    approved: str


async def approval(signup: Signup) -> str:
    """Wait for the file."""
    record(signup.effects, "asked for approval")
    try:
        while not Path(signup.approved).exists():  # noqa: ASYNC110, ASYNC240  the test is another process
            await asyncio.sleep(0.02)
    except asyncio.CancelledError:
        record(signup.effects, "approval cancelled")
        raise
    return "approved"


def send_mail(signup: Signup) -> str:
    """Say hello."""
    record(signup.effects, f"mail to {signup.customer.email}")
    return signup.customer.email


def tidy_up(signup: Signup) -> None:
    """Leave nothing behind."""
    record(signup.effects, "tidied up")


@create_job(name="welcome-customer", durable=True)
async def welcome(event: Signup) -> dict[str, str]:
    """Ask, send a mail, and tidy up whatever happens."""
    try:
        await job_step(run=approval, input=event, input_schema=Signup)
        mail = await job_step(run=send_mail, name="send welcome mail", input=event, input_schema=Signup)
        return {"sent": mail}
    finally:
        await job_step(run=tidy_up, input=event, input_schema=Signup)
