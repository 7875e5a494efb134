"""A workspace of Slack, as an app that is installed in it sees it: the API, and what people do with its messages.

It takes what Slack takes, see `slack_limits.py`, and refuses the rest by Slack's words.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import httpx

from terse_temporal.gateway.signing import signed_headers

from ..servers import Answer, Request, http_server
from ..waiting import until
from .slack_limits import check_message, check_view

__all__ = ["SECRET", "TOKEN", "Workspace", "workspace"]

TOKEN = "xoxb-1234-not-a-real-token"
SECRET = "a-signing-secret-of-these-tests"


class Workspace:
    """The workspace.

    Attributes:
        url: of its API.
        messages: by their `ts`, those in threads too.
        edits: how often each was changed.
        views: the modals that were opened, the last one last.
        said: what was said to one person alone.
        refused: what it did not take, and why.
        shows_metadata: whether the app may see the metadata of messages.
        cut: calls that are done, and after which the connection breaks.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.messages: dict[str, dict[str, Any]] = {}
        self.edits: dict[str, int] = {}
        self.views: list[dict[str, Any]] = []
        self.said: list[dict[str, Any]] = []
        self.refused: list[str] = []
        self.shows_metadata = True
        self.cut: list[str] = []
        self._triggers: set[str] = set()
        self._clicks = 0

    def answer(self, request: Request) -> Answer:
        """Answer a call."""
        method = request.path.rpartition("/")[2]
        if request.path.startswith("/said/"):
            self.said.append(request.json)
            return Answer(content=b"ok")
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return Answer(json={"ok": False, "error": "invalid_auth"})
        given = request.json if request.text else dict(request.query)
        try:
            done = {
                "chat.postMessage": self._post,
                "chat.update": self._update,
                "views.open": self._open,
                "conversations.history": self._history,
            }[method](given)
        except AssertionError as error:
            self.refused.append(f"{method}: {error!r} {error.__traceback__ and _line(error)}")
            done = {"ok": False, "error": "invalid_blocks"}
        if method in self.cut:
            self.cut.remove(method)
            return Answer(cut=True)
        return Answer(json=done)

    def _post(self, message: dict[str, Any]) -> dict[str, Any]:
        check_message(message)
        ts = f"1795770000.{len(self.messages) + 1:06}"
        self.messages[ts] = {"ts": ts, "type": "message", "bot_id": "B1", **message}
        return {"ok": True, "channel": message["channel"], "ts": ts}

    def _update(self, message: dict[str, Any]) -> dict[str, Any]:
        check_message(message)
        if message["ts"] not in self.messages:
            return {"ok": False, "error": "message_not_found"}
        self.messages[message["ts"]] |= {"text": message["text"], "blocks": message["blocks"]}
        self.edits[message["ts"]] = self.edits.get(message["ts"], 0) + 1
        return {"ok": True, "channel": message["channel"], "ts": message["ts"]}

    def _open(self, given: dict[str, Any]) -> dict[str, Any]:
        check_view(given["view"])
        if given["trigger_id"] not in self._triggers:
            return {"ok": False, "error": "expired_trigger_id"}
        self._triggers.remove(given["trigger_id"])
        self.views.append(given["view"])
        return {"ok": True, "view": {"id": f"V{len(self.views)}"}}

    def _history(self, given: dict[str, Any]) -> dict[str, Any]:
        found = [each for each in self.messages.values() if each["channel"] == given["channel"]]
        if given.get("include_all_metadata") not in ("1", "true", True) or not self.shows_metadata:
            found = [{name: value for name, value in each.items() if name != "metadata"} for each in found]
        return {"ok": True, "messages": found[::-1]}

    async def message(self, number: int = 1, *, changed: bool = False) -> dict[str, Any]:
        """Return a message, once it is there, and perhaps once it was changed."""
        await until(lambda: len(self.messages) >= number, f"message {number} is posted")
        found = list(self.messages.values())[number - 1]
        if changed:
            await until(lambda: found["ts"] in self.edits, "the message is changed")
        return found

    def click(self, message: dict[str, Any], label: str, user: str = "UADA00001", name: str = "ada") -> dict[str, Any]:
        """Return what Slack sends when somebody clicks on a button, or chooses from the menu."""
        self._clicks += 1
        trigger = f"{self._clicks}.trigger"
        self._triggers.add(trigger)
        return {
            "type": "block_actions",
            "user": {"id": user, "username": name, "name": name, "team_id": "T1"},
            "api_app_id": "A1",
            "trigger_id": trigger,
            "container": {"type": "message", "message_ts": message["ts"], "channel_id": message["channel"]},
            "channel": {"id": message["channel"], "name": "deploys"},
            "message": message,
            "response_url": f"{self.url.removesuffix('/api')}/said/{self._clicks}",
            "actions": [_action(message["blocks"], label)],
        }

    def submission(
        self, view: dict[str, Any], values: dict[str, dict[str, Any]], user: str = "UADA00001", name: str = "ada"
    ) -> dict[str, Any]:
        """Return what Slack sends when somebody submits a modal. Values are by the ids of blocks."""
        inputs = {each["block_id"]: each["element"] for each in view["blocks"] if each["type"] == "input"}
        assert set(values) <= set(inputs)
        state = {
            block: {"value": {"type": element["type"], **_untouched(element), **values.get(block, {})}}
            for block, element in inputs.items()
        }
        return {
            "type": "view_submission",
            "user": {"id": user, "username": name, "name": name, "team_id": "T1"},
            "api_app_id": "A1",
            "trigger_id": "9.trigger",
            "view": {"id": "V1", **view, "state": {"values": state}},
        }

    async def send(self, gateway: httpx.AsyncClient, payload: dict[str, Any]) -> Any:
        """Send the gateway what Slack sends, within the time that it has; return its answer, `None` if it is empty."""
        body = urlencode({"payload": json.dumps(payload)}).encode()
        headers = signed_headers("slack", body, secret=SECRET, id="", now=datetime.now(UTC))
        answer = await gateway.post("/webhooks/slack", content=body, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json() if answer.content else None

    @property
    def last_said(self) -> str:
        """What was said to somebody last."""
        return shown_in(self.said[-1]["blocks"])


def shown_in(blocks: Any) -> str:
    """All that is read, with users as `@id` and links as their addresses."""
    if isinstance(blocks, list):
        return "".join(map(shown_in, blocks))
    if not isinstance(blocks, dict):
        return ""
    own = [blocks[name] for name in ("text", "url") if isinstance(blocks.get(name), str)]
    own += [f"@{blocks['user_id']}"] if blocks.get("type") == "user" else []
    return "".join(own) + "".join(shown_in(each) for each in blocks.values())


def _action(blocks: list[dict[str, Any]], label: str) -> dict[str, Any]:
    for number, block in enumerate(blocks):
        for element in block["elements"] if block["type"] == "actions" else []:
            found = {"type": element["type"], "action_id": element["action_id"], "action_ts": "1795770003.000100"}
            found["block_id"] = block.get("block_id", f"b{number}")
            if element["type"] == "button" and element["text"]["text"] == label:
                return {**found, **({"value": element["value"]} if "value" in element else {})}
            for option in element.get("options", ()):
                if option["text"]["text"] == label:
                    return {**found, "selected_option": option}
    raise LookupError(f"nobody sees {label!r} in {shown_in(blocks)!r}")


def _untouched(element: dict[str, Any]) -> dict[str, Any]:
    """Return what an input has that nobody has touched."""
    match element["type"]:
        case "radio_buttons" | "static_select":
            return {"selected_option": element.get("initial_option")}
        case "multi_static_select":
            return {"selected_options": element.get("initial_options", [])}
        case "datepicker":
            return {"selected_date": element.get("initial_date")}
        case "timepicker":
            return {"selected_time": element.get("initial_time")}
        case "datetimepicker":
            return {"selected_date_time": element.get("initial_date_time")}
    return {"value": element.get("initial_value")}


def _line(error: AssertionError) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "" if trace is None else f"{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}"


@asynccontextmanager
async def workspace() -> AsyncIterator[Workspace]:
    """A workspace whose API is served on this machine."""
    async with http_server() as server:
        found = Workspace(f"{server.url}/api")
        server.usual = found.answer
        yield found
        assert found.refused == []
