"""A run that is reset keeps its keys and makes its writes again; one that is continued as new has keys of its own."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import WorkflowHandle

from terse_temporal.errors import TransientError
from terse_temporal.state import StateId, StateStore, Stored, open_store

from ..bench import Bench
from .jobs_chains import monthly, monthly_in_place
from .stores import state_of, temporal_store


class AnswersLost:
    """A store whose first answer to each kind of write is lost, after the write has been made."""

    def __init__(self, store: StateStore) -> None:
        self._store = store
        self.lost: set[str] = set()

    def _lose(self, call: str) -> None:
        if call not in self.lost:
            self.lost.add(call)
            raise TransientError(f"the answer to {call} is lost")

    async def get(self, of: StateId, key: str) -> Stored | None:
        return await self._store.get(of, key)

    async def items(self, of: StateId) -> Any:
        return await self._store.items(of)

    async def set(self, of: StateId, key: str, value: Any, *, write: str) -> None:
        await self._store.set(of, key, value, write=write)
        self._lose("set")

    async def delete(self, of: StateId, key: str, *, write: str) -> None:
        await self._store.delete(of, key, write=write)

    async def update(
        self, of: StateId, key: str, change: Callable[[Stored | None], Awaitable[Any]], *, write: str
    ) -> Any:
        value = await self._store.update(of, key, change, write=write)
        self._lose(f"update {key}")
        return value


@pytest_asyncio.fixture(params=["temporal", "database"])
async def store(request: pytest.FixtureRequest, bench: Bench, tmp_path: Path) -> AsyncIterator[AnswersLost]:
    if request.param == "temporal":
        yield AnswersLost(await temporal_store(bench.env))
    else:
        async with open_store(f"sqlite:///{tmp_path / 'state.db'}") as database:
            yield AnswersLost(database)


async def test_months_and_resets(bench: Bench, store: AnswersLost) -> None:
    """Three months are three runs; a reset of the last, and a reset of that, keep its keys and write again."""
    of = state_of(monthly, bench.task_queue)
    async with bench.worker(monthly, state_store=store):
        run = await bench.start(monthly, month=1)
        last = await bench.result(run)
        keys = [line.split() for line in bench.effects.lines()]
        assert len({key for pair in keys for key in pair}) == 6, "a step's key, and one of the tool in it, each month"
        # Each kind of write was made twice by two attempts of one activity.
        assert store.lost == {"set", "update charged", "update months"}
        assert await store.items(of) == {"charged": 3, "months": [1, 2, 3], "last": 3}

        for again in (1, 2):
            await store.set(of, "last", "by hand", write=uuid.uuid4().hex)
            last = await bench.result(await _reset(bench, run.id, last))
            assert await store.items(of) == {"charged": 3 + again, "months": [1, 2, 3, *[3] * again], "last": 3}
        after = [line.split() for line in bench.effects.lines()][3:]
        assert after == [keys[2], keys[2]]


async def test_a_job_that_is_not_durable(bench: Bench) -> None:
    """A job that is not durable has the same keys after a reset, and writes again."""
    async with bench.worker(monthly_in_place):
        run = await bench.start(monthly_in_place)
        await bench.result(run)
        await bench.result(await _reset(bench, run.id, run.result_run_id or ""))
    store = await temporal_store(bench.env)
    async with bench.worker(monthly_in_place):
        assert await store.items(state_of(monthly_in_place, bench.task_queue)) == {"charged": 2}
    lines = bench.effects.lines()
    assert len(lines) == 2
    assert len(set(lines)) == 1


async def _reset(bench: Bench, workflow_id: str, run_id: str) -> WorkflowHandle[Any, Any]:
    """Let a run begin again, as `temporal workflow reset` does."""
    client = bench.env.client
    history = await client.get_workflow_handle(workflow_id, run_id=run_id).fetch_history()
    ended = EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
    answer = await client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=workflow_id, run_id=run_id),
            reason="a test",
            workflow_task_finish_event_id=next(each.event_id for each in history.events if each.event_type == ended),
            request_id=str(uuid.uuid4()),
        )
    )
    return client.get_workflow_handle(workflow_id, run_id=answer.run_id)
