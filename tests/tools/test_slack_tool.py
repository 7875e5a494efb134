"""The tools of `slack` say where a message is, or what Slack refused and why, and repeat only what they may."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from terse_temporal import toolbox
from terse_temporal.errors import MissingExtraError, ServiceError
from terse_temporal.tools.builtin.slack import client as _slack
from terse_temporal.tools.builtin.slack.tools import SlackChannel, SlackMessage

from ..bench import Bench, scheduled
from ..servers import Answer, HttpServer, Request, closed_port, http_server
from ..waiting import until_logged
from .jobs_builtin import calls_a_tool

TOKEN = "xoxb-1234-not-a-real-token"

SEND: dict[str, Any] = {"channel_id": "C1", "message": "Hi"}
UPDATE: dict[str, Any] = {"channel_id": "C1", "ts": "1.0", "message": "Hi"}
REPLY: dict[str, Any] = {"channel_id": "C1", "thread_ts": "1.0", "message": "Hi"}

#: Each tool, with arguments, and how often it may be sent.
TOOLS = [
    ("slack.send_message", SEND, 1),
    ("slack.reply_in_thread", REPLY, 1),
    ("slack.update_message", UPDATE, 2),
    ("slack.list_channels", {}, 2),
]

FAILURES = {
    "429": Answer(429, json={"ok": False, "error": "ratelimited"}, headers={"Retry-After": "1"}),
    "500": Answer(500, content=b"oops", headers={"Content-Type": "text/html"}),
    "cut": Answer(cut=True),
    "internal_error": Answer(json={"ok": False, "error": "internal_error"}),
}


def slack(request: Request) -> Answer:
    """What Slack says when all is well."""
    method = request.path.rpartition("/")[2]
    if request.headers.get("authorization") != f"Bearer {TOKEN}":
        return Answer(json={"ok": False, "error": "invalid_auth"})
    if method == "conversations.list":
        start = int(request.query["cursor"] or 0)
        end = min(start + int(request.query["limit"]), 450)
        channels = [{"id": f"C{n}", "name": f"channel-{n}", "topic": {"value": "t"}} for n in range(start, end)]
        cursor = str(end) if end < 450 else ""
        return Answer(json={"ok": True, "channels": channels, "response_metadata": {"next_cursor": cursor}})
    return Answer(json={"ok": True, "channel": request.json["channel"], "ts": request.json.get("ts", "12.34")})


@pytest_asyncio.fixture(loop_scope="session")
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[HttpServer]:
    async with http_server() as running:
        running.usual = slack
        monkeypatch.setenv("SLACK_API_URL", f"{running.url}/api")
        monkeypatch.setenv("SLACK_BOT_TOKEN", TOKEN)
        yield running


async def failed(name: str, arguments: dict[str, Any]) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        await toolbox.call(name, arguments)
    return caught.value


async def test_a_message(server: HttpServer) -> None:
    """A message goes to chat.postMessage with the bot's token, and where it is comes back."""
    blocks = [{"type": "divider"}]
    sent = await toolbox.slack.send_message(channel_id="C1", message="Hi", blocks=blocks, unfurl_links=False)
    assert sent == SlackMessage(channel_id="C1", ts="12.34")
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/api/chat.postMessage")
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    body = request.json
    key = body.pop("metadata")["event_payload"]["idempotency_key"]
    assert len(key) == 32
    assert body == {"channel": "C1", "text": "Hi", "blocks": blocks, "unfurl_links": False}


async def test_metadata_of_ones_own(server: HttpServer) -> None:
    """Metadata that is given takes the place of that which carries the key."""
    own = {"event_type": "task_created", "event_payload": {"id": 1}}
    await toolbox.slack.send_message(**SEND, metadata=own)
    assert server.requests[0].json["metadata"] == own


async def test_camel_case(server: HttpServer) -> None:
    """The spelling of jobs from TypeScript is the same call."""
    assert (await toolbox.slack.sendMessage(channelId="C1", message="Hi")).ts == "12.34"


async def test_a_reply_and_an_update(server: HttpServer) -> None:
    """A reply goes into the thread, an update to the message."""
    reply = await toolbox.slack.reply_in_thread(**REPLY, broadcast=True)
    assert reply == SlackMessage(channel_id="C1", ts="12.34", thread_ts="1.0")
    assert await toolbox.slack.update_message(**UPDATE) == SlackMessage(channel_id="C1", ts="1.0")
    body = server.requests[0].json
    assert (body["thread_ts"], body["reply_broadcast"]) == ("1.0", True)
    assert server.asked == ["POST /api/chat.postMessage", "POST /api/chat.update"]
    assert server.requests[1].json == {"channel": "C1", "ts": "1.0", "text": "Hi", "blocks": []}


async def test_channels(server: HttpServer) -> None:
    """The pages of the list are followed to its end, or to the limit."""
    channels = await toolbox.slack.list_channels()
    assert [each.id for each in channels] == [f"C{n}" for n in range(450)]
    assert channels[0] == SlackChannel(id="C0", name="channel-0", topic="t")
    assert [each.query["cursor"] for each in server.requests] == ["", "200", "400"]
    assert server.requests[0].query["types"] == "public_channel"
    assert len(await toolbox.slack.list_channels(limit=250, types=["im", "mpim"])) == 250
    assert server.requests[-1].query | {"cursor": "200", "limit": "50", "types": "im,mpim"} == server.requests[-1].query


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"error": "not_in_channel"}, "was refused with 'not_in_channel': invite the app to the channel: /invite @app"),
        ({"error": "channel_not_found"}, "give the id of a channel"),
        ({"error": "invalid_auth"}, "set SLACK_BOT_TOKEN to the bot token"),
        (
            {"error": "missing_scope", "needed": "chat:write", "provided": "users:read"},
            "(needed: chat:write; the token",
        ),
        ({"error": "invalid_blocks", "response_metadata": {"messages": ["no type [blocks/0]"]}}, "no type [blocks/0]"),
        ({"error": "something_else"}, "was refused with 'something_else'"),
    ],
)
async def test_what_slack_refuses(server: HttpServer, answer: dict[str, Any], said: str) -> None:
    """An error of Slack's names the tool, the method, Slack's word for it, and what to do."""
    server.script = [Answer(json={"ok": False, **answer})]
    error = await failed("slack.send_message", SEND)
    assert str(error).startswith("slack.send_message: Slack's chat.postMessage was refused")
    assert said in str(error)
    assert (error.code, error.status) == (answer["error"], 200)
    assert len(server.requests) == 1


