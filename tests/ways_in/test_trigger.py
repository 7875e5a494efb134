"""`terse-temporal trigger`: starting a run, watching it, and what is wrong with an event."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import uuid
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.client import WorkflowExecutionStatus
from temporalio.common import SearchAttributeKey

from terse_temporal.cli.event_argument import read_event_argument
from terse_temporal.errors import EventError
from terse_temporal.testing import JobEnvironment

from ..commands import Command, environment, run, running, script
from ..in_process import run_command

JOBS = """
import time
from pathlib import Path
from terse_temporal import Retry, create_job, current_step, job_step, sleep, step

class CardDeclined(Exception):
    pass

def work(name):
    return name.upper()

def wait_for(file):
    while not Path(file).exists():
        time.sleep(0.02)

def charge():
    raise CardDeclined("insufficient funds")

@step(retry=Retry(max_attempts=3, initial="600ms", multiplier=1))
def flaky(attempts: int) -> str:
    if current_step().attempt < attempts:
        raise ConnectionError("reset by peer")
    return "through"

@create_job(name="onboard", durable=True)
async def onboard(event):
    name = await job_step(run=work, input=event.name)
    await sleep("1s")
    return {"name": name, "flaky": await flaky(event.attempts)}

@create_job(name="bill", durable=True)
async def bill(event):
    await job_step(run=charge)

@create_job(name="wait", durable=True)
async def wait(event):
    await job_step(run=wait_for, input=event.file)
    return ["gone", "on"]

@create_job(name="report")
def report(event):
    return {"got": event}
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a file of jobs."""
    directory = tmp_path_factory.mktemp("shop")
    (directory / "jobs.py").write_text(JOBS)
    return directory


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def worker(env: JobEnvironment, shop: Path) -> AsyncIterator[Command]:
    """A worker with these jobs, on the task queue `trigger`."""
    with running("terse-worker", "jobs.py", "-q", "trigger", "--address", env.address, cwd=shop) as command:
        command.says("ready")
        yield command


class Trigger:
    """The command, in a terminal that knows the server."""

    def __init__(self, address: str, directory: Path) -> None:
        self.settings = {"TEMPORAL_ADDRESS": address}
        self.directory = directory

    def __call__(self, job: str, *options: str, input: str | None = None) -> subprocess.CompletedProcess[str]:
        command = ("terse-temporal", "trigger", job, "-q", "trigger", *options)
        return run(*command, cwd=self.directory, env=self.settings, input=input)

    def watching(self, job: str, *options: str, queue: str = "trigger") -> AbstractContextManager[Command]:
        """The command with `--wait`, while it waits."""
        command = ("terse-temporal", "trigger", job, "--wait", "-q", queue, *options)
        return running(*command, cwd=self.directory, env=self.settings)


@pytest.fixture
def trigger(env: JobEnvironment, worker: Command, shop: Path) -> Trigger:
    """The command, with a worker that runs."""
    return Trigger(env.address, shop)


def fresh_id() -> str:
    return f"run-{uuid.uuid4()}"


async def test_start(env: JobEnvironment, trigger: Trigger) -> None:
    """Without `--wait` it prints the workflow id, the run id and how to look at the run, and the run goes on."""
    started = trigger("onboard", "--event", '{"name": "ada", "attempts": 1}')
    assert started.returncode == 0
    workflow_id = re.search(r"workflow id +(onboard-\S+)", started.stdout)
    run_id = re.search(r"run id +(\S+)", started.stdout)
    assert workflow_id
    assert run_id
    assert f"terse-temporal runs show {workflow_id[1]}" in started.stdout
    handle = env.client.get_workflow_handle(workflow_id[1], run_id=run_id[1])
    assert await handle.result() == {"name": "ADA", "flaky": "through"}


def test_wait(trigger: Trigger) -> None:
    """With `--wait`, each change is a line on standard error, and standard output is the result, as JSON."""
    waited = trigger("onboard", "--wait", "--event", '{"name": "ada", "attempts": 3}')
    assert waited.returncode == 0
    assert json.loads(waited.stdout) == {"name": "ADA", "flaky": "through"}
    lines = waited.stderr.splitlines()
    assert re.fullmatch(r"step  work  done in .*s", next(line for line in lines if "work  done" in line))
    assert "sleep 1 second  over" in lines
    assert "step  flaky  attempt 1 failed, and is tried again: ConnectionError: reset by peer" in lines
    assert re.search(r"step  flaky  done in .* \(attempt 3\)", waited.stderr)


def test_wait_in_a_terminal(trigger: Trigger) -> None:
    """In a terminal it is a table that changes, with the attempts of each step."""
    controller, terminal = pty.openpty()
    event = '{"name": "ada", "attempts": 2}'
    process = subprocess.Popen(
        [script("terse-temporal"), "trigger", "onboard", "-q", "trigger", "--wait", "--event", event],
        cwd=trigger.directory,
        env=environment({**trigger.settings, "TERM": "xterm", "COLUMNS": "100"}),
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
    )
    os.close(terminal)
    printed = b""
    try:
        with suppress(OSError):  # how Linux says that the other side is closed
            while data := os.read(controller, 65536):
                printed += data
    finally:
        os.close(controller)
        process.kill()
        process.wait()
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", printed.decode())
    assert re.search(r"step +flaky +2 ", text)
    assert re.search(r"sleep +1 second", text)
    assert '"flaky": "through"' in text
    assert b"\x1b[?25h" in printed  # the cursor is shown again


def test_event_from_a_file_and_from_standard_input(trigger: Trigger) -> None:
    """`--event` takes a file, and `-` for standard input; without it the event is empty."""
    (trigger.directory / "event.json").write_text('\ufeff{"from": "a file"}', encoding="utf-8")
    assert json.loads(trigger("report", "--wait", "-e", "event.json").stdout) == {"got": {"from": "a file"}}
    assert json.loads(trigger("report", "--wait", "-e", "-", input='{"from": "ä"}').stdout) == {"got": {"from": "ä"}}
    assert json.loads(trigger("report", "--wait").stdout) == {"got": {}}


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ('{"a": 1,\n "b": tru}', ["not JSON: expecting value, at line 2, column 7", ' "b": tru}\n', "\n        ^"]),
        ("{'a': 1}", ["not JSON", "line 1, column 2"]),
        ("[1, 2]", ["not an object: [1, 2]", "{"]),
        ('{"a": NaN}', ["not JSON", "NaN"]),
        ("", ["the event is empty"]),
        ("nofile.json", ["there is no file 'nofile.json'"]),
        (".", ["cannot read the event from '.'", "directory"]),
        ("bytes.json", ["'bytes.json' is not text in UTF-8", "byte 1"]),
        ("large.json", ["'large.json' has 3,000,008 bytes", "2,093,056"]),
    ],
)
def test_event_that_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, event: str, said: list[str]) -> None:
    """What is not one JSON object is refused, with where it fails."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bytes.json").write_bytes(b"{\xff}")
    (tmp_path / "large.json").write_text(json.dumps({"a": "x" * 3_000_000}))
    with pytest.raises(EventError) as error:
        read_event_argument(event)
    for part in said:
        assert part in str(error.value)


