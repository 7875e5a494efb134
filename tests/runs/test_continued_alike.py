"""Whoever looks at a run that has continued in new histories sees what they would see of one history."""

from __future__ import annotations

import asyncio
from typing import Any

from terse_temporal.cli.following import Follower
from terse_temporal.execution.run_operations import RunReference
from terse_temporal.runs.details import read_details
from terse_temporal.runs.inputs import answer_question, list_questions
from terse_temporal.runs.operations import ClientOperations
from terse_temporal.testing.run_reader import RunReader

from ..bench import Bench, Run, cache_on
from ..waiting import until
from .jobs_continued import does_all, small

Entries = list[tuple[Any, ...]]


async def is_asked(bench: Bench, run: Run) -> bool:
    """Whether the run waits for its event, and asks its question."""
    listed = [each.prompt async for each in list_questions(bench.env.client) if each.id == run.id]
    return listed == ["?"] and "the event 'told'" in str((await read_details(bench.env.client, run.id)).why.sentences)


async def seen(bench: Bench, continue_after: int | None) -> tuple[list[Entries], Any, int]:
    """Return a run by each of the ways to look at one, while it waits and when it has ended; its result, and how many
    histories it had.
    """
    client = bench.env.client
    looks: list[Entries] = []
    async with bench.worker(does_all, small, continue_after=continue_after):
        run = await bench.start(does_all)
        reader = RunReader(client, run)
        while not await is_asked(bench, run):  # noqa: ASYNC110  # the server says it
            await asyncio.sleep(0.05)
        for is_over in (False, True):
            if is_over:
                await client.get_workflow_handle(run.id).signal("told", {"number": 5})
                await answer_question(client, run.id, "1", choice="yes")
                result = await bench.result(run)
            described = await client.get_workflow_handle(run.id).describe()
            await reader.read(described.run_id, described.history_length)
            reference = RunReference(run.id, described.run_id, does_all.name)
            public = await ClientOperations(client).timeline(reference)
            details = await read_details(client, run.id)
            looks.append([(e.kind, e.name, e.state, e.attempt, e.label) for e in public.entries])
            looks += [
                # Of one that is done, no journal says how it had failed before.
                [(e.kind, e.name, e.state, e.attempt, e.label, e.state == "failed" and e.trouble) for e in entries]
                for entries in (details.timeline.entries, reader.timeline.entries)
            ]
        reader.close()
    histories = [each async for each in client.list_workflows(f"WorkflowId='{run.id}'")]
    return looks, result, len(histories)


@cache_on
async def test_alike(bench: Bench) -> None:
    """Kinds, names, states, attempts and labels are alike, for `show`, `run.timeline()` and tests, open and ended."""
    expected, expected_result, once = await seen(bench, None)
    looks, result, often = await seen(bench, 20)
    assert (once, often > 3) == (1, True)
    assert result == expected_result
    for look, other in zip(looks, expected, strict=True):
        # Where a question was asked among what was asked for in the same moment, no journal says.
        assert [each for each in look if each[0] != "question"] == [each for each in other if each[0] != "question"]
        assert [each for each in look if each[0] == "question"] == [each for each in other if each[0] == "question"]
        assert sum(each[0] == "question" for each in look) == 1


@cache_on
async def test_followed_late(bench: Bench) -> None:
    """Who begins to follow it after it has continued is told once of each thing that was done before."""
    told: list[tuple[int, str]] = []
    async with bench.worker(does_all, small, continue_after=20):
        run = await bench.start(does_all)
        while not await is_asked(bench, run):  # noqa: ASYNC110  # the server says it
            await asyncio.sleep(0.05)
        described = await bench.env.client.get_workflow_handle(run.id).describe()
        last = bench.env.client.get_workflow_handle(run.id, run_id=described.run_id)
        follower = Follower(
            bench.env.client,
            last,
            bench.task_queue,
            on_change=lambda entry: told.append((id(entry), entry.line())),
            on_notice=lambda _: None,
        )
        following = asyncio.create_task(follower.follow())
        await until(lambda: any(line.startswith("run ") for _, line in told), "what was carried is told")
        assert len(told) == len(set(told)) > 10
        await bench.env.client.get_workflow_handle(run.id).signal("told", {"number": 5})
        await answer_question(bench.env.client, run.id, "1", choice="yes")
        assert (await following).failure is None
