"""What a storage keeps is encrypted, and is kept once."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path
from typing import Any

import pytest

from terse_temporal import Event, create_job, job_step
from terse_temporal.testing import JobEnvironment
from terse_temporal.worker import build_worker

from ..waiting import SOON
from .conftest import with_key_of_environment

#: Of a size at which equal contents become equal bytes.
LARGE = "zq-large " * 20_000


@create_job(name="encrypted-and-stored", durable=True)
async def stored(event: Event) -> Any:
    """Large data in and out of a step, twice."""
    first = await job_step(run=lambda text: text, input=event.text, name="first")
    return await job_step(run=lambda text: text, input=first, name="second")


def kept(directory: Path) -> list[bytes]:
    """The files of a storage."""
    return [file.read_bytes() for file in directory.rglob("*") if file.is_file()]


@pytest.mark.server
async def test_a_storage_has_nothing_that_can_be_read(
    env: JobEnvironment, key: str, task_queue: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither in its files nor in the history; and two runs with the same data share what is kept."""
    monkeypatch.setenv("TERSE_STORAGE", tmp_path.as_uri())
    client = with_key_of_environment(env)
    async with build_worker(client, jobs=[stored], task_queue=task_queue), asyncio.timeout(SOON):
        counts = []
        for _ in range(2):
            run = await client.start_workflow(
                "encrypted-and-stored", {"text": LARGE}, id=f"stored-{uuid.uuid4()}", task_queue=task_queue
            )
            assert await run.result() == LARGE
            files = await asyncio.to_thread(kept, tmp_path)
            counts.append(len(files))
    history = b"".join(each.SerializeToString() for each in (await run.fetch_history()).events)
    assert b"ExternalStorageReference" in history
    assert len(history) < len(LARGE)
    assert not any(b"zq-large" in each for each in (history, *files))
    # The event, the result of a step and of the run; the calls of steps have the key of their run in them.
    assert counts[0] > 2
    assert counts[1] == counts[0] + 2
