"""Runs take events, inputs, results and state of any size where there is a storage, and say to set one where not."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowFailureError

from terse_temporal.converter import client_with_environment
from terse_temporal.engine.replay import replayer
from terse_temporal.runs.details import read_details
from terse_temporal.serialization import payload_limits
from terse_temporal.testing import JobEnvironment
from terse_temporal.worker import build_worker

from ..bench import Bench, cache_on
from ..waiting import until
from .jobs_storage import large, one_step, refused

pytestmark = pytest.mark.server

SIZE = 3_000_000


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory that the environment names."""
    monkeypatch.setenv("TERSE_STORAGE", (tmp_path / "store").as_uri())
    monkeypatch.setattr(payload_limits, "_found", False)
    return tmp_path / "store"


@pytest.fixture
def client(env: JobEnvironment, root: Path) -> Client:
    """One of the environment; that of the session was made without it."""
    return client_with_environment(env.client)


def files(root: Path) -> list[Path]:
    return [each for each in root.rglob("*") if each.is_file()]


async def test_everything_is_large(
    client: Client, cache: int, task_queue: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run passes on what is over the server's limit, its history is small, and replays where its data are."""
    async with build_worker(client, jobs=[large], task_queue=task_queue, max_cached_workflows=cache):
        run = await large.start({"text": "e" * SIZE, "size": SIZE}, client=client, task_queue=task_queue)
        result = await run.result(timeout="60s")
    assert {key: value for key, value in result.items() if key != "text"} == {
        "event": SIZE,
        "read": SIZE,
        "kept": 500_000,
    }
    assert result["text"] == "x" * SIZE
    history = await client.get_workflow_handle(run.id).fetch_history()
    assert sum(each.ByteSize() for each in history.events) < 30_000
    assert sum(each.stat().st_size for each in files(root)) > 4 * SIZE
    [replayed] = [each async for each in replayer.replay([large], [history])]
    assert replayed.failure is None
    for file in files(root):
        file.unlink()
    [replayed] = [each async for each in replayer.replay([large], [history])]
    assert replayed.unreadable
    assert "which a history refers to: it was deleted" in (replayed.failure or "")
    monkeypatch.delenv("TERSE_STORAGE")
    [replayed] = [each async for each in replayer.replay([large], [history])]
    assert replayed.unreadable
    assert "TERSE_STORAGE is not set here" in (replayed.failure or "")


@cache_on
async def test_a_worker_with_a_client_of_the_users(bench: Bench, root: Path) -> None:
    """A worker reads the environment, whatever client it is given; a client that does not cannot read the result."""
    async with build_worker(bench.env.client, jobs=[large], task_queue=bench.task_queue):
        run = await large.start({"text": "e", "size": SIZE}, client=bench.env.client, task_queue=bench.task_queue)
        with pytest.raises(RuntimeError, match="external storage is not configured"):
            await bench.env.client.get_workflow_handle(run.id).result()
        assert (
            len((await client_with_environment(bench.env.client).get_workflow_handle(run.id).result())["text"]) == SIZE
        )


async def test_without_a_storage(bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The error says to set one; and a run that has caught it goes on as it was when there is one."""
    monkeypatch.delenv("TERSE_STORAGE", raising=False)
    async with bench.worker(refused):
        run = await bench.start(refused, size=SIZE)
        said = await bench.result(run)
    assert said.count("Set TERSE_STORAGE" if "Set TERSE_STORAGE" in said else "set TERSE_STORAGE") >= 1
    history = await run.fetch_history()
    monkeypatch.setenv("TERSE_STORAGE", (tmp_path / "store").as_uri())
    [replayed] = [each async for each in replayer.replay([refused], [history])]
    assert replayed.failure is None


@cache_on
async def test_who_looks_without_a_storage(client: Client, bench: Bench) -> None:
    """Is told what is missing, where the value would stand."""
    async with build_worker(client, jobs=[one_step], task_queue=bench.task_queue):
        event = {"size": 10, "effects": str(bench.effects), "more": "m" * SIZE}
        run = await one_step.start(event, client=client, task_queue=bench.task_queue)
        await run.result()
    shown = await read_details(bench.env.client, run.id)
    assert shown.event == (
        "(cannot be read here: they are in a storage, and TERSE_STORAGE is not set here: set it to what others have)"
    )
    assert (await read_details(client, run.id)).event["more"] == "m" * SIZE


@cache_on
async def test_a_storage_that_is_away_for_a_while(
    client: Client, bench: Bench, root: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A step that has run waits until it can hand in; it is not run again, and the run does not fail."""
    root.write_text("in the way")  # noqa: ASYNC240
    queue = bench.task_queue
    async with build_worker(client, jobs=[one_step], task_queue=queue):
        event = {"size": SIZE, "effects": str(bench.effects)}
        run = await one_step.start(event, client=client, task_queue=queue)
        async with asyncio.timeout(30):
            while "waits for the storage" not in caplog.text:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        waiting_since = datetime.now(UTC)

        async def beats() -> bool:
            described = await client.get_workflow_handle(run.id).describe()
            (step,) = described.raw_description.pending_activities
            return step.last_heartbeat_time.ToDatetime(UTC) > waiting_since and step.attempt == 1

        await until(beats, "the step that waits gives a sign of life")
        root.unlink()  # noqa: ASYNC240
        assert await run.result(timeout="30s") == SIZE
    assert bench.effects.lines() == ["made"]


@cache_on
async def test_what_is_missing_when_a_run_needs_it(
    client: Client, bench: Bench, root: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The run waits, its task and one line of the log say which hash is missing where, and it goes on when that is
    back.
    """
    queue = bench.task_queue
    run = await client.start_workflow(
        one_step.name,
        {"size": 10, "effects": str(bench.effects), "more": "m" * SIZE},
        id=f"missing-{uuid.uuid4()}",
        task_queue=queue,
        # A task that fails again is left to time out.
        task_timeout=timedelta(seconds=2),
    )
    [file] = files(root)
    file.rename(tmp_path / "kept")
    async with build_worker(client, jobs=[one_step], task_queue=queue):
        async with asyncio.timeout(30):
            # The hash alone stands in the event too.
            missing = f"does not have {file.name}"
            while missing not in str(await run.fetch_history()):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        assert (await run.describe()).status == WorkflowExecutionStatus.RUNNING
        (tmp_path / "kept").rename(file)
        async with asyncio.timeout(60):
            assert await run.result() == 10
    [line] = [each for each in caplog.records if file.name in each.getMessage()]
    assert f"{run.id}  {one_step.name} waits: its data cannot be read" in line.getMessage()
    assert line.exc_info is None


@cache_on
async def test_a_failure_of_the_run_is_small(client: Client, bench: Bench, root: Path) -> None:
    """A handler that fails says so as ever."""
    queue = bench.task_queue
    async with build_worker(client, jobs=[one_step], task_queue=queue):
        run = await client.start_workflow(
            "storage-one-step", {"text": "m" * SIZE}, id=f"fails-{queue}", task_queue=queue
        )
        with pytest.raises(WorkflowFailureError):
            await run.result()
