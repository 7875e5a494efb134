"""A history fits the code that it was recorded with, wherever it ends, and replaying it does nothing else."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory

from terse_temporal.cli.histories import read_history
from terse_temporal.engine.replay.replayer import replay

from ..golden import HISTORIES, golden_jobs
from ..versions import ONBOARD, eventually, replayed, version

JOBS = golden_jobs()


@pytest.mark.parametrize("file", HISTORIES, ids=[file.stem for file in HISTORIES])
async def test_cut_off_anywhere(file: Path) -> None:
    """A run that was open when its history was fetched fits, whatever event that was at."""
    history = read_history(file)
    assert len(history.events) > 5
    cut = [WorkflowHistory(history.workflow_id, history.events[:end]) for end in range(1, len(history.events) + 1)]
    results = await replayed(JOBS, *cut)
    assert [each.failure for each in results] == [None] * len(cut)
    assert {each.run_id for each in results} == {history.run_id}


async def test_many_of_several_jobs() -> None:
    """Histories of several jobs, and of the state of jobs, come in one stream, and are told of in its order."""
    histories = [read_history(file) for file in HISTORIES]
    assert [each.workflow_id for each in await replayed(JOBS, *histories)] == [each.workflow_id for each in histories]


async def test_in_another_namespace() -> None:
    """The namespace makes idempotency keys, and no difference to whether a history fits."""
    histories = [read_history(file) for file in HISTORIES]
    for namespace in ("production", "staging"):
        assert not [each for each in await replayed(JOBS, *histories, namespace=namespace) if each.failure]


async def test_prints_nothing(
    sleeping: WorkflowHistory, tmp_path: Path, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """What a handler logs is not logged again, nor what it would log next."""
    with version(ONBOARD, tmp_path) as jobs:
        cut = [WorkflowHistory("cut", sleeping.events[:end]) for end in range(1, len(sleeping.events) + 1)]
        assert not [each for each in await replayed(jobs, *cut) if each.failure]
    assert "onboarding" not in capsys.readouterr().out + caplog.text


async def test_on_another_thread() -> None:
    """It runs on the loop of another thread, beside the one of the main thread, and leaves no thread behind."""
    histories = [read_history(file) for file in HISTORIES]
    failures: list[str | None] = []

    def work() -> None:
        failures.extend(each.failure for each in asyncio.run(replayed(JOBS, *histories)))

    own = asyncio.create_task(replayed(JOBS, *histories))
    await asyncio.to_thread(work)
    failures.extend(each.failure for each in await own)
    assert failures == [None] * 2 * len(histories)

    async def threads() -> list[str]:
        return [thread.name for thread in threading.enumerate() if thread.name.startswith("terse-replay")]

    assert await eventually(threads, lambda names: not names) == []


async def test_left_in_the_middle() -> None:
    """Who needs no more results takes no more, and the next replay is none the worse."""
    histories = [read_history(file) for file in HISTORIES]
    replaying = replay(JOBS, histories)
    assert (await anext(replaying)).failure is None
    await replaying.aclose()
    assert [each.failure for each in await replayed(JOBS, histories[0])] == [None]
