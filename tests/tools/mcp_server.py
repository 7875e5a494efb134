# ruff: noqa: ASYNC240  (a server of one test at a time)
"""An MCP server for tests, as a process: `python -m tests.tools.mcp_server [PORT]`.

What it does it leaves in the file that the variable EFFECTS names. Without a port it talks over standard input and
output.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any, Literal

import uvicorn
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ImageContent, TextContent, ToolAnnotations
from pydantic import BaseModel

from tests.effects import record

EFFECTS = os.environ["EFFECTS"]

server = MCPServer("test", log_level="ERROR")

READ_ONLY = ToolAnnotations(read_only_hint=True)
IDEMPOTENT = ToolAnnotations(idempotent_hint=True)


class Label(BaseModel):
    name: str
    color: Literal["red", "green"] = "red"


class Issue(BaseModel):
    number: int
    title: str
    labels: list[Label]
    assignee: str | None = None


def key(ctx: Context[Any, Any]) -> str:
    return str((ctx.request_context.meta or {}).get("terse.dev/idempotency-key"))


@server.tool(name="createIssue")
async def create_issue(ctx: Context[Any, Any], title: str, labels: list[Label], assignee: str | None = None) -> Issue:
    r"""Open an issue.

    It says `who` is \assigned, and never ''"quotes"''.
    """
    record(EFFECTS, f"issue {title} {key(ctx)}")
    return Issue(number=7, title=title, labels=labels, assignee=assignee)


@server.tool(name="add-numbers", annotations=READ_ONLY)
async def add_numbers(first: int, second_number: int = 1) -> int:
    return first + second_number


@server.tool(structured_output=False, annotations=READ_ONLY)
async def say(text: str) -> str:
    return text


@server.tool(structured_output=False)
async def show() -> list[Any]:
    return [TextContent(type="text", text="a picture"), ImageContent(type="image", data="QUJD", mime_type="image/png")]


@server.tool(structured_output=False)
async def nothing() -> None:
    return None


@server.tool(structured_output=False)
async def decline(reason: str) -> str:
    record(EFFECTS, "decline")
    raise ToolError(f"declined: {reason}, with {os.environ.get('TEST_TOKEN')}")


@server.tool(structured_output=False, annotations=READ_ONLY)
async def pid() -> str:
    record(EFFECTS, "pid")
    return str(os.getpid())


@server.tool(structured_output=False)
async def has_token(ctx: Context[Any, Any], expected: int) -> str:
    """Whether what it was given has the length that it should have."""
    request = ctx.request_context.request
    given = request.headers.get("authorization", "") if request else os.environ.get("TEST_TOKEN", "")
    return "yes" if len(given) == expected else f"no, {len(given)}"


def die_once(marker: str, ctx: Context[Any, Any]) -> str:
    tries = Path(EFFECTS).read_text().count(marker) if Path(EFFECTS).exists() else 0
    record(EFFECTS, f"{marker} {key(ctx)}")
    if not tries:
        os._exit(3)
    return "done"


@server.tool(annotations=IDEMPOTENT, structured_output=False)
async def die_idempotent(ctx: Context[Any, Any]) -> str:
    return die_once("die_idempotent", ctx)


@server.tool(structured_output=False)
async def perish(ctx: Context[Any, Any]) -> str:
    return die_once("perish", ctx)


@server.tool(structured_output=False)
async def linger() -> str:
    record(EFFECTS, "linger")
    try:
        await asyncio.sleep(60)
    except BaseException:
        record(EFFECTS, "linger was cancelled")
        raise
    return "at last"


match os.environ.get("VARIANT"):
    case "gone":
        server.remove_tool("createIssue")
        server.remove_tool("add-numbers")
    case "changed":
        server.remove_tool("createIssue")
        server.remove_tool("add-numbers")

        @server.tool(name="createIssue")
        async def create_another_issue(subject: str) -> str:
            return subject

        @server.tool(name="add-numbers")
        async def add_texts(first: str) -> str:
            return first

        @server.tool(name="subtract-numbers")
        async def subtract_numbers(first: int) -> int:
            return -first


async def app(scope: Any, receive: Any, send: Any) -> None:
    """The server over HTTP, in front of it what the files beside the effects ask for.

    `….faults` has a line for each answer to give instead, such as `429 1`: the status, and seconds for `Retry-After`.
    `….old` makes it a server of an older version of the protocol, which has sessions.
    """
    if scope["type"] == "http" and scope["method"] == "POST":
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        faults = Path(f"{EFFECTS}.faults")
        if faults.exists() and (lines := faults.read_text().splitlines()):
            faults.write_text("\n".join(lines[1:]))
            record(EFFECTS, f"answered {lines[0]}")
            status, *after = lines[0].split()
            await answer(send, int(status), [(b"retry-after", each.encode()) for each in after])
            return
        if Path(f"{EFFECTS}.old").exists() and headers.get("mcp-method") == "server/discover":
            await answer(send, 404, [])
            return
    await served(scope, receive, send)


async def answer(send: Any, status: int, headers: list[tuple[bytes, bytes]]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


if __name__ == "__main__":
    record(EFFECTS, f"started {os.getpid()}")
    print(
        "the test server speaks, to its standard error", os.environ.get("TEST_TOKEN", ""), file=sys.stderr, flush=True
    )
    if len(sys.argv) > 1:
        served = server.streamable_http_app()
        uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
    else:
        server.run()
