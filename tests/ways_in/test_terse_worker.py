"""`terse-worker`: the process that runs jobs."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import uuid
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio.client import Client

from terse_temporal.client import connect
from terse_temporal.devserver import DevServer
from terse_temporal.testing import JobEnvironment

from ..commands import run, running

pytestmark = pytest.mark.server

JOBS = """
import time
from pathlib import Path
from terse_temporal import create_job, job_step, sleep

def first(value):
    return value + 1

def wait_for(file):
    print("in the step")
    while not Path(file).exists():
        time.sleep(0.02)

@create_job(name="count", durable=True)
async def count(event):
    value = await job_step(run=first, input=1)
    await sleep("100ms")
    return value

@create_job(name="wait", durable=True)
async def wait(event):
    await job_step(run=wait_for, input=event.file)

@create_job(name="pair", durable=True)
async def pair(event):
    value = await job_step(run=first, input=0)
    await job_step(run=wait_for, input=event.file)
    return value
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A directory with a file of jobs."""
    (tmp_path / "jobs.py").write_text(JOBS)
    return tmp_path


async def start(client: Client, job: str, queue: str, **event: object) -> str:
    """Start a run, and return its id."""
    # A workflow task that fails again and again is given up by its worker, and tried again after this.
    again = timedelta(seconds=1)
    run_id = f"run-{uuid.uuid4()}"
    await client.start_workflow(job, event, id=run_id, task_queue=queue, task_timeout=again)
    return run_id


async def tried_again(client: Client, run_id: str) -> None:
    """Wait until the workflow task of a run has failed twice, and is tried once more."""

    async def attempt() -> int:
        return (await client.get_workflow_handle(run_id).describe()).raw_description.pending_workflow_task.attempt

    while await attempt() < 3:  # noqa: ASYNC110  nothing tells of it
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
async def test_runs_jobs(env: JobEnvironment, shop: Path, task_queue: str, how: signal.Signals) -> None:
    """It prints the server, the namespace, the task queue and its jobs, a line for each run and step, and stops on a
    signal.
    """
    command = ("terse-worker", "jobs.py", "--address", env.address, "--task-queue", task_queue)
    with running(*command, cwd=shop) as worker:
        printed = worker.says("ready")
        assert printed.startswith("loading jobs.py\n")
        assert f"server {env.address}  namespace default  task queue {task_queue}" in printed
        assert re.search(r"count +yes +- +jobs\.py:14", printed)
        run_id = await start(env.client, "count", task_queue)
        assert await env.client.get_workflow_handle(run_id).result() == 2
        worker.says(f"step  {run_id}  first done in ")
        worker.says(f"run   {run_id}  count done after ")
        worker.send(how)
        assert worker.ended() == 0
        assert f"{how.name}: taking no more work" in worker.printed()
        assert worker.printed().rstrip().endswith("stopped")
        assert "Traceback" not in worker.printed()


async def test_running_steps_may_end(env: JobEnvironment, shop: Path, task_queue: str) -> None:
    """A signal lets running steps end; what a job prints is there at once, also in a file."""
    command = ("terse-worker", "jobs.py", "--address", env.address, "-q", task_queue)
    with running(*command, cwd=shop) as worker:
        worker.says("ready")
        run_id = await start(env.client, "wait", task_queue, file=str(shop / "go"))
        worker.says("in the step")
        worker.send(signal.SIGTERM)
        worker.says("SIGTERM")
        (shop / "go").touch()
        assert worker.ended() == 0
        assert f"step  {run_id}  wait_for done in " in worker.printed()


async def test_second_signal(env: JobEnvironment, shop: Path, task_queue: str) -> None:
    """The second signal does not wait for them."""
    command = ("terse-worker", "jobs.py", "--address", env.address, "-q", task_queue)
    with running(*command, cwd=shop) as worker:
        worker.says("ready")
        await start(env.client, "wait", task_queue, file="never")
        worker.says("in the step")
        worker.send(signal.SIGTERM)
        worker.says("SIGTERM")
        worker.send(signal.SIGTERM)
        assert worker.ended(within=10) == 1  # of twenty
        assert "leaving at once" in worker.printed()


@pytest.mark.parametrize(
    ("module", "said"),
    [
        ("import nowhere", ["'bad.py' cannot be imported", "bad.py:1", "No module named 'nowhere'"]),
        ("def half(:", ["'bad.py' cannot be imported", "bad.py:1", "SyntaxError"]),
        ("x = 1", ["'bad.py' has no jobs"]),
        (f"{JOBS}@create_job(name='count')\ndef again(event): pass", ["'count' is created twice", "bad.py:14", ":29"]),
        (None, ["there is no file 'bad.py'"]),
    ],
    ids=["does not import", "syntax error", "no jobs", "a name twice", "no file"],
)  # fmt: skip
def test_what_cannot_be_run(tmp_path: Path, module: str | None, said: list[str]) -> None:
    """A file that is no good: a message that says which and why, exit status 2, and no traceback."""
    if module is not None:
        (tmp_path / "bad.py").write_text(module)
    refused = run("terse-worker", "bad.py", cwd=tmp_path)
    assert refused.returncode == 2
    for part in said:
        assert part in refused.stderr
    assert "Traceback" not in refused.stderr


def test_no_server(shop: Path) -> None:
    """A server that does not answer: which one and why, exit status 2, and a traceback with `--debug` only."""
    refused = run("terse-worker", "jobs.py", cwd=shop, env={"TEMPORAL_ADDRESS": "127.0.0.1:1"})
    assert refused.returncode == 2
    assert "'127.0.0.1:1'" in refused.stderr
    assert "Connection refused" in refused.stderr
    assert "Traceback" not in refused.stderr
    debugged = run("terse-worker", "jobs.py", "--debug", cwd=shop, env={"TEMPORAL_ADDRESS": "127.0.0.1:1"})
    assert debugged.returncode == 2
    assert "Traceback" in debugged.stderr


async def test_runs_that_wait_are_said_once(env: JobEnvironment, shop: Path, task_queue: str) -> None:
    """A run whose history does not fit, and one whose job is gone, are said once each, although they are tried again;
    and by the worker alone, not by the SDK too.
    """
    command = ("terse-worker", "jobs.py", "--address", env.address, "-q", task_queue)
    with running(*command, cwd=shop) as worker:
        worker.says("ready")
        misfit = await start(env.client, "pair", task_queue, file=str(shop / "go"))
        worker.says("in the step")
        worker.send(signal.SIGTERM)
        worker.says("SIGTERM")
        (shop / "go").touch()
        assert worker.ended() == 0
        assert f"step  {misfit}  wait_for done" in worker.printed()
    (shop / "jobs.py").write_text(JOBS.replace("run=first, input=0", "run=first, input=0, name='renamed'"))
    with running(*command, cwd=shop) as worker:
        worker.says("ready")
        gone = await start(env.client, "vanished", task_queue)
        for run_id in (misfit, gone):
            await tried_again(env.client, run_id)
        assert worker.printed().count(f"run   {misfit}  pair waits: its history does not fit the code") == 1
        assert worker.printed().count(f"run   {gone}  waits: this worker has no job 'vanished'") == 1
        for noise in ("Traceback", "Failing workflow task", "Failed activation", "WARN"):
            assert noise not in worker.printed()


async def test_server_gone_and_back(shop: Path) -> None:
    """When the server goes, the worker says so once, and once when it is back; its runs go on by themselves."""
    database = shop / "temporal.db"
    with ExitStack() as stack:
        async with DevServer(database) as server:
            address = server.address
            worker = stack.enter_context(running("terse-worker", "jobs.py", "--address", address, cwd=shop))
            worker.says("ready")
            run_id = await start(await connect(target_host=address), "pair", "terse", file=str(shop / "go"))
            worker.says("in the step")
            os.kill(server.pid, signal.SIGKILL)
            worker.says(f"the server at {address} does not answer: ")
        async with DevServer(database, port=int(address.rpartition(":")[2])):
            worker.says(f"the server at {address} answers again, after ")
            (shop / "go").touch()
            client = await connect(target_host=address)
            async with asyncio.timeout(60):
                assert await client.get_workflow_handle(run_id).result() == 1
            printed = worker.printed()
    assert printed.count("does not answer") == 1
    assert printed.count("answers again") == 1
    for noise in ("Traceback", "gRPC", "WARN"):
        assert noise not in printed
