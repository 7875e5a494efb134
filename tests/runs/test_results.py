"""Whoever waits for a run gets its result in the handler's type, or an exception of the class that was raised."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from temporalio import workflow
from temporalio.api.common.v1 import Payload, WorkflowExecution
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from terse_temporal import Job, Run, get_run, list_runs, start_run
from terse_temporal.errors import (
    ResultError,
    RunCancelledError,
    RunFailedError,
    RunNotFoundError,
    RunTerminatedError,
    RunTimeoutError,
    ServerUnavailableError,
    StepError,
)

from ..bench import Bench, cache_on
from ..waiting import until
from .jobs_runs import CardDeclined, Order, Receipt, chain, fail, filtered, in_time, pay, plain_exit, plain_fail, wait


@cache_on
async def test_the_type_of_the_result(bench: Bench) -> None:
    """It is that of the return annotation: by the job, by its name, and by the id of the run."""
    async with bench.worker(pay):
        assert await pay.run(Order(order_id="a", amount=3)) == Receipt("a", 3)
        run = await start_run("runs-pay", {"orderId": "b"})
        assert (run.job, run.id.startswith("runs-pay-")) == ("runs-pay", True)
        assert await run.result() == Receipt("b", 0)
        found = get_run(run.id)
        assert await found.result("30s") == Receipt("b", 0)
        assert (found.run_id, found.job, await found.status()) == (run.run_id, "runs-pay", "completed")


@cache_on
async def test_a_run_that_a_filter_has_ended(bench: Bench) -> None:
    """Its result is what it says, whatever the annotation is."""
    async with bench.worker(filtered):
        skipped: object = await filtered.run({"order_id": "a"})
        assert skipped == {"skipped": "filter"}
        assert await filtered.run({"order_id": "a", "amount": 1}) == Receipt("a", 1)


@cache_on
@pytest.mark.parametrize(
    ("job", "event", "step"), [(fail, {}, ""), (fail, {"step": True}, "decline"), (plain_fail, {}, "")]
)
async def test_a_run_that_fails(bench: Bench, job: Job, event: dict[str, object], step: str) -> None:
    """What it raised is of its own class and a RunFailedError, with what it held and the run in the traceback."""
    async with bench.worker(fail, plain_fail):
        run = await job.start(event)
        with pytest.raises(CardDeclined) as caught:
            await run.result()
    error = caught.value
    assert isinstance(error, RunFailedError)
    assert isinstance(error, StepError) == bool(step)
    assert getattr(error, "step", "") == step
    assert error.amount in (7, 9, 3)
    assert (error.id, error.run_id, error.job) == (run.id, run.run_id, run.job)
    assert (error.error_type, error.message) == ("CardDeclined", f"declined: {error.code}")
    assert error.__notes__ == [f"in the run {run.id!r} of the job {run.job!r} (run id {run.run_id})"]
    assert await run.status() == "failed"


@cache_on
async def test_a_plain_job_that_ends_the_process(bench: Bench) -> None:
    """Its run fails, and no step: whoever waits for it gets a RunFailedError of the type that it raised."""
    async with bench.worker(plain_exit):
        with pytest.raises(RunFailedError, match="enough") as caught:
            await plain_exit.run({})
    assert (type(caught.value), caught.value.error_type) == (RunFailedError, "SystemExit")


@cache_on
async def test_ended_from_outside(bench: Bench) -> None:
    """Cancelled, terminated, over its timeout: each is an error of its own, and a status."""
    async with bench.worker(wait):
        client = await Client.connect(bench.env.address)  # on the wall clock
        there: dict[str, Any] = {"client": client, "task_queue": bench.task_queue}
        cancelled, terminated = await wait.start({}, **there), await wait.start({}, **there)
        assert await cancelled.status() == "running"
        await until(lambda: _has_begun(cancelled), "the handler has begun")
        await cancelled.cancel("not\x1b[2J wanted")
        with pytest.raises(RunCancelledError) as ended:
            await cancelled.result()
        said = f"the run '{cancelled.id}' of the job 'runs-wait' was cancelled: not\\x1b[2J wanted"
        assert (str(ended.value), ended.value.message) == (said, said)
        await terminated.terminate("a mistake")
        with pytest.raises(RunTerminatedError, match="was terminated: a mistake"):
            await terminated.result()
        handle = await client.start_workflow(
            "runs-wait", {}, id=bench.task_queue, task_queue=bench.task_queue, run_timeout=timedelta(seconds=1)
        )
        with pytest.raises(RunTimeoutError, match="ran longer than the timeout that it was started with") as caught:
            await get_run(handle.id).result()
        assert isinstance(caught.value, TimeoutError)
        assert [await get_run(each).status() for each in (cancelled.id, terminated.id, handle.id)] == [
            "cancelled",
            "terminated",
            "timed_out",
        ]
        # What has ended is left as it is.
        await cancelled.cancel()
        await terminated.terminate()
        steps = [(each.kind, each.name, each.state) for each in (await cancelled.timeline()).entries]
        assert steps == [("sleep", "4 weeks and 2 days", "cancelled"), ("step", "tidy", "done")]


@cache_on
async def test_a_wait_that_takes_too_long(bench: Bench) -> None:
    """It raises TimeoutError, and the run goes on."""
    async with bench.worker(wait):
        client = await Client.connect(bench.env.address)  # on the wall clock
        run = await wait.start({}, client=client, task_queue=bench.task_queue)
        with pytest.raises(TimeoutError, match=rf"not over after 50 milliseconds; it goes on\..* runs why {run.id}"):
            await run.result("50ms")
        assert await run.status() == "running"
        await run.terminate()


@cache_on
async def test_a_chain(bench: Bench) -> None:
    """A run that its author continued as new is followed to its end, from its first run and from its id."""
    async with bench.worker(chain):
        run = await chain.start({"left": 3})
        assert await run.result() == "end of the chain"
        assert await get_run(run.id).result() == "end of the chain"
        assert (await run.status(), len((await run.timeline()).entries)) == ("completed", 4)
        failing = await chain.start({"left": 2, "fails": True})
        with pytest.raises(CardDeclined):
            await failing.result()
        # Another run has the id by now.
        again = await chain.start({}, id=run.id, if_exists="rerun")
        assert again.run_id != run.run_id
        assert await run.result() == "end of the chain"
        assert (await run.status(), len((await run.timeline()).entries)) == ("completed", 4)


@cache_on
async def test_a_chain_is_ended_at_its_last_run(bench: Bench) -> None:
    """To cancel or terminate by the first run of a chain ends the one that goes on, and no later run of the id."""
    async with bench.worker(chain):
        client = await Client.connect(bench.env.address)  # on the wall clock
        there: dict[str, Any] = {"client": client, "task_queue": bench.task_queue}
        cancelled, terminated = [await chain.start({"left": 1, "waits": True}, **there) for _ in range(2)]
        for run in (cancelled, terminated):
            await until(lambda run=run: _has_steps(run, 2), "its second run has begun")  # type: ignore[misc]
        await cancelled.cancel()
        await terminated.terminate()
        for run, error in ((cancelled, RunCancelledError), (terminated, RunTerminatedError)):
            with pytest.raises(error) as ended:
                await run.result()
            assert ended.value.run_id not in ("", run.run_id)
        later = await chain.start({"waits": True}, **there, id=cancelled.id, if_exists="rerun")
        await cancelled.terminate()
        assert [await run.status() for run in (cancelled, later)] == ["cancelled", "running"]
        await later.terminate()


@cache_on
async def test_a_run_that_is_over_the_timeout_of_its_job(bench: Bench) -> None:
    """It is a RunTimeoutError, and told as timed out, not as failed, by its status and in lists."""
    tag = bench.task_queue
    async with bench.worker(in_time):
        run = await in_time.start({}, tags=[tag])
        with pytest.raises(RunTimeoutError, match="1 hour"):
            await run.result()
        assert await run.status() == "timed_out"

    async def is_listed() -> bool:
        return [info.status async for info in list_runs(tag=tag, client=bench.env.client)] == ["timed_out"]

    await until(is_listed, "the run is listed as timed out")
    for status, ids in {"timed_out": [run.id], "failed": []}.items():
        found = list_runs(tag=tag, status=status, client=bench.env.client)  # type: ignore[arg-type]
        assert [info.id async for info in found] == ids


@cache_on
async def test_a_run_that_is_reset(bench: Bench) -> None:
    """Whoever waits for it while it is reset waits on for the run that goes on with it."""
    async with bench.worker(wait):
        client = await Client.connect(bench.env.address)  # on the wall clock
        run = await wait.start({"time": "2s"}, client=client, task_queue=bench.task_queue)
        await until(lambda: _has_begun(run), "the handler has begun")
        waiting = asyncio.create_task(run.result())
        await asyncio.sleep(0)
        again = await client.workflow_service.reset_workflow_execution(
            ResetWorkflowExecutionRequest(
                namespace=client.namespace,
                workflow_execution=WorkflowExecution(workflow_id=run.id, run_id=run.run_id),
                reason="test",
                workflow_task_finish_event_id=4,
                request_id=run.id,
            )
        )
        assert again.run_id != run.run_id
        assert await run.status() == "running"
        assert await waiting == "waited"


@cache_on
async def test_what_cannot_be_read(bench: Bench) -> None:
    """A result that does not fit the handler's annotation, or that only another converter can read, is told as that."""
    there: dict[str, Any] = {"task_queue": bench.task_queue}
    async with Worker(bench.env.client, task_queue=bench.task_queue, workflows=[OddPay, OddWait]):
        await bench.env.client.start_workflow("runs-pay", id=f"odd-{bench.task_queue}", **there)
        with pytest.raises(ResultError, match=r"the result of the run 'odd-.*' of the job 'runs-pay'"):
            await get_run(f"odd-{bench.task_queue}", client=bench.env.client).result()
        await bench.env.client.start_workflow("runs-wait", id=f"secret-{bench.task_queue}", **there)
        with pytest.raises(ResultError, match=r"how the run 'secret-.*' ended cannot be read by this client"):
            await get_run(f"secret-{bench.task_queue}", client=bench.env.client).result()


