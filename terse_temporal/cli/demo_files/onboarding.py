"""The job of `terse-temporal demo`: a new Stripe customer gets an account, a workspace and a welcome, and three days
later a word from us.

Its side effects are lines in a file, so that somebody outside the worker can count them.
"""

from __future__ import annotations

import json
import os
import time
from typing import Any

from terse_temporal import Triggers, create_job, current_step, job_step, sleep
from terse_temporal.triggers import CustomerCreated


@create_job(name="onboard-customer", triggers=[Triggers.stripe.on_customer_created()], durable=True)
async def onboard_customer(event: CustomerCreated) -> dict[str, Any]:
    email = event.customer.email or "somebody@example.com"
    account = await job_step(run=create_account, input=email)
    workspace = await job_step(run=provision_workspace, input=account)
    await job_step(run=send_welcome, input={"to": email, "workspace": workspace})
    await sleep("3d")
    await job_step(run=send_check_in, input=email)
    return {"account": account, "workspace": workspace}


def create_account(email: str) -> str:
    leave_effect(email)
    return f"acct-{email.partition('@')[0]}"


def provision_workspace(account: str) -> str:
    leave_effect(account)
    time.sleep(2)  # it takes its time: the worker is killed in the middle of this
    return f"{account}-workspace"


def send_welcome(message: dict[str, str]) -> None:
    leave_effect(message["to"])


def send_check_in(email: str) -> None:
    leave_effect(email)


def leave_effect(of: str) -> None:
    """Do what the outside world would notice: here, write a line to a file."""
    step = current_step()
    line = json.dumps({"step": step.name, "of": of, "attempt": step.attempt, "key": step.idempotency_key})
    descriptor = os.open(os.environ["DEMO_EFFECTS"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(descriptor, f"{line}\n".encode())  # in one piece: this process may be killed at any moment
    os.close(descriptor)
