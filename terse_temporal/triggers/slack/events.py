"""The events of Slack.

Slack sends an envelope, `{"type": "event_callback", "event": {"type": "message", "channel": …}}`, and without one what
somebody does with a button. The models read both, and what people write by hand: `{"channel_id": "C1", "text": "hi"}`.
What stands in the envelope's event reads as fields of the model, those that it does not declare too: `event.blocks`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from ...diagnostics.text import shorten
from ...events import EventModel
from ..parts import BUILT_WHEN_USED, ListOf, Part
from ..vendor import value_at

__all__ = ["SlackEvent", "SlackFile", "SlackMessagePosted", "SlackReactionAdded", "channel_of", "inner_event"]


#: Of the envelope and what stands in it, what says nothing to people, and what is for the app alone.
_NOT_SHOWN: Final = frozenset(
    (
        *("api_app_id", "authorizations", "client_msg_id", "container", "context_enterprise_id", "context_team_id"),
        *("enterprise_id", "event_context", "event_id", "event_time", "event_ts", "is_ext_shared_channel", "message"),
        *("response_url", "response_urls", "source_team", "team", "token", "trigger_id", "ts", "user_profile"),
        *("user_team", "username"),
    )
)


class SlackFile(Part):
    """A file of a message. `url_private` wants the app's token."""

    name: str | None = None
    title: str | None = Field(default=None, repr=False)
    mimetype: str | None = None
    size: int | None = None
    url_private: str | None = None
    id: str | None = Field(default=None, repr=False)


class _SlackEvent(EventModel):
    """What events of Slack have in common. Slack sends ids; names only of what somebody clicks, and rarely else."""

    model_config: ClassVar[ConfigDict] = BUILT_WHEN_USED

    #: The types of event that the model reads; none, if all.
    slack_types: ClassVar[tuple[str, ...]] = ()

    type: str | None = None
    text: str | None = None
    user_name: str | None = None
    user_id: str | None = None
    channel_name: str | None = None
    channel_id: str | None = None
    channel_type: str | None = None
    timestamp: str | None = None
    thread_ts: str | None = None
    files: ListOf[SlackFile] = Field(default_factory=list)
    permalink: str | None = None
    team_id: str | None = Field(default=None, repr=False)

    @model_validator(mode="before")
    @classmethod
    def _open_envelope(cls, raw: object) -> object:
        if not isinstance(raw, dict):
            return raw
        inner = inner_event(raw)
        sent = inner.get("type")
        if isinstance(sent, str) and cls.slack_types and sent not in cls.slack_types:
            raise PydanticCustomError(
                "slack_event",
                'this is the Slack event "{sent}"; {model} is read from "{expected}"',
                {"sent": shorten(sent, 80), "model": cls.__name__, "expected": '" and "'.join(cls.slack_types)},
            )
        envelope = {} if inner is raw else {key: value for key, value in raw.items() if key != "event"}
        parts = (envelope, cls._fields_from(inner), inner)
        return {name: value for part in parts for name, value in part.items() if value is not None}

    @classmethod
    def _fields_from(cls, inner: dict[str, Any]) -> dict[str, Any]:
        """Return the fields of the model that Slack calls otherwise. What is not there is None."""
        return {
            "channel_id": channel_of(inner),
            "channel_name": value_at(inner, "channel", "name"),
            "user_id": id_of(inner.get("user")),
            "user_name": (
                inner.get("username")
                or value_at(inner, "user", "username")
                or value_at(inner, "user", "name")
                or value_at(inner, "user_profile", "name")
            ),
            "timestamp": inner.get("ts") or inner.get("event_ts") or value_at(inner, "message", "ts"),
            "team_id": id_of(inner.get("team")),
        }


def inner_event(body: Any) -> dict[str, Any]:
    """Return the event in the envelope of a body, or the body where it has no envelope."""
    inner = value_at(body, "event")
    if isinstance(inner, dict):
        return inner
    return body if isinstance(body, dict) else {}


def channel_of(event: dict[str, Any]) -> Any:
    """Return the id of the channel that an event is about, or that of the message that it is about."""
    return id_of(event.get("channel")) or value_at(event, "item", "channel")


def id_of(value: Any) -> Any:
    """Return the id of what Slack sends as an id, or, where somebody clicked, as an object."""
    return value.get("id") if isinstance(value, dict) else value


class SlackEvent(_SlackEvent):
    """Any event of Slack: what many have in common is typed, and the rest reads as attributes too."""

    model_config: ClassVar[ConfigDict] = ConfigDict(title="Slack event")

    def _shown(self) -> dict[str, Any]:
        others = {name: value for name, value in (self.model_extra or {}).items() if name not in _NOT_SHOWN}
        return {**super()._shown(), **others}

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...


class SlackMessagePosted(_SlackEvent):
    """Somebody posted a message, or mentioned the app in one.

    Attributes:
        type: `"message"`, or `"app_mention"`.
        channel_type: `"channel"`, `"group"` (a private one), `"im"` or `"mpim"`; None of a mention.
        timestamp: Slack's own, which is the message's id in its channel, and as `thread_ts` makes an answer one in its
            thread.
        thread_ts: that of the message whose thread it stands in, if it does.
        subtype: what kind of message it is; None for an ordinary one.
        bot_id: the bot that posted it, if one did.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(
        title="Slack message", json_schema_extra={"examples": [{"channel_id": "C061EG9SL", "text": "text"}]}
    )
    slack_types: ClassVar[tuple[str, ...]] = ("message", "app_mention")

    subtype: str | None = None
    bot_id: str | None = None


class SlackReactionAdded(_SlackEvent):
    """Somebody reacted to a message.

    Attributes:
        reaction: the emoji's name, without colons: `"thumbsup"`.
        item_type: what they reacted to: `"message"`, and formerly files too.
        item_user_id: whose it is.
        item_channel_id: the channel that it is in.
        item_timestamp: the message's timestamp.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(json_schema_extra={"examples": [{"reaction": "eyes"}]})
    slack_types: ClassVar[tuple[str, ...]] = ("reaction_added",)

    reaction: str | None = None
    item_type: str | None = None
    item_user_id: str | None = None
    item_channel_id: str | None = None
    item_timestamp: str | None = None

    def _shown(self) -> dict[str, Any]:
        return {"reaction": self.reaction, **super()._shown()}

    @classmethod
    def _fields_from(cls, inner: dict[str, Any]) -> dict[str, Any]:
        return {
            **super()._fields_from(inner),
            "item_type": value_at(inner, "item", "type"),
            "item_user_id": inner.get("item_user"),
            "item_channel_id": value_at(inner, "item", "channel"),
            "item_timestamp": value_at(inner, "item", "ts"),
        }
