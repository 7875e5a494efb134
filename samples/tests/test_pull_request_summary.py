"""Pull-request summary: a model that reads through an MCP server, and one comment."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import uvicorn
from mcp.server.mcpserver import MCPServer

from samples.tests.service import Answer, Service
from terse_temporal.testing import JobEnvironment


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


# The sample reads it when it is imported, as a worker does.
_PORT = _free_port()
os.environ["GITHUB_MCP_URL"] = f"http://127.0.0.1:{_PORT}/mcp"

from samples.pull_request_summary import Summary, comment, pull_request_summary  # noqa: E402  after the variable

_GITHUB = Path(__file__).parents[2] / "tests" / "data" / "webhooks" / "github" / "pull_request.opened.json"
_EVENT = json.loads(_GITHUB.read_text())
_COMPLETIONS = "POST /v1/chat/completions"
_SUMMARY = {"headline": "Adds a file.", "risk": "low", "look_at": ["README.md: a typo"]}


class GitHub:
    """An MCP server with the two tools of GitHub's that the sample uses."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.server = MCPServer("github", log_level="ERROR")

        @self.server.tool(structured_output=False)
        async def pull_request_read(method: str, owner: str, repo: str, pullNumber: int) -> str:  # noqa: N803  as GitHub has it
            """Read a pull request: its details, files or diff."""
            self.asked.append((method, {"owner": owner, "repo": repo, "number": pullNumber}))
            return "diff --git a/README.md b/README.md"

        @self.server.tool(structured_output=False)
        async def add_issue_comment(owner: str, repo: str, issue_number: int, body: str) -> str:
            """Comment on an issue or a pull request."""
            self.asked.append(("comment", {"owner": owner, "repo": repo, "number": issue_number, "body": body}))
            return "posted"


@asynccontextmanager
async def _served(application: Any) -> AsyncIterator[None]:
    server = uvicorn.Server(uvicorn.Config(application, host="127.0.0.1", port=_PORT, log_level="error"))
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  it has nothing to wait for
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        await serving


@pytest_asyncio.fixture(loop_scope="session")
async def github(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[GitHub]:
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_1")
    github = GitHub()
    async with _served(github.server.streamable_http_app()):
        yield github


@pytest.fixture
def model(service: Service, monkeypatch: pytest.MonkeyPatch) -> Service:
    """A model on this machine, which reads the diff and then answers."""
    monkeypatch.setenv("TERSE_MODEL", "openai:gpt-5-mini")
    monkeypatch.setenv("OPENAI_BASE_URL", f"{service.url}/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    read = {"method": "get_diff", "owner": "Codertocat", "repo": "Hello-World", "pullNumber": 2}
    service.answer(_COMPLETIONS, _calls("github_pull_request_read", read), _calls("final_result", _SUMMARY))
    return service


def _calls(tool: str, arguments: dict[str, Any]) -> Answer:
    call = {"id": f"call-{tool}", "type": "function", "function": {"name": tool, "arguments": json.dumps(arguments)}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    return Answer(
        {
            "id": "1",
            "object": "chat.completion",
            "created": 1,
            "model": "gpt-5-mini",
            "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
        }
    )


async def test_comment(env: JobEnvironment, cache: int, github: GitHub, model: Service) -> None:
    """The model reads the diff, its answer is validated, and one comment is posted."""
    async with env.worker([pull_request_summary], max_cached_workflows=cache):
        assert await env.run(pull_request_summary, _EVENT) == {"number": 2, "risk": "low"}

    (method, read), (_, posted) = github.asked
    assert (method, read["number"]) == ("get_diff", 2)
    assert posted["body"] == "Adds a file.\n\nRisk: **low**\n- README.md: a typo"
    first, second = model.asked(_COMPLETIONS)
    # Of the server's tools the model sees the one that it may call.
    assert [tool["function"]["name"] for tool in first.data["tools"]] == ["github_pull_request_read", "final_result"]
    assert "diff --git" in second.data["messages"][-1]["content"]


async def test_draft(env: JobEnvironment, cache: int, github: GitHub, model: Service) -> None:
    """A draft is left alone."""
    event = {**_EVENT, "pull_request": {**_EVENT["pull_request"], "draft": True}}
    async with env.worker([pull_request_summary], max_cached_workflows=cache):
        assert await env.run(pull_request_summary, event) == {"skipped": "filter"}
    assert github.asked == []


def test_text() -> None:
    """The comment is plain code."""
    assert comment(Summary(headline="Adds a file.", risk="high", look_at=[])).endswith("Risk: **high**")
