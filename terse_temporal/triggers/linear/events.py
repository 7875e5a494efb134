"""The events of Linear.

Linear sends `{"type": "Issue", "action": "create", "data": {…}}`. The models read that and what people write by hand,
`{"issue": {"title": …}}`, and refuse what is of another type or action: its data might just fit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from ...diagnostics.text import shorten
from ...events import Event, EventModel
from ..base import UtcDatetime
from ..parts import BUILT_WHEN_USED
from .parts import LinearComment, LinearIssue, LinearUser

__all__ = ["LinearCommentCreated", "LinearEvent", "LinearIssueCreated", "LinearIssueUpdated"]


class _LinearEvent(EventModel):
    """What all events of Linear have. `actor` is who did it, and empty where Linear did."""

    model_config: ClassVar[ConfigDict] = BUILT_WHEN_USED

    action: str | None = None
    type: str | None = Field(default=None, repr=False)
    actor: LinearUser = Field(default_factory=LinearUser)
    url: str | None = Field(default=None, repr=False)
    created_at: UtcDatetime | None = Field(default=None, repr=False)
    organization_id: str | None = Field(default=None, repr=False)

    def _shown(self) -> dict[str, Any]:
        shown = super()._shown()
        # By whom is less than what.
        return {**{name: value for name, value in shown.items() if name != "actor"}, "actor": self.actor}


class LinearEvent(_LinearEvent):
    """Any event of Linear: `event.data` is what it is about."""

    model_config: ClassVar[ConfigDict] = ConfigDict(title="Linear event")

    type: str | None = None
    data: Event = Field(default_factory=Event)
    updated_from: Event | None = None

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...


class _OneEvent(_LinearEvent):
    """An event that has a model of its own."""

    linear_type: ClassVar[str]
    linear_action: ClassVar[str]

    @model_validator(mode="before")
    @classmethod
    def _refuse_others(cls, raw: object) -> object:
        if not isinstance(raw, dict):
            return raw
        sent = [raw.get("type"), raw.get("action")]
        if any(
            isinstance(each, str) and each != own
            for each, own in zip(sent, (cls.linear_type, cls.linear_action), strict=True)
        ):
            raise PydanticCustomError(
                "linear_event",
                'this is the Linear event "{sent}"; {model} is read from "{expected}"',
                {
                    "sent": ".".join(shorten(each, 60) for each in sent if isinstance(each, str)),
                    "model": cls.__name__,
                    "expected": f"{cls.linear_type}.{cls.linear_action}",
                },
            )
        by_hand = cls.linear_type.lower()
        if "data" not in raw and isinstance(raw.get(by_hand), dict):
            return {**{key: value for key, value in raw.items() if key != by_hand}, "data": raw[by_hand]}
        return raw


class LinearIssueCreated(_OneEvent):
    """An issue was created; `data` is the issue."""

    linear_type: ClassVar[str] = "Issue"
    linear_action: ClassVar[str] = "create"

    action: str = "create"
    data: LinearIssue


class LinearIssueUpdated(_OneEvent):
    """An issue was changed; `data` is the issue, and `updated_from` what the changed fields were before."""

    linear_type: ClassVar[str] = "Issue"
    linear_action: ClassVar[str] = "update"

    action: str = "update"
    data: LinearIssue
    updated_from: Event | None = None


class LinearCommentCreated(_OneEvent):
    """Somebody commented on an issue; `data` is the comment, and `data.issue` the issue."""

    model_config: ClassVar[ConfigDict] = ConfigDict(json_schema_extra={"examples": [{"comment": {"body": "text"}}]})
    linear_type: ClassVar[str] = "Comment"
    linear_action: ClassVar[str] = "create"

    action: str = "create"
    data: LinearComment
