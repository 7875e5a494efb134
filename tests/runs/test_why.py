"""`why` says in one or two sentences what a run waits for, or how it has ended, from what the server knows."""

from __future__ import annotations

import asyncio
import importlib
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import ResetReapplyType
from temporalio.api.workflowservice.v1 import PauseActivityRequest, ResetWorkflowExecutionRequest
from temporalio.client import Client

from terse_temporal import Job
from terse_temporal.cli.exiting import CommandError
from terse_temporal.cli.runs.skip import _skip
from terse_temporal.jobs.registry import collecting
from terse_temporal.runs.why import Why, why
from terse_temporal.testing import JobEnvironment

from ..waiting import until
from . import jobs_looked_at as jobs

QUEUE = "looked-at"
CLOCK = r"(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d"


def job_of(module: str) -> Job:
    """One of two jobs with the same name, as one deploy after another has them."""
    with collecting():
        found: Job = importlib.import_module(f"tests.engine.jobs_{module}").job
    return found


class Desk:
    """A client whose runs take as long as they sleep, and a worker for them."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._started = 0

    async def start(self, job: Job | str, *, queue: str = QUEUE, **options: Any) -> str:
        name = job if isinstance(job, str) else job.name
        self._started += 1
        id_ = f"{name}-{self._started}"
        options = {"task_timeout": timedelta(seconds=2), **options}
        await self.client.start_workflow(name, id=id_, task_queue=queue, **options)
        return id_

    async def says(self, id: str, pattern: str) -> Why:
        """Ask until the sentences about a run are these, as a pattern in which § is a time."""
        expected = re.compile(pattern.replace("§", CLOCK))
        found: list[Why] = []

        async def matches() -> bool:
            found.append(await why(self.client, id))
            return expected.fullmatch(" | ".join(found[-1].sentences)) is not None

        try:
            async with asyncio.timeout(25):
                await until(matches, pattern)
        except TimeoutError:
            raise AssertionError(f"{found[-1].sentences}\nare not\n{pattern}") from None
        return found[-1]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def desk(env: JobEnvironment) -> AsyncIterator[Desk]:
    every = [each for each in vars(jobs).values() if isinstance(each, Job)]
    jobs.released.clear()  # this process may have come from the tests of this module before, and have left them
    async with env.worker(every, task_queue=QUEUE):
        yield Desk(await Client.connect(env.address))
        jobs.released.set()


async def test_asleep(desk: Desk) -> None:
    found = await desk.says(await desk.start(jobs.asleep), r"It is asleep until § \(in 2 d 23 h\)\.")
    (wait,) = found.waits
    assert wait.kind == "sleep"
    assert wait.since is not None
    assert wait.until == wait.since + timedelta(days=3)


async def test_a_timer_of_its_own(desk: Desk) -> None:
    await desk.says(
        await desk.start(jobs.timed),
        r"It waits for a timer of its handler \(a timeout, or asyncio\.sleep\) that ends at § \(in 23 h 59 min\)\.",
    )


async def test_what_the_server_does_not_know(desk: Desk) -> None:
    await desk.says(
        await desk.start(jobs.future),
        r"It waits for something that the server does not know of: a future or a condition of its handler's own, or a"
        r" signal\.",
    )


async def test_a_step_that_runs(desk: Desk) -> None:
    found = await desk.says(
        await desk.start(jobs.in_a_step),
        r"The step 'held' \(the first\) runs since § \((< 1|\d+) s, of 1 h at most\) on the worker '\d+@.+'\.",
    )
    assert [each.kind for each in found.waits] == ["step"]


async def test_a_job_that_is_not_durable(desk: Desk) -> None:
    await desk.says(await desk.start(jobs.plain), r"It runs since § \((< 1|\d+) s\) on the worker '\d+@.+'\.")


async def test_a_step_that_is_tried_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what it failed with: in one line, without control characters, and without secrets."""
    monkeypatch.setenv("CARD_TOKEN", "hunter2secret")
    found = await desk.says(
        await desk.start(jobs.retried),
        r"Attempt 2 of 5 of the step 'charge' begins in 59 min \d+ s, after ConnectionError: reset by \\x1b\[2Jpeer,"
        r" with \[CARD_TOKEN\]\.",
    )
    (wait,) = found.waits
    assert (wait.kind, wait.attempt, wait.attempts) == ("retry", 2, 5)


