"""An ASGI app behind the gateway's server and limits, on a port of its own, and raw connections to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from fastapi import FastAPI, Request

from terse_temporal.gateway.limits import LimitsMiddleware
from terse_temporal.gateway.server import GatewayServer, listen
from terse_temporal.gateway.settings import Limits


@dataclass
class Served:
    """A server that runs.

    Attributes:
        port: of 127.0.0.1.
        server: it.
        bodies: the sizes of those that the app has read.
        refused: the status of each request that was refused.
        go_on: what requests to `/webhooks/held` wait for.
    """

    port: int
    server: GatewayServer = field(init=False)
    bodies: list[int] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def has_read(self, bodies: int) -> None:
        """Wait until the app has read so many bodies."""
        while len(self.bodies) < bodies:  # noqa: ASYNC110  a test may ask for any number
            await asyncio.sleep(0.01)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def send(self, data: bytes, *, within: float = 10.0) -> bytes:
        """Send bytes as they are, and return all that comes back until the other side closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(data)
            async with asyncio.timeout(within):
                return await reader.read()
        finally:
            writer.close()


@asynccontextmanager
async def serve(limits: Limits, *, forwarded_allow_ips: str = "") -> AsyncIterator[Served]:
    """A server whose app reads the body of a request and says how long it is, for the length of the block."""
    listening = listen("127.0.0.1", 0)
    served = Served(listening.getsockname()[1])
    app = FastAPI(docs_url=None, openapi_url=None)

    @app.post("/webhooks/broken")
    async def broken(request: Request) -> None:
        raise LookupError(f"a value of {len(await request.body())} characters of the body")

    @app.post("/webhooks/{name:path}")
    async def read(name: str, request: Request) -> dict[str, Any]:
        body = await request.body()
        served.bodies.append(len(body))
        if name == "held":
            await served.go_on.wait()
        return {"size": len(body), "client": request.client.host if request.client else None, "name": name}

    @app.get("/healthz")
    async def alive() -> dict[str, str]:
        return {"status": "ok"}

    app.add_middleware(
        LimitsMiddleware,
        limits=limits,
        on_refused=lambda scope, refusal, seconds: served.refused.append(refusal.status),
    )
    ready = asyncio.Event()
    server = GatewayServer(app, limits, forwarded_allow_ips=forwarded_allow_ips, on_ready=ready.set)
    served.server = server
    serving = asyncio.create_task(server.serve([listening]))
    try:
        await ready.wait()
        yield served
    finally:
        served.go_on.set()
        server.stop()
        server.stop()  # at once, whatever connection is open
        await serving
        listening.close()


def answer(received: bytes) -> tuple[int, dict[str, Any]]:
    """Return the status and the JSON of the first answer in what came over a connection."""
    head, _, rest = received.partition(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1])
    length = next(
        int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
    )
    content: dict[str, Any] = json.loads(rest[:length])
    return status, content


def post(path: str, body: bytes = b"", *headers: str, close: bool = True) -> bytes:
    """Return a request as it goes over the wire."""
    lines = [f"POST {path} HTTP/1.1", "host: gateway", f"content-length: {len(body)}", *headers]
    return "\r\n".join([*lines, *(["connection: close"] if close else []), "", ""]).encode("latin-1") + body