@pytest.mark.server
def test_event_is_refused_before_a_run_is_started(tmp_path: Path) -> None:
    """An event that is no good ends the command before it asks the server; exit status 2, no traceback."""
    refused = run_command("trigger", "any", "-e", '{"a": 1,', "--address", "127.0.0.1:1", cwd=tmp_path)
    assert refused.status == 2
    assert refused.stderr == (
        "error: the event is not JSON: expecting property name enclosed in double quotes, at line 1, column 9:\n"
        '  {"a": 1,\n'
        "          ^\n"
    )


def test_failed_run(trigger: Trigger) -> None:
    """A run that failed: exit status 1, with its id, the error, the step and where it raised."""
    run_id = fresh_id()
    failed = trigger("bill", "--wait", "--id", run_id)
    assert failed.returncode == 1
    assert failed.stdout == ""
    assert f"the run {run_id!r} failed: CardDeclined: insufficient funds" in failed.stderr
    assert "in the step 'charge' at jobs.py:17" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_failed_after_attempts(trigger: Trigger) -> None:
    """A step that was tried several times: it says how often."""
    failed = trigger("onboard", "--wait", "--event", '{"name": "ada", "attempts": 9}')
    assert failed.returncode == 1
    assert "failed: ConnectionError: reset by peer" in failed.stderr
    assert "in the step 'flaky' at jobs.py:22, after 3 attempts" in failed.stderr


async def test_terminated(env: JobEnvironment, trigger: Trigger) -> None:
    """A run that somebody terminated failed too, and the reason is told."""
    run_id = fresh_id()
    go = trigger.directory / run_id
    with trigger.watching("wait", "--id", run_id, "-e", json.dumps({"file": str(go)})) as command:
        command.says("wait_for  running")
        await env.client.get_workflow_handle(run_id).terminate(reason="a mistake")
        assert command.ended() == 1
        assert f"the run {run_id!r} failed: it was terminated (a mistake)" in command.printed()
    go.touch()


async def test_ctrl_c_leaves_the_run_alone(env: JobEnvironment, trigger: Trigger) -> None:
    """Ctrl-C ends the watching; the run goes on, and it says how to come back."""
    run_id = fresh_id()
    go = trigger.directory / run_id
    with trigger.watching("wait", "--id", run_id, "-e", json.dumps({"file": str(go)})) as command:
        command.says("wait_for  running")
        command.interrupt()
        assert command.ended() == 128 + signal.SIGINT
        printed = command.printed()
    assert "the run goes on" in printed
    assert f"terse-temporal runs watch {run_id}" in printed
    assert "Traceback" not in printed
    go.touch()
    assert await env.client.get_workflow_handle(run_id).result() == ["gone", "on"]


