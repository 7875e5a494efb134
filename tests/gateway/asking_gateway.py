"""A gateway that people answer questions by, in the tests' own process, with operators."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from fastapi import FastAPI
from temporalio.client import Client

from terse_temporal.errors import ServerUnavailableError
from terse_temporal.gateway import Limits, build_app
from terse_temporal.gateway.gateway import Gateway
from terse_temporal.inputs import InputQuestion, InputToken, make_token
from terse_temporal.jobs.job import Job

from .gateway_process import SECRETS

__all__ = ["ADA", "BASE", "PROGRAM", "asking_gateway", "away", "bearer", "link_to", "set_secrets"]

ADA: Final = "token-of-ada-for-tests"
PROGRAM: Final = "token-of-a-program-of-tests"
BASE: Final = "https://gateway.example"

_KEYS: Final = [SECRETS["TERSE_GATEWAY_KEY"].encode()]


def set_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set what the gateway reads when it is made: two operators, one of them with a name."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TERSE_OPERATOR_TOKEN", f"ada:{ADA},{PROGRAM}")
    monkeypatch.setenv("TERSE_GATEWAY_URL", BASE)


@asynccontextmanager
async def asking_gateway(
    client: Client | None,
    spool: Path,
    *jobs: Job,
    limits: Limits | None = None,
    host: str = "203.0.113.7",
    root_path: str = "",
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway, for the length of the block: by http, as behind a proxy, from one address.

    Args:
        client: of the Temporal server; without one it is away.
        spool: a directory.
        jobs: of the gateway.
        limits: of the gateway.
        host: the address that requests come from.
        root_path: the path under which a proxy has it.
    """
    known = {"client": client} if client is not None else {"connect": away}
    app: FastAPI = build_app(jobs, spool=spool, limits=limits, root_path=root_path, **known)
    gateway: Gateway = app.state.gateway
    transport = httpx.ASGITransport(app, client=(host, 1234))
    async with gateway.running(), httpx.AsyncClient(base_url="http://gateway", transport=transport) as browser:
        yield browser


async def away() -> Client:
    """Fail to connect."""
    raise ServerUnavailableError("no Temporal server answers: this is a test.")


def bearer(token: str) -> dict[str, str]:
    """The header of a program with a token."""
    return {"authorization": f"Bearer {token}"}


def link_to(question: InputQuestion | dict[str, Any], respondent: str = "", **changed: str) -> str:
    """The path of the page of a question, or of one that is like it."""
    found = (
        question
        if isinstance(question, dict)
        else {"namespace": question.namespace, "id": question.id, "run": question.run, "number": question.number}
    )
    fields = {"namespace": "default", **{name: found[name] for name in ("id", "run", "number")}, **changed}
    return f"/inputs/{make_token(InputToken(**fields, respondent=respondent), _KEYS)}"
