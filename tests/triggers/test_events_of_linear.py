"""The events of Linear read its own payloads and what people write by hand, and refuse those of other events."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from terse_temporal.errors import EventError
from terse_temporal.jobs.event_input import read_event
from terse_temporal.triggers import LinearCommentCreated, LinearEvent, LinearIssueCreated, LinearIssueUpdated

from ..webhooks import label, payload, payloads, read

MODELS = {
    "Issue.create": LinearIssueCreated,
    "Issue.update": LinearIssueUpdated,
    "Comment.create": LinearCommentCreated,
}


def event_of(raw: Any, model: Any) -> Any:
    return read_event(raw, model, job="onboard")


@pytest.mark.parametrize("path", payloads("linear/Issue.*"), ids=label)
def test_issues(path: Path) -> None:
    """An issue has the fields that are promised."""
    raw = read(path)
    event = event_of(raw, MODELS[path.stem])
    data, sent = event.data, raw["data"]
    assert (event.action, event.actor.name, event.actor.email) == (
        *(raw["action"], raw["actor"]["name"], raw["actor"]["email"]),
    )
    assert (data.id, data.identifier, data.title) == (sent["id"], sent["identifier"], sent["title"])
    assert (data.description, data.priority_label, data.url) == (
        *(sent["description"], sent["priorityLabel"], sent["url"]),
    )
    assert (data.state.name, data.team.key) == (sent["state"]["name"], sent["team"]["key"])
    assert (data.assignee and data.assignee.email) == (sent["assignee"] and sent["assignee"]["email"])
    assert [each.name for each in data.labels] == [each["name"] for each in sent["labels"]]
    assert data.number == sent["number"]
    if path.stem == "Issue.update":
        assert event.updated_from == raw["updatedFrom"]


@pytest.mark.parametrize("path", payloads("linear/Comment.create"), ids=label)
def test_comments(path: Path) -> None:
    """A comment has what was written, and on what."""
    raw = read(path)
    event = event_of(raw, LinearCommentCreated)
    assert (event.data.body, event.data.user.name) == (raw["data"]["body"], raw["data"]["user"]["name"])
    assert event.data.issue.identifier == raw["data"]["issue"]["identifier"]


def test_any_event() -> None:
    """Its data are as they were sent, and read as attributes, in either spelling."""
    event = event_of(payload("linear/Issue.create"), LinearEvent)
    assert event.data.priorityLabel == event.data.priority_label == "High"
    project = event_of(payload("linear/Project.update"), LinearEvent)
    assert (project.type, project.data.name, project.actor.name) == ("Project", "New doors", None)


@pytest.mark.parametrize(
    ("raw", "model", "path", "value"),
    [
        ({"data": {"title": "x"}}, LinearIssueCreated, "data.title", "x"),
        ({"issue": {"title": "x", "priority_label": "High"}}, LinearIssueCreated, "data.priority_label", "High"),
        ({"issue": {"priorityLabel": "High"}}, LinearIssueUpdated, "data.priority_label", "High"),
        ({"issue": {"labels": None, "state": None}}, LinearIssueUpdated, "data.state.name", None),
        ({"issue": {}, "updatedFrom": {"stateId": "s"}}, LinearIssueUpdated, "updated_from.state_id", "s"),
        ({"comment": {"body": "hi"}}, LinearCommentCreated, "data.issue.team.key", None),
        ({"comment": {"body": "hi"}}, LinearCommentCreated, "action", "create"),
    ],
)
def test_short_forms(raw: dict[str, Any], model: Any, path: str, value: Any) -> None:
    """What people write by hand is enough, in either spelling."""
    found = event_of(raw, model)
    for name in path.split("."):
        found = getattr(found, name)
    assert found == value


@pytest.mark.parametrize("model", MODELS.values(), ids=lambda model: model.__name__)
@pytest.mark.parametrize("name", [*MODELS, "Project.update"])
def test_another_event_is_refused(name: str, model: type[Any]) -> None:
    """And both events are named."""
    if MODELS.get(name) is model:
        return
    expected = next(each for each, of in MODELS.items() if of is model)
    with pytest.raises(EventError) as raised:
        event_of(payload(f"linear/{name}"), model)
    assert f'Linear event "{name}"; {model.__name__} is read from "{expected}"' in str(raised.value)


def test_an_issue_is_needed() -> None:
    """Without one there is no event."""
    with pytest.raises(EventError, match="data: Field required"):
        event_of({"title": "x"}, LinearIssueCreated)


def test_what_a_prompt_and_a_log_say() -> None:
    """What happened, and then by whom."""
    event = event_of(payload("linear/Issue.create"), LinearIssueCreated)
    assert event.format_for_agent() == (
        "Linear issue created\naction: create\ndata:\n  identifier: SHOP-42\n  title: The door squeaks\n"
        "  description: Since yesterday.\n  priority_label: High\n  state:\n    name: Todo\n    type: unstarted\n"
        "  team:\n    key: SHOP\n    name: The Shop\n  labels:\n    - name: noise\n"
        "  url: https://linear.example/acme/issue/SHOP-42\n  created_at: 2026-11-27T08:00:00Z\n"
        "actor:\n  name: Ada\n  email: ada@example.com\n  type: user"
    )
    assert event.debug_log().startswith("LinearIssueCreated action='create' data.identifier='SHOP-42' data.title=")