@cache_on
async def test_no_such_run(bench: Bench) -> None:
    """The error says which id was looked for, and where."""
    missing = get_run("no-such-run", client=bench.env.client)
    for call in (missing.result, missing.status, missing.timeline, missing.cancel, missing.terminate):
        with pytest.raises(RunNotFoundError, match="no run with the id 'no-such-run' in the namespace 'default'"):
            await call()


async def test_no_server() -> None:
    """A server that is gone is an error of ours, which names its address and what was wanted."""
    client = await Client.connect("127.0.0.1:9", lazy=True)
    run = get_run("x", client=client)
    with pytest.raises(ServerUnavailableError, match="'x' cannot be asked after: the Temporal server at '127"):
        await run.status()
    with pytest.raises(ServerUnavailableError, match="job 'runs-wait' cannot be started: the Temporal server"):
        await wait.start({}, client=client)


@workflow.defn(name="runs-pay", sandboxed=False)
class OddPay:
    """What another program runs under the name of a job."""

    @workflow.run
    async def run(self) -> list[int]:
        return [1]


@workflow.defn(name="runs-wait", sandboxed=False)
class OddWait:
    """One whose failure is encoded by a converter of its own."""

    @workflow.run
    async def run(self) -> None:
        secret = Payload(metadata={"encoding": b"binary/encrypted"}, data=b"?")
        raise ApplicationError("secret", RawValue(secret), type="Secret")


async def _has_begun(run: Run) -> bool:
    return await _has_steps(run, 1)


async def _has_steps(run: Run, count: int) -> bool:
    return len((await run.timeline()).entries) >= count
