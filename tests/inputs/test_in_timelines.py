"""The timeline of a run has what people were asked: since when, how long that took, and what came of it."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime

from rich.console import Console
from temporalio.api.common.v1 import Payload
from temporalio.api.history.v1 import HistoryEvent

from terse_temporal import get_run
from terse_temporal.runs.details import read_details
from terse_temporal.runs.reading import read_timeline, take_in
from terse_temporal.runs.timeline import Timeline
from terse_temporal.runs.timeline_table import timeline_table
from terse_temporal.serialization.wire_names import INPUTS_ANSWERED_MEMO, WAITING_MEMO

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
        assert (entry.ended is None) == (entry.state == "waiting" or entry.trouble == "open when the run ended")
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
    assert [(number, name, said or why) for number, name, _, said, why in await questions(bench, run)] == [
        ("1", "Go on?", "Yes, by ann"),
        ("2", "Open?", "open when the run ended"),
        ("1", "Go on?", "No, by bob"),
        ("2", "Open?", "open when the run ended"),
    ]


async def is_of_another(again: Run, run: Run) -> bool:
    return bool((await asked(again))["run"] != run.first_execution_run_id)


@cache_on
async def test_more_than_are_shown(bench: Bench) -> None:
    """The first twenty that are open have a row, in their order, and others when there is room; none stays open."""
    async with bench.worker(jobs.asks_and_withdraws):
        run = await bench.start(jobs.asks_and_withdraws)
        await asked(run, "20")
        assert [number for number, *_ in await questions(bench, run)] == [str(each) for each in range(1, 21)]
        await answer(run, choice="no", by="ann")
        await bench.result(run)
    found = await questions(bench, run)
    numbers = [int(number) for number, *_ in found]
    assert numbers == sorted(numbers)
    assert set(numbers) >= {*range(1, 22), 31}
    assert found[0] == ("1", "1?", "done", "No, by ann", "")
    assert found[-1] == ("31", "31?", "cancelled", "", "open when the run ended")
    unknown = "over, with so many others that its run does not say how"
    assert {(state, said, why) for _, _, state, said, why in found[1:-1]} <= {
        ("cancelled", "", ""),
        ("cancelled", "", unknown),
    }
    entries = (await timeline_of(bench, run)).entries
    assert [entry.kind for entry in entries[:2]] == ["step", "question"]


SINCE = "2026-11-28T12:00:00+00:00"
TERMINAL = "\x1b[2J\u202egnp"


@cache_on
async def test_a_memo_that_somebody_else_has_written(bench: Bench) -> None:
    """What cannot be read is left out; what can is short, and has nothing that drives a terminal."""
    waiting = {
        TERMINAL * 100: {"prompt": TERMINAL * 1_000, "run": ["r"], "since": SINCE},
        "2": {"prompt": {"a": TERMINAL}, "run": None, "since": SINCE},
        "3": {"prompt": "?", "since": "yesterday"},
        "4": {"prompt": "?", "since": "2026-11-28T12:00:00"},
        "5": {},
    }
    answered = {
        "6": {
            "prompt": "[red]?[/]",
            "run": "r",
            "since": SINCE,
            "at": "0001-01-01T00:00:00+14:00",
            "ended": [TERMINAL],
        },
        "7": {
            "prompt": "?",
            "run": "r",
            "since": SINCE,
            "at": 7,
            "ended": "answered",
            "by": TERMINAL * 100,
            "choice": 5,
        },
    }
    event = HistoryEvent(event_id=5)
    fields = event.workflow_properties_modified_event_attributes.upserted_memo.fields
    for name, value in ((WAITING_MEMO, waiting), (INPUTS_ANSWERED_MEMO, answered)):
        fields[name].CopyFrom(Payload(metadata={"encoding": b"json/plain"}, data=json.dumps(value).encode()))
    timeline = Timeline()
    assert len(await take_in(timeline, event, bench.env.client)) == 2
    assert len(timeline.entries) == 4
    assert not await take_in(timeline, event, bench.env.client)
    assert all(entry.ended is None or entry.ended == entry.begun for entry in timeline.entries)
    out = io.StringIO()
    Console(file=out, width=500).print(timeline_table(timeline, now=datetime.now(UTC)))
    lines = [*(entry.line() for entry in timeline.entries), *out.getvalue().splitlines()]
    assert all(line.isprintable() and len(line) <= 501 for line in lines)
    assert "[red]?[/]" in out.getvalue()
    fields[WAITING_MEMO].data = b"[1]"
    fields[INPUTS_ANSWERED_MEMO].data = b"\xff"
    assert not await take_in(timeline, event, bench.env.client)
