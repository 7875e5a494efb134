"""What tests share: one real server, side effects counted outside the process, the cache on and at zero."""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Self

import pytest
import pytest_asyncio

from terse_temporal.devserver import DevServer
from terse_temporal.testing import JobEnvironment
from terse_temporal.testing.loop_thread import LoopThread

from .bench import Bench
from .effects import Effects

# The servers of the tests collect garbage less often, which is a quarter of what they cost, and stay below half a GB.
os.environ.setdefault("GOGC", "1000")
os.environ.setdefault("GOMEMLIMIT", "500MiB")


class _Started(DevServer):
    """A server that somebody else has started, and ends."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def env(_terse_loop_thread: LoopThread) -> AsyncIterator[JobEnvironment]:
    """A real server that skips time, shared by the tests of the session: that of the fixture `jobs`.

    A server that does nothing takes a hundredth of a processor.
    """
    environment = JobEnvironment()
    environment._server = _Started(port=int(_terse_loop_thread.address.rpartition(":")[2]))
    async with environment:
        yield environment


@pytest.fixture(params=[1000, 0], ids=["cache-on", "cache-zero"])
def cache(request: pytest.FixtureRequest) -> int:
    """How many runs a worker keeps. At zero every workflow task replays its run from the start."""
    return int(request.param)


@pytest.fixture
def task_queue() -> str:
    """A task queue of the test's own, so that no other test's worker takes its work."""
    return f"test-{uuid.uuid4()}"


@pytest.fixture
def effects(tmp_path: Path) -> Effects:
    """A file that steps write their side effects to."""
    return Effects(tmp_path / "effects.log")


@pytest.fixture
def bench(env: JobEnvironment, cache: int, task_queue: str, effects: Effects) -> Bench:
    """A place to run jobs, once with the workflow cache on and once with it at zero."""
    return Bench(env, cache, task_queue, effects)
