"""`runs show` has the timeline of a run, its event, and its result or failure, also of the last run of a chain."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import Client

from terse_temporal.runs import facts
from terse_temporal.runs.details import read_details
from terse_temporal.testing import JobEnvironment

from ..in_process import Ended, run_command
from ..waiting import until
from . import jobs_looked_at as jobs

QUEUE = "shown"


class Shown:
    """Runs, and the command that shows them."""

    def __init__(self, client: Client, address: str, directory: Path) -> None:
        self.client = client
        self._address = address
        self._directory = directory

    async def start(self, id_: str, job: str, event: Any = None) -> None:
        args = [] if event is None else [event]
        await self.client.start_workflow(job, args=args, id=id_, task_queue=QUEUE)

    async def command(self, *arguments: str) -> Ended:
        """Run `terse-temporal runs …`."""
        return await asyncio.to_thread(run_command, "runs", *arguments, "--address", self._address, cwd=self._directory)

    async def data(self, *arguments: str) -> dict[str, Any]:
        ended = await self.command("show", "--json", *arguments)
        assert ended.status == 0, ended.stderr
        found: dict[str, Any] = json.loads(ended.stdout)
        return found

    async def asleep(self, id_: str) -> dict[str, Any]:
        """What is shown of a run once it sleeps."""

        async def sleeps() -> bool:
            return [each["kind"] for each in (await self.data(id_))["waits_for"]] == ["sleep"]

        await until(sleeps, "the run to sleep")
        return await self.data(id_)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shown(env: JobEnvironment, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Shown]:
    every = [jobs.fails, jobs.fails_within, jobs.goes_on, jobs.asleep, jobs.steps]
    async with env.worker(every, task_queue=QUEUE):
        yield Shown(await Client.connect(env.address), env.address, tmp_path_factory.mktemp("shown"))


async def test_a_run_that_failed(shown: Shown) -> None:
    """With the line that raised, the step in the timeline, and what it was started with, printable."""
    await shown.start("shown-fails", jobs.fails.name, {"note": "\x1b[2Jhi\u202e"})
    await asyncio.wait([asyncio.ensure_future(shown.client.get_workflow_handle("shown-fails").result())])
    text = await shown.command("show", "shown-fails")
    assert (text.status, text.stderr) == (0, "")
    assert r'event        {"note": "\u001b[2Jhi\u202e"}' in text.stdout
    assert "LookupError: no such card (in the step 'declined' at " in text.stdout
    found = await shown.data("shown-fails")
    (step,) = found["timeline"]
    assert (step["kind"], step["name"], step["state"], step["attempt"]) == ("step", "declined", "failed", 1)
    assert found["ended"]["failure"]["where"].partition(":")[0].endswith("jobs_looked_at.py")


async def test_runs_that_it_has_started(shown: Shown) -> None:
    await shown.start("shown-within", jobs.fails_within.name, {"child": "shown-child"})
    await asyncio.wait([asyncio.ensure_future(shown.client.get_workflow_handle("shown-within").result())])
    found = await shown.data("shown-within")
    (child,) = found["timeline"]
    assert (child["kind"], child["name"], child["id"]) == ("run", "looked-fails", "shown-child")
    assert (await shown.data("shown-child"))["parent"]["id"] == "shown-within"


async def test_the_last_of_a_chain(shown: Shown) -> None:
    """By its id the last one, and that is said; an earlier one by its run id."""
    await shown.start("shown-chain", jobs.goes_on.name, {"first": True})
    last = await shown.asleep("shown-chain")
    assert last["event"] == {"again": True}
    assert last["first_run_id"] != last["run_id"]
    text = await shown.command("show", "shown-chain")
    assert f"the last of a chain that began with the run {last['first_run_id']}" in text.stdout
    first = await shown.data("shown-chain", "--run-id", last["first_run_id"])
    assert first["event"] == {"first": True}
    assert first["ended"]["next_run_id"] == last["run_id"]


async def test_a_long_history(shown: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only its end is read, which is said; what it was started with is told all the same."""
    await shown.start("shown-long", jobs.steps.name, {"of": 20})
    whole = await shown.asleep("shown-long")
    assert whole["timeline_is_whole"]
    assert len(whole["timeline"]) == 21
    monkeypatch.setattr(facts, "MOST_EVENTS", 30)
    found = (await read_details(shown.client, "shown-long")).to_json()
    assert not found["timeline_is_whole"]
    assert 3 <= len(found["timeline"]) < 20
    assert found["event"] == {"of": 20}
    assert found["waits_for"][0]["kind"] == "sleep"
    assert "events of its history only the last" in found["why"][-1]


async def test_what_was_sent(shown: Shown) -> None:
    await shown.start("shown-sent", jobs.asleep.name)
    await shown.client.get_workflow_handle("shown-sent").signal("paid", {"amount": 5})
    (event,) = (await shown.asleep("shown-sent"))["events"]
    assert (event["name"], event["data"]) == ("paid", {"amount": 5})
    assert "paid" in (await shown.command("show", "shown-sent")).stdout


async def test_an_id_of_anybodys(shown: Shown) -> None:
    await shown.start("shown\n\x1b[2Jby", jobs.asleep.name)
    await shown.asleep("shown\n\x1b[2Jby")
    text = (await shown.command("show", "shown\n\x1b[2Jby")).stdout
    assert text.startswith("shown\\n\\x1b[2Jby\n  job ")
    assert "\x1b" not in text


async def test_there_is_no_such_run(shown: Shown) -> None:
    for verb in ("show", "why", "watch"):
        missing = await shown.command(verb, "no-such-run")
        assert (missing.status, missing.stdout) == (1, "")
        assert "there is no run with the workflow id 'no-such-run' in the namespace 'default'" in missing.stderr


async def test_watching_ends_with_the_run(shown: Shown) -> None:
    """The result goes to standard output, or the failure to standard error with how to look at the run."""
    await shown.start("shown-watched", jobs.fails.name)
    watched = await shown.command("watch", "shown-watched")
    assert (watched.status, watched.stdout) == (1, "")
    assert "the run 'shown-watched' failed: LookupError: no such card" in watched.stderr
    assert "terse-temporal runs show shown-watched --address" in watched.stderr
    told = await shown.command("watch", "shown-watched", "--json")
    assert told.status == 1
    assert json.loads(told.stdout) == await shown.data("shown-watched")
