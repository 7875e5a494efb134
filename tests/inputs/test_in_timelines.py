"""The timeline of a run has what people were asked: since when, how long that took, and what came of it."""

from __future__ import annotations

import io
import json

from rich.console import Console

from terse_temporal import get_run
from terse_temporal.runs.details import read_details
from terse_temporal.runs.reading import read_timeline
from terse_temporal.runs.timeline import Timeline, timeline_table

from ..bench import Bench, Run, cache_on
from ..waiting import until
from . import jobs_asking as jobs
from .asking import answer, asked


async def timeline_of(bench: Bench, run: Run) -> Timeline:
    return await read_timeline(bench.env.client, await bench.env.client.get_workflow_handle(run.id).describe())


async def questions(bench: Bench, run: Run) -> list[tuple[str, str, str, str, str]]:
    """What is told of the questions."""
    entries = [entry for entry in (await timeline_of(bench, run)).entries if entry.kind == "question"]
    for entry in entries:
        assert (entry.ended is None) == (entry.state == "waiting")
    return [(entry.id, entry.name, entry.state, entry.answer, entry.trouble) for entry in entries]


async def test_answered(bench: Bench) -> None:
    """An open question waits; an answered one has the option's name and who has chosen it, and no text."""
    async with bench.worker(jobs.asks):
        run = await bench.start(jobs.asks)
        await asked(run)
        assert await questions(bench, run) == [("1", "Ship it?", "waiting", "", "")]
        await answer(run, choice="yes", text="a secret", by="ann@example.com", by_name="Ann")
        await answer(run, "2", text="another secret", by="bob")
        await bench.result(run)
    assert await questions(bench, run) == [
        ("1", "Ship it?", "done", "Yes, by Ann", ""),
        ("2", "To whom?", "done", "by bob", ""),
    ]
    timeline = await timeline_of(bench, run)
    [line, _] = [entry.line() for entry in timeline.entries if entry.kind == "question"]
    assert line.startswith("question  Ship it? (1)  answered in ")
    assert line.endswith(": Yes, by Ann")
    out = io.StringIO()
    Console(file=out, width=120).print(timeline_table(timeline))
    [shown] = [row for row in out.getvalue().splitlines() if "Ship it?" in row]
    assert shown.split()[:1] + shown.split()[-3:] == ["question", "Yes,", "by", "Ann"]
    details = json.dumps((await read_details(bench.env.client, run.id)).to_json()["timeline"])
    assert '"name": "Ship it?"' in details
    assert '"answer": "Yes, by Ann"' in details
    assert "secret" not in details
    public = await get_run(run.id, client=bench.env.client).timeline()
    assert [each.answer for each in public.entries if each.kind == "question"] == ["Yes, by Ann", "by bob"]


@cache_on
async def test_unanswered(bench: Bench) -> None:
    """Of one whose time was over it says so, with the option that counts then; of one that was withdrawn, that."""
    async with bench.worker(jobs.asks_in_time):
        run = await bench.start(jobs.asks_in_time)
        await asked(run)
        await bench.result(run)
    assert await questions(bench, run) == [
        ("1", "One?", "failed", "No", "nobody answered in time"),
        ("2", "Two?", "failed", "", "nobody answered in time"),
        ("3", "Three?", "cancelled", "", ""),
    ]
    lines = [entry.line() for entry in (await timeline_of(bench, run)).entries if entry.kind == "question"]
    assert lines[0].startswith("question  One? (1)  over in 30 d")
    assert lines[0].endswith(": No: nobody answered in time")
    assert lines[2].startswith("question  Three? (3)  withdrawn in 1 h")


@cache_on
async def test_each_run_of_a_chain(bench: Bench) -> None:
    """Questions are counted anew in each, and stand beside those of the runs before."""
    async with bench.worker(jobs.asks_again):
        run = await bench.start(jobs.asks_again)
        await answer(run, choice="yes", by="ann")
        again = bench.env.client.get_workflow_handle(run.id)
        await until(lambda: is_of_another(again, run), "the next run asks")
        await answer(again, choice="no", by="bob")
        await bench.result(again)
    assert [(number, name, said) for number, name, _, said, _ in await questions(bench, run)] == [
        ("1", "Go on?", "Yes, by ann"),
        ("2", "Open?", ""),
        ("1", "Go on?", "No, by bob"),
        ("2", "Open?", ""),
    ]


async def is_of_another(again: Run, run: Run) -> bool:
    return bool((await asked(again))["run"] != run.first_execution_run_id)
