"""Jobs that webhooks start, each of its own kind."""

from __future__ import annotations

from pydantic import BaseModel

from terse_temporal import Event, Triggers, create_job, job_step, wait_for_event
from terse_temporal.errors import EventTimeoutError
from terse_temporal.triggers import (
    CustomerCreated,
    HmacSignature,
    LinearIssueCreated,
    PullRequestOpened,
    SlackMessagePosted,
)


class Lead(BaseModel):
    email: str


class Push(BaseModel):
    ref: str


@create_job(name="kit-customer", triggers=[Triggers.stripe.on_customer_created()], durable=True)
async def customer(event: CustomerCreated) -> str | None:
    return event.customer.email


@create_job(name="kit-customer-again", triggers=[Triggers.stripe.on_customer_created()])
def customer_again(event: CustomerCreated) -> str | None:
    return event.customer.id


@create_job(name="kit-pull-request", triggers=[Triggers.github.on_pr_opened(repo="acme/web")])
def pull_request(event: PullRequestOpened) -> str | None:
    return event.pull_request.title


@create_job(name="kit-push", triggers=[Triggers.github.on_event("push", model=Push)])
def push(event: Push) -> str:
    return event.ref


@create_job(name="kit-deployment", triggers=[Triggers.github.on_event("deployment.created")])
def deployment(event: Event) -> str:
    return str(event.deployment.id)


@create_job(name="kit-mention", triggers=[Triggers.slack.on_mention()])
def mention(event: SlackMessagePosted) -> str:
    return str(event.text)


@create_job(name="kit-button", triggers=[Triggers.slack.on_event("block_actions")])
def button(event: Event) -> str:
    return str(event.actions[0]["value"])


@create_job(name="kit-issue", triggers=[Triggers.linear.on_issue_created()])
def issue(event: LinearIssueCreated) -> str:
    return str(event.data.title)


@create_job(name="kit-lead", triggers=[Triggers.webhook.on_request(Lead)])
def lead(event: Lead) -> str:
    return event.email


@create_job(name="kit-open", triggers=[Triggers.webhook.on_request(secret=None)])
def unsigned(event: Event) -> str:
    return str(event.email)


@create_job(
    name="kit-own-scheme",
    triggers=[
        Triggers.webhook.on_request(
            Lead, secret="KIT_SECRET", scheme=HmacSignature(header="X-Kit-Signature", id_field="delivery")
        )
    ],
)
def own_scheme(event: Lead) -> str:
    return event.email


def look_up(invoice: str) -> str:
    return invoice


@create_job(name="kit-paid", durable=True)
async def paid(event: Event) -> str | None:
    invoice = await job_step(run=look_up, input=event.invoice)
    try:
        came = await wait_for_event(
            Triggers.stripe.on_event("invoice.paid"), match={"data.object.id": invoice}, timeout="30d"
        )
    except EventTimeoutError:
        return "late"
    return came.id


@create_job(name="kit-next-customer", durable=True)
async def next_customer(event: Event) -> str | None:
    return (await wait_for_event(Triggers.stripe.on_customer_created())).customer.id
