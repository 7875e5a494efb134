"""Jobs that something in Slack starts."""

from __future__ import annotations

import functools
import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, overload

from typing_extensions import TypeVar

from ...diagnostics.places import caller_frame, place
from ..base import refusal
from ..deliveries import Delivery
from ..vendor import VendorTrigger, check_event, value_at
from .events import SlackEvent, SlackMessagePosted, SlackReactionAdded, channel_of, inner_event
from .messages import is_by_bot, is_by_this_app, is_message

if TYPE_CHECKING:
    from typing_extensions import TypeForm

__all__ = ["SlackTrigger", "SlackTriggers"]

_logger: Final = logging.getLogger(__name__)

_T = TypeVar("_T")
_EventT_co = TypeVar("_EventT_co", covariant=True, default=Any)

_CHANNEL_ID: Final = re.compile(r"[CDG][A-Z0-9]{2,30}")

#: Small letters of any script, digits, hyphens and underscores.
_CHANNEL_NAME: Final = re.compile(r"#?[\w-]{1,80}")

_REACTION: Final = re.compile(r":?[a-z0-9_'+-]{1,100}:?")

#: Emoji that Slack knows by a second name, of those that people react with most.
_EMOJI: Final = {"thumbsup": "+1", "thumbsdown": "-1"}


@dataclass(frozen=True, kw_only=True, repr=False)
class SlackTrigger(VendorTrigger[_EventT_co]):
    """Something in the workspaces that the app is installed in.

    Attributes:
        channel: only in this channel: its id, or its name.
        reaction: only this emoji.
        direct: of messages: only direct ones; else those of channels alone.
        bots: messages of other bots too. Those of the app itself never count.
    """

    channel: str | None = None
    reaction: str | None = None
    direct: bool = False
    bots: bool = False

    def event(self, delivery: Delivery) -> Any:
        """Return the body, without the token by which Slack once said that it is Slack: histories have no secrets."""
        body = delivery.body
        return {key: value for key, value in body.items() if key != "token"} if isinstance(body, dict) else body

    def _passes(self, body: Any) -> bool:
        if self.chosen is not None:
            return True
        event = inner_event(body)
        return (
            not is_by_this_app(body, event)
            and (self.bots or not is_by_bot(event))
            and ("message" not in self.kinds or self._is_wanted(event))
            and (self.channel is None or self._is_in_channel(event))
            and (self.reaction is None or _emoji(event.get("reaction")) == _emoji(self.reaction))
        )

    def _is_wanted(self, event: dict[str, Any]) -> bool:
        is_direct = event.get("channel_type") == "im"
        # A conversation that is named by its id is meant, whatever it is.
        return is_message(event) and (is_direct == self.direct or self.channel is not None)

    def _is_in_channel(self, event: dict[str, Any]) -> bool:
        assert self.channel is not None
        if _CHANNEL_ID.fullmatch(self.channel):
            return bool(channel_of(event) == self.channel)
        named = event.get("channel_name") or value_at(event, "channel", "name")
        return isinstance(named, str) and named.removeprefix("#") == self.channel.removeprefix("#")

    def _filters(self) -> dict[str, Any]:
        return {"channel": self.channel, "reaction": self.reaction, "bots": self.bots or None}


def _emoji(name: Any) -> str | None:
    if not isinstance(name, str):
        return None
    # Of `+1::skin-tone-3` the thumb is what counts.
    plain = name.strip(":").partition("::")[0]
    return _EMOJI.get(plain, plain)


