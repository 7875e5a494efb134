"""The event in the command that `dev` tells a newcomer to copy, and durations in few letters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field, model_validator

from terse_temporal import Triggers, create_job
from terse_temporal.cli.examples import example_event
from terse_temporal.jobs.event_input import event_type, read_event
from terse_temporal.jobs.registry import collecting
from terse_temporal.runs.timeline import short
from terse_temporal.triggers.base import Trigger


@dataclass
class Address:
    city: str
    zip: str = "10115"


class Lead(BaseModel):
    email: str
    kind: Literal["trial", "paid"]
    since: datetime
    seats: int
    address: Address
    note: str | None = None
    source: str = Field(examples=["fair"])


class Picky(BaseModel):
    number: int

    @model_validator(mode="after")
    def _even(self) -> Picky:
        if self.number % 2:
            raise ValueError("odd")
        return self


def of_lead(event: Lead) -> None: ...


def of_picky(event: Picky) -> None: ...


def of_anything(event: Any) -> None: ...


def by_trigger(event) -> None: ...  # type: ignore[no-untyped-def]  # the trigger says what it is


@pytest.mark.parametrize(
    ("handler", "triggers", "expected"),
    [
        (
            of_lead,
            [],
            {
                "email": "ada@example.com",
                "kind": "trial",
                "since": "2026-01-31T09:00:00Z",
                "seats": 1,
                "address": {"city": "text"},
                "source": "fair",
            },
        ),
        (by_trigger, [Triggers.stripe.on_customer_created()], {"customer": {"email": "ada@example.com"}}),
        (by_trigger, [Triggers.github.on_pr_opened()], {"pull_request": {"title": "A title"}}),
        (by_trigger, [Triggers.github.on_push()], {"branch": "main"}),
        (by_trigger, [Triggers.github.on_issue_comment()], {"comment": {"body": "text"}}),
        (by_trigger, [Triggers.github.on_pr_reviewed()], {"review": {"state": "approved"}}),
        (by_trigger, [Triggers.slack.on_message()], {"channel_id": "C061EG9SL", "text": "text"}),
        (by_trigger, [Triggers.slack.on_reaction()], {"reaction": "eyes"}),
        (by_trigger, [Triggers.linear.on_issue_created()], {"data": {"title": "A title"}}),
        (by_trigger, [Triggers.linear.on_comment()], {"comment": {"body": "text"}}),
        (by_trigger, [Triggers.github.on_event("release")], {}),
        (of_anything, [], {}),
        (of_picky, [], {}),
    ],
    ids=[
        *("model", "stripe", "github", "push", "comment", "review", "slack", "reaction", "linear", "linear's comment"),
        *("any event", "anything", "more than the schema says"),
    ],
)
def test_example(handler: Callable[..., Any], triggers: list[Trigger], expected: dict[str, Any]) -> None:
    """It is the smallest event that the job takes, with what tells most; or empty, where the type does not tell."""
    with collecting():
        job = create_job(name="any", triggers=triggers, on_trigger=handler)
    assert example_event(job) == expected
    if expected:
        read_event(expected, event_type(job.handler, job.triggers), job=job.name)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 ms"),
        (0.0124, "12 ms"),
        (0.9996, "1.0 s"),
        (2.25, "2.2 s"),
        (59.96, "1 min"),
        (61, "1 min 1 s"),
        (3600, "1 h"),
        (7384, "2 h 3 min"),
        (3 * 86400 + 11, "3 d 11 s"),
    ],
)
def test_short(seconds: float, text: str) -> None:
    """A duration is shown in the two units that matter."""
    assert short(timedelta(seconds=seconds)) == text
