"""Jobs that ask people, as somebody's office would."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any, Literal

from pydantic import BaseModel, Field

from terse_temporal import Event, InputOption, TerseAgent, create_job, toolbox, wait_for_input
from terse_temporal.errors import ToolDeniedError
from terse_temporal.inputs import LongText


class Laptop(Enum):
    """What stands on the desk."""

    AIR = "13 inch"
    PRO = "16 inch"
    NONE = "none, a computer of their own"


class Onboarding(BaseModel):
    """What the office prepares before the first day."""

    full_name: str = Field(min_length=3, description="As it is to stand on the badge.")
    email: str = Field(json_schema_extra={"format": "email"}, description="A private address, until they have ours.")
    starts_on: date = Field(description="A working day.")
    days_a_week: int = Field(default=5, ge=1, le=5)
    budget: Decimal | None = Field(default=None, ge=0, le=5000, description="For desk and chair, in EUR.")
    laptop: Laptop = Laptop.AIR
    floor: Literal["ground", "first", "second"] | None = None
    accounts: list[Literal["mail", "chat", "code"]] = Field(default=["mail", "chat"])
    remote: bool = Field(default=False, description="Everything is sent to their home.")
    welcome: LongText = Field(default="Welcome to the team!", description="The card on the desk.")
    guests: list[str] = Field(default=[], description="Who joins for lunch, one a line.")


@create_job(name="expense-report", durable=True)
async def expense_approval(event: Event) -> list[Any]:
    """Asks with options."""
    answer = await wait_for_input(
        prompt=event.get(
            "prompt",
            "Ada Lovelace asks for 1,240.00 EUR back.\nThe receipt is attached to the report; the trip was agreed on in"
            " September.",
        ),
        options=[
            InputOption("approve", "Approve", "The amount is paid with the next salary.", free_text=True),
            InputOption("reject", "Reject", "Ada is told why.", free_text=True),
            InputOption("later", "Ask me again next week"),
        ],
        details=event.get(
            "details",
            {
                "Employee": "Ada Lovelace",
                "Amount": "1,240.00 EUR",
                "Category": "Travel",
                "Receipts": ["train.pdf", "hotel.pdf"],
                "Over the limit": True,
                "Trip": {"from": "London", "to": "Turin", "days": 3},
            },
        ),
        timeout=event.get("timeout"),
        on_timeout="later" if event.get("timeout") and event.get("later") else None,
        respond_by=event.get("respond_by"),
    )
    return [answer.choice, answer.text, answer.respondent]


@create_job(name="release-notes", durable=True)
async def release_notes(event: Event) -> str:
    """Asks for a text."""
    return (await wait_for_input(prompt="What is new in version 4.2, in a sentence for customers?")).text


@create_job(name="onboarding", durable=True)
async def onboarding(event: Event) -> dict[str, Any]:
    """Asks with a form of every kind of field."""
    answer = await wait_for_input(
        prompt="A new colleague begins. What do they need?",
        schema=Onboarding,
        details={"Contract": "signed", "Team": "Engines"},
        timeout=event.get("timeout"),
    )
    return answer.data.model_dump(mode="json")


@toolbox.tool("mailer.send")
async def send(to: str, subject: str, body: str) -> str:
    """Send a mail.

    Args:
        to: whom.
        subject: of what.
        body: what.
    """
    return f"sent to {to}"


@create_job(name="answer-customers", durable=True)
async def answer_customers(event: Event) -> str:
    """Asks whether a tool may be called."""
    agent = TerseAgent.create(skills=["mailer"], tool_approvals=["mailer.send"])
    try:
        given = {
            "to": "grace@example.com",
            "subject": "Your order 1837",
            "body": "Dear Grace,\n\nit left our house today.\n\nYours, the shop",
        }
        return str(await agent.tools.mailer.send(**given))
    except ToolDeniedError as denied:
        return str(denied)


#: Every job of these.
ALL = [expense_approval, release_notes, onboarding, answer_customers]