class SlackTriggers:
    """`Triggers.slack`. What the app does itself starts nothing, but through `on_event`."""

    @staticmethod
    def on_message(channel: str | None = None, *, bots: bool = False) -> SlackTrigger[SlackMessagePosted]:
        """Start the job when a message was posted in a channel, in a thread too. The event is a `SlackMessagePosted`.

        What edits or deletes one, or tells who joined, is a message to Slack as well, and starts nothing.

        Args:
            channel: only in this channel, `"C061EG9SL"`. Slack sends ids: a name, `"#deploys"`, is compared with what
                the event says of it, and few do. Without it, in every channel that the app is in, direct messages left
                out.
            bots: messages of other bots too, such as those of alerts. Those of the app itself start nothing, as the
                job might post where it listens.

        Raises:
            JobDefinitionError: an argument has another shape.
        """
        return _trigger("slack.on_message", "message", SlackMessagePosted, channel=channel, bots=bots)

    @staticmethod
    def on_direct_message(*, bots: bool = False) -> SlackTrigger[SlackMessagePosted]:
        """Start the job when somebody wrote to the app alone. The event is a `SlackMessagePosted`.

        Args:
            bots: messages of other bots too.
        """
        return _trigger("slack.on_direct_message", "message", SlackMessagePosted, direct=True, bots=bots)

    @staticmethod
    def on_mention(channel: str | None = None, *, bots: bool = False) -> SlackTrigger[SlackMessagePosted]:
        """Start the job when somebody mentioned the app (`app_mention`). The event is a `SlackMessagePosted`.

        Slack sends the same message as a `message` too, which starts the jobs that have `on_message`.

        Args:
            channel: only in this channel, as of `on_message`.
            bots: mentions by other bots too.

        Raises:
            JobDefinitionError: an argument has another shape.
        """
        return _trigger("slack.on_mention", "app_mention", SlackMessagePosted, channel=channel, bots=bots)

    @staticmethod
    def on_reaction(reaction: str | None = None, channel: str | None = None) -> SlackTrigger[SlackReactionAdded]:
        """Start the job when somebody reacted to a message (`reaction_added`). The event is a `SlackReactionAdded`.

        Args:
            reaction: only with this emoji, by its name: `"eyes"`, in whatever colour of skin.
            channel: only in this channel, as of `on_message`.

        Raises:
            JobDefinitionError: an argument has another shape.
        """
        name = "slack.on_reaction"
        if reaction is not None and not (isinstance(reaction, str) and _REACTION.fullmatch(reaction)):
            raise refusal(name, f"reaction={reaction!r} is no name of an emoji", f'{name}("eyes")')
        return _trigger(name, "reaction_added", SlackReactionAdded, channel=channel, reaction=reaction)

    @overload
    @staticmethod
    def on_event(event: str, *, model: None = None) -> SlackTrigger[SlackEvent]: ...

    @overload
    @staticmethod
    def on_event(event: str, *, model: TypeForm[_T]) -> SlackTrigger[_T]: ...

    @staticmethod
    def on_event(event: str, *, model: Any = None) -> SlackTrigger[Any]:
        """Start the job on any event of Slack, or when somebody clicks a button (`"block_actions"`).

        Nothing is left out: of `"message"` edits and the app's own are events too.

        Args:
            event: as Slack names it: `"team_join"`.
            model: the type that the body is read as, in which the event stands under `event`: a pydantic model,
                dataclass, TypedDict … Without it the event is a `SlackEvent`.

        Raises:
            JobDefinitionError: `event` cannot be a name, or `model` is not a type that JSON can be validated against.
        """
        name = "slack.on_event"
        check_event(name, event, model, "team_join", "TeamJoin")
        if "." in event:
            # What is called so is subscribed to in the settings of an app. The events of all are called "message".
            problem = f"event={event!r} is what an app subscribes to; what Slack sends is a {event.partition('.')[0]!r}"
            raise refusal(name, problem, "slack.on_message(), or slack.on_direct_message()")
        return _trigger(name, event, SlackEvent if model is None else model, chosen=event, model=model)


def _trigger(name: str, kind: str, event_model: Any, *, channel: Any = None, **given: Any) -> SlackTrigger[Any]:
    if channel is not None:
        _check_channel(name, channel)
    if not isinstance(bots := given.get("bots", False), bool):
        raise refusal(name, f"bots={bots!r} is not True or False", f"{name}(bots=True)")
    return SlackTrigger(source="slack", name=name, kinds=(kind,), event_model=event_model, channel=channel, **given)


def _check_channel(name: str, channel: Any) -> None:
    if isinstance(channel, str) and _CHANNEL_ID.fullmatch(channel):
        return
    if not (isinstance(channel, str) and _CHANNEL_NAME.fullmatch(channel) and channel == channel.lower()):
        problem = f"channel={channel!r} is neither the id of a channel nor its name"
        raise refusal(name, problem, f'{name}(channel="C061EG9SL")')
    frame = caller_frame()
    _warn_of_name(name, place(frame.f_code.co_filename, frame.f_lineno), channel)


# Once: a module of jobs may be executed for every run.
@functools.lru_cache(maxsize=1000)
def _warn_of_name(name: str, where: str, channel: str) -> None:
    _logger.warning(
        "Triggers.%s (%s): events of Slack name their channel by its id, so that channel=%r may start nothing. Give the"
        ' id, which stands at the end of the channel\'s details in Slack: channel="C061EG9SL"',
        name,
        where,
        channel,
    )
