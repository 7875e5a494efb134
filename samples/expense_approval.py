"""Expense approval: the manager is asked by mail, and after two days of silence their boss is.

    terse-temporal gateway samples.expense_approval
    terse-worker samples.expense_approval

Each of them gets a link of their own to a page that the gateway serves, so both processes need the same
`TERSE_GATEWAY_KEY`, and the worker `TERSE_GATEWAY_URL`, where people reach the gateway. Mails are sent with `SMTP_HOST`
and its like; `PAYROLL_URL` and `PAYROLL_TOKEN` are of the service that pays. (Where they are not set, an approved run
fails as it comes to pay, and `terse-temporal runs retry` goes on from there.) On your own machine, with a mail server
that prints what it gets (`pip install aiosmtpd`), `terse-temporal dev` sets the key and the address by itself:

    python -m aiosmtpd -n -l 127.0.0.1:2525
    SMTP_HOST=127.0.0.1 SMTP_PORT=2525 SMTP_SECURITY=none SMTP_FROM=finance@example.com \
        terse-temporal dev samples.expense_approval
    terse-temporal trigger expense-approval --event '{"employee": "ada@example.com", "manager": "grace@example.com",
        "boss": "joan@example.com", "amount": "480.00", "purpose": "Train to the fair"}'

Only the one who is asked may answer (`respond_by`). The first question is withdrawn when the second is put: the
manager's link then says that it is over, and whoever is asked next reads why.
"""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, Field

from terse_temporal import InputAnswer, InputOption, create_job, inputs, toolbox, wait_for_input

_PAYROLL = os.environ.get("PAYROLL_URL") or "https://payroll.example.com"

#: What nobody has to be asked about.
_PETTY = Decimal(50)

#: How long the manager has.
_PATIENCE = timedelta(days=2)

_OPTIONS = [
    InputOption("approve", "Approve", "It is paid out with the next salary."),
    InputOption("reject", "Reject", "Say why: it is what they are told.", free_text=True),
]


class Expense(BaseModel):
    """What somebody has paid and wants back. People are given by their e-mail addresses."""

    employee: str
    manager: str
    boss: str
    amount: Decimal = Field(gt=0, decimal_places=2)
    currency: str = "EUR"
    purpose: str
    receipt: str | None = None  # where it can be looked at


class Outcome(BaseModel):
    """How it was decided."""

    approved: bool
    by: str | None = None
    reason: str = ""


@create_job(name="expense-approval", durable=True)
async def expense_approval(event: Expense) -> Outcome:
    outcome = await decide(event)
    if outcome.approved:
        await toolbox.http.request(
            method="POST",
            url=f"{_PAYROLL}/reimbursements",
            json={"employee": event.employee, "amount": str(event.amount), "currency": event.currency},
            auth_env="PAYROLL_TOKEN",
            idempotent=True,  # it takes one payment for one key, which goes along
        )
    said = "It is paid out with the next salary." if outcome.approved else f"It was rejected: {outcome.reason}"
    await toolbox.email.send(
        to=event.employee,
        subject="Your expense",
        text=f"{event.purpose}\n\n{said}",
    )
    return outcome


async def decide(expense: Expense) -> Outcome:
    if expense.amount <= _PETTY:
        return Outcome(approved=True)
    if expense.manager == expense.employee:
        answer = await ask(expense, expense.boss)
    else:
        try:
            async with asyncio.timeout(_PATIENCE.total_seconds()):
                answer = await ask(expense, expense.manager)
        except TimeoutError:
            answer = await ask(expense, expense.boss, so_far=f"{expense.manager} has not answered for two days.")
    if answer.respondent is None:
        return Outcome(approved=False, reason="nobody has answered")
    return Outcome(approved=answer.choice == "approve", by=answer.respondent, reason=answer.text)


async def ask(expense: Expense, approver: str, so_far: str | None = None) -> InputAnswer:
    details: dict[str, Any] = {
        "Who": expense.employee,
        "What for": expense.purpose,
        "Amount": f"{expense.amount:,.2f} {expense.currency}",
        "Receipt": expense.receipt or "none",
    }
    return await wait_for_input(
        prompt=f"{expense.employee} asks for {details['Amount']} back. Do you approve?",
        options=_OPTIONS,
        details={**details, "So far": so_far} if so_far else details,
        via=inputs.email(to=approver),
        respond_by=[approver],
        remind_every="20h",  # no part of two days: nobody is reminded as the question goes to somebody else
        timeout="14d",
        on_timeout="reject",
    )
