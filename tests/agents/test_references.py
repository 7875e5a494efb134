"""A turn of a long conversation costs what one of a short one does: what is said stands in the history once."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Sequence
from typing import Any

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client

from terse_temporal import get_run
from terse_temporal.engine.activity import recorded_results, runner
from terse_temporal.errors import ModelError
from terse_temporal.worker import build_worker

from ..bench import Bench, Run, cache_on, scheduled
from ..model_server import ModelServer, calls, says, turn_of
from . import jobs_references as jobs

TURNS = 8


def reads_pages(body: dict[str, Any]) -> dict[str, Any]:
    """Answer as a model that reads a page in each turn, and then is done."""
    turn = turn_of(body)
    return says("done") if turn == TURNS - 1 else calls(("shelf_page", {"number": turn}))


def reads_local_pages(body: dict[str, Any]) -> dict[str, Any]:
    """The same with a tool that is a local step."""
    turn = turn_of(body)
    return says("done") if turn == TURNS - 1 else calls(("shelf_local_page", {"number": turn}))


def told(body: dict[str, Any]) -> list[str]:
    """What tools have returned, in what a model is asked."""
    return [message["content"] for message in body["messages"] if message["role"] == "tool"]


def assert_all_was_told(model: ModelServer) -> None:
    """Every turn was asked with all that was said before it, at full length."""
    for body in model.requests:
        assert body["messages"][0] == {"role": "system", "content": jobs.INSTRUCTIONS.strip()}
        assert told(body) == [jobs.text_of(number) for number in range(turn_of(body))]


@pytest.fixture
def nothing_at_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers that keep no results, so that each turn reads the history of its run."""
    monkeypatch.setattr(runner, "ResultCache", functools.partial(recorded_results.ResultCache, 0))


async def events_of(run: Run) -> Sequence[HistoryEvent]:
    return (await run.fetch_history()).events


def sizes(events: Sequence[HistoryEvent]) -> list[int]:
    """Bytes of the inputs of turns."""
    return [
        event.ByteSize()
        for event in events
        if event.activity_task_scheduled_event_attributes.activity_type.name == "generate_text"
    ]


async def test_each_thing_is_recorded_once(bench: Bench, model: ModelServer) -> None:
    """A page, and the instructions, stand in the history once, and every turn is asked with all of them."""
    model.answer = reads_pages
    async with bench.worker(jobs.pages):
        run = await bench.start(jobs.pages)
        assert await bench.result(run) == ["done"]
    assert_all_was_told(model)
    assert len(model.requests) == TURNS
    events = await events_of(run)
    whole = b"".join(event.SerializeToString() for event in events)
    for number in range(TURNS - 1):
        assert whole.count(jobs.text_of(number).encode()) == 1
    # Of the first turn, which was given them, and which says where they stand.
    assert whole.count(jobs.INSTRUCTIONS.strip().encode()) == 2
    _, *later = sizes(events)
    assert max(later) - min(later) < 100


async def test_what_is_not_at_hand_is_read(bench: Bench, model: ModelServer, nothing_at_hand: None) -> None:
    """A worker that has nothing at hand is told what was said by the history, in conversations side by side too."""
    model.answer = reads_pages
    async with bench.worker(jobs.pages):
        run = await bench.start(jobs.pages, at_once=2)
        assert await bench.result(run) == ["done", "done"]
    assert_all_was_told(model)
    assert {body["messages"][1]["content"] for body in model.requests} == {"conversation 0", "conversation 1"}
    assert len(model.requests) == 2 * TURNS


@cache_on
async def test_what_local_steps_return_is_read(bench: Bench, model: ModelServer, nothing_at_hand: None) -> None:
    """What a tool returns that is a local step stands in a marker, and is read from there."""
    model.answer = reads_local_pages
    async with bench.worker(jobs.pages):
        run = await bench.start(jobs.pages, shelf="shelf_local")
        assert await bench.result(run) == ["done"]
    assert_all_was_told(model)
    assert set(await scheduled(run)) == {"generate_text"}


@cache_on
async def test_a_continued_run_carries_what_was_said(bench: Bench, model: ModelServer, nothing_at_hand: None) -> None:
    """A run that has continued as new by itself goes on with its conversation, also where its first history is gone."""
    model.answer = lambda body: (reads_pages if turn_of(body) % 2 else reads_local_pages)(body)
    shelves = {"shelf": ["shelf", "shelf_local"]}
    async with bench.worker(jobs.pages, continue_after=20):
        run = await bench.start(jobs.pages, **shelves)
        latest = bench.env.client.get_workflow_handle(run.id)
        while len(model.requests) < 5:  # noqa: ASYNC110  # a thread of the server's counts them
            await asyncio.sleep(0.02)
    assert (await latest.describe()).run_id != run.first_execution_run_id
    first = WorkflowExecution(workflow_id=run.id, run_id=run.first_execution_run_id or "")
    gone = DeleteWorkflowExecutionRequest(namespace=bench.env.client.namespace, workflow_execution=first)
    await bench.env.client.workflow_service.delete_workflow_execution(gone)
    async with bench.worker(jobs.pages, continue_after=20):
        assert await bench.result(latest) == ["done"]
    assert_all_was_told(model)


async def test_workers_take_turns(bench: Bench, model: ModelServer) -> None:
    """Two workers share a conversation: each is told what the other has added."""
    model.answer = reads_pages
    other = await Client.connect(bench.env.address)
    options: dict[str, Any] = {"task_queue": bench.task_queue, "max_cached_workflows": bench.cache}
    async with bench.worker(jobs.pages), build_worker(other, jobs=[jobs.pages], **options):
        runs = [await bench.start(jobs.pages) for _ in range(3)]
        for run in runs:
            assert await bench.result(run) == ["done"]
    assert_all_was_told(model)


@cache_on
async def test_a_retried_run_goes_on_with_it(bench: Bench, model: ModelServer) -> None:
    """A run that has failed in the middle of a conversation, and is retried on another worker, goes on with it."""

    def refuses_the_fifth(body: dict[str, Any]) -> dict[str, Any]:
        if len(model.requests) == 4:
            model.faults = [(400, {})]
        return reads_pages(body)

    model.answer = refuses_the_fifth
    async with bench.worker(jobs.pages):
        run = await bench.start(jobs.pages)
        failure = await bench.failure(run)
    assert failure.type == ModelError.__name__
    async with bench.worker(jobs.pages):
        again = await get_run(run.id, client=bench.env.client).retry()
        assert await again.result("20s") == ["done"]
    assert_all_was_told(model)
    assert model.turns_asked() == [0, 1, 2, 3, 4, 4, 5, 6, 7]
