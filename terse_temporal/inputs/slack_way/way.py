"""`inputs.slack(channel=…)`: a message with buttons, which the gateway takes the answer of."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from pydantic import ValidationError, field_validator
from pydantic_core import PydanticCustomError

from ...diagnostics.logs import logger_of
from ...diagnostics.redaction import error_text
from ...diagnostics.text import shorten
from ...errors import InputError, ServiceError
from ...jobs.steps import current_step
from ...serialization.wire_names import SLACK_EVENT_TYPE
from ..links import question_link, question_token
from ..questions import InputQuestion
from ..ways import InputWay
from .api import BOT_TOKEN, call_slack
from .message import (
    closed_blocks,
    closed_text,
    has_token,
    is_user,
    question_blocks,
    question_text,
    reminder_blocks,
)

__all__ = ["SlackWay", "slack"]

_logger = logger_of("worker")

#: An id, or a name, which may have letters of any script in it.
_CHANNEL: Final = re.compile(r"[A-Z][A-Z0-9]{2,30}|#?[\w-]{1,80}")

_NO_CHANNEL: Final = "give the id of a channel (C061EG9SL) or of a user (U061F7AUR), or the name of a channel"

#: An id of a channel, whose messages can be asked for.
_CHANNEL_ID: Final = re.compile(r"[CGD][A-Z0-9]{2,30}")

#: What Slack refuses a message with whose blocks it does not take.
_BLOCKS_REFUSED: Final = ("invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long")

#: Messages among which one is looked for that may have been posted.
_LOOKED_AT: Final = 100


class SlackWay(InputWay):
    """A message in Slack: what `inputs.slack` returns.

    Attributes:
        channel: the channel, or the user for a direct message.
    """

    way_name: ClassVar[str] = "slack"

    channel: str

    @field_validator("channel")
    @classmethod
    def _check_channel(cls, value: str) -> str:
        if not _CHANNEL.fullmatch(value):
            raise PydanticCustomError("slack_channel", _NO_CHANNEL)
        return value

    async def ask(self, question: InputQuestion) -> dict[str, str]:
        """Post the message, and return where it is: `channel` and `ts`."""
        step = current_step()
        if step.attempt > 1 and (ts := await self._posted(question, step.idempotency_key)) is not None:
            return {"channel": self.channel, "ts": ts}
        # A direct message is for one person. What is answered on the page is theirs.
        link = question_link(question, self.channel if is_user(self.channel) else "")
        token = question_token(question)
        if token is None:
            _logger.warning("a question in Slack has no buttons: TERSE_GATEWAY_KEY is not set where this worker runs")
        message: dict[str, Any] = {
            "channel": self.channel,
            "text": question_text(question),
            "blocks": question_blocks(question, token, link),
            "metadata": {"event_type": SLACK_EVENT_TYPE, "event_payload": {"idempotency_key": step.idempotency_key}},
            # A link to the page is not to be opened by Slack, nor one in what somebody has written.
            "unfurl_links": False,
            "unfurl_media": False,
        }
        try:
            posted = await call_slack("chat.postMessage", message)
        except ServiceError as error:
            if error.code not in _BLOCKS_REFUSED:
                raise
            _logger.warning("Slack refuses the blocks of a question: it is asked by text alone: %s", error_text(error))
            message["text"] += f"\n<{link}|Open the page>" if link is not None else ""
            del message["blocks"]
            posted = await call_slack("chat.postMessage", message)
        return {"channel": str(posted.get("channel") or self.channel), "ts": str(posted["ts"])}

    async def remind(self, question: InputQuestion, sent: Any, number: int) -> None:
        """Say so in the thread of the message, and in the channel, where it is seen."""
        await call_slack(
            "chat.postMessage",
            {
                "channel": sent["channel"],
                "thread_ts": sent["ts"],
                "reply_broadcast": True,
                "text": f"Reminder {number}: {question_text(question)}",
                "blocks": reminder_blocks(question, number),
                "unfurl_links": False,
                "unfurl_media": False,
            },
        )

    async def close(self, question: InputQuestion, sent: Any, outcome: Mapping[str, Any]) -> None:
        """Take the buttons away, and say how it ended."""
        changed = {
            "channel": sent["channel"],
            "ts": sent["ts"],
            "text": closed_text(question, outcome),
            "blocks": closed_blocks(question, outcome),
        }
        try:
            await call_slack("chat.update", changed)
        except ServiceError as error:
            if error.code != "message_not_found":  # somebody has deleted it
                raise

    async def _posted(self, question: InputQuestion, key: str) -> str | None:
        """Return the message that an attempt before this one has posted, as far as Slack lets the app look.

        A worker that is lost after it has posted, and a connection that breaks, leave one that nobody knows of.
        """
        if not _CHANNEL_ID.fullmatch(self.channel) or question.since is None or not os.environ.get(BOT_TOKEN):
            return None
        asked: dict[str, Any] = {"channel": self.channel, "limit": _LOOKED_AT, "include_all_metadata": True}
        asked["oldest"] = f"{question.since.timestamp() - 60:.6f}"
        try:
            found = (await call_slack("conversations.history", params=asked)).get("messages")
        except ServiceError as error:
            _logger.info("whether a question is in Slack already cannot be looked up: %s", error_text(error))
            return None
        token = question_token(question)
        for each in found if isinstance(found, list) else []:
            if isinstance(each, dict) and (_has_key(each, key) or (token is not None and has_token(each, token))):
                return str(each["ts"])
        return None


def _has_key(message: Mapping[str, Any], key: str) -> bool:
    """Return whether a message says that a step has posted it. Slack may want a scope for showing that."""
    metadata = message.get("metadata")
    payload = metadata.get("event_payload") if isinstance(metadata, dict) else None
    return isinstance(payload, dict) and payload.get("idempotency_key") == key


def slack(channel: str) -> SlackWay:
    """Ask in Slack: by a message with a button for each option, or a menu, or a button that opens a form.

    Args:
        channel: the id of a channel (`C061EG9SL`), or of a user (`U061F7AUR`), who is asked by a direct message. A name
            does too, but names change.

    Raises:
        InputError: it can be none of these.

    Whoever answers is known by their user id, which `respond_by=` takes too. The message is posted with
    `SLACK_BOT_TOKEN` (the scope `chat:write`) of the worker. The answer comes to the gateway, at `/webhooks/slack`,
    which needs `SLACK_SIGNING_SECRET`, and for texts and forms the bot token; both need one `TERSE_GATEWAY_KEY`. Where
    Slack is not told that address, the link to the page is there, if `TERSE_GATEWAY_URL` is set.

    A text of a modal has 3,000 characters at most. A form that begins with a longer one has the link alone.
    """
    try:
        return SlackWay(channel=channel)
    except ValidationError as error:
        said = error.errors(include_url=False)[0]["msg"]
        raise InputError(f"inputs.slack(channel={shorten(repr(channel), 60)}): {said}") from None
