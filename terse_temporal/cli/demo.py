"""`terse-temporal demo`: what this package promises, in half a minute, and counted.

Everything is real: the server, two worker processes, SIGKILL, and the payload, which is one of Stripe's. Only the three
days are skipped. What happened is counted in a file that the steps write to, outside of any worker, and the demo fails
when the count is not what is promised.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, AsyncExitStack, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from rich.table import Table
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.testing import TimeSkipper

from ..devserver import DevServer
from ..diagnostics.places import shown_path
from ..engine.wire.history import RunHistory
from ..errors import TerseError
from ..jobs.run_requests import run_request
from ..runs.clocks import fast_forward
from ..runs.starting import start_run
from ..runs.timeline import Timeline
from ..runs.timeline_table import timeline_table
from .exiting import FAILED, CommandError
from .options import Debug
from .output import console, errors
from .servers import silent_client
from .tasks import run_interruptibly
from .worker_command import WorkerOptions
from .worker_process import WorkerChild, local_environment

__all__ = ["demo"]

_FILES: Final = Path(__file__).parent / "demo_files"
_JOB: Final = "onboard-customer"
_STEPS: Final = ("create_account", "provision_workspace", "send_welcome", "send_check_in")
_INTERRUPTED_STEP: Final = "provision_workspace"
_SLEEP: Final = timedelta(days=3)

#: Seconds. Longest takes the server's noticing that a worker is gone: seven, and a moment.
_TIMEOUT: Final = 30.0


def demo(debug: Debug = False) -> int:
    """Watch a job survive `kill -9`: its worker dies in the middle of a step, and what happened is counted.

    It takes about fifteen seconds, and needs only the `server` extra. The exit status is 0 only if every step that had
    finished ran once, and the one that was interrupted ran again under the same idempotency key.
    """
    return 0 if run_interruptibly(_run_demo()) else FAILED


@dataclass(frozen=True)
class _Effect:
    """A line that a step has left in the file."""

    step: str
    of: str
    attempt: int
    key: str


class _DemoDirectory:
    """The directory that the workers of the demo run in."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.log = directory / "worker.log"
        self._effects = directory / "effects"
        for file in ("onboarding.py", "customer.created.json"):
            shutil.copy(_FILES / file, directory)
        self.event: dict[str, Any] = json.loads((directory / "customer.created.json").read_text("utf-8"))

    def effects(self, step: str | None = None) -> list[_Effect]:
        """Return what has happened outside, of one step or of all."""
        lines = self._effects.read_text("utf-8").splitlines() if self._effects.exists() else []
        effects = [_Effect(**json.loads(line)) for line in lines]
        return [effect for effect in effects if step in (None, effect.step)]

    async def start_worker(self, address: str) -> WorkerChild:
        """Start a worker process, and return it when it takes work."""
        environment = local_environment(address) | {"DEMO_EFFECTS": str(self._effects)}
        with self.log.open("ab") as log:
            worker = await WorkerChild.start(
                WorkerOptions(targets=["onboarding.py"]),
                environment=environment,
                directory=self.directory,
                output=log,
            )
        try:
            if not (await worker.wait_until_ready()).ready:
                raise CommandError("the worker did not start")
        except BaseException:
            await worker.kill()
            raise
        return worker

    async def wait_until(self, what: str, condition: Callable[[], Awaitable[bool]]) -> None:
        """Wait for something to happen."""
        deadline = time.monotonic() + _TIMEOUT
        while not await condition():
            if time.monotonic() > deadline:
                raise CommandError(f"this did not happen within {_TIMEOUT:.0f} seconds: {what}")
            await asyncio.sleep(0.02)

    async def wait_for_effects(self, step: str, count: int) -> None:
        """Wait until a step has left that many effects."""

        async def are_there() -> bool:
            return len(self.effects(step)) >= count

        await self.wait_until(f"effect {count} of the step {step!r}", are_there)


