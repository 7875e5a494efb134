"""A run tells what it has done and how it stands, at any time, and its history can be kept."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.common import SearchAttributeKey

from terse_temporal.engine.replay.replayer import replay
from terse_temporal.errors import StartError, TerseError
from terse_temporal.testing import Jobs

from . import jobs_kit as kit


async def test_as_it_goes(jobs: Jobs) -> None:
    """Steps, status, time and table are those of the moment."""
    run = await jobs.start(kit.sleeps)
    before = datetime.now(UTC)
    first = await run.sleeping()
    assert first.duration == timedelta(hours=1)
    assert abs(first.until - before - timedelta(hours=1)) < timedelta(minutes=1)
    assert (run.status, run.steps) == ("running", [])
    assert "sleep  1 hour" in run.timeline()
    await jobs.skip("1h")
    assert [(step.name, step.state, step.attempt) for step in run.steps] == [("after 1h", "done", 1)]
    assert run.now() >= first.until
    assert (await run.sleeping()).duration == timedelta(hours=2)
    assert await run.result() == ["1:00", "3:00", "1 day, 3:00"]
    assert run.status == "completed"
    assert [step.name for step in run.steps] == ["after 1h", "after 2h", "after 1d"]
    assert re.search(r"step\s+after 1d\s+1\s+\+1 d", run.timeline())


async def test_key_and_tags(jobs: Jobs) -> None:
    """A run is started under a key and with tags as `Job.start` starts it; what can be none is refused."""
    assert await jobs.run(kit.plain, {"number": 1}, key="o-17", tags=["shop"]) is not None
    (run,) = jobs.runs
    assert run.id == f"{kit.plain.name}/o-17"
    described = await jobs._loop_thread.run(run._handle.describe())
    assert described.typed_search_attributes[SearchAttributeKey.for_keyword_list("TerseTags")] == ["shop"]
    with pytest.raises(StartError, match="both given"):
        await jobs.start(kit.plain, {"number": 1}, key="o-17", id="o-17")


async def test_its_id(jobs: Jobs) -> None:
    """A run's id begins with the job's name, or is the one that the test gives; the fixture knows all of its runs."""
    run = await jobs.start(kit.plain, {"number": 1})
    assert run.id.startswith("kit-plain-")
    other = await jobs.start("kit-plain", {"number": 2}, id="kit-my-own")
    assert (other.id, await other.result(), await run.result()) == ("kit-my-own", 3, 2)
    assert jobs.runs == [run, other]
    assert other.job is kit.plain


async def test_an_event_as_a_model(jobs: Jobs) -> None:
    """An event may be given as the model that it is."""
    event = kit.Customer(email="ada@example.com", name="Ada")
    assert await jobs.run(kit.typed, event) == "ada@example.com"


async def test_results_are_kept(jobs: Jobs) -> None:
    """A result may be asked for again."""
    run = await jobs.start(kit.numbered, {"parts": 2})
    assert await run.result() == await run.result() == [1, 1]


async def test_a_sleep_that_does_not_come(jobs: Jobs) -> None:
    """A wait for a sleep says how the run ended instead, and shows what it did."""
    run = await jobs.start(kit.numbered, {"parts": 1})
    with pytest.raises(AssertionError, match=r"(?s)does not sleep, it has ended: it completed.*\[1\].*part 0"):
        await run.sleeping()


@pytest.mark.parametrize("at", ["sleep", "end"])
async def test_its_history(jobs: Jobs, tmp_path: Path, at: str) -> None:
    """A history that was saved, of a run that has ended or not, can be replayed, and is told from one that differs."""
    run = await jobs.start(kit.sleeps)
    await run.sleeping()
    if at == "end":
        await run.result()
    file = run.save_history(tmp_path / "histories" / "sleeps.json")
    history = WorkflowHistory.from_json("sleeps", file.read_text())
    [replayed] = [each async for each in replay([kit.sleeps], [history])]
    assert (replayed.job, replayed.failure) == ("kit-sleeps", None)
    [replayed] = [
        each
        async for each in replay(
            [kit.sleeps], [WorkflowHistory.from_json("sleeps", file.read_text().replace("after 1h", "after 9h"))]
        )
    ]
    assert (replayed.failure is None) == (at == "sleep")


async def test_an_id_that_is_taken(jobs: Jobs) -> None:
    """A second run under the id of an open one is refused."""
    run = await jobs.start(kit.sleeps, id="kit-taken")
    with pytest.raises(TerseError, match="a run with the id 'kit-taken' is already running"):
        await jobs.start(kit.sleeps, id="kit-taken")
    assert jobs.runs == [run]
