"""Keys in the environment, and a client that has them."""

from __future__ import annotations

from typing import Any

import pytest
from temporalio.client import Client
from temporalio.converter import DataConverter

from terse_temporal.converter import client_with_environment
from terse_temporal.encryption.keys import KEY_VARIABLE, new_key
from terse_temporal.testing import JobEnvironment


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    """A key of this environment."""
    made = new_key()
    monkeypatch.setenv(KEY_VARIABLE, made)
    return made


@pytest.fixture
def client(env: JobEnvironment, key: str) -> Client:
    """A client of the environment with the key."""
    return with_key_of_environment(env)


def with_key_of_environment(env: JobEnvironment) -> Client:
    """A client that knows what the environment says now, which the session's server was started without."""
    settings: Any = env.client.config()
    return client_with_environment(Client(**{**settings, "data_converter": DataConverter.default}))
