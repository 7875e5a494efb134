"""`runs list` shows runs, the newest first, with a few words for what each waits for; options say which."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio
from temporalio.client import (
    Client,
    DescribeWorkflowInput,
    Interceptor,
    OutboundInterceptor,
    WorkflowExecutionDescription,
)

from terse_temporal.execution.run_operations import RunInfo
from terse_temporal.jobs.runs import list_runs
from terse_temporal.runs.overview import with_waits
from terse_temporal.testing import JobEnvironment

from ..in_process import Ended, run_command
from ..waiting import until
from . import jobs_looked_at as jobs

QUEUE = "listed"


class Listed:
    """Three runs of one name part: one that sleeps, one that failed, and one without a worker."""

    def __init__(self, env: JobEnvironment, directory: Path) -> None:
        self.mark = f"\x1b[2J{uuid.uuid4().hex}"
        self._address = env.address
        self._directory = directory

    async def command(self, *arguments: str) -> Ended:
        """Run `terse-temporal runs …`."""
        return await asyncio.to_thread(run_command, "runs", *arguments, "--address", self._address, cwd=self._directory)

    async def rows(self, *arguments: str) -> list[dict[str, Any]]:
        """The runs of this class that are listed, as data."""
        ended = await self.command("list", "--json", "--limit", "500", *arguments)
        assert ended.status == 0, ended.stderr
        return [each for each in json.loads(ended.stdout) if self.mark in each["id"]]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def listed(env: JobEnvironment, tmp_path_factory: Any) -> AsyncIterator[Listed]:
    found = Listed(env, tmp_path_factory.mktemp("listed"))
    client = await Client.connect(env.address)
    async with env.worker([jobs.asleep, jobs.fails], task_queue=QUEUE):
        for job, queue in ((jobs.asleep, QUEUE), (jobs.fails, QUEUE), (jobs.asleep, "listed-nobody")):
            id_ = f"{found.mark}-{queue}-{job.name}"
            await client.start_workflow(job.name, id=id_, task_queue=queue)

        async def all_there() -> bool:
            return [each["status"] for each in await found.rows()] == ["running", "failed", "running"]

        await until(all_there, "three runs in the list")
        yield found


async def test_what_each_waits_for(listed: Listed) -> None:
    """The newest first; for those that run, what `why` says, as words and as data."""

    async def asleep() -> bool:
        return [each.get("why", "") for each in await listed.rows()] == [
            "a worker: none polls listed-nobody",
            "",
            "asleep for 2 d 23 h",
        ]

    await until(asleep, "the run to be asleep")
    waiting, _, asleep_ = [each.get("waits_for", []) for each in await listed.rows()]
    assert waiting[0]["kind"] == "worker"
    assert asleep_[0]["kind"] == "sleep"
    table = await listed.command("list")
    assert "\x1b" not in table.stdout
    assert "a worker: none polls listed-nobody" in table.stdout


async def test_which_are_listed(listed: Listed) -> None:
    assert [each["status"] for each in await listed.rows("looked-fails")] == ["failed"]
    assert [each["job"] for each in await listed.rows("--status", "failed")] == ["looked-fails"]
    assert len(await listed.rows("--since", "1h")) == 3
    assert await listed.rows("--since", "2200-01-01") == []


async def test_wrong_options(listed: Listed) -> None:
    """What makes no sense is told, with what does; nothing that fits is no error."""
    wrong = await listed.command("list", "--status", "faild")
    assert (wrong.status, wrong.stdout) == (2, "")
    assert "did you mean 'failed'?" in wrong.stderr
    wrong = await listed.command("list", "--since", "soon")
    assert wrong.status == 2
    assert "--since 'soon' is neither a duration" in wrong.stderr
    nothing = await listed.command("list", "no-such-job")
    assert (nothing.status, nothing.stdout, nothing.stderr) == (0, "", "there are no such runs\n")


class Counting(Interceptor):
    """Counts the descriptions that a client asks for."""

    def __init__(self) -> None:
        self.described: list[str] = []

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        return _CountingOutbound(next, self.described)


class _CountingOutbound(OutboundInterceptor):
    def __init__(self, next: OutboundInterceptor, described: list[str]) -> None:
        super().__init__(next)
        self._described = described

    async def describe_workflow(self, input: DescribeWorkflowInput) -> WorkflowExecutionDescription:
        self._described.append(input.id)
        return await super().describe_workflow(input)


async def test_what_it_costs(env: JobEnvironment, listed: Listed) -> None:
    """One description for each run that runs, and none for those that have ended."""
    counting = Counting()
    client = await Client.connect(env.address, interceptors=[counting])
    infos = [each async for each in list_runs(since="1h", limit=None, client=client) if listed.mark in each.id]

    async def again() -> AsyncIterator[RunInfo]:
        for each in infos:
            yield each

    rows = await with_waits(client, again())
    assert [each.info.status for each in rows] == ["running", "failed", "running"]
    assert sorted(counting.described) == sorted(each.info.id for each in rows if each.waits)
    assert len(counting.described) == 2


async def test_no_server(tmp_path: Path) -> None:
    gone = await asyncio.to_thread(run_command, "runs", "list", "--address", "127.0.0.1:1", cwd=tmp_path)
    assert gone.status == 2
    assert "no Temporal server answers at '127.0.0.1:1'" in gone.stderr
