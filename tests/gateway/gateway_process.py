"""Deliveries as vendors send them, and the process that takes them."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx

from terse_temporal.gateway.addresses import Addresses
from terse_temporal.gateway.secrets import GatewaySecrets
from terse_temporal.gateway.signing import signed_headers

from ..commands import Command, running

__all__ = ["SECRETS", "VARIABLES", "GatewayProcess", "a_port", "gateway_process"]

SECRETS: Final[Mapping[str, str]] = {
    "GITHUB_WEBHOOK_SECRET": "github-secret-of-tests",
    "STRIPE_WEBHOOK_SECRET": "whsec_old_of_stripe,whsec_new_of_stripe",
    "SLACK_SIGNING_SECRET": "slack-secret-of-tests",
    "LINEAR_WEBHOOK_SECRET": "lin_wh_secret_of_tests",
    "TERSE_WEBHOOK_SECRET": "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODk=",
    "TERSE_GATEWAY_KEY": "key-of-the-gateway-of-tests",
}

VARIABLES: Final = {
    "github": "GITHUB_WEBHOOK_SECRET",
    "stripe": "STRIPE_WEBHOOK_SECRET",
    "slack": "SLACK_SIGNING_SECRET",
    "linear": "LINEAR_WEBHOOK_SECRET",
    "webhook": "TERSE_WEBHOOK_SECRET",
}


@dataclass
class GatewayProcess:
    """A gateway that runs.

    Attributes:
        command: the process.
        address: where it listens.
        spool: its directory.
    """

    command: Command
    address: str
    spool: Path

    def path(self, job: str) -> str:
        """The path of a job's own address."""
        return Addresses.of(GatewaySecrets.read(SECRETS)).path(job)

    async def deliver(
        self,
        client: httpx.AsyncClient,
        source: str,
        payload: Any,
        *,
        id: str,
        kind: str = "",
        job: str = "",
        secret: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Send a payload, signed as its sender signs it."""
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        secret = SECRETS[VARIABLES[source]].split(",")[-1] if secret is None else secret
        signed = signed_headers(source, body, secret=secret, id=id, now=datetime.now(UTC), kind=kind)
        path = self.path(job) if job else f"/webhooks/{source}"
        return await client.post(self.address + path, content=body, headers={**signed, **(headers or {})})


def a_port() -> int:
    """A port that is free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def gateway_process(
    directory: Path, temporal: str, *options: str, jobs: str = "tests/gateway/jobs_gateway.py"
) -> Iterator[GatewayProcess]:
    """A gateway in a process of its own for the length of the block, as soon as it takes deliveries."""
    port = a_port()
    root = Path(__file__).parents[2]
    command = ["terse-temporal", "gateway", str(root / jobs), "--port", str(port), "--spool", str(directory / "spool")]
    with running(*command, *options, cwd=directory, env={**SECRETS, "TEMPORAL_ADDRESS": temporal}) as started:
        started.says("  ready")
        yield GatewayProcess(started, f"http://127.0.0.1:{port}", directory / "spool")
