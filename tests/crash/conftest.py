"""What crash tests share. They are on the clock on the wall: what they measure is real time."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.client import Client

from terse_temporal.client import connect
from terse_temporal.testing.loop_thread import LoopThread

from .processes import Case


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def client(_terse_loop_thread: LoopThread) -> Client:
    """A client of the session's server, whose runs keep to real time."""
    return await connect(target_host=_terse_loop_thread.address)


@pytest.fixture
def new_case(client: Client, tmp_path: Path) -> Callable[..., Case]:
    """Makes a run's surroundings: a task queue and a directory of its own."""
    return functools.partial(Case, client, tmp_path)
