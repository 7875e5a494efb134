"""What the events of Linear are made of. Linear leaves out what is not set, or sends null: nothing is required."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from ..base import UtcDatetime
from ..parts import ListOf, Part

__all__ = ["LinearComment", "LinearIssue", "LinearLabel", "LinearState", "LinearTeam", "LinearUser", "team_names"]


class LinearUser(Part):
    """A person, or what acts for one: `type` is `"user"`, `"OauthClient"` or `"integration"`."""

    name: str | None = None
    email: str | None = None
    type: str | None = None
    id: str | None = Field(default=None, repr=False)


class LinearTeam(Part):
    """A team; the identifiers of its issues begin with its `key`: `"ENG"`."""

    key: str | None = None
    name: str | None = None
    id: str | None = Field(default=None, repr=False)


class LinearState(Part):
    """Where an issue stands; `type` is `"unstarted"`, `"started"`, `"completed"`, … whatever its name is."""

    name: str | None = None
    type: str | None = None
    id: str | None = Field(default=None, repr=False)


class LinearLabel(Part):
    """A label of an issue."""

    name: str | None = None
    id: str | None = Field(default=None, repr=False)


class LinearIssue(Part):
    """An issue; its `identifier` is `"ENG-42"`."""

    identifier: str | None = None
    title: str | None = None
    description: str | None = None
    priority_label: str | None = None
    state: LinearState = Field(default_factory=LinearState)
    team: LinearTeam = Field(default_factory=LinearTeam)
    assignee: LinearUser | None = None
    labels: ListOf[LinearLabel] = Field(default_factory=list)
    url: str | None = None
    created_at: UtcDatetime | None = None
    id: str | None = Field(default=None, repr=False)


class LinearComment(Part):
    """A comment on an issue."""

    body: str | None = None
    user: LinearUser = Field(default_factory=LinearUser, repr=False)
    issue: LinearIssue = Field(default_factory=LinearIssue)
    parent_id: str | None = Field(default=None, repr=False)
    url: str | None = None
    created_at: UtcDatetime | None = None
    id: str | None = Field(default=None, repr=False)


def team_names(data: Any) -> set[str]:
    """Return what the team of an issue, or of a comment's issue, is called: id, key and name, in small letters."""
    if not isinstance(data, dict):
        return set()
    found: list[Any] = []
    for part in (data, data.get("issue")):
        if isinstance(part, dict):
            team = part.get("team")
            found += [team.get(key) for key in ("id", "key", "name")] if isinstance(team, dict) else []
            identifier = part.get("identifier")
            found += [part.get("teamId"), identifier.rpartition("-")[0] if isinstance(identifier, str) else None]
    return {each.lower() for each in found if isinstance(each, str) and each}
