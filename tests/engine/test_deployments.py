"""Versions of a worker deployment: runs go on with the current one, or where they are pinned with their own; and a
worker that is given none says so.
"""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import pytest
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest, SetWorkerDeploymentCurrentVersionRequest
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError

from terse_temporal import create_job, wait_for_event
from terse_temporal.engine import plugin
from terse_temporal.engine.deployments import current_version_watched
from terse_temporal.engine.worker_settings import worker_settings
from terse_temporal.runs.why import why
from terse_temporal.testing import JobEnvironment

from ..waiting import until_logged

pytestmark = pytest.mark.server


@create_job(name="waits-for-a-deploy", durable=True)
async def waits(event: Any) -> str:
    """Wait for an event between two tasks."""
    await wait_for_event("go")
    return "done"


@pytest.mark.parametrize(("versioning", "expected"), [("auto-upgrade", "2"), ("pinned", "1")])
async def test_a_run_over_a_deploy(env: JobEnvironment, task_queue: str, versioning: str, expected: str) -> None:
    """Both versions run; after the second was made current, the run of the first goes on where it is said to."""
    async with AsyncExitStack() as stack:
        for build in ("1", "2"):
            given = {"--deployment": task_queue, "--build-id": build, "--versioning": versioning}
            options = worker_settings(given, {})
            await stack.enter_async_context(env.worker([waits], task_queue=task_queue, **options))
            await _make_current(env.client, task_queue, build)
            if build == "1":
                run = await env.client.start_workflow(waits.name, {}, id=task_queue, task_queue=task_queue)
                await _builds(run, 1)
        await run.signal("go", {})
        assert await run.result() == "done"
        assert await _builds(run, 2) == ["1", expected]


async def test_a_version_that_is_not_current(
    env: JobEnvironment, task_queue: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said once, with the command that makes it current, and of each run that waits; and once more when it is."""
    caplog.set_level("INFO")
    monkeypatch.setattr(plugin, "current_version_watched", partial(current_version_watched, first=0.1, every=0.1))
    options = worker_settings({"--deployment": task_queue, "--build-id": "1"}, {})
    async with env.worker([waits], task_queue=task_queue, **options):
        await until_logged(caplog, "has no current version")
        command = f'set-current-version --deployment-name "{task_queue}" --build-id "1"'
        assert caplog.text.count(command) == 1
        run = await env.client.start_workflow(waits.name, {}, id=task_queue, task_queue=task_queue)
        (told,) = (await why(env.client, run.id)).sentences
        assert "waits for a worker" in told
        assert command in told
        await _make_current(env.client, task_queue, "1")
        await until_logged(caplog, "is given runs now")
        assert caplog.text.count(command) == 1
    caplog.clear()
    options = worker_settings({"--deployment": task_queue, "--build-id": "2"}, {})
    async with env.worker([waits], task_queue=task_queue, **options):
        await until_logged(caplog, "the current one is '1'")


async def _builds(run: WorkflowHandle[Any, Any], count: int) -> list[str]:
    """Return which version has completed each workflow task, when there are so many."""
    async with asyncio.timeout(20):
        while True:
            events = [event async for event in run.fetch_history_events()]
            done = [each.workflow_task_completed_event_attributes for each in events]
            found = [each.deployment_version.build_id for each in done if each.deployment_version.build_id]
            if len(found) >= count:
                return found
            await asyncio.sleep(0.1)


async def _make_current(client: Client, deployment: str, build: str) -> None:
    request = SetWorkerDeploymentCurrentVersionRequest(
        namespace=client.namespace, deployment_name=deployment, build_id=build
    )
    queue = DescribeTaskQueueRequest(
        namespace=client.namespace,
        task_queue=TaskQueue(name=deployment),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    )
    async with asyncio.timeout(20):
        while True:
            with contextlib.suppress(RPCError):  # until the server has heard of the worker
                await client.workflow_service.set_worker_deployment_current_version(request)
                break
            await asyncio.sleep(0.1)
        # The task queue hears of it after the deployment.
        while True:
            described = await client.workflow_service.describe_task_queue(queue)
            if described.versioning_info.current_deployment_version.build_id == build:
                return
            await asyncio.sleep(0.1)
