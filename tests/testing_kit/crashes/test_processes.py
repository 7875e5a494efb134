"""The processes themselves: what keeps one from starting is told, and none outlives its test."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
import types
from dataclasses import replace
from pathlib import Path
from textwrap import dedent

import pytest
from temporalio.client import Client

import terse_temporal
from terse_temporal import Event, Job, create_job
from terse_temporal.errors import CrashTestError
from terse_temporal.jobs.registry import collecting
from terse_temporal.testing.crashes import CrashWorkers

from .conftest import Bench, named


def loaded(name: str, file: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    """The job that a file defines, as a module of a name that nothing leads to."""
    module = types.ModuleType(name)
    module.__file__ = str(file)
    monkeypatch.setitem(sys.modules, name, module)
    with collecting() as jobs:
        exec(compile(file.read_text(), file, "exec"), vars(module))
    (job,) = jobs.values()
    return job


def written(directory: Path, name: str, more: str = "") -> Path:
    """A file with one job."""
    file = directory / "somewhere.py"
    text = f"""
        import os
        from terse_temporal import create_job, job_step
        {more}

        async def act():
            return __name__

        @create_job(name={name!r}, durable=True)
        async def handler(event):
            return await job_step(run=act)
        """
    file.write_text(dedent(text))
    return file


async def fails(bench: Bench, *jobs: Job) -> str:
    """Why no process starts for these."""
    with pytest.raises(CrashTestError) as failed:
        async with CrashWorkers(bench.client, task_queue=bench.task_queue, jobs=jobs, servers=bench.fork_servers):
            pass
    return str(failed.value)


async def test_module_of_a_name_that_nothing_leads_to(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A test module is loaded from its file, under the name it has here, where an import would not find it."""
    job = loaded("crs_nowhere.on.the_path", written(tmp_path, "crs-nowhere"), monkeypatch)
    async with CrashWorkers(
        bench.client, task_queue=bench.task_queue, jobs=[job], servers=bench.fork_servers
    ) as workers:
        run = await bench.start("crs-nowhere")
        assert await workers.result(run) == "crs_nowhere.on.the_path"


async def test_module_that_cannot_be_imported(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a module raises in the other process is told, with its traceback."""
    monkeypatch.setenv("CRS_HERE", str(os.getpid()))
    more = "assert os.environ['CRS_HERE'] == str(os.getpid()), 'another process'"
    said = await fails(bench, loaded("crs_broken", written(tmp_path, "crs-broken", more), monkeypatch))
    assert "the module 'crs_broken'" in said
    assert "cannot be imported in a worker process: AssertionError: another process" in said
    assert 'somewhere.py", line 4, in <module>' in said


async def test_jobs_that_are_not_there(bench: Bench) -> None:
    """A job that a function makes, and one of the script that is being run, are refused with what to do."""
    with collecting() as jobs:

        @create_job(name="crs-of-a-function")
        def handler(event: Event) -> None: ...

    said = await fails(bench, jobs["crs-of-a-function"])
    assert "the job 'crs-of-a-function' is not there when its module is imported in another process" in said
    of_the_script = replace(jobs["crs-of-a-function"], _home="__main__")
    assert "is defined in the script that is being run" in await fails(bench, of_the_script)


async def test_server_that_is_gone(bench: Bench) -> None:
    """A worker process that reaches no server says so."""
    nowhere = await Client.connect("127.0.0.1:1", lazy=True)
    with pytest.raises(CrashTestError, match=r"no Temporal server answers at '127\.0\.0\.1:1'"):
        async with CrashWorkers(nowhere, task_queue="crs", jobs=[named("crs-plain")], servers=bench.fork_servers):
            pass


async def test_end_that_nobody_asked_for(bench: Bench) -> None:
    """A process that ends by itself is an error for whoever waits, with what it printed last."""
    async with bench.workers("crs-exits") as workers:
        run = await bench.start("crs-exits")
        with pytest.raises(CrashTestError, match=r"(?s)ended by itself \(status 3\).*last words"):
            await workers.result(run)
        assert "last words" in workers.output()


def test_parent_that_is_killed(bench: Bench, tmp_path: Path) -> None:
    """When the test's own process is killed, its worker processes end too."""
    script = f"""
        import asyncio
        from temporalio.client import Client
        from terse_temporal.testing.crashes import CrashWorkers
        from tests.testing_kit.crashes.conftest import named

        async def main():
            client = await Client.connect({bench.client.service_client.config.target_host!r})
            async with CrashWorkers(client, task_queue="crs-orphans", jobs=[named("crs-plain")]) as workers:
                print(workers._process.pid, flush=True)
                await asyncio.sleep(3600)

        asyncio.run(main())
        """
    root = Path(terse_temporal.__file__).parents[1]
    with subprocess.Popen(
        [sys.executable, "-c", dedent(script)],
        stdout=subprocess.PIPE,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root), "TMPDIR": str(tmp_path)},
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        os.kill(child, 0)
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 30
    while is_there(child):
        assert time.monotonic() < deadline
        time.sleep(0.02)


async def test_leaving_while_a_step_blocks(bench: Bench) -> None:
    """A step that cannot be cancelled does not keep its process."""
    async with bench.workers("crs-blocks") as workers:
        await bench.start("crs-blocks")
        while not bench.effects.lines():  # noqa: ASYNC110  a file, as the step is in another process
            await asyncio.sleep(0.02)
        assert workers._process is not None
        pid = workers._process.pid
    assert not is_there(pid)


def is_there(pid: int) -> bool:
    """Whether a process runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # One that its new parent has not yet looked after.
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")
