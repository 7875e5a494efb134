"""Built-in tools of the toolbox `slack`, on slack_sdk.

It is the SDK's asynchronous client that is used: a step that is cut off, by its timeout or the end of its worker, then
really ends, where a thread with the other client would go on and might still post. Its own retries are off. It would
post again after a connection broke, and only what a tool says of itself decides that here.

Slack has no idempotency key. (`client_msg_id` is for Slack's own clients, and not to be relied on by apps:
https://github.com/slackapi/java-slack-sdk/issues/852.) What it has is metadata, which apps may attach to a message and
read back: the step's key goes there, so that it can be found out whether a message was posted.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import BaseModel

from ....jobs.steps import current_step
from ....serialization.wire_names import SLACK_EVENT_TYPE
from ...toolbox import toolbox
from ..extras import extra

__all__ = ["SlackChannel", "SlackMessage", "list_channels", "reply_in_thread", "send_message", "update_message"]

#: Channels asked for at a time; Slack recommends no more than 200 (https://docs.slack.dev/apis/web-api/pagination).
_PAGE: Final = 200


class SlackMessage(BaseModel):
    """A message that is in Slack.

    Attributes:
        channel_id: the channel, which Slack tells by its id also where it was sent by name.
        ts: which message of the channel it is: what `update_message` and `reply_in_thread` take.
        thread_ts: the message whose thread it is in, if it is in one.
    """

    channel_id: str
    ts: str
    thread_ts: str | None = None


class SlackChannel(BaseModel):
    """A channel that the app can see."""

    id: str
    name: str = ""
    is_private: bool = False
    is_archived: bool = False
    is_member: bool = False
    topic: str = ""
    purpose: str = ""
    num_members: int | None = None


@toolbox.tool("slack.send_message")
async def send_message(
    channel_id: str,
    message: str,
    *,
    blocks: list[dict[str, Any]] | None = None,
    thread_ts: str | None = None,
    unfurl_links: bool | None = None,
    metadata: dict[str, Any] | None = None,
) -> SlackMessage:
    """Post a message to a Slack channel.

    Args:
        channel_id: the id of a channel, or of a user for a direct message. The app must be in the channel, or have the
            scope `chat:write.public`.
        message: its text, as Slack's mrkdwn; with `blocks` what notifications show.
        blocks: Block Kit, instead of the text.
        thread_ts: the message in whose thread it goes.
        unfurl_links: whether links get a preview; without it, as the workspace has it.
        metadata: `{"event_type": …, "event_payload": {…}}`, instead of that which carries the idempotency key.

    Returns:
        Where the message is.

    Raises:
        ToolError: Slack refused; `.code` is its word for why (`not_in_channel`), `.status` 429 and `.retry_after` tell
            of its rate limit (about one message a second and channel).
        MissingExtraError: slack_sdk or aiohttp is not installed.

    Needs `SLACK_BOT_TOKEN`, with the scope `chat:write`. It is tried once after the request has been sent, whatever the
    answer, a 429 too: a message cannot be told from its repetition. If a worker is lost during the call, it is posted
    again. The message's metadata has the step's idempotency key, by which a reader of the channel's history
    (`include_all_metadata=true`) tells the two.
    """
    return await _post(
        "slack.send_message",
        channel=channel_id,
        text=message,
        blocks=blocks,
        thread_ts=thread_ts,
        unfurl_links=unfurl_links,
        metadata=metadata,
    )


@toolbox.tool("slack.reply_in_thread")
async def reply_in_thread(
    channel_id: str,
    thread_ts: str,
    message: str,
    *,
    blocks: list[dict[str, Any]] | None = None,
    broadcast: bool = False,
    metadata: dict[str, Any] | None = None,
) -> SlackMessage:
    """Reply in the thread of a Slack message.

    Args:
        channel_id: the channel of the message.
        thread_ts: the `ts` of the message.
        message: the text, as in `slack.send_message`; `blocks` and `metadata` likewise.
        blocks: Block Kit, instead of the text.
        broadcast: whether the channel sees it too.
        metadata: instead of that which carries the idempotency key.

    Raises:
        ToolError, MissingExtraError: as `slack.send_message`, by whose rules it is retried too.
    """
    return await _post(
        "slack.reply_in_thread",
        channel=channel_id,
        text=message,
        blocks=blocks,
        thread_ts=thread_ts,
        reply_broadcast=broadcast or None,
        metadata=metadata,
    )


# Twice the same update is as good as once.
@toolbox.tool("slack.update_message", idempotent=True)
async def update_message(
    channel_id: str,
    ts: str,
    message: str,
    *,
    blocks: list[dict[str, Any]] | None = None,
) -> SlackMessage:
    """Replace the text of a Slack message that this app has posted.

    Args:
        channel_id: its channel, by its id, as sending it returned it.
        ts: which message of the channel, likewise.
        message: the new text; `blocks` as in `slack.send_message`. Blocks that it had are gone if none are given.
        blocks: Block Kit, instead of the text.

    Raises:
        ToolError, MissingExtraError: as `slack.send_message`.

    It is retried when the connection breaks, on 429 (after what Slack asks for) and on 5xx.
    """
    data = await _call(
        "slack.update_message",
        "chat.update",
        json={"channel": channel_id, "ts": ts, "text": message, "blocks": blocks or []},
    )
    return SlackMessage(channel_id=data.get("channel") or channel_id, ts=data.get("ts") or ts)


@toolbox.tool("slack.list_channels", read_only=True)
async def list_channels(
    *,
    limit: int = 1000,
    types: list[Literal["public_channel", "private_channel", "mpim", "im"]] | None = None,
    exclude_archived: bool = True,
) -> list[SlackChannel]:
    """List the channels that the app can see.

    Args:
        limit: how many at most. Slack gives 200 at a time, and answers 20 such requests a minute.
        types: which kinds; without it the public channels.
        exclude_archived: leave out those that are archived.

    Raises:
        ToolError, MissingExtraError: as `slack.send_message`.

    Needs the scope `channels:read`; for other types `groups:read`, `mpim:read`, `im:read`. It is retried when the
    connection breaks, on 429 (after what Slack asks for) and on 5xx, from the first page on.
    """
    channels: list[SlackChannel] = []
    cursor = ""
    while len(channels) < limit:
        data = await _call(
            "slack.list_channels",
            "conversations.list",
            params={
                "limit": min(_PAGE, limit - len(channels)),
                "types": ",".join(types or ["public_channel"]),
                "exclude_archived": exclude_archived,
                "cursor": cursor,
            },
        )
        channels.extend(map(_channel, data.get("channels") or []))
        following = (data.get("response_metadata") or {}).get("next_cursor") or ""
        # A page may be empty, and the next one not; but the same page for ever is none.
        if not following or following == cursor:
            break
        cursor = following
    return channels[: max(0, limit)]


async def _post(tool: str, **arguments: Any) -> SlackMessage:
    arguments["metadata"] = arguments["metadata"] or {
        "event_type": SLACK_EVENT_TYPE,
        "event_payload": {"idempotency_key": current_step().idempotency_key},
    }
    data = await _call(
        tool, "chat.postMessage", json={k: v for k, v in arguments.items() if v is not None}, again=False
    )
    return SlackMessage(
        channel_id=data.get("channel") or arguments["channel"], ts=data["ts"], thread_ts=arguments.get("thread_ts")
    )


def _channel(data: dict[str, Any]) -> SlackChannel:
    return SlackChannel(
        id=data["id"],
        name=data.get("name") or "",
        is_private=bool(data.get("is_private")),
        is_archived=bool(data.get("is_archived")),
        is_member=bool(data.get("is_member")),
        topic=(data.get("topic") or {}).get("value") or "",
        purpose=(data.get("purpose") or {}).get("value") or "",
        num_members=data.get("num_members"),
    )


async def _call(
    tool: str,
    method: str,
    *,
    json: dict[str, Any] | None = None,
    params: dict[str, Any] | None = None,
    again: bool = True,
) -> dict[str, Any]:
    with extra("slack"):
        from .client import call  # noqa: PLC0415  # an extra, and a handler may be what loads this module
    return await call(tool, method, json=json, params=params, again=again)
