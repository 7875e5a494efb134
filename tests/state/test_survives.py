"""A state outlives its workers and deploys; one that an operator ends begins anew."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.workflowservice.v1 import SetWorkerDeploymentCurrentVersionRequest
from temporalio.client import Client, WorkflowHistory
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.service import RPCError
from temporalio.worker import Replayer, WorkerDeploymentConfig

from terse_temporal import Job
from terse_temporal.engine.state import workflow as state_workflow
from terse_temporal.engine.state.history import read_state
from terse_temporal.engine.state.store import TemporalStore, state_workflow_id
from terse_temporal.errors import TransientError
from terse_temporal.plugin import TersePlugin
from terse_temporal.serialization.wire_names import STATE_WRITE_UPDATE
from terse_temporal.state import Stored
from terse_temporal.testing import JobEnvironment

from ..bench import Bench
from .jobs_state import count, large, reader, set_and_wait
from .jobs_updates import counts_each_run, counts_each_run_in_place
from .stores import add_one, runs_of, state_of, temporal_store, until

GOLDEN = Path(__file__).parent / "golden"


async def test_a_restart(bench: Bench) -> None:
    """The next worker has what runs of the one before have kept, also after a run that slept for days."""
    async with bench.worker(count, set_and_wait):
        assert await bench.result(await bench.start(count, times=2)) == 2
        assert await bench.result(await bench.start(set_and_wait, value=[1])) == [1]
    async with bench.worker(count):
        assert await bench.result(await bench.start(count, times=2)) == 4


async def test_a_deploy_with_versions(env: JobEnvironment, task_queue: str) -> None:
    """Where runs stay with the version of the deployment that they began on, the state goes on with the next one."""
    for build in ("1", "2"):
        version = WorkerDeploymentVersion(task_queue, build)
        deployment = WorkerDeploymentConfig(
            version=version, use_worker_versioning=True, default_versioning_behavior=VersioningBehavior.PINNED
        )
        async with env.worker([count], task_queue=task_queue, deployment_config=deployment):
            await _make_current(env.client, version)
            assert await env.run(count, {"times": 2}, task_queue=task_queue) == 2 * int(build)


async def _make_current(client: Client, version: WorkerDeploymentVersion) -> None:
    request = SetWorkerDeploymentCurrentVersionRequest(
        namespace=client.namespace, deployment_name=version.deployment_name, build_id=version.build_id
    )
    async with asyncio.timeout(20):
        while True:
            with contextlib.suppress(RPCError):  # until the server has heard of the worker
                await client.workflow_service.set_worker_deployment_current_version(request)
                return
            await asyncio.sleep(0.1)


async def test_ended_by_an_operator(env: JobEnvironment, task_queue: str) -> None:
    """When somebody terminates its workflow the state is empty, and the next write begins a new one."""
    of = state_of(count, task_queue)
    async with env.worker([count], task_queue=task_queue):
        store = await temporal_store(env)
        assert await store.update(of, "count", add_one, write="a") == 1
        await env.client.get_workflow_handle(state_workflow_id(of)).terminate("by a test")
        assert await store.get(of, "count") is None
        assert await store.items(of) == {}
        assert await store.update(of, "count", add_one, write="b") == 1
        assert await store.get(of, "count") == Stored(1)


async def test_cancelled_by_an_operator(
    env: JobEnvironment, cache: int, task_queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever cancels its workflow, as one of many perhaps, does not empty the state."""
    monkeypatch.setattr(state_workflow, "WRITES_PER_RUN", 20)
    of = state_of(count, task_queue)
    async with env.worker([count], task_queue=task_queue, max_cached_workflows=cache):
        store = await temporal_store(env)
        assert await store.update(of, "count", add_one, write="first") == 1
        await env.client.get_workflow_handle(state_workflow_id(of)).cancel()
        for number in range(2, 25):
            assert await store.update(of, "count", add_one, write=f"{number}") == number
        assert await store.items(of) == {"count": 24}
        assert await runs_of(env.client, of) == 2


