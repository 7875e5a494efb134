"""The built-in tools are there by name, import nothing until they run, and give a job objects to work with."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from terse_temporal.serialization.signatures import parameter_types, result_type
from terse_temporal.tools import find_tool

from ..bench import Bench, scheduled
from ..servers import Answer, Request, http_server, mail_server
from .jobs_builtin import welcomes_a_lead

NAMES = [
    "email.send",
    "http.request",
    "slack.list_channels",
    "slack.reply_in_thread",
    "slack.send_message",
    "slack.update_message",
]


@pytest.mark.server
def test_they_cost_nothing_until_they_run() -> None:
    """To know the built-in tools and the ways to ask, and to run jobs, no library of an extra is imported."""
    code = (
        "import sys; from terse_temporal.tools import list_tools; print(*(tool.name for tool in list_tools()));"
        "import terse_temporal.inputs, terse_temporal.worker;"
        "extras = {'httpx', 'slack_sdk', 'aiohttp', 'aiosmtplib', 'fastapi', 'uvicorn', 'jinja2'};"
        "print(*sorted(extras & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    names, imported = run.stdout.split("\n")[:2]
    assert names.split() == NAMES
    assert imported == ""


@pytest.mark.parametrize("name", NAMES)
def test_what_a_model_is_told(name: str) -> None:
    """Each has a description, and arguments and a result that have a JSON schema."""
    tool = find_tool(name)
    assert tool.origin == "built in"
    assert "Args:" in tool.description
    for type_ in (*parameter_types(tool.function).values(), result_type(tool.function)):
        assert TypeAdapter(type_).json_schema() is not None
    # Each is said of in the description.
    assert all(f" {argument}: " in tool.description for argument in tool.signature.parameters)


async def test_a_job_with_all_of_them(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A durable job uses what the tools return as objects, also on replay, and each is called once."""

    def answer(request: Request) -> Answer:
        if request.path.endswith("conversations.list"):
            return Answer(json={"ok": True, "channels": [{"id": "C1", "name": "general"}]})
        return Answer(json={"id": 7, "ok": True, "channel": "C1", "ts": "1.5"})

    async with http_server() as web, mail_server(None) as mail:
        web.usual = answer
        for name, value in {
            "SLACK_API_URL": f"{web.url}/api",
            "SLACK_BOT_TOKEN": "xoxb-1",
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(mail.port),
            "SMTP_SECURITY": "none",
            "SMTP_FROM": "robot@example.org",
        }.items():
            monkeypatch.setenv(name, value)
        async with bench.worker(welcomes_a_lead):
            run = await bench.start(welcomes_a_lead, url=f"{web.url}/leads", email="ada@example.com")
            status, message_id, ts, thread, channel = await bench.result(run)
    assert (status, ts, thread, channel) == (200, "1.5", "1.5", "general")
    assert message_id.encode() in mail.messages[0][1]
    assert web.asked == ["POST /leads", *["POST /api/chat.postMessage"] * 2, "GET /api/conversations.list"]
    assert await scheduled(run) == [
        "http.request",
        "email.send",
        "slack.send_message",
        "slack.reply_in_thread",
        "slack.list_channels",
    ]
