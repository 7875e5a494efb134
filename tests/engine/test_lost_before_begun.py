"""A call that runs at most once and is lost before it has begun is run after all; once it has begun, never again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio import activity
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.api.enums.v1 import TimeoutType
from temporalio.api.failure.v1 import Failure, TimeoutFailureInfo
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    PollActivityTaskQueueRequest,
    PollActivityTaskQueueResponse,
    RecordActivityTaskHeartbeatRequest,
    RespondActivityTaskFailedByIdRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from terse_temporal import Job
from terse_temporal.engine.activity import step_failures
from terse_temporal.engine.activity.at_most_once import report_begin
from terse_temporal.worker import build_worker

from ..bench import PATIENCE, Bench, scheduled
from .jobs_once import plain_once, step_once

BOTH = pytest.mark.parametrize("job", [step_once, plain_once], ids=["step", "plain"])


async def take(bench: Bench) -> PollActivityTaskQueueResponse:
    """Take an attempt as a worker does."""
    while True:
        task = await bench.env.client.workflow_service.poll_activity_task_queue(
            PollActivityTaskQueueRequest(
                namespace=bench.env.client.namespace, task_queue=TaskQueue(name=bench.task_queue), identity="ending"
            )
        )
        if task.task_token:
            return task


async def lose(client: Client, run_id: str, activity_id: str) -> None:
    """Tell the server at once what it would find out after seconds of silence. It takes that by these ids alone."""
    silence = TimeoutFailureInfo(timeout_type=TimeoutType.TIMEOUT_TYPE_HEARTBEAT)
    described = await client.get_workflow_handle(run_id).describe()
    await client.workflow_service.respond_activity_task_failed_by_id(
        RespondActivityTaskFailedByIdRequest(
            namespace=client.namespace,
            workflow_id=run_id,
            run_id=described.run_id,
            activity_id=activity_id,
            failure=Failure(message="activity Heartbeat timeout", source="Server", timeout_failure_info=silence),
        )
    )


class Before(Interceptor):
    """Does something in the worker after it has been given an attempt, and before that begins."""

    def __init__(self, act: Callable[[activity.Info], Awaitable[None]]) -> None:
        self._act = act

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        act = self._act

        class Inbound(ActivityInboundInterceptor):
            async def execute_activity(self, input: ExecuteActivityInput) -> Any:
                await act(activity.info())
                return await super().execute_activity(input)

        return Inbound(next)


@pytest.mark.parametrize("cache", [1000], ids=["cache-on"])  # it takes the seven seconds of that silence
async def test_the_server_finds_out(bench: Bench) -> None:
    """A poll takes the attempt along and is never heard of again: the call runs when the silence has lasted."""
    async with bench.worker(step_once, plain_once, no_remote_activities=True):
        runs = [await bench.start_on_the_wall_clock(job) for job in (step_once, plain_once)]
        await asyncio.gather(take(bench), take(bench))
    assert bench.effects.lines() == []
    async with bench.worker(step_once, plain_once):
        assert await asyncio.gather(*map(bench.result, runs)) == ["done", "done"]
    assert sorted(bench.effects.lines()) == ["attempt 1", "attempt 2"]  # a plain job tells of no attempt
    assert [await scheduled(run) for run in runs] == [["once"], ["once-plain"]]


@BOTH
async def test_begun_is_begun(bench: Bench, job: Job) -> None:
    """One that has said that it begins does not run again, whatever of it has run, and any worker can tell that."""
    client = bench.env.client
    async with bench.worker(step_once, plain_once, no_remote_activities=True):
        run = await bench.start(job)
        task = await take(bench)
        begins = Payloads(payloads=[Payload(metadata={"encoding": b"json/plain"}, data=b'{"terse.begun.v1": 1}')])
        await client.workflow_service.record_activity_task_heartbeat(
            RecordActivityTaskHeartbeatRequest(namespace=client.namespace, task_token=task.task_token, details=begins)
        )
        await lose(client, run.id, task.activity_id)
    async with bench.worker(step_once, plain_once):
        if job is step_once:
            said = await bench.result(run)
            assert said.startswith("interrupted: step 'once' (tests/engine/jobs_once.py:")
        else:
            failure = await bench.failure(run)
            assert failure.type == "StepInterruptedError"
            said = failure.message
    assert "its worker was lost" in said
    assert bench.effects.lines() == []


@BOTH
async def test_the_attempt_is_over(bench: Bench, job: Job) -> None:
    """A worker that comes late to an attempt, when the server has given it up, runs nothing of it."""

    async def late(info: activity.Info) -> None:
        if info.attempt == 1:
            await lose(bench.env.client, info.workflow_id or "", info.activity_id)

    async with bench.worker(step_once, plain_once, interceptors=[Before(late)]):
        assert await bench.result(await bench.start(job)) == "done"
    assert len(bench.effects.lines()) == 1


@BOTH
async def test_the_server_does_not_answer(bench: Bench, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the server cannot be told that it begins nothing is run; it is tried again, by any worker."""
    client = await Client.connect(bench.env.address)
    told: list[int] = []
    beat = client.workflow_service.record_activity_task_heartbeat

    async def unavailable(request: Any, **options: Any) -> Any:
        told.append(len(request.details.payloads))
        if len(told) == 1:
            raise RPCError("no connection", RPCStatusCode.UNAVAILABLE, b"")
        return await beat(request, **options)

    monkeypatch.setattr(client.workflow_service, "record_activity_task_heartbeat", unavailable)
    monkeypatch.setattr(step_failures, "ANOTHER_WORKERS", timedelta(milliseconds=10))
    run = await bench.start(job)
    async with build_worker(
        client, jobs=[step_once, plain_once], task_queue=bench.task_queue, max_cached_workflows=bench.cache
    ):
        assert await bench.result(run) == "done"
    assert told == [1, 0, 1]  # the second, in case it was told after all
    assert len(bench.effects.lines()) == 1