async def test_id_is_running(env: JobEnvironment, trigger: Trigger) -> None:
    """An id that is taken by a run that goes on is refused, and that run is left alone."""
    run_id = fresh_id()
    event = json.dumps({"file": str(trigger.directory / run_id)})
    assert trigger("wait", "--id", run_id, "-e", event).returncode == 0
    refused = trigger("report", "--id", run_id)
    assert refused.returncode == 2
    assert f"a run with the id '{run_id}' is already running" in refused.stderr
    (trigger.directory / run_id).touch()
    assert await env.client.get_workflow_handle(run_id).result() == ["gone", "on"]


async def test_key_tags_and_what_is_there(env: JobEnvironment, trigger: Trigger) -> None:
    """`--key` makes the id, `--tag` is what the run is found by, `--if-exists` says what to do with the run there."""
    key = fresh_id()
    started = trigger("report", "--key", key, "--tag", key, "--tag", "vip", "--delay", "200ms")
    assert (started.returncode, started.stdout.split("\n")[0]) == (0, "started report"), started.stderr
    described = await env.client.get_workflow_handle(f"report/{key}").describe()
    assert described.typed_search_attributes[SearchAttributeKey.for_keyword_list("TerseTags")] == [key, "vip"]
    attached = trigger("report", "--key", key, "--if-exists", "attach", "--wait")
    assert (attached.returncode, json.loads(attached.stdout)) == (0, {"got": {}}), attached.stderr
    attached = trigger("report", "--key", key, "--if-exists", "attach")
    assert attached.stdout.startswith("nothing is started: there is a run with this id of report")
    assert described.run_id in attached.stdout
    failed = trigger("report", "--key", key, "--if-exists", "fail")
    assert (failed.returncode, "is already there" in failed.stderr) == (2, True)
    again = trigger("report", "--key", key, "--if-exists", "rerun", "--delay", "2090-01-01T00:00:00Z")
    assert (again.returncode, described.run_id in again.stdout) == (0, False)
    await env.client.get_workflow_handle(f"report/{key}").terminate()
    for options, message in {
        ("--key", "a", "--id", "b"): "key='a' and id='b' are both given",
        ("--if-exists", "atach"): "did you mean 'attach'?",
        ("--delay", "soon"): "'soon' is not a duration",
        ("--tag", ""): "a tag is ''",
    }.items():
        refused = trigger("report", *options)
        assert (refused.returncode, message in refused.stderr) == (2, True), refused.stderr


def test_no_worker(trigger: Trigger) -> None:
    """When nobody works on the task queue, it says so once, and goes on waiting."""
    queue = fresh_id()
    with trigger.watching("report", queue=queue) as waiting:
        assert f"{queue!r}" in waiting.says("no worker takes work from the task queue")
        with running("terse-worker", "jobs.py", "-q", queue, cwd=trigger.directory, env=trigger.settings):
            assert waiting.ended() == 0
        assert waiting.printed().count("no worker takes work") == 1


async def test_started_before_its_worker(env: JobEnvironment, trigger: Trigger) -> None:
    """A run that is started where nobody works is told to wait, and does: also for a worker that has its job."""
    queue, run_id = fresh_id(), fresh_id()
    started = trigger("later", "-q", queue, "--id", run_id)
    assert started.returncode == 0
    assert f"no worker takes work from the task queue {queue!r}" in started.stderr
    with running("terse-worker", "jobs.py", "-q", queue, cwd=trigger.directory, env=trigger.settings) as worker:
        worker.says(f"run   {run_id}  waits: this worker has no job 'later'")
    description = await env.client.get_workflow_handle(run_id).describe()
    assert description.status == WorkflowExecutionStatus.RUNNING
    await env.client.get_workflow_handle(run_id).terminate()


async def test_unknown_job(env: JobEnvironment, trigger: Trigger) -> None:
    """A job that no worker has: the run ends, the nearest names are told, and the exit status is 1."""
    run_id = fresh_id()
    for options in ([], ["--wait"]):
        refused = trigger("onbord", "--id", run_id, *options)
        assert refused.returncode == 1
        assert "no job 'onbord'; it has bill, onboard, report, wait; did you mean 'onboard'?" in refused.stderr
        assert "started" not in refused.stdout
        description = await env.client.get_workflow_handle(run_id).describe()
        assert description.status == WorkflowExecutionStatus.FAILED


def test_unknown_job_for_later(trigger: Trigger, worker: Command) -> None:
    """With `--for-later` the run waits, and it is said once what the worker says of it."""
    run_id = fresh_id()
    with trigger.watching("onbord", "--for-later", "--id", run_id) as waiting:
        waiting.says("the run waits: this worker has no job 'onbord'; it has ")
        worker.says(f"run   {run_id}  waits")
        waiting.interrupt()
        waiting.ended()
        assert waiting.printed().count("has no job 'onbord'") == 1


@pytest.mark.server
def test_no_server(tmp_path: Path) -> None:
    """No server: which one was asked, how to start one, and exit status 2."""
    refused = run_command("trigger", "any", "--address", "127.0.0.1:1", cwd=tmp_path)
    assert refused.status == 2
    assert "'127.0.0.1:1'" in refused.stderr
    assert "terse-temporal dev" in refused.stderr