async def test_several_at_once(desk: Desk) -> None:
    """A line for each, and one for those of a name; what is over first stands for them."""
    await desk.says(
        await desk.start(jobs.several),
        r"Attempt 2 of 5 of the step 'charge' begins in .+\."
        r" \| The step 'hold' runs since .+\. The same holds for 2 more of that name\."
        r" \| It is asleep until § \(in (59 min \d+ s|1 h)\)\. Of its timers 1 more is open\.",
    )


async def test_no_worker(desk: Desk) -> None:
    id_ = await desk.start(jobs.asleep, queue="nobody-looked")
    found = await desk.says(
        id_,
        r"It waits for a worker since § \((< 1|\d+) s\): none polls the task queue 'nobody-looked'\. Start"
        r" one: terse-worker MODULE --task-queue nobody-looked",
    )
    assert found.to_json()["waits_for"][0]["kind"] == "worker"


async def test_no_worker_has_the_job(desk: Desk) -> None:
    id_ = await desk.start("looked-nowhere")
    await desk.says(
        id_,
        r"It waits for a worker that has its job since § \(.+\): this worker has no job 'looked-nowhere'; it has .+",
    )
    await desk.client.get_workflow_handle(id_).terminate()


async def test_a_start_that_is_delayed(desk: Desk) -> None:
    await desk.says(
        await desk.start(jobs.asleep, start_delay=timedelta(hours=2)),
        r"It has not begun: its start is delayed until § \(in 1 h 59 min\)\.",
    )


async def test_a_history_that_does_not_fit(desk: Desk, env: JobEnvironment, tmp_path: Path) -> None:
    """What was recorded stands beside what the code does now."""
    queue = "looked-changed"
    async with env.worker([job_of("before")], task_queue=queue):
        id_ = await desk.start("renewed", queue=queue, args=[{"effects": str(tmp_path / "effects")}])
        await desk.says(id_, r"It is asleep .+")
    async with env.worker([job_of("after")], task_queue=queue, max_cached_workflows=0):
        await desk.client.get_workflow_handle(id_).signal("wake")
        found = await desk.says(
            id_,
            r"It is blocked since § \(.+\), its history does not fit the code of the worker: recorded is the step"
            r" 'charge', and the code now makes the step 'check' there\. It goes on by itself when a worker with code"
            r" that fits is there; the log of the worker has more of both\.",
        )
    assert not found.waits[0].fits


