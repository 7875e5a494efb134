"""Jobs that the gateway of the tests starts. They say what they got."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from terse_temporal import Triggers, create_job
from terse_temporal.triggers import CustomerCreated, PullRequestOpened


class Lead(BaseModel):
    """What a form on a website sends."""

    email: str
    budget: int = Field(ge=0)


@create_job(name="welcome", triggers=[Triggers.stripe.on_customer_created()], durable=True)
async def welcome(event: CustomerCreated) -> Any:
    return event.customer.email


@create_job(name="count-customers", triggers=[Triggers.stripe.on_event("customer.created")], durable=True)
async def count_customers(event: Any) -> Any:
    return "counted"


@create_job(name="review", triggers=[Triggers.github.on_pr_opened()], durable=True)
async def review(event: PullRequestOpened) -> Any:
    return event.pull_request.number


@create_job(name="lead", triggers=[Triggers.webhook.on_request(Lead)], durable=True)
async def lead(event: Lead) -> Any:
    return event.email


@create_job(name="öffnen/heute", triggers=[Triggers.webhook.on_request(secret=None)], durable=True)
async def unsigned(event: Any) -> Any:
    return sorted(event)
