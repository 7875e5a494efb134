"""A model server for each test, and the environment that leads the real client to it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from ..model_server import ModelServer

#: What the tests give as the provider's key, to be looked for where it must not be.
KEY = "sk-test-0123456789abcdef"


@pytest_asyncio.fixture(loop_scope="session")
async def model(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ModelServer]:
    """A model server that the worker's environment names."""
    async with ModelServer().serving() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        monkeypatch.setenv("TERSE_MODEL", "openai:gpt-5-mini")
        yield server
