"""Workers as processes, what they leave behind, and waiting for it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle

from terse_temporal.testing.crashes.loss import report_loss

from ..effects import Effects
from ..forks import FORKS
from ..waiting import SOON, until
from . import worker_process

ROOT = Path(__file__).parents[2]


async def at_once(cases: Mapping[str, Coroutine[Any, Any, None]]) -> None:
    """Run the cases of a test at the same time, as each spends it waiting; every one that fails is named."""
    outcomes = await asyncio.gather(*cases.values(), return_exceptions=True)
    failures = []
    for name, outcome in zip(cases, outcomes, strict=True):
        if isinstance(outcome, BaseException):
            outcome.add_note(f"in the case {name!r}")
            failures.append(outcome)
    if failures:
        raise BaseExceptionGroup("cases that fail", failures)


@dataclass(frozen=True)
class Mark:
    """One line that a step left."""

    what: str
    step: str
    pid: int
    attempt: int = 0
    key: str = ""
    at: float = 0


class Marks(Effects):
    """What the steps of one run left behind."""

    def all(self, what: str, step: str | None = None) -> list[Mark]:
        """The lines of that kind, of one step or of all, in order."""
        marks = [Mark(**json.loads(line)) for line in self.lines()]
        return [mark for mark in marks if mark.what == what and step in (None, mark.step)]

    def count(self, what: str) -> Counter[str]:
        """How often each step left such a line."""
        return Counter(mark.step for mark in self.all(what))

    def one_key_for_each_step(self) -> bool:
        """Whether all attempts of a step had one idempotency key, and no two steps the same."""
        pairs = {(mark.step, mark.key) for what in ("began", "effect") for mark in self.all(what)}
        return len(pairs) == len({step for step, _ in pairs}) == len({key for _, key in pairs})


class WorkerProcess:
    """A worker that runs in a process of its own."""

    def __init__(self, process: subprocess.Popen[bytes] | _Forked, log: Path) -> None:
        self._process = process
        self._log = log

    @property
    def pid(self) -> int:
        return self._process.pid

    def log(self) -> str:
        """What it has printed so far."""
        return self._log.read_text()

    async def says(self, text: str) -> None:
        """Wait until it has printed that."""
        await until(lambda: text in self.log() or self._process.poll() is not None, f"the worker says {text!r}")
        assert text in self.log(), f"it ended with {self._process.poll()}:\n{self.log()}"

    def kill(self) -> float:
        """End it by SIGKILL, and say when that was."""
        self.send(signal.SIGKILL)
        return time.time()

    def send(self, to_it: signal.Signals) -> None:
        self._process.send_signal(to_it)

    def stop(self) -> None:
        """Ask it to end, as a redeploy does."""
        self.send(signal.SIGTERM)

    async def ended(self) -> int:
        """Wait for it to end: its exit status, or minus the signal that ended it."""
        await until(lambda: self._process.poll() is not None, "the worker ends")
        status = self._process.poll()
        assert status is not None
        return status


class _Forked:
    """A process of the fork server, with as much of `subprocess.Popen` as is used here."""

    def __init__(self, arguments: list[str], options: Mapping[str, Any], env: Mapping[str, str], log: Path) -> None:
        self._process = FORKS.Process(target=worker_process.forked, args=(arguments, options, env, str(ROOT), str(log)))
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def send_signal(self, to_it: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, to_it)


class Case:
    """One run of a job, by default on a task queue of its own, with its workers and what its steps leave behind.

    Its workers are forked from a process that has imported what they need, or else are the command as users start it.
    """

    def __init__(
        self,
        client: Client,
        directory: Path,
        *,
        jobs: str = "tests/crash/jobs_crash.py",
        task_queue: str | None = None,
        forked: bool = True,
    ) -> None:
        self.client = client
        self.jobs = jobs
        self.forked = forked
        self.name = f"case-{uuid.uuid4()}"
        self.task_queue = task_queue or self.name
        self.directory = directory / self.name
        self.directory.mkdir()
        self.marks = Marks(self.directory / "effects")
        self.go = self.directory / "go"

    def another(self) -> Case:
        """Another run on the same task queue."""
        return Case(self.client, self.directory, jobs=self.jobs, task_queue=self.task_queue, forked=self.forked)

    @asynccontextmanager
    async def worker(
        self,
        *,
        crash_at: str = "",
        writes_wait: bool = False,
        ready: bool = True,
        env: Mapping[str, str] | None = None,
        **options: Any,
    ) -> AsyncIterator[WorkerProcess]:
        """A worker for the length of the block: `terse-worker`, or one with options that it does not have.

        Args:
            crash_at: the point at which it is to kill itself.
            writes_wait: no state is written before there is the file `go`, in jobs that have `crashing_stores`.
            ready: wait until it takes work.
            env: more of its environment; it is then not forked.
            options: for `build_worker`.
        """
        address = self.client.service_client.config.target_host
        arguments = [self.jobs, "--task-queue", self.task_queue, "--address", address]
        variables = {**os.environ, "CRASH_AT": crash_at, "PYTHONUNBUFFERED": "1", **(env or {})}
        if writes_wait:
            variables["WRITES_WAIT_FOR"] = str(self.go)
        log = self.directory / f"{uuid.uuid4()}.log"
        log.touch()
        process: subprocess.Popen[bytes] | _Forked
        if self.forked and env is None:  # what is asked of an interpreter from its start, a forked one cannot do
            process = _Forked(arguments, options, variables, log)
        else:
            program = ["tests/crash/worker_process.py", json.dumps(options)] if options else ["workers/terse_worker.py"]
            with log.open("wb") as output:
                process = subprocess.Popen(  # noqa: ASYNC220  it takes a millisecond, and gives what `_Forked` does
                    [sys.executable, *program, *arguments],
                    cwd=ROOT,
                    env=variables,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                )
        worker = WorkerProcess(process, log)
        try:
            if ready:
                await worker.says("ready")
            yield worker
        finally:
            worker.kill()
            status = await worker.ended()
            print(f"--- a worker of {self.name}, ended with {status}:\n{worker.log()}")

    async def killed(self, worker: WorkerProcess) -> None:
        """Wait until a worker has killed itself, and tell the server at once what it would learn by its timeouts."""
        assert await worker.ended() == -signal.SIGKILL
        await report_loss(self.client, [(self.name, "")], f"{worker.pid}@{socket.gethostname()}")

    async def start(
        self, job: str, event: Mapping[str, Any] | None = None, *, task_timeout: float = 3
    ) -> WorkflowHandle[Any, Any]:
        """Start the run. Unless given, its event says where the effects go, and which file means `go`."""
        return await self.client.start_workflow(
            job,
            {"effects": str(self.marks), "go": str(self.go)} if event is None else event,
            id=self.name,
            task_queue=self.task_queue,
            # A worker killed at work on the handler, not on a step, is given up after this: ten seconds by default.
            task_timeout=timedelta(seconds=task_timeout),
        )

    async def start_one_step(self, run: str = "act", *, waits: bool = True, **options: Any) -> WorkflowHandle[Any, Any]:
        """Start a run of `one-step`, whose step waits for `go` unless told not to."""
        work: dict[str, Any] = {"effects": str(self.marks), "go": str(self.go) if waits else None}
        work |= {name: options.pop(name) for name in ("seconds", "failing") if name in options}
        return await self.start("one-step", {"work": work, "run": run, **options})

    async def mark(self, what: str, step: str, times: int = 1) -> Mark:
        """Wait until a step has left such a line for the nth time."""
        await until(lambda: len(self.marks.all(what, step)) >= times, f"{what!r} of {step!r} ({times})")
        return self.marks.all(what, step)[times - 1]

    async def began(self, step: str, times: int = 1) -> Mark:
        """Wait until a step has begun for the nth time."""
        return await self.mark("began", step, times)

    async def recorded(self, event_type: EventType.ValueType) -> None:
        """Wait until the server has such an event in the history of the run."""

        async def there() -> bool:
            history = await self.client.get_workflow_handle(self.name).fetch_history()
            return any(event.event_type == event_type for event in history.events)

        await until(there, f"{EventType.Name(event_type)} in the history")


async def result(run: WorkflowHandle[Any, Any]) -> Any:
    """The result of a run, within reason."""
    async with asyncio.timeout(SOON):
        return await run.result()
