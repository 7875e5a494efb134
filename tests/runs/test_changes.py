"""`runs cancel`, `terminate`, `send` and `rerun` show what they will do, ask first, and say what they did for each."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.service import RPCError, RPCStatusCode

from terse_temporal.execution.run_operations import RunInfo
from terse_temporal.runs.changing import Change, change_runs
from terse_temporal.runs.search_attributes import TAGS
from terse_temporal.testing import JobEnvironment

from ..in_process import Ended, run_command
from ..waiting import until
from . import jobs_looked_at as jobs

QUEUE = "changed"


class Desk:
    """Runs of a job that sleeps, of a name of their own, and the command."""

    def __init__(self, client: Client, address: str, directory: Path) -> None:
        self.client = client
        self._address = address
        self._directory = directory

    async def start(self, job: str = jobs.asleep.name, event: Any = None, **options: Any) -> str:
        id_ = f"{job}-{uuid.uuid4()}"
        args = [] if event is None else [event]
        await self.client.start_workflow(job, args=args, id=id_, task_queue=QUEUE, **options)
        return id_

    async def status(self, id_: str) -> WorkflowExecutionStatus | None:
        return (await self.client.get_workflow_handle(id_).describe()).status

    async def command(self, *arguments: str) -> Ended:
        """Run `terse-temporal runs …`."""
        return await asyncio.to_thread(run_command, "runs", *arguments, "--address", self._address, cwd=self._directory)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def desk(env: JobEnvironment, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    async with env.worker([jobs.asleep, jobs.ends, jobs.goes_on, jobs.waits], task_queue=QUEUE):
        yield Desk(await Client.connect(env.address), env.address, tmp_path_factory.mktemp("changed"))


async def test_several_are_cancelled(desk: Desk) -> None:
    """Each is told of, and one that is not there does not keep the others."""
    one, two = await desk.start(), await desk.start()
    ended = await desk.command("cancel", one, "no-such-run", two, "--yes", "--reason", "enough")
    assert ended.status == 1
    assert ended.stdout.splitlines() == [
        "no-such-run  there is no such run, or no longer",
        f"{one}  is asked to cancel",
        f"{two}  is asked to cancel",
    ]

    async def are_cancelled() -> bool:
        return {await desk.status(one), await desk.status(two)} == {WorkflowExecutionStatus.CANCELED}

    await until(are_cancelled, "both to be cancelled")
    again = await desk.command("cancel", one, "--yes", "--json")
    assert again.status == 1
    (told,) = json.loads(again.stdout)
    assert (told["id"], told["done"]) == (one, False)
    assert told["what"] == "has ended before, cancelled: it is left as it is"


async def test_nobody_can_be_asked(desk: Desk) -> None:
    """It shows which runs it is about, and changes none."""
    one, two = await desk.start(), await desk.start()
    refused = await desk.command("terminate", one, two)
    assert (refused.status, refused.stdout) == (2, "")
    assert f"error: 2 runs:\n  {one} (looked-sleep, running, started < 1 s ago)\n  {two} (" in refused.stderr
    assert "Terminate them? Nobody can be asked here: give --yes to do it." in refused.stderr
    assert await desk.status(one) == await desk.status(two) == WorkflowExecutionStatus.RUNNING
    done = await desk.command("terminate", one, two, "--yes", "--reason", "a mistake")
    assert (done.status, done.stdout) == (0, f"{one}  is terminated\n{two}  is terminated\n")
    assert await desk.status(one) == WorkflowExecutionStatus.TERMINATED


async def test_a_selection(desk: Desk) -> None:
    """Runs that have ended are not among those that are to be ended."""
    tag = uuid.uuid4().hex
    tags = TypedSearchAttributes([SearchAttributePair(TAGS, [tag])])
    one = await desk.start(search_attributes=tags)
    done = await desk.start(jobs.ends.name, search_attributes=tags)
    await desk.client.get_workflow_handle(done).result()

    async def are_listed() -> bool:
        rows = json.loads((await desk.command("list", "--tag", tag, "--json")).stdout)
        return sorted(each["status"] for each in rows) == ["completed", "running"]

    await until(are_listed, "both in the list")
    ended = await desk.command("terminate", "--tag", tag, "--since", "1h", "--yes")
    assert (ended.status, ended.stdout) == (0, f"{one}  is terminated\n")
    nothing = await desk.command("terminate", "--tag", uuid.uuid4().hex, "--yes")
    assert (nothing.status, nothing.stderr) == (0, "there are no such runs\n")


async def test_the_limit_is_of_runs_that_are_meant(desk: Desk) -> None:
    """Others that were started later do not count: else there would be "no such runs" beside one that runs."""
    tag = uuid.uuid4().hex
    tags = TypedSearchAttributes([SearchAttributePair(TAGS, [tag])])
    running = await desk.start(jobs.asleep.name, search_attributes=tags)
    ended = await desk.start(jobs.ends.name, {}, search_attributes=tags)
    await desk.client.get_workflow_handle(ended).result()
    running_too = await desk.start(jobs.asleep.name, search_attributes=tags)

    async def are_listed() -> bool:
        rows = json.loads((await desk.command("list", "--tag", tag, "--json")).stdout)
        return [each["status"] for each in rows] == ["running", "completed", "running"]

    await until(are_listed, "all in the list")
    again = await desk.command("rerun", "--tag", tag, "--limit", "1", "--yes")
    assert again.stdout.startswith(f"{ended}  runs again as ")
    await desk.client.get_workflow_handle(running_too).terminate()
    new = again.stdout.split()[-1]
    await desk.client.get_workflow_handle(new).result()

    async def is_terminated() -> bool:  # the list may be a moment behind, and still have the one before
        await desk.command("terminate", "--tag", tag, "--limit", "1", "--yes")
        return await desk.status(running) == WorkflowExecutionStatus.TERMINATED

    await until(is_terminated, "the one that is older than those that have ended")


async def test_which_runs_has_to_be_said(desk: Desk) -> None:
    nothing = await desk.command("cancel", "--yes")
    assert nothing.status == 2
    assert "say which runs: by their ids, or by --job, --status, --since or --tag" in nothing.stderr
    both = await desk.command("cancel", "any", "--job", "any", "--yes")
    assert both.status == 2
    assert "not both" in both.stderr


async def test_a_run_is_started_anew(desk: Desk) -> None:
    """With the event, the tags and the task queue of the old one, under another id; the old one is left alone."""
    tags = TypedSearchAttributes([SearchAttributePair(TAGS, ["vip"])])
    event = {"b": 1, "c": ["é"]}
    old = await desk.start(jobs.ends.name, event, search_attributes=tags)
    await desk.client.get_workflow_handle(old).result()
    done = await desk.command("rerun", old, "--yes", "--json")
    assert done.status == 0, done.stderr
    (told,) = json.loads(done.stdout)
    new = desk.client.get_workflow_handle(told["new_id"], run_id=told["new_run_id"])
    assert told["new_id"] != old
    assert await new.result() == "done"
    shown = json.loads((await desk.command("show", told["new_id"], "--json")).stdout)
    assert (shown["event"], shown["tags"], shown["task_queue"]) == (event, ["vip"], QUEUE)
    assert await desk.status(old) == WorkflowExecutionStatus.COMPLETED


async def test_the_event_of_a_chain(desk: Desk) -> None:
    """It is that of its first run."""
    old = await desk.start(jobs.goes_on.name, {"first": True})
    done = await desk.command("rerun", old, "--yes", "--json")
    (told,) = json.loads(done.stdout)
    new = desk.client.get_workflow_handle(told["new_id"], run_id=told["new_run_id"])
    (started,) = [each async for each in new.fetch_history_events(page_size=1)][:1]
    (payload,) = started.workflow_execution_started_event_attributes.input.payloads
    assert json.loads(payload.data) == {"first": True}


async def test_an_event_is_sent(desk: Desk) -> None:
    """To one run without a question; to several with one; none of it to one that has ended."""
    one, two = await desk.start(jobs.waits.name), await desk.start(jobs.waits.name)
    sent = await desk.command("send", one, "paid", "--data", '{"amount": 5}')
    assert (sent.status, sent.stdout) == (0, f"{one}  is sent 'paid'\n")
    assert await desk.client.get_workflow_handle(one).result() == {"amount": 5}
    asked = await desk.command("send", one, two, "paid")
    assert asked.status == 2
    assert "Send the event 'paid' to them? Nobody can be asked here" in asked.stderr
    both = await desk.command("send", one, two, "paid", "--data", '{"amount": 6}', "--yes")
    assert both.status == 1
    assert f"{two}  is sent 'paid'" in both.stdout
    assert f"the run '{one}' of the job 'looked-waits' has ended (completed)" in both.stdout
    assert await desk.client.get_workflow_handle(two).result() == {"amount": 6}


async def test_an_event_that_is_not_waited_for(desk: Desk) -> None:
    """It is kept, and the answer says what is waited for."""
    run = await desk.start(jobs.waits.name)

    async def says_what_it_waits_for() -> bool:
        return b"paid" in (await desk.client.get_workflow_handle(run).describe()).raw_description.SerializeToString()

    await until(says_what_it_waits_for, "the memo has the wait")
    sent = await desk.command("send", run, "payed")
    assert sent.status == 0
    assert sent.stdout == (
        f"{run}  is sent 'payed', and keeps it until it waits for that; now it waits for 'paid'; did you mean 'paid'?\n"
    )
    await desk.client.get_workflow_handle(run).terminate()


async def test_what_is_no_event(desk: Desk) -> None:
    for arguments, problem in (
        (("any", "paid", "--data", "{a"), "is not JSON"),
        (
            ("any", "paid", "--data", "no-such-file"),
            "there is no file 'no-such-file', and it is no JSON either: give --data",
        ),
        (("any", "paid", "--data", ""), "Leave --data away"),
        (("paid",), "say which runs: runs send ID... paid"),
        (("any", "terse.paid"), "terse.paid"),
    ):
        wrong = await desk.command("send", *arguments)
        assert (wrong.status, wrong.stdout) == (2, "")
        assert problem in wrong.stderr


async def test_what_is_no_run(desk: Desk) -> None:
    """What keeps events and state for runs is left alone by its name too: rerun would say its messages again."""
    name = f"terse-events:{uuid.uuid4()}"
    own = await desk.client.start_workflow("terse.events", id=name, task_queue="nobody-looked")
    for verb in (("cancel", own.id), ("terminate", own.id), ("send", own.id, "paid"), ("rerun", own.id)):
        left = await desk.command(*verb, "--yes")
        assert (left.status, left.stdout.partition(":")[0]) == (1, "terse-events")
        assert "is left as it is: it is no run of a job" in left.stdout
    assert await desk.status(own.id) == WorkflowExecutionStatus.RUNNING
    await own.terminate()


async def test_what_was_done_before_it_is_interrupted(desk: Desk) -> None:
    """Each is known as soon as it is done, so that it can be told."""
    now = datetime.now(UTC)
    runs = [RunInfo(str(number), "", "any", "running", now) for number in range(2)]
    hangs, told = asyncio.Event(), list[Change]()

    async def change(client: Client, run: RunInfo) -> Change:
        if run.id == "1":
            hangs.set()
            await asyncio.Event().wait()
        return Change(run.id, "", done=True, what="is done")

    changing = asyncio.create_task(change_runs(desk.client, runs, change, told))
    await hangs.wait()
    changing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await changing
    assert [each.id for each in told] == ["0"]


async def test_a_server_that_is_gone(desk: Desk) -> None:
    """It is not asked again for each of the others, which takes ten seconds."""
    runs = [RunInfo(str(number), "", "any", "running", datetime.now(UTC)) for number in range(30)]
    asked: list[str] = []

    async def change(client: Client, run: RunInfo) -> Change:
        asked.append(run.id)
        raise RPCError("tcp connect error", RPCStatusCode.UNAVAILABLE, b"")

    changes = await change_runs(desk.client, runs, change)
    assert len(asked) <= 10
    assert {each.done for each in changes} == {False}
    assert changes[-1].what == "is left as it is: the server is gone"
