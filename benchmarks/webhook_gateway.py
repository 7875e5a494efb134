"""A gateway in a process of its own, and deliveries for it, signed as GitHub signs them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx

from terse_temporal.gateway.signing import signed_headers

__all__ = ["Gateway", "Push"]

_ROOT: Final = Path(__file__).parents[1]
_SECRET: Final = "secret-of-the-measurements"

#: Seconds for the start of a gateway.
_SOON: Final = 60.0


class Push:
    """A delivery of a push.

    Args:
        id: the delivery's own.
        size: bytes of the body, about.
    """

    def __init__(self, id: str, size: int) -> None:
        body = {
            "ref": "refs/heads/main",
            "pusher": {"name": "ada"},
            "repository": {"id": 1, "full_name": "acme/web", "owner": {"login": "acme"}},
            "commits": [
                {"id": f"{number:040}", "message": "x" * 200, "tree_id": "y" * 40} for number in range(size // 300)
            ],
        }
        self.id = id
        self.body = json.dumps(body).encode()
        self.headers = signed_headers("github", self.body, secret=_SECRET, id=id, now=datetime.now(UTC), kind="push")

    def request(self, gateway: Gateway) -> bytes:
        """Return the whole request as it goes over a connection."""
        headers = {"Host": f"127.0.0.1:{gateway.port}", "Content-Length": str(len(self.body)), **self.headers}
        lines = ["POST /webhooks/github HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        return "\r\n".join(lines).encode() + self.body

    async def send(self, client: httpx.AsyncClient) -> bool:
        """Send it once, and return whether it was answered with 2xx; if not, it may be sent again."""
        try:
            answer = await client.post("/webhooks/github", content=self.body, headers=self.headers)
        except httpx.HTTPError:
            return False
        if not answer.is_success and answer.status_code not in (429, 503):
            raise RuntimeError(f"the gateway answers {answer.status_code}: {answer.text}")
        return answer.is_success


class Gateway:
    """`terse-temporal gateway` on a port of its own, which it keeps when it is started again.

    Args:
        directory: of the spool and the log.
        temporal: the address of the server.
        options: further options of the command.
    """

    def __init__(self, directory: Path, temporal: str, *options: str) -> None:
        directory.mkdir(exist_ok=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.spool = directory / "spool"
        self.log = directory / "gateway.log"
        self._options = options
        self._environment: Mapping[str, str] = {
            **os.environ,
            "GITHUB_WEBHOOK_SECRET": _SECRET,
            "TEMPORAL_ADDRESS": temporal,
        }
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start it, and wait until it answers."""
        arguments: list[Any] = ["gateway", _ROOT / "benchmarks" / "webhook_jobs.py", "--port", self.port]
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "terse_temporal",
                *map(str, [*arguments, "--spool", self.spool, *self._options]),
                cwd=_ROOT,
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        async with httpx.AsyncClient(base_url=self.url) as client, asyncio.timeout(_SOON):
            while not await _is_alive(client):
                if self._process.returncode is not None:
                    raise RuntimeError(f"the gateway has ended:\n{self.log.read_text()[-3000:]}")
                await asyncio.sleep(0.05)

    async def end(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End it, and whatever it has started."""
        if self._process is not None and self._process.returncode is None:
            os.killpg(self._process.pid, how)
            await self._process.wait()


async def _is_alive(client: httpx.AsyncClient) -> bool:
    try:
        return (await client.get("/healthz")).is_success
    except httpx.HTTPError:
        return False