async def test_a_handler_that_computes(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """The line is named, and what to do; the worker's log says so once, without the SDK's traceback."""
    id_ = await desk.start(jobs.computes, task_timeout=timedelta(seconds=10))
    try:
        where = rf"tests/runs/jobs_looked_at\.py:{jobs.computes.handler.__code__.co_firstlineno + 2}"
        found = await desk.says(
            id_,
            rf"It is blocked since § \(.+\), a worker cannot advance its handler: no `await` for 2 s, at {where}\. What"
            r" computes that long, or reads that much, belongs in a step\. That is tried again and again\.",
        )
        assert [each.kind for each in found.waits] == ["blocked"]
        lines = [each.getMessage() for each in caplog.records if id_ in each.getMessage()]
        assert len(lines) == 1
        assert re.match(
            rf"run   {id_}  looked-computes waits: its handler came to no `await` for 2 s, at {where}\. .+ belongs in"
            r" a step\. It goes on by itself when that is so; until then",
            lines[0],
        )
        assert "TMPRL1101" not in caplog.text
    finally:
        await desk.client.get_workflow_handle(id_).terminate()


async def test_a_step_that_is_paused(desk: Desk) -> None:
    id_ = await desk.start(jobs.retried)
    await desk.says(id_, r"Attempt 2 of 5 .+")
    await desk.client.workflow_service.pause_activity(
        PauseActivityRequest(
            namespace=desk.client.namespace, execution=WorkflowExecution(workflow_id=id_), type="charge"
        )
    )
    await desk.says(
        id_,
        r"The step 'charge' was paused at § \((< 1|\d+) s\), after ConnectionError: reset .+\. It waits until"
        r" somebody unpauses it\.",
    )


async def test_a_run_that_has_completed(desk: Desk) -> None:
    found = await desk.says(await desk.start(jobs.ends), r"It has completed at §, after (< 1|\d+) s\.")
    assert found.to_json()["status"] == "completed"


async def test_a_run_that_has_failed(desk: Desk) -> None:
    """With the step, and the line that raised."""
    found = await desk.says(
        await desk.start(jobs.fails),
        r"It has failed at §, after .+, with LookupError: no such card \(in the step 'declined' at"
        r" \S*jobs_looked_at\.py:\d+\)\.",
    )
    assert found.to_json()["ended"]["failure"]["step"] == "declined"


async def test_a_run_that_was_cancelled(desk: Desk) -> None:
    id_ = await desk.start(jobs.asleep)
    await desk.says(id_, r"It is asleep .+")
    await desk.client.get_workflow_handle(id_).cancel()
    await desk.says(id_, r"It was cancelled at §, after .+\.")


async def test_a_run_that_was_terminated(desk: Desk) -> None:
    """With who did it, and why."""
    id_ = await desk.start(jobs.asleep, queue="nobody-looked")
    await desk.client.get_workflow_handle(id_).terminate(reason="by \x1bmistake.")
    await desk.says(id_, r"It was terminated by \d+@\S+ at §, after .+: by \\x1bmistake\.")


async def test_a_run_that_took_too_long(desk: Desk) -> None:
    id_ = await desk.start(jobs.asleep, queue="nobody-looked", execution_timeout=timedelta(seconds=1))
    await desk.says(id_, r"It has run out of its time at §, after .+: it ran longer than the timeout .+ with\.")


async def test_the_last_run_of_a_chain(desk: Desk) -> None:
    """By its id the one that goes on; of an earlier one it is told which does."""
    id_ = await desk.start(jobs.goes_on)
    last = await desk.says(id_, r"It is asleep .+")
    handle = desk.client.get_workflow_handle(id_)
    first = (await handle.describe()).raw_description.workflow_execution_info.first_run_id
    earlier = await why(desk.client, id_, first)
    assert last.run_id != first
    assert re.fullmatch(rf"It was continued as new at .+: the run {last.run_id} goes on\.", earlier.sentences[0])


async def test_a_run_that_was_reset(desk: Desk) -> None:
    id_ = await desk.start(jobs.asleep)
    before = await desk.says(id_, r"It is asleep .+")
    await desk.client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=desk.client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=id_, run_id=before.run_id),
            workflow_task_finish_event_id=4,
            request_id="reset-it",
            reset_reapply_type=ResetReapplyType.RESET_REAPPLY_TYPE_NONE,
        )
    )
    now = await desk.says(id_, r"It is asleep .+")
    earlier = await why(desk.client, id_, before.run_id)
    assert re.fullmatch(rf"It was reset at .+: the run {now.run_id} goes on\.", earlier.sentences[0])


async def test_what_else_is_told(desk: Desk, env: JobEnvironment) -> None:
    """That it was asked to cancel, that a timeout is running, and that its handler has ended already."""
    id_ = await desk.start(jobs.stays)
    await desk.says(id_, r"It is asleep .+")
    await desk.client.get_workflow_handle(id_).cancel()
    await desk.says(id_, r"It is asleep until § \(in (2 h|1 h 59 min)\)\. \| It was asked to cancel\.")
    await desk.says(
        await desk.start(jobs.within_time),
        r"It is asleep until § \(in 2 d 23 h\)\. \| A timeout of its handler, or an asyncio\.sleep, ends at § \(in 29 d"
        r" 23 h\)\.",
    )
    await desk.says(
        await desk.start(jobs.afterwards),
        r"It is asleep until § \(in 2 d 23 h\)\. \| Its handler has ended, and its on_failure is under way\.",
    )


async def test_a_run_that_it_runs(desk: Desk) -> None:
    """With what that one waits for, whether it ends with this one or goes on by itself."""
    for how in ("runs", "starts"):
        child = f"looked-child-{how}"
        found = await desk.says(
            await desk.start(jobs.parent, args=[{"how": how, "child": child}]),
            rf"It waits for the run '{child}' of the job 'looked-sleep'\. That run is asleep until § \(in 2 d 23 h\)\.",
        )
        assert found.to_json()["waits_for"][0]["why"][0]["kind"] == "sleep"


