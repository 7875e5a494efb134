"""People who wait for their answers to be taken leave room for deliveries, which wait for nobody."""

from __future__ import annotations

import asyncio

import httpx
from starlette.types import Receive, Scope, Send

from terse_temporal.gateway.limits import LimitsMiddleware
from terse_temporal.gateway.settings import Limits


async def test_questions_take_a_part_of_the_room() -> None:
    """One more is told to come again, by a page or in JSON; a delivery is taken, and there is room again afterwards."""
    go_on, waiting = asyncio.Event(), asyncio.Semaphore(0)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].endswith("/held"):
            waiting.release()
            await go_on.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    limits = LimitsMiddleware(app, Limits(question_requests=2), on_refused=lambda *about: None)
    async with httpx.AsyncClient(base_url="http://gateway", transport=httpx.ASGITransport(limits)) as client:
        held = [asyncio.create_task(client.get(path)) for path in ("/inputs/held", "/api/inputs/held")]
        for _ in held:
            await waiting.acquire()
        page, program = await client.get("/inputs/x"), await client.get("/api/inputs/x")
        assert (page.status_code, page.text[:15]) == (503, "<!doctype html>")
        assert (program.status_code, program.json()["error"]) == (503, "busy")
        assert page.headers["retry-after"] == program.headers["retry-after"] == "1"
        assert (await client.post("/webhooks/stripe")).status_code == 200
        go_on.set()
        assert [(await each).status_code for each in held] == [200, 200]
        assert (await client.get("/inputs/x")).status_code == 200