@pytest.mark.parametrize("failure", list(FAILURES))
@pytest.mark.parametrize(("name", "arguments", "times"), TOOLS)
async def test_repeated_in_place(
    server: HttpServer, name: str, arguments: dict[str, Any], times: int, failure: str
) -> None:
    """What may happen twice is tried again; a message is sent once, whatever the answer, and so is a reply."""
    server.script = [FAILURES[failure]]
    if times == 1:
        error = await failed(name, arguments)
        assert error.retry_after == (1.0 if failure == "429" else None)
    else:
        await toolbox.call(name, arguments)
    # The list is of three pages.
    assert len(server.requests) == times + (2 if name == "slack.list_channels" else 0)


async def test_a_rate_limit(server: HttpServer) -> None:
    """A message that came too soon says that it was not posted and when it may be."""
    server.script = [FAILURES["429"]]
    error = await failed("slack.send_message", SEND)
    assert (error.status, error.code, error.retry_after) == (429, "ratelimited", 1.0)
    assert "asks to wait 1 seconds. Nothing was posted; `await sleep(…)` for that long, and call it again" in str(error)


async def test_no_answer_in_time(server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message that nobody confirmed may have been posted, and is not sent again."""
    monkeypatch.setattr(_slack, "_TIMEOUT", 0.2)
    server.usual = lambda _: Answer(after=5)
    assert "may have been posted, so it is not sent again" in str(await failed("slack.send_message", SEND))
    assert len(server.requests) == 1


async def test_nothing_was_sent(
    server: HttpServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where nobody listens a message was not sent, and is sent when somebody does."""
    port = await closed_port()
    monkeypatch.setenv("SLACK_API_URL", f"http://127.0.0.1:{port}/api/")
    calling = asyncio.create_task(toolbox.call("slack.send_message", SEND))
    await until_logged(caplog, "tried again in")
    # The environment is read anew with every attempt.
    monkeypatch.setenv("SLACK_API_URL", f"{server.url}/api/")
    assert (await calling).ts == "12.34"
    assert len(server.requests) == 1


async def test_the_settings(server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token or a URL that is missing or wrong is an error that names the variable."""
    server.script = [Answer(content=b"<html>", headers={"Content-Type": "text/html"}), Answer(content=b"hello")]
    server.script[1].headers["Content-Type"] = "text/plain"
    assert "not by Slack's API" in str(await failed("slack.send_message", SEND))
    assert "SLACK_API_URL" in str(await failed("slack.send_message", SEND))
    monkeypatch.setenv("SLACK_API_URL", "no url")
    assert "SLACK_API_URL is not a URL" in str(await failed("slack.send_message", SEND))
    monkeypatch.delenv("SLACK_BOT_TOKEN")
    assert "'SLACK_BOT_TOKEN'" in str(await failed("slack.send_message", SEND))


async def test_a_proxy_and_its_exceptions(server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy of the environment is used, but not for hosts that NO_PROXY names."""
    target = "http://slack.example.com/api/"
    monkeypatch.setenv("SLACK_API_URL", target)
    monkeypatch.setenv("http_proxy", server.url)
    assert (await toolbox.slack.send_message(**SEND)).ts == "12.34"
    assert server.requests[0].headers["host"] == "slack.example.com"
    monkeypatch.setenv("no_proxy", "slack.example.com")
    assert _slack._proxy_for(target) is None


async def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without slack_sdk, the error says what to install."""
    monkeypatch.setitem(sys.modules, "slack_sdk.errors", None)
    monkeypatch.delitem(sys.modules, "terse_temporal.tools.builtin.slack.client", raising=False)
    with pytest.raises(MissingExtraError, match=r'pip install "terse-temporal\[slack\]"'):
        await toolbox.slack.send_message(**SEND)


@pytest.mark.parametrize(("name", "arguments", "times"), TOOLS[:1] + TOOLS[2:3])
@pytest.mark.parametrize("failure", ["429", "cut"])
async def test_a_durable_job(
    bench: Bench, server: HttpServer, name: str, arguments: dict[str, Any], times: int, failure: str
) -> None:
    """In a durable job a message is sent once and an update again, and each is one step in the history."""
    server.script = [FAILURES[failure]]
    async with bench.worker(calls_a_tool):
        run = await bench.start(calls_a_tool, tool=name, arguments=arguments)
        told = await bench.result(run)
    assert len(server.requests) == times
    assert await scheduled(run) == [name]
    if times == 1:
        assert (told["is a step error"], told["transient"]) == (True, True)
        assert told["retry_after"] == (1.0 if failure == "429" else None)
    else:
        assert told == {"channel_id": "C1", "ts": "1.0", "thread_ts": None}
    assert json.dumps(told).count(TOKEN) == 0