async def test_no_time_is_skipped_of_a_run_that_waits_for_another(desk: Desk, env: JobEnvironment) -> None:
    """`runs skip` says so at once, and which run it is whose time can be skipped."""
    id_ = await desk.start(jobs.parent, args=[{"how": "runs", "child": "looked-child-skipped"}])
    await desk.says(
        id_, r"It waits for the run 'looked-child-skipped' of the job 'looked-sleep'\. That run is asleep .+"
    )
    with pytest.raises(CommandError) as refused:
        await _skip(id_, timedelta(days=1), env.address, None)
    assert str(refused.value) == (
        f"no time of the run {id_!r} is skipped while one that it has started is open, and 'looked-child-skipped' is."
        " Let that come to its end first, also by skipping its time: terse-temporal runs skip 'looked-child-skipped' …"
    )


async def test_a_run_without_a_worker(desk: Desk) -> None:
    event = {"how": "runs", "child": "looked-child-alone", "queue": "nobody-looked"}
    await desk.says(
        await desk.start(jobs.parent, args=[event]),
        r"It waits for the run 'looked-child-alone' of the job 'looked-sleep'\. That run waits for a worker since §"
        r" \(.+\): none polls the task queue 'nobody-looked'\. Start one: .+",
    )


async def test_a_run_that_was_there(desk: Desk) -> None:
    other = await desk.start(jobs.asleep)
    await desk.says(other, r"It is asleep .+")
    await desk.says(
        await desk.start(jobs.parent, args=[{"how": "runs", "child": other}]),
        rf"It waits for the run '{other}'\. That run is asleep until § \(in 2 d 23 h\)\.",
    )
    await desk.client.get_workflow_handle(other).terminate()  # or the step that follows it keeps the worker


async def test_a_run_whose_start_is_delayed(desk: Desk) -> None:
    await desk.says(
        await desk.start(jobs.parent, args=[{"how": "runs", "child": "looked-child-later", "delay": "2h"}]),
        r"It waits for the run 'looked-child-later' of the job 'looked-sleep'\. That run has not begun: its start is"
        r" delayed until § \(in 1 h 59 min\)\.",
    )


async def test_a_run_that_failed_by_another(desk: Desk) -> None:
    await desk.says(
        await desk.start(jobs.fails_within, args=[{"child": "looked-child-fails"}]),
        r"It has failed at §, after .+, with LookupError: no such card \(in the run 'looked-child-fails'.+",
    )


async def test_an_event(desk: Desk) -> None:
    """Of the run itself, of a key, which the run waits for no longer than that, and of a webhook."""
    await desk.says(await desk.start(jobs.waits), r"It waits for the event 'paid' since § \(.+\)\.")
    found = await desk.says(
        await desk.start(jobs.waits, args=[{"key": "cus_1"}]),
        r"It waits for the event 'paid' of the key 'cus_1' since § \(.+\), until § \(in 29 d 23 h\)\.",
    )
    (wait,) = found.waits
    assert wait.since is not None
    assert wait.until == wait.since + timedelta(days=30)
    await desk.says(
        await desk.start(jobs.waits, args=[{"customer": "cus_1"}]),
        r"It waits for the event Triggers\.stripe\.on_customer_created\(\) with data\.object\.id=\"cus_1\" since §"
        r" \(.+\)\.",
    )


async def test_an_event_that_has_come(desk: Desk, env: JobEnvironment) -> None:
    """A handler that no worker has advanced since is not said to wait for it, whatever it has written in its memo."""
    async with env.worker([jobs.waits], task_queue="looked-left"):
        id_ = await desk.start(jobs.waits, queue="looked-left")
        await desk.says(id_, r"It waits for the event 'paid' since .+")
    await desk.client.get_workflow_handle(id_).signal("other", 1)
    await desk.says(id_, r"It waits for a worker since § .+ \| It waits for the event 'paid' since .+")
    await desk.client.get_workflow_handle(id_).signal("paid", {})
    await desk.says(id_, r"It waits for a worker since § [^|]+")
