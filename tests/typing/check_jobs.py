"""What type checkers make of `create_job` and `Triggers`. Checked by mypy (tests/test_typing.py), and never run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, assert_type

from pydantic import BaseModel

from terse_temporal import Event, Job, Retry, RunFailure, Triggers, create_job, registered_jobs
from terse_temporal.state import State
from terse_temporal.triggers import (
    CronTrigger,
    CustomerCreated,
    EveryTrigger,
    GitHubEvent,
    GitHubTrigger,
    HmacSignature,
    IssueCommented,
    LinearCommentCreated,
    LinearEvent,
    LinearIssueCreated,
    LinearIssueUpdated,
    LinearTrigger,
    PullRequestEvent,
    PullRequestMerged,
    PullRequestOpened,
    PullRequestReviewed,
    Push,
    SlackEvent,
    SlackMessagePosted,
    SlackReactionAdded,
    SlackTrigger,
    StripeEvent,
    StripeTrigger,
    TrialStarted,
    Trigger,
    WebhookRequest,
    WebhookTrigger,
)


@dataclass
class Lead:
    email: str


class Counters(BaseModel):
    seen: int = 0


async def score(lead: Lead) -> int: ...  # type: ignore[empty-body]  # it is never run


async def remember(lead: Lead, state: State) -> None: ...


async def remember_typed(lead: Lead, state: State[Counters]) -> dict[str, Any]: ...  # type: ignore[empty-body]  # likewise


def plain(lead: Lead) -> str: ...  # type: ignore[empty-body]  # likewise


def plain_with_state(lead: Lead, state: State) -> str: ...  # type: ignore[empty-body]  # likewise


async def untyped(event, state):  # type: ignore[no-untyped-def]  # as people write it
    return 1


async def is_new(lead: Lead, state: State) -> bool: ...  # type: ignore[empty-body]  # likewise


async def of_any_event(event: Event) -> bool: ...  # type: ignore[empty-body]  # likewise


async def failed(lead: Lead, failure: RunFailure) -> None:
    assert_type(failure.type, str)
    assert_type(failure.message, str)
    assert_type(failure.step, str | None)


def failed_plainly(lead: Lead, failure: RunFailure) -> None: ...


async def failed_without(lead: Lead) -> None: ...


def functions() -> None:
    assert_type(create_job(name="a", durable=True, on_trigger=score), Job[Lead, int])
    assert_type(create_job(name="a", on_trigger=score), Job[Lead, int])
    assert_type(create_job(name="a", durable=True, on_trigger=remember), Job[Lead, None])
    assert_type(
        create_job(name="a", durable=True, states=Counters, on_trigger=remember_typed), Job[Lead, dict[str, Any]]
    )
    assert_type(create_job(name="a", on_trigger=plain), Job[Lead, str])
    assert_type(create_job(name="a", on_trigger=plain_with_state), Job[Lead, str])
    assert_type(create_job(name="a", durable=True, filter=is_new, on_trigger=remember), Job[Lead, None])
    assert_type(create_job(name="a", filter=lambda lead: lead.email != "", on_trigger=score), Job[Lead, int])
    # A trigger does not say what an event is that the handler says itself.
    assert_type(
        create_job(name="a", triggers=[Triggers.stripe.on_customer_created()], on_trigger=plain), Job[Lead, str]
    )

    # What a run does when it has failed gets the event too.
    ends = create_job(name="a", durable=True, timeout="30d", on_failure=failed, retry=Retry(), on_trigger=score)
    assert_type(ends, Job[Lead, int])
    assert_type(create_job(name="a", timeout="1h", on_failure=failed_plainly, on_trigger=plain), Job[Lead, str])

    # Each is a job.
    every: list[Job] = [create_job(name="a", on_trigger=score), create_job(name="a", on_trigger=plain)]
    assert_type(every, list[Job[Any, Any]])
    assert_type(registered_jobs(), list[Job])

    narrower: Job[Lead, object] = create_job(name="a", on_trigger=score)
    wrong: Job[Lead, str] = create_job(name="a", durable=True, on_trigger=score)  # type: ignore[arg-type]  # pyright: ignore[reportAssignmentType]
    assert [narrower, wrong]

    create_job("a", on_trigger=score)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    create_job(name="a", durable="yes", on_trigger=score)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    create_job(name="a", durable=True, on_trigger=plain)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    create_job(name="a", filter=of_any_event, on_trigger=score)  # pyright: ignore[reportArgumentType, reportCallIssue]
    create_job(name="a", on_failure=failed_without, on_trigger=score)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    create_job(name="a", timeout=5, on_trigger=score)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    create_job(name="a", trigger=[], on_trigger=score)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    create_job(name="a", states=int, on_trigger=score)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]


@create_job(name="c", durable=True, filter=lambda event: True)
async def durable(lead: Lead) -> list[int]: ...  # type: ignore[empty-body]  # likewise


@create_job(name="d", durable=True)
async def durable_with_state(event: dict[str, Any], state: State[Counters]) -> Lead: ...  # type: ignore[empty-body]  # likewise


@create_job(name="e")
def decorated(event: Event, state: Any) -> int: ...  # type: ignore[empty-body]  # likewise


@create_job(name="f")
async def decorated_async(lead: Lead) -> int: ...  # type: ignore[empty-body]  # likewise


@create_job(name="g", durable=True)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # it has to be async
def not_async(lead: Lead) -> int: ...  # type: ignore[empty-body]  # likewise


def decorators() -> None:
    assert_type(durable, Job[Lead, list[int]])
    assert_type(durable_with_state, Job[dict[str, Any], Lead])
    assert_type(decorated, Job[Event, int])
    assert_type(decorated_async, Job[Lead, int])


def triggers() -> None:
    assert_type(Triggers.stripe.on_customer_created(), StripeTrigger[CustomerCreated])
    assert_type(Triggers.stripe.on_trial_started(), StripeTrigger[TrialStarted])
    assert_type(Triggers.github.on_pr_opened(), GitHubTrigger[PullRequestOpened])
    assert_type(Triggers.github.on_pr_opened("acme/web").repo, str | None)
    assert_type(Triggers.schedule.cron("0 9 * * 1"), CronTrigger)
    assert_type(Triggers.schedule.cron("0 9 * * 1").timezone, str)
    assert_type(Triggers.schedule.every("30m", offset="5m", overlap="buffer_one"), EveryTrigger)
    Triggers.schedule.every("30m", overlap="queue")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert_type(Triggers.webhook.on_request(), WebhookTrigger[Event])
    assert_type(Triggers.webhook.on_request(body=Lead), WebhookTrigger[Lead])
    assert_type(Triggers.webhook.on_request(body=list[Lead] | None), WebhookTrigger[list[Lead] | None])

    assert_type(Triggers.github.on_push("acme/web", branch="main"), GitHubTrigger[Push])
    assert_type(Triggers.github.on_pr(), GitHubTrigger[PullRequestEvent])
    assert_type(Triggers.github.on_pr_merged(), GitHubTrigger[PullRequestMerged])
    assert_type(Triggers.github.on_pr_reviewed(), GitHubTrigger[PullRequestReviewed])
    assert_type(Triggers.github.on_issue_comment(), GitHubTrigger[IssueCommented])
    assert_type(Triggers.slack.on_message("C1", bots=True), SlackTrigger[SlackMessagePosted])
    assert_type(Triggers.slack.on_direct_message(), SlackTrigger[SlackMessagePosted])
    assert_type(Triggers.slack.on_mention(), SlackTrigger[SlackMessagePosted])
    assert_type(Triggers.slack.on_reaction("eyes"), SlackTrigger[SlackReactionAdded])
    assert_type(Triggers.linear.on_issue_created("ENG"), LinearTrigger[LinearIssueCreated])
    assert_type(Triggers.linear.on_issue_updated(), LinearTrigger[LinearIssueUpdated])
    assert_type(Triggers.linear.on_comment(team="ENG"), LinearTrigger[LinearCommentCreated])

    # Any other event, as the vendor's own model or as one of the user's.
    assert_type(Triggers.github.on_event("release.created", "acme/web"), GitHubTrigger[GitHubEvent])
    assert_type(Triggers.github.on_event("release", model=Lead), GitHubTrigger[Lead])
    assert_type(Triggers.stripe.on_event("invoice.paid"), StripeTrigger[StripeEvent])
    assert_type(Triggers.stripe.on_event("invoice.paid", model=dict[str, Any]), StripeTrigger[dict[str, Any]])
    assert_type(Triggers.slack.on_event("team_join"), SlackTrigger[SlackEvent])
    assert_type(Triggers.slack.on_event("team_join", model=Lead), SlackTrigger[Lead])
    assert_type(Triggers.linear.on_event("Project.update"), LinearTrigger[LinearEvent])
    assert_type(Triggers.linear.on_event("Project", "ENG", model=Lead | None), LinearTrigger[Lead | None])
    Triggers.github.on_event()  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    Triggers.github.on_event("release", model=3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    Triggers.slack.on_message(bots="yes")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    several: list[Trigger] = [Triggers.stripe.on_customer_created(), Triggers.schedule.cron("0 9 * * 1")]
    create_job(name="a", triggers=several, on_trigger=score)
    create_job(name="a", triggers=[Triggers.webhook], on_trigger=score)  # type: ignore[list-item]  # pyright: ignore[reportArgumentType, reportCallIssue]
    Triggers.schedule.cron("0 9 * * 1").timezone = "UTC"  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    assert_type(
        Triggers.webhook.on_request(WebhookRequest[Lead], secret="OTHER", scheme="attio"),
        WebhookTrigger[WebhookRequest[Lead]],
    )
    assert_type(Triggers.webhook.on_request(secret="OTHER", scheme=HmacSignature(header="X")), WebhookTrigger[Event])
    Triggers.webhook.on_request(secret="OTHER", scheme="x")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    Triggers.webhook.on_request(body=3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]


async def events(
    push: Push, merged: PullRequestMerged, release: GitHubEvent, message: SlackMessagePosted, issue: LinearIssueUpdated
) -> None:
    assert_type(push.branch, str | None)
    assert_type(push.commits[0].sha, str | None)
    assert_type(merged.pull_request.author.login, str | None)
    assert_type(message.thread_ts, str | None)
    assert_type(message.files[0].mimetype, str | None)
    assert_type(issue.data.labels[0].name, str | None)
    assert_type(issue.updated_from, Event | None)
    # What no model declares is anything, where the event is any; and a mistake, where it is one.
    assert_type(release.repository.full_name, str | None)
    assert_type(release.release.tag_name, Any)
    assert push.brunch  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]


async def request(event: WebhookRequest[Lead], anything: WebhookRequest) -> None:
    assert_type(event.body, Lead)
    assert_type(event.headers["user-agent"], str)
    assert_type(event.method, str)
    assert_type(anything.body, Any)


async def states(state: State, counters: State[Counters]) -> None:
    assert_type(await state.get("seen"), Any)
    assert_type(await counters.get("seen"), Any)
    assert_type(await state.update("seen", lambda seen: seen + 1), Any)
    assert_type(await state.update("seen", max, 1), Any)
    await state.get(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await state.update("seen", "max")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    await state.update("seen")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
