"""A worker that is killed between a write and the answer: the next attempt changes nothing, and gets the same answer.

The worker is a real process, which kills itself right after the store has the write. Meanwhile another writes the same
keys, so that a write that is made again would be seen.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client

from terse_temporal.engine.state.store import TemporalStore
from terse_temporal.state import StateId, StateStore, open_store

from .processes import Case, at_once, result


async def survives(case: Case, crash_at: str, store: StateStore) -> None:
    """Kill the worker after that write, let another write come between, and start the next worker."""
    of = StateId("default", case.task_queue, "crashing-state")
    async with case.worker(crash_at=crash_at) as first:
        run = await case.start("crashing-state", {"value": "mine"})
        assert await first.ended() == -signal.SIGKILL
    async with case.worker(writes_wait=True):
        # Before the step's next attempt, which writes when it may.
        await store.set(of, "gone", "set again", write="other-1")
        if "set" in crash_at:
            await store.set(of, "value", "another's", write="other-2")
        if "update" in crash_at:
            await store.set(of, "count", 100, write="other-3")
        case.go.touch()
        last = 110 if "update" in crash_at else 11
        value = "another's" if "set" in crash_at else "mine"
        gone = "set again" if "delete" in crash_at else None
        assert await result(run) == [1, last, value, gone]
    assert case.marks.lines() == []


def every_crash(new_case: Callable[..., Case], store: StateStore) -> dict[str, Coroutine[Any, Any, None]]:
    return {
        point: survives(new_case(jobs="tests.crash.jobs_state"), point, store)
        for point in ("state.update: committed", "state.set: committed", "state.delete: committed")
    }


async def test_on_temporal(new_case: Callable[..., Case], client: Client) -> None:
    """With the state on Temporal."""
    await at_once(every_crash(new_case, TemporalStore(lambda: client)))


async def test_in_a_database(new_case: Callable[..., Case], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the state in a database, which the environment variable TERSE_STATE names."""
    url = f"sqlite:///{tmp_path / 'state.db'}"
    monkeypatch.setenv("TERSE_STATE", url)
    async with open_store(url) as store:
        await at_once(every_crash(new_case, store))