class _Progress:
    """Prints what happens, with the seconds since the beginning."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def __call__(self, text: str) -> None:
        console.print(f"[dim]{time.monotonic() - self._began:4.1f} s[/]  {text}")

    def spinner(self, text: str) -> AbstractContextManager[Any]:
        """Show, in a terminal, something that moves while nothing else does."""
        return console.status(f"[dim]{text}[/]") if console.is_terminal else nullcontext()


async def _run_demo() -> bool:
    progress = _Progress()
    with tempfile.TemporaryDirectory(prefix="terse-demo-") as directory:
        files = _DemoDirectory(Path(directory))
        try:
            return await _run_steps(files, progress)
        except TerseError as err:
            if files.log.exists():
                errors.print(files.log.read_text("utf-8", "replace"), markup=False)
            raise CommandError(f"the demo did not come to its end: {err}") from err


async def _run_steps(files: _DemoDirectory, progress: _Progress) -> bool:
    async with AsyncExitStack() as cleanup:
        server = await cleanup.enter_async_context(DevServer(time_skipping=True))
        client = await silent_client(server.address, server.namespace)
        progress(f"A Temporal server runs on {server.address}, in memory.")

        first = await files.start_worker(server.address)
        cleanup.push_async_callback(first.kill)
        progress(f"A worker runs, process {first.pid}, with the job {_JOB!r}.")

        run, _ = await start_run(run_request(_JOB, files.event, id="demo"), client)
        customer = files.event["data"]["object"]["email"]
        progress(f"Stripe's {files.event['type']} for {customer} starts a run of it.")

        await files.wait_for_effects(_INTERRUPTED_STEP, 1)
        await first.kill()
        progress(f"Step 1 is done, and step 2 in the middle of its work: [bold red]kill -9 {first.pid}[/].")

        second = await files.start_worker(server.address)
        cleanup.push_async_callback(second.kill)
        progress(f"Another worker runs, process {second.pid}. It gets the step when the silence has been long enough.")

        with progress.spinner("the server waits for a sign of life of the first worker"):
            await files.wait_for_effects(_INTERRUPTED_STEP, 2)
        progress("Step 2 runs again, under the same idempotency key. Step 1 does not: its result is recorded.")

        with progress.spinner("step 2 does its work, and the run moves to the second worker"):
            await files.wait_until("the job sleeps", lambda: _sleeps(run))
        progress("The welcome is sent, and the job sleeps for three days. No process waits. Skipping them …")

        result = await _skip_the_sleep(client, run)
        progress(f"The run has ended with the result {json.dumps(result)}.")
        return await _print_counts(run, files)


async def _sleeps(run: WorkflowHandle[Any, Any]) -> bool:
    return bool(RunHistory((await run.fetch_history()).events).timers)


async def _skip_the_sleep(client: Client, run: WorkflowHandle[Any, Any]) -> Any:
    try:
        async with asyncio.timeout(_TIMEOUT):
            await fast_forward(TimeSkipper(client), run, _SLEEP)
            return await run.result()
    except TimeoutError as err:
        raise CommandError("the run did not end") from err
    except WorkflowFailureError as err:
        raise CommandError(f"the run failed: {err.cause}") from err


async def _print_counts(run: WorkflowHandle[Any, Any], files: _DemoDirectory) -> bool:
    """Print what was recorded and what was counted, and return whether it is what is promised."""
    timeline = Timeline()
    for event in (await run.fetch_history()).events:
        timeline.apply(event)
    console.print("\n[bold]The run, on its own clock[/]\n")
    console.print(timeline_table(timeline))

    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("step")
    table.add_column("side effects", justify="right")
    table.add_column("idempotency keys", justify="right")
    table.add_column("")
    is_kept = len({effect.key for effect in files.effects()}) == len(_STEPS)
    for step in _STEPS:
        effects = files.effects(step)
        keys = {effect.key for effect in effects}
        as_promised = len(keys) == 1 and len(effects) == (2 if step == _INTERRUPTED_STEP else 1)
        is_kept = is_kept and as_promised
        result = "[green]as promised[/]" if as_promised else "[bold red]not as promised[/]"
        table.add_row(step, str(len(effects)), str(len(keys)), result)
    console.print("\n[bold]Side effects, counted outside the workers[/]\n")
    console.print(table)
    console.print(
        f"\n{_INTERRUPTED_STEP} was interrupted, so it ran again, under the same key. What had finished did not run"
        " again.\n"
        f"The job: {shown_path(str(_FILES / 'onboarding.py'))}"
    )
    return is_kept
