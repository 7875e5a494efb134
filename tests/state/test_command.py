"""`terse-temporal state`: looking at a job's state, and changing it, from outside."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest

from terse_temporal.engine.state.store import state_workflow_id
from terse_temporal.state import Stored
from terse_temporal.testing import JobEnvironment

from ..in_process import Ended, run_command
from .jobs_state import count
from .stores import state_of, temporal_store, until


class Command:
    """The command, on the server and the task queue of a test."""

    def __init__(self, cwd: Path, env: JobEnvironment, task_queue: str) -> None:
        self.cwd = cwd
        self.where = ["--address", env.address, "--task-queue", task_queue]
        self.environment: dict[str, str] = {}

    async def __call__(self, *arguments: str, **options: Any) -> Ended:
        command = ["state", *arguments, *self.where]
        return await asyncio.to_thread(run_command, *command, cwd=self.cwd, env=self.environment, **options)


@pytest.fixture
def state(tmp_path: Path, env: JobEnvironment, task_queue: str) -> Command:
    return Command(tmp_path, env, task_queue)


async def every_command(state: Command) -> None:
    empty = await state("list", "count")
    assert (empty.status, empty.stdout) == (0, "")
    assert "nothing is set in the state of 'count'" in empty.stderr
    assert (await state("list", "count", "--json")).stdout == "{}\n"

    number = await state("set", "count", "count", "-5", "--yes")
    assert (number.status, number.stderr) == (0, "")
    assert number.stdout == "set 'count' to -5 (as JSON)\n"
    text = await state("set", "count", "who", "Ada L.", "--yes", "--json")
    assert json.loads(text.stdout) == {"key": "who", "value": "Ada L."}
    assert "as a string, as it is not JSON" in (await state("set", "count", "other", "a b", "--yes")).stdout

    assert json.loads((await state("get", "count", "count", "--json")).stdout) == -5
    missing = await state("get", "count", "nothing")
    assert (missing.status, missing.stdout) == (1, "")
    assert "'nothing' is not set in the state of 'count'" in missing.stderr
    listed = (await state("list", "count")).stdout
    assert '"Ada L."' in listed
    assert "-5" in listed

    assert (await state("rm", "count", "other", "--yes")).stdout == "removed 'other'\n"
    assert json.loads((await state("rm", "count", "other", "--json")).stdout) == {"key": "other", "removed": False}
    assert json.loads((await state("list", "count", "--json")).stdout) == {"count": -5, "who": "Ada L."}


async def test_on_temporal(env: JobEnvironment, state: Command, task_queue: str) -> None:
    """Every command beside a worker; the next run finds what was set."""
    async with env.worker([count], task_queue=task_queue):
        await every_command(state)
        assert await env.run(count, {"times": 1}, task_queue=task_queue) == -4


async def test_reading_needs_no_worker(env: JobEnvironment, state: Command, task_queue: str) -> None:
    """What is kept on Temporal is read without a worker, also after the workflow has continued as new."""
    async with env.worker([count], task_queue=task_queue):
        store = await temporal_store(env)
        for number in range(105):
            await store.set(state_of(count, task_queue), f"key {number % 3}", number, write=f"{number}")
    expected = {"key 0": 102, "key 1": 103, "key 2": 104}
    assert json.loads((await state("list", "count", "--json")).stdout) == expected
    assert (await state("get", "count", "key 1")).stdout == "103\n"


async def test_after_a_reset(env: JobEnvironment, state: Command, task_queue: str) -> None:
    """A state whose workflow was reset is read: the writes beyond that point are made again."""
    of = state_of(count, task_queue)
    handle = env.client.get_workflow_handle(state_workflow_id(of))
    async with env.worker([count], task_queue=task_queue):
        store = await temporal_store(env)
        for number in range(4):
            await store.set(of, f"key {number}", number, write=f"{number}")
        ends = [
            event.event_id
            for event in (await handle.fetch_history()).events
            if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
        ]
        await env.client.workflow_service.reset_workflow_execution(
            ResetWorkflowExecutionRequest(
                namespace=env.client.namespace,
                workflow_execution=WorkflowExecution(workflow_id=handle.id, run_id=(await handle.describe()).run_id),
                workflow_task_finish_event_id=ends[1],
                request_id=task_queue,
                reason="by a test",
            )
        )
        expected = {f"key {number}": number for number in range(4)}
        await until(store, of, lambda items: items == expected)
    assert json.loads((await state("list", "count", "--json")).stdout) == expected


async def test_negative_numbers_and_options(tmp_path: Path, state: Command) -> None:
    """A negative number is a value, also behind `--`; an unknown option is an error and sets nothing."""
    state.environment = {"TERSE_STATE": f"sqlite:///{tmp_path / 'state.db'}"}
    for value, expected in (("-5", -5), ("-1.5e3", -1500.0), ("-0", 0)):
        assert (await state("set", "count", "n", value, "--yes")).status == 0
        assert json.loads((await state("get", "count", "n")).stdout) == expected
    state.where, where = [], state.where
    assert (await state("set", *where, "--yes", "--", "count", "-5", "-a string")).status == 0
    assert (await state("set", *where, "--yes", "count", "-7", "-8")).status == 0
    state.where = where
    for option in ("-1y", "--yess", "-a", "-05"):
        refused = await state("set", "count", "n", option, "--yes")
        assert refused.status == 2
        assert "No such option" in refused.stderr
        assert (await state("set", "count", "n", "1", option, "--yes")).status == 2
    assert json.loads((await state("list", "count", "--json")).stdout) == {"n": 0, "-5": "-a string", "-7": -8}


async def test_writing_needs_one(state: Command) -> None:
    """Writing to it is refused at once where no worker has been, and nothing happens later."""
    refused = await state("set", "count", "count", "5", "--yes")
    assert refused.status == 2
    assert "no worker takes work from the task queue" in refused.stderr
    assert (await state("list", "count", "--json")).stdout == "{}\n"


async def test_it_asks(env: JobEnvironment, state: Command, task_queue: str) -> None:
    """Without --yes, and with nobody there to ask, nothing is changed."""
    async with env.worker([count], task_queue=task_queue):
        assert await env.run(count, {"times": 5}, task_queue=task_queue) == 5
        for command in (["set", "count", "count", "7"], ["rm", "count", "count"]):
            refused = await state(*command)
            assert refused.status == 2
            assert "give --yes" in refused.stderr
        store = await temporal_store(env)
        assert await store.get(state_of(count, task_queue), "count") == Stored(5)


async def test_in_a_database(state: Command, tmp_path: Path) -> None:
    """With TERSE_STATE every command works on that database, with no worker and no server."""
    state.environment = {"TERSE_STATE": f"sqlite:///{tmp_path / 'state.db'}"}
    state.where[1] = "127.0.0.1:1"
    await every_command(state)
