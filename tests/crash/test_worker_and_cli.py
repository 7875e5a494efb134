"""The worker binary and the official `temporal` command, as a person uses the two, with nothing between them."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest_asyncio

from terse_temporal.devserver import find_temporal_cli

from ..effects import Effects
from ..waiting import SOON, until
from .processes import Case, WorkerProcess


class Shell:
    """A terminal in which `temporal` knows the server, a worker of `jobs_cli.py`, and the event for its job."""

    def __init__(self, case: Case, worker: WorkerProcess) -> None:
        self.address = case.client.service_client.config.target_host
        self.worker = worker
        self.task_queue = case.task_queue
        self.id = case.name
        self.effects = Effects(case.directory / "effects")
        self.approved = case.directory / "approved"

    async def temporal(self, *arguments: str) -> tuple[int, str]:
        """Run `temporal workflow …`: its exit status and what it printed."""
        process = await asyncio.create_subprocess_exec(
            find_temporal_cli(),
            "workflow",
            *arguments,
            env={**os.environ, "TEMPORAL_ADDRESS": self.address},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        async with asyncio.timeout(SOON):
            printed, _ = await process.communicate()
        return await process.wait(), printed.decode()

    async def start(self, **changed: Any) -> None:
        """Start the job with its event."""
        event = {"customer": {"email": "ada@example.com"}, "effects": str(self.effects), "approved": str(self.approved)}
        command = ["start", "--type", "welcome-customer", "--task-queue", self.task_queue, "--workflow-id", self.id]
        status, printed = await self.temporal(*command, "--input", json.dumps({**event, **changed}))
        assert status == 0, printed

    async def told(self, what: str) -> None:
        """Wait until a step has had that effect."""
        await until(lambda: what in self.effects.lines(), what)

    async def history(self) -> list[dict[str, Any]]:
        """What `temporal workflow show` has, for programs."""
        _, printed = await self.temporal("show", "--workflow-id", self.id, "--output", "json")
        return list(json.loads(printed)["events"])


@pytest_asyncio.fixture(loop_scope="session")
async def shell(new_case: Callable[..., Case]) -> AsyncIterator[Shell]:
    """A terminal beside a worker that runs."""
    case = new_case(jobs="tests/crash/jobs_cli.py", forked=False)
    async with case.worker() as worker:
        yield Shell(case, worker)


def activity_types(events: list[dict[str, Any]]) -> list[str]:
    """The types of the activities that a history schedules."""
    key = "activityTaskScheduledEventAttributes"
    return [event[key]["activityType"]["name"] for event in events if key in event]


async def test_start_result_and_show(shell: Shell) -> None:
    """`temporal workflow start` starts a job with its event, `result` gives what it returned, `show` its steps."""
    shell.approved.touch()
    await shell.start()
    status, printed = await shell.temporal("result", "--workflow-id", shell.id)
    assert status == 0
    assert '{"sent":"ada@example.com"}' in printed
    assert activity_types(await shell.history()) == ["approval", "send welcome mail", "tidy_up"]
    assert shell.effects.lines() == ["asked for approval", "mail to ada@example.com", "tidied up"]


async def test_bad_input(shell: Shell) -> None:
    """A job started with an input that does not fit fails at once: `result` says which field, and no step has run."""
    await shell.start(customer={"mail": "ada@example.com"})
    status, printed = await shell.temporal("result", "--workflow-id", shell.id)
    assert status == 1
    assert "the input of the job 'welcome-customer' (tests/crash/jobs_cli.py:" in printed
    assert ") does not fit Signup" in printed
    assert "customer.email" in printed
    assert activity_types(await shell.history()) == []
    assert shell.effects.lines() == []


async def test_cancel(shell: Shell) -> None:
    """`temporal workflow cancel` cancels the running step; the job tidies up, in a step, and ends as cancelled."""
    await shell.start()
    await shell.told("asked for approval")
    assert (await shell.temporal("cancel", "--workflow-id", shell.id))[0] == 0
    status, printed = await shell.temporal("result", "--workflow-id", shell.id)
    assert status == 1
    assert "CANCELED" in printed
    assert shell.effects.lines() == ["asked for approval", "approval cancelled", "tidied up"]


async def test_terminate(shell: Shell) -> None:
    """`temporal workflow terminate` ends the run there and then: its step is cancelled, and nothing more happens."""
    await shell.start()
    await shell.told("asked for approval")
    assert (await shell.temporal("terminate", "--workflow-id", shell.id, "--reason", "enough"))[0] == 0
    assert (await shell.temporal("result", "--workflow-id", shell.id))[0] == 1
    await shell.told("approval cancelled")
    assert (await shell.history())[-1]["eventType"] == "EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED"
    shell.worker.stop()
    assert await shell.worker.ended() == 0
    assert shell.effects.lines() == ["asked for approval", "approval cancelled"]


async def test_what_the_worker_prints(shell: Shell) -> None:
    """The worker prints where it takes work from and its jobs, then a line for each step and run."""
    shell.approved.touch()
    await shell.start()
    await shell.worker.says("run   ")
    shell.worker.stop()
    assert await shell.worker.ended() == 0
    loads, first, *table, _ = shell.worker.log().partition("ready")[0].splitlines()
    assert loads == "loading tests/crash/jobs_cli.py"
    assert first == f"server {shell.address}  namespace default  task queue {shell.task_queue}"
    assert [line.split()[0] for line in table] == ["job", "welcome-customer"]
    assert "tests/crash/jobs_cli.py:" in table[1]
    said = shell.worker.log().partition("ready")[2]
    for line in (
        f"step  {shell.id}  approval done in ",
        f"step  {shell.id}  send welcome mail done in ",
        f"step  {shell.id}  tidy_up done in ",
        f"run   {shell.id}  welcome-customer done after ",
    ):
        assert said.count(line) == 1
    assert said.rstrip().endswith("stopped")
