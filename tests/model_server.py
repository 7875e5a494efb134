"""A server that speaks the OpenAI protocol (chat completions), with its answers scripted and its faults injected.

It is asked by the real client over HTTP. What it answers is decided by the conversation that it is sent, not by how
often it was asked, so that a turn which is asked again is answered the same, and every request is counted.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

__all__ = ["ModelServer", "calls", "says", "turn_of"]


def says(text: str) -> dict[str, Any]:
    """An answer in words."""
    return {"role": "assistant", "content": text}


def calls(*tools: tuple[str, dict[str, Any] | str]) -> dict[str, Any]:
    """An answer that calls tools: names as the model is given them, and arguments."""
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "id": f"call-{name}-{number}",
                "type": "function",
                "function": {"name": name, "arguments": given if isinstance(given, str) else json.dumps(given)},
            }
            for number, (name, given) in enumerate(tools)
        ],
    }


Fault = Callable[[web.Request], Any]


class ModelServer:
    """The server, and what it was asked.

    Attributes:
        requests: the body of every request that came, answered or not.
        keys: the `Authorization` of each.
        script: the answer to the conversation's turn of that number, counted by the assistant's messages in it.
        answer: gives the answer to a request, instead of the script.
        finish: why it says that it has ended, instead of the true reason.
        gap: seconds between the pieces of a stream.
        faults: what happens instead to the next requests, in order: a status with headers, or `"cut"`, `"garbage"`.
    """

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.script: list[dict[str, Any]] = []
        self.faults: list[tuple[int, dict[str, str]] | str] = []
        self.gap = 0.0
        self.finish = ""
        self.url = ""
        self.before_answer: Callable[[dict[str, Any]], Any] | None = None
        self.answer: Callable[[dict[str, Any]], dict[str, Any]] = lambda body: self.script[turn_of(body)]

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[ModelServer]:
        """Serve on a port of its own."""
        application = web.Application(client_max_size=64 * 1024 * 1024)
        application.router.add_post("/v1/chat/completions", self._complete)
        runner = web.AppRunner(application, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        self.url = f"http://{host}:{port}/v1"
        try:
            yield self
        finally:
            await runner.cleanup()

    def turns_asked(self) -> list[int]:
        """Which turn each request was for, from 0."""
        return [turn_of(body) for body in self.requests]

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.requests.append(body)
        self.keys.append(request.headers.get("Authorization", ""))
        if self.faults:
            fault = self.faults.pop(0)
            if fault == "cut":
                assert request.transport is not None
                request.transport.abort()
                return web.Response()
            if fault == "garbage":
                return web.Response(text='{"id": "x", "choices": [', content_type="application/json")
            assert not isinstance(fault, str)
            status, headers = fault
            error = {"error": {"message": f"injected {status}, key {self.keys[-1]}", "type": "server_error"}}
            return web.json_response(error, status=status, headers=headers)
        if self.before_answer is not None:
            await self.before_answer(body)
        message = self.answer(body)
        if body.get("stream"):
            return await self._streamed(request, body, message)
        return web.json_response(
            {
                "id": "completion",
                "object": "chat.completion",
                "created": 1,
                "model": body["model"],
                "choices": [{"index": 0, "message": message, "finish_reason": self.finish or _reason(message)}],
                "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
            }
        )

    async def _streamed(
        self, request: web.Request, body: dict[str, Any], message: dict[str, Any]
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        pieces: list[dict[str, Any]] = [{"content": piece} for piece in (message["content"] or "").split(" ") if piece]
        pieces = [{"content": f"{piece['content']} "} for piece in pieces]
        for number, call in enumerate(message.get("tool_calls", ())):
            pieces.append({"tool_calls": [{"index": number, **call}]})
        for piece in pieces:
            await self._chunk(response, body, {"choices": [{"index": 0, "delta": {"role": "assistant", **piece}}]})
            await asyncio.sleep(self.gap)
        end = {"choices": [{"index": 0, "delta": {}, "finish_reason": self.finish or _reason(message)}]}
        await self._chunk(response, body, end)
        usage = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
        await self._chunk(response, body, {"choices": [], "usage": usage})
        await response.write(b"data: [DONE]\n\n")
        return response

    async def _chunk(self, response: web.StreamResponse, body: dict[str, Any], data: dict[str, Any]) -> None:
        chunk = {"id": "completion", "object": "chat.completion.chunk", "created": 1, "model": body["model"], **data}
        await response.write(f"data: {json.dumps(chunk)}\n\n".encode())


def turn_of(body: dict[str, Any]) -> int:
    """The number of the turn that a request is for, from 0."""
    return sum(message["role"] == "assistant" for message in body["messages"])


def _reason(message: dict[str, Any]) -> str:
    return "tool_calls" if message.get("tool_calls") else "stop"
