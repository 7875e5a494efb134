"""`terse-temporal replay`: the gate before a deploy, as it stands in a pipeline."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import subprocess
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle

from terse_temporal.testing import JobEnvironment
from terse_temporal.worker import build_worker

from ..commands import environment, run, script
from ..versions import ONBOARD, come_to, eventually, running, started, version

Command = Callable[..., subprocess.CompletedProcess[str]]

#: What a person changed, and what is found.
RENAMED = ("run=send_welcome", "run=send_check_in")
WHY = "recorded is step 'send_welcome', and the code now makes step 'send_check_in' (jobs.py:"


@dataclass
class Deployed:
    """Seven runs that sleep in the job of a module, as it is deployed. The name has what a query must escape."""

    name: str
    source: str
    task_queue: str
    runs: list[WorkflowHandle[Any, Any]]

    def put(self, folder: Path, old: str = "", new: str = "") -> None:
        """Write the module into a folder, changed."""
        assert old in self.source
        source = self.source.replace(old, new) if old else self.source
        (folder / "jobs.py").write_text(source)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def env() -> AsyncIterator[JobEnvironment]:
    """A server that no other test has runs on: the command looks at all that are open."""
    async with JobEnvironment() as environment:
        yield environment


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def client(env: JobEnvironment) -> Client:
    """A client of that server."""
    return await Client.connect(env.address, namespace=env.client.namespace)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def deployed(client: Client, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Deployed]:
    """Runs that sleep, and no worker."""
    name = f'rpl it\'s a "job" {uuid.uuid4()}'
    source = ONBOARD.replace('"rpl-onboard"', repr(name))
    with version(source, tmp_path_factory.mktemp("deployed")) as jobs:
        async with running(client, jobs) as task_queue:
            runs = [await started(client, name, task_queue) for _ in range(7)]
            for each in runs:
                await come_to(each, EventType.EVENT_TYPE_TIMER_STARTED)

    async def listed() -> int:
        return (await client.count_workflows(f"TaskQueue = '{task_queue}'")).count

    await eventually(listed, lambda count: count == len(runs))
    yield Deployed(name, source, task_queue, runs)
    for each in runs:
        await each.terminate()


@pytest.fixture
def replay(env: JobEnvironment, tmp_path: Path) -> Command:
    """The command, in a directory with a file of jobs, where the server is known."""

    def command(*options: str, server: bool = True) -> subprocess.CompletedProcess[str]:
        settings = {"TEMPORAL_ADDRESS": env.address if server else "127.0.0.1:1"}
        return run("terse-temporal", "replay", *options, cwd=tmp_path, env=settings)

    return command


def test_same_code(deployed: Deployed, replay: Command, tmp_path: Path) -> None:
    """The code that the runs were started with fits all of them: status 0, and a line for the job."""
    deployed.put(tmp_path)
    answer = replay("jobs.py")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.splitlines()[-1].split()[-3:] == ["7", "0", "0"]
    assert deployed.name in answer.stdout
    assert "onboarding begins" not in answer.stdout


def test_changed_code(deployed: Deployed, replay: Command, tmp_path: Path) -> None:
    """With a changed step: status 1, the step, recorded beside now, and some of the runs that break alike."""
    deployed.put(tmp_path, *RENAMED)
    answer = replay("jobs.py", "--running")
    assert answer.returncode == 1
    lines = answer.stdout.splitlines()
    assert lines[0] == f"would break  {deployed.name}: 7 runs, at step 'send_welcome'"
    assert lines[1].startswith(f"  {WHY}")
    (marked,) = [line for line in lines if line.startswith("  > ")]
    assert "step  send_welcome  (event 11)" in marked
    assert "step  send_check_in  (jobs.py:" in marked
    assert sum(any(each.id in line for line in lines) for each in deployed.runs) == 5
    assert "  and 2 more (--json names them all)" in lines
    assert any(line.split()[-3:] == ["0", "7", "0"] for line in lines)


def test_json(deployed: Deployed, replay: Command, tmp_path: Path) -> None:
    """As JSON: every run that breaks, by its ids, and the counts. What the modules print is not in it."""
    deployed.put(tmp_path, *RENAMED)
    file = tmp_path / "jobs.py"
    file.write_text(file.read_text() + "print('a module that prints')\n")
    answer = replay("jobs.py", "--json")
    assert answer.returncode == 1
    data = json.loads(answer.stdout)
    assert data["replayed"] == 7
    assert data["jobs"] == {deployed.name: {"fits": 0, "would_break": 7, "not_looked_at": 0}}
    assert {each["workflow_id"] for each in data["runs"]} == {each.id for each in deployed.runs}
    assert {each["run_id"] for each in data["runs"]} == {each.first_execution_run_id for each in deployed.runs}
    first = data["runs"][0]
    assert (first["at"], first["result"], first["waits_already"]) == ("step 'send_welcome'", "would_break", False)
    assert first["failure"].startswith(WHY)
    assert "recorded" in first["table"]


def test_saved_and_offline(deployed: Deployed, replay: Command, tmp_path: Path) -> None:
    """What is saved is replayed later without a server, with the same result, by changed code and by the same."""
    deployed.put(tmp_path)
    assert replay("jobs.py", "--save", "saved/today").returncode == 0
    files = sorted((tmp_path / "saved" / "today").iterdir())
    assert len(files) == 7
    assert all(file.name.isascii() and " " not in file.name for file in files)
    answer = replay("jobs.py", "--history", "saved/today", server=False)
    assert answer.returncode == 0
    deployed.put(tmp_path, *RENAMED)
    online = replay("jobs.py", "--json")
    # As a shell passes on `--history saved/today/*.json`.
    offline = replay("jobs.py", "--json", "--history", *(str(file) for file in files), server=False)
    assert (online.returncode, offline.returncode) == (1, 1)

    def by_id(answer: subprocess.CompletedProcess[str]) -> list[Any]:
        return sorted(json.loads(answer.stdout)["runs"], key=lambda each: str(each["workflow_id"]))

    assert by_id(online) == by_id(offline)


def test_task_queue(deployed: Deployed, replay: Command, tmp_path: Path) -> None:
    """Runs of another task queue are left out; that there is nothing to replay is said, and is no failure."""
    deployed.put(tmp_path, *RENAMED)
    assert replay("jobs.py", "-q", deployed.task_queue).returncode == 1
    answer = replay("jobs.py", "-q", "rpl-elsewhere")
    assert answer.returncode == 0
    assert answer.stdout.startswith("nothing to replay: there is no open run on the task queue 'rpl-elsewhere' of")


def test_job_taken_away(deployed: Deployed, replay: Command, tmp_path: Path) -> None:
    """A job that was renamed is not looked for; with its task queue given, its runs are found, and would wait."""
    deployed.put(tmp_path, repr(deployed.name), repr(f"{deployed.name}, new"))
    answer = replay("jobs.py")
    assert answer.returncode == 0
    assert answer.stdout.startswith("nothing to replay: there is no open run of ")
    answer = replay("jobs.py", "-q", deployed.task_queue)
    assert answer.returncode == 1
    assert f"there is no job {deployed.name!r} here; did you mean {f'{deployed.name}, new'!r}?" in answer.stdout


async def test_recent(deployed: Deployed, client: Client, replay: Command, tmp_path: Path) -> None:
    """With `--recent` the runs that were closed last are replayed too, as many as that."""
    run = await started(client, deployed.name, deployed.task_queue)
    others = [await started(client, deployed.name, deployed.task_queue) for _ in range(2)]
    for each in (*others, run):
        await each.terminate()

    async def closed() -> int:
        query = f"TaskQueue = '{deployed.task_queue}' AND ExecutionStatus = 'Terminated'"
        return (await client.count_workflows(query)).count

    await eventually(closed, lambda count: count == 3)
    deployed.put(tmp_path)
    assert json.loads(replay("jobs.py", "--json", "--recent", "2").stdout)["replayed"] == 9
    assert json.loads(replay("jobs.py", "--json", "--recent", "100").stdout)["replayed"] == 10
    saved = ("--save", "closed", "--recent", "2", "--history", "none.json")
    assert replay("jobs.py", *saved).returncode == 2
    (tmp_path / "none.json").write_text('{"events": []}')
    assert replay("jobs.py", *saved).returncode == 2
    assert len(list((tmp_path / "closed").iterdir())) == 2


async def test_waits_already(deployed: Deployed, client: Client, replay: Command, tmp_path: Path) -> None:
    """A run that is blocked is told of as one that waits already, and that it would go on with code that fits."""
    name = f"rpl-blocked-{uuid.uuid4()}"
    blocked = Deployed(name, deployed.source.replace(repr(deployed.name), repr(name)), "", [])
    with version(blocked.source, tmp_path) as jobs:
        async with running(client, jobs) as task_queue:
            run = await started(client, name, task_queue)
            await come_to(run, EventType.EVENT_TYPE_TIMER_STARTED)
    await run.cancel()
    with version(blocked.source.replace(*RENAMED), tmp_path) as jobs:
        async with build_worker(client, jobs=jobs, task_queue=task_queue, max_cached_workflows=0):
            await come_to(run, EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED)
    blocked.put(tmp_path, *RENAMED)
    answer = replay("jobs.py")
    assert answer.returncode == 1
    assert f"{run.id}  run id {run.first_execution_run_id}  (waits already" in answer.stdout
    blocked.put(tmp_path)
    answer = replay("jobs.py")
    assert answer.returncode == 0
    assert "1 run that waits now would go on with this code" in answer.stdout
    await run.terminate()


def test_in_a_terminal(deployed: Deployed, env: JobEnvironment, tmp_path: Path) -> None:
    """In a terminal it says how far it has come, on standard error; what it prints in the end is the same."""
    deployed.put(tmp_path)
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [script("terse-temporal"), "replay", "jobs.py", "-q", deployed.task_queue, "--json"],
        cwd=tmp_path,
        env=environment({"TEMPORAL_ADDRESS": env.address, "TERM": "xterm", "COLUMNS": "100"}),
        stdout=subprocess.PIPE,
        stderr=terminal,
        text=True,
    )
    os.close(terminal)
    printed, _ = process.communicate(timeout=60)
    shown = b""
    with contextlib.suppress(OSError):  # as a terminal says that nobody writes to it any more
        while piece := os.read(controller, 10_000):
            shown += piece
    os.close(controller)
    assert process.returncode == 0
    assert json.loads(printed)["replayed"] == 7
    # On a busy machine the first thing that is drawn may be later than the search for runs.
    assert b"replayed 7 of 7" in shown


def test_wrong_from_the_start(deployed: Deployed, replay: Command, tmp_path: Path) -> None:
    """What has to be put right first: status 2, and a sentence that says what."""
    deployed.put(tmp_path)
    (tmp_path / "broken.py").write_text("import nothing_of_this_name\n")
    (tmp_path / "empty").mkdir()
    for options, said in (
        (("broken.py",), "'broken.py' cannot be imported: broken.py:1: ModuleNotFoundError"),
        (("jobz.py",), "did you mean 'jobs.py'?"),
        (("jobs.py", "--address", "127.0.0.1:1"), "no Temporal server answers at '127.0.0.1:1'"),
        (("jobs.py", "--namespace", "nowhere"), "has no namespace 'nowhere'"),
        (("jobs.py", "--history", "nothing.json"), "there is no file 'nothing.json'"),
        (("jobs.py", "--history", "empty"), "the directory 'empty' has no histories"),
        (("jobs.py", "--history", "jobs.py"), "'jobs.py' is no history"),
        (("jobs.py", "--history", "jobs.py", "--save", "x"), "--save keeps histories that are fetched"),
        (("jobs.py", "--save", "jobs.py/x"), "the directory 'jobs.py/x' of --save cannot be made"),
    ):
        answer = replay(*options)
        assert answer.returncode == 2, options
        assert said in answer.stderr, options


MOUNTED = """
toolbox.mount("rplserver", command=["rpl-no-such-command"], env={"TOKEN": "${RPL_NO_SUCH_VARIABLE}"})
"""


def test_needs_no_mcp_server(deployed: Deployed, replay: Command, tmp_path: Path) -> None:
    """A module that mounts an MCP server which is not there, and whose key is not set, is replayed without it."""
    deployed.put(tmp_path, "log, sleep\n", f"log, sleep, toolbox\n{MOUNTED}")
    answer = replay("jobs.py")
    assert answer.returncode == 0
    assert answer.stdout.splitlines()[-1].split()[-3:] == ["7", "0", "0"]
