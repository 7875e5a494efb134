"""Jobs that something in Linear starts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

from typing_extensions import TypeVar

from ..base import refusal
from ..vendor import VendorTrigger, check_event, value_at
from .events import LinearCommentCreated, LinearEvent, LinearIssueCreated, LinearIssueUpdated
from .parts import team_names

if TYPE_CHECKING:
    from typing_extensions import TypeForm

__all__ = ["LinearTrigger", "LinearTriggers"]

_T = TypeVar("_T")
_EventT_co = TypeVar("_EventT_co", covariant=True, default=Any)


@dataclass(frozen=True, kw_only=True, repr=False)
class LinearTrigger(VendorTrigger[_EventT_co]):
    """An event of one team, or of all.

    Attributes:
        team: the team's key, id or name; None for all.
    """

    team: str | None = None

    def _passes(self, body: Any) -> bool:
        return self.team is None or self.team.lower() in team_names(value_at(body, "data"))

    def _filters(self) -> dict[str, Any]:
        return {"team": self.team}


class LinearTriggers:
    """`Triggers.linear`. `team` is a team's key, id or name, in capital or small letters; without it, of all."""

    @staticmethod
    def on_issue_created(team: str | None = None) -> LinearTrigger[LinearIssueCreated]:
        """Start the job when an issue was created (`Issue.create`). The event is a `LinearIssueCreated`.

        Args:
            team: only of this team: `"ENG"`.

        Raises:
            JobDefinitionError: `team` has another shape.
        """
        return _trigger("linear.on_issue_created", "Issue.create", LinearIssueCreated, team)

    @staticmethod
    def on_issue_updated(team: str | None = None) -> LinearTrigger[LinearIssueUpdated]:
        """Start the job when an issue was changed (`Issue.update`). The event is a `LinearIssueUpdated`.

        Its `updated_from` says what has changed. A job that changes the issue starts itself: filter by that.
        """
        return _trigger("linear.on_issue_updated", "Issue.update", LinearIssueUpdated, team)

    @staticmethod
    def on_comment(team: str | None = None) -> LinearTrigger[LinearCommentCreated]:
        """Start the job when somebody commented on an issue (`Comment.create`). The event is a `LinearCommentCreated`.

        A comment that the job makes starts it too: filter by `event.actor`.
        """
        return _trigger("linear.on_comment", "Comment.create", LinearCommentCreated, team)

    @overload
    @staticmethod
    def on_event(event: str, team: str | None = None, *, model: None = None) -> LinearTrigger[LinearEvent]: ...

    @overload
    @staticmethod
    def on_event(event: str, team: str | None = None, *, model: TypeForm[_T]) -> LinearTrigger[_T]: ...

    @staticmethod
    def on_event(event: str, team: str | None = None, *, model: Any = None) -> LinearTrigger[Any]:
        """Start the job on any event of Linear.

        Args:
            event: type and action as Linear names them, `"Project.update"`; or the type alone, for every action.
            team: only of this team, where the event is of an issue, or of what belongs to one.
            model: the type that the body is read as: a pydantic model, dataclass, TypedDict … Without it the event is a
                `LinearEvent`.

        Raises:
            JobDefinitionError: an argument has another shape, or `model` is not a type that JSON can be validated
                against.
        """
        name = "linear.on_event"
        check_event(name, event, model, "Project.update", "Project")
        return _trigger(name, event, LinearEvent if model is None else model, team, chosen=event, model=model)


def _trigger(name: str, kind: str, event_model: Any, team: Any, **given: Any) -> LinearTrigger[Any]:
    if team is not None and not (isinstance(team, str) and team.strip() and len(team) <= 200):
        first = f'"{kind}", ' if "chosen" in given else ""
        raise refusal(name, f"team={team!r} is no key, id or name of a team", f'{name}({first}team="ENG")')
    return LinearTrigger(source="linear", name=name, kinds=(kind,), event_model=event_model, team=team, **given)
