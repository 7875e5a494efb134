"""A conversation that continues in new histories, stored and encrypted, is whole, and nobody else reads it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from terse_temporal.encryption.keys import KEY_VARIABLE, new_key
from terse_temporal.runs.details import read_details
from terse_temporal.worker import build_worker

from ..bench import Bench, cache_on
from ..encryption.conftest import with_key_of_environment
from ..model_server import ModelServer, calls, says, turn_of
from . import jobs_references as jobs

TURNS = 8


def reads_pages(body: dict[str, Any]) -> dict[str, Any]:
    """Answer as a model that reads a page in each turn, every other one by a local step."""
    turn = turn_of(body)
    tool = "shelf_page" if turn % 2 else "shelf_local_page"
    return says("done") if turn == TURNS - 1 else calls((tool, {"number": turn}))


def kept(directory: Path) -> list[bytes]:
    """The files of a storage."""
    return [file.read_bytes() for file in directory.rglob("*") if file.is_file()]


@cache_on
async def test_stored_and_encrypted(
    bench: Bench, model: ModelServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Each turn is told all that was said, the journal is stored, and no history, file or log line has it in plain."""
    monkeypatch.setenv(KEY_VARIABLE, new_key())
    monkeypatch.setenv("TERSE_STORAGE", (tmp_path / "store").as_uri())
    monkeypatch.setenv("TERSE_STORAGE_OVER", "2 kB")
    model.answer = reads_pages
    client = with_key_of_environment(bench.env)
    queue, event = bench.task_queue, {"shelf": ["shelf", "shelf_local"]}
    async with build_worker(client, jobs=[jobs.pages], task_queue=queue, continue_after=20), asyncio.timeout(60):
        run = await client.start_workflow(jobs.pages.name, event, id=f"stored-{queue}", task_queue=queue)
        assert await run.result() == ["done"]
    for body in model.requests:
        told = [message["content"] for message in body["messages"] if message["role"] == "tool"]
        assert told == [jobs.text_of(number) for number in range(turn_of(body))]
    steps = [each for each in (await read_details(client, run.id)).timeline.entries if each.kind == "step"]
    assert [each.name for each in steps if each.attempt] == [each.name for each in steps]
    assert len(steps) == 2 * TURNS - 1
    histories = [each async for each in client.list_workflows(f"WorkflowId='{run.id}'")]
    assert len(histories) > 2
    searched = await asyncio.to_thread(kept, tmp_path / "store")
    for each in histories:
        events = (await client.get_workflow_handle(run.id, run_id=each.run_id).fetch_history()).events
        searched.append(b"".join(event.SerializeToString() for event in events))
    assert b"ExternalStorageReference" in searched[-1]
    for plain in (b"page 0", b"You read every", b"conversation 0"):
        assert not any(plain in each for each in searched)
        assert plain.decode() not in caplog.text