@pytest.mark.parametrize("sent", [[], [{"v": 1}], [{"v": 1, "op": "burn", "write": "a", "key": "k"}], [[1]], ["text"]])
async def test_what_is_no_write(env: JobEnvironment, task_queue: str, sent: list[Any]) -> None:
    """Somebody who sends the workflow what is no write is refused, and the state goes on."""
    of = state_of(count, task_queue)
    async with env.worker([count], task_queue=task_queue):
        store = await temporal_store(env)
        await store.set(of, "count", 1, write="a")
        handle = env.client.get_workflow_handle(state_workflow_id(of))
        async with asyncio.timeout(10):
            assert await handle.execute_update(STATE_WRITE_UPDATE, args=sent) == {"refused": "malformed"}
        assert await store.items(of) == await read_state(env.client, of) == {"count": 1}


@pytest.mark.parametrize("job", [counts_each_run, counts_each_run_in_place], ids=lambda job: job.name)
async def test_a_cron_schedule(env: JobEnvironment, task_queue: str, job: Job) -> None:
    """The runs of a cron schedule are runs of their own, each with its own writes."""
    client = await Client.connect(env.address)
    of = state_of(job, task_queue)
    async with env.worker([job], task_queue=task_queue):
        handle = await client.start_workflow(
            job.name, id=f"cron-{task_queue}", task_queue=task_queue, cron_schedule="@every 1s"
        )
        await until(await temporal_store(env), of, lambda items: items.get("runs", 0) >= 3)
        await handle.terminate()


async def test_without_a_worker(env: JobEnvironment, task_queue: str) -> None:
    """A store that gets no answer says after a while which workflow it waits for, as what may pass."""
    client = await Client.connect(env.address)
    with pytest.raises(TransientError) as caught:
        await TemporalStore(lambda: client, patience=0.5).set(state_of("job", task_queue), "key", 1, write="a")
    assert f"'terse-state:{task_queue}:job'" in str(caught.value)
    assert f"0.5 seconds: no worker of the task queue '{task_queue}' has answered" in str(caught.value)


async def test_too_large(bench: Bench) -> None:
    """A write that makes the state too large for its workflow is refused, with the sizes and what to do."""
    said = await bench.run(large)
    assert said.startswith("state.set('second') in the job 'large-state': its value is 700,002 bytes")
    assert "1,048,576 at most" in said
    assert "TERSE_STATE" in said


async def test_a_value_of_another_type(bench: Bench) -> None:
    """What does not fit the type that a key has now is an error that says what to do."""
    of = state_of(reader, bench.task_queue)
    async with bench.worker(reader):
        store = await temporal_store(bench.env)
        assert await bench.result(await bench.start(reader)) is None
        await store.set(of, "value", 5, write="a")
        assert await bench.result(await bench.start(reader)) == 5
        await store.set(of, "value", "text", write="b")
        said = await bench.result(await bench.start(reader))
    assert "state.get('value') in the job 'reader': the stored value: it does not fit int" in said
    assert "terse-temporal state set" in said


async def test_a_golden_history() -> None:
    """A history that was recorded once, with writes of every kind and a new run at its end, is replayed."""
    replayer = Replayer(workflows=[], plugins=[TersePlugin([count])])
    for path in sorted(GOLDEN.glob("*.json")):
        result = await replayer.replay_workflow(WorkflowHistory.from_json(path.stem, path.read_text()))
        assert result.replay_failure is None


def test_the_golden_histories_are_there() -> None:
    """There are two: of a state's first run, and of one that goes on from another."""
    first, second = [json.loads((GOLDEN / f"{name}.json").read_text()) for name in ("first", "second")]
    assert _input(first)["values"] == {}
    assert _input(second)["values"] != {}
    # Begun with another number than the one of now.
    assert _input(second)["writes_per_run"] == 4


def _input(history: dict[str, Any]) -> Any:
    payloads = history["events"][0]["workflowExecutionStartedEventAttributes"]["input"]["payloads"]
    return json.loads(base64.b64decode(payloads[0]["data"]))