@BOTH
async def test_shut_down_while_it_begins(bench: Bench, job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that ends while it waits for the server's answer leaves the call to the next one."""
    monkeypatch.setattr(step_failures, "ANOTHER_WORKERS", timedelta(milliseconds=10))
    told = asyncio.Event()

    async def slowly(info: activity.Info) -> Any:
        await report_begin(info)
        told.set()
        await asyncio.sleep(PATIENCE)

    with monkeypatch.context() as patched:
        patched.setattr(step_failures, "report_begin", slowly)
        async with bench.worker(step_once, plain_once, graceful_shutdown_timeout=timedelta()):
            run = await bench.start(job)
            await told.wait()
    assert bench.effects.lines() == []
    async with bench.worker(step_once, plain_once):
        assert await bench.result(run) == "done"
    assert len(bench.effects.lines()) == 1


async def test_among_attempts_that_raise(bench: Bench) -> None:
    """An attempt that raised what is tried again is not one that was lost, and one lost before it began counts so."""

    async def second(info: activity.Info) -> None:
        if info.attempt == 2:
            await lose(bench.env.client, info.workflow_id or "", info.activity_id)

    async with bench.worker(step_once, interceptors=[Before(second)]):
        assert await bench.result(await bench.start(step_once, raising=[1, 3])) == "done"
    assert bench.effects.lines() == ["attempt 1", "attempt 3", "attempt 4"]


async def test_lost_after_a_while(bench: Bench, tmp_path: Path) -> None:
    """The heartbeats of an attempt that has begun go on saying so, also after one that raised, and those of its own."""
    attempts: list[activity.Info] = []

    async def remember(info: activity.Info) -> None:
        attempts.append(info)

    async def beaten() -> bool:
        (pending,) = (await run.describe()).raw_description.pending_activities
        assert pending.heartbeat_details.payloads
        return pending.last_heartbeat_time.ToDatetime() > pending.last_started_time.ToDatetime() + timedelta(seconds=1)

    async with bench.worker(step_once, interceptors=[Before(remember)]):
        run = await bench.start(step_once, raising=[1], go=str(tmp_path / "go"))
        async with asyncio.timeout(PATIENCE):
            while len(bench.effects.lines()) < 2 or not await beaten():  # noqa: ASYNC110  the server tells of no beats
                await asyncio.sleep(0.05)
        await lose(bench.env.client, run.id, attempts[1].activity_id)
        assert (await bench.result(run)).startswith("interrupted: step 'once'")
    assert bench.effects.lines() == ["attempt 1", "attempt 2"]
    assert [info.attempt for info in attempts] == [1, 2, 3]
