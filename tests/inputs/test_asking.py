"""A question waits for the first answer that fits; each way to ask is used once, and told when it is over."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType

from terse_temporal.engine.workflow.question import Question
from terse_temporal.errors import AnswerRefusedError
from terse_temporal.execution.input_requests import InputRequest
from terse_temporal.inputs.questions import read_question
from terse_temporal.inputs.ways import WaySteps
from terse_temporal.runs.inputs import answer_question
from terse_temporal.runs.retrying import retry_run

from ..bench import Bench, Run, cache_on, scheduled
from ..waiting import until
from . import jobs_asking as jobs
from .asking import answer, answered, asked, refused


async def test_two_ways_and_none(bench: Bench) -> None:
    """Both ways ask once, the first answer counts, both are told whose that was, and the next question follows."""
    async with bench.worker(jobs.asks):
        run = await bench.start(jobs.asks)
        shown = await asked(run)
        assert {name: shown[name] for name in ("v", "prompt", "details", "via")} == {
            "v": 1,
            "prompt": "Ship it?",
            "details": [["zone", "B"], ["amount", 5]],
            "via": ["Told", "Told"],
        }
        assert shown["run"] == (await run.describe()).run_id
        await until(lambda: len(bench.effects.lines()) == 2, "both ways have asked")
        assert (await refused(run, id="1", choice="yes", by="U1", by_name="a\nb")).details[0] == {"kind": "wrong"}
        await answer(run, choice="yes", text="at noon", by="U1", by_name="Grace", via="page")
        wrong = await refused(run, id="1", choice="no")
        assert wrong.details[0] == {"kind": "answered", "by": "U1", "by_name": "Grace"}
        assert "answered before by 'Grace'" in str(wrong)
        await answer(run, "2", text="Ada")
        result = await bench.result(run)
        assert (result[:4], result[5:]) == (["yes", "at noon", "U1", "Ada"], ["Grace", None])
    asks, closes = bench.effects.lines()[:2], bench.effects.lines()[2:]
    assert sorted(line.rsplit(" ", 1)[0] for line in asks) == ["a asks 1 Ship it?", "b asks 1 Ship it?"]
    assert len({line.rsplit(" ", 1)[1] for line in asks}) == 2
    assert sorted(closes) == ["a closes a-1 answered yes U1", "b closes b-1 answered yes U1"]
    over = await answered(run)
    assert {name: over["1"][name] for name in ("ended", "choice", "label", "by", "by_name", "via")} == {
        "ended": "answered",
        "choice": "yes",
        "label": "Yes",
        "by": "U1",
        "by_name": "Grace",
        "via": "page",
    }
    assert await scheduled(run) == ["input.ask", "input.ask", "input.close", "input.close"]


async def test_what_does_not_fit_leaves_nothing(bench: Bench) -> None:
    """It is refused with every wrong field, and the run does not notice: no event of the history is of it."""
    async with bench.worker(jobs.asks_for_a_form):
        run = await bench.start(jobs.asks_for_a_form)
        await asked(run)
        before = (await run.describe()).history_length
        wrong = await refused(run, id="1", data={"title": "x", "count": 0, "size": "huge", "labels": [1]}, by="Ada")
        assert sorted(wrong.details[0]["fields"]) == ["count", "labels.0", "size", "title"]
        assert wrong.details[0]["kind"] == "wrong"
        assert "huge" not in str(wrong)
        for title in ("raises", "exits"):
            assert (await refused(run, id="1", data={"title": title})).details[0]["kind"] == "wrong"
        assert (await refused(run, id="1", data=[])).type == "terse.WrongAnswer"
        assert (await refused(run, id="1", choice="yes")).type == "terse.WrongAnswer"
        assert (await refused(run, id="1", data={"title": "t" * 70_000})).type == "terse.WrongAnswer"
        assert (await refused(run, id="9" * 3_000, data={"title": "good"})).details[0]["kind"] == "closed"
        assert (await refused(run, id="1", data={"title": "good"}, run="another")).details[0]["kind"] == "closed"
        assert (await run.describe()).history_length == before
        await answer(run, data={"title": "good", "count": 2, "size": "large", "labels": ["a"]}, by="Ada")
        assert await bench.result(run) == ["GOOD", 2, "large", ["a"], "Ada"]


@cache_on
async def test_a_large_answer(bench: Bench) -> None:
    """One of megabytes is refused, by the run or before it is sent, and leaves nothing in the history."""
    async with bench.worker(jobs.asks_for_a_form):
        run = await bench.start(jobs.asks_for_a_form)
        await asked(run)
        before = (await run.describe()).history_length
        assert (await refused(run, id="1", data={"title": "t" * 1_000_000})).details[0] == {"kind": "wrong"}
        with pytest.raises(AnswerRefusedError, match="64 KiB at most") as caught:
            await answer_question(bench.env.client, run.id, "1", data={"title": "t" * 10_000_000}, by="Ada")
        assert caught.value.kind == "wrong"
        assert (await run.describe()).history_length == before
        await answer(run, data={"title": "good"}, by="Ada")
        assert (await bench.result(run))[0] == "GOOD"


async def test_options_and_respondents(bench: Bench) -> None:
    """An option that is not there, a text that belongs to none, and somebody who may not answer are refused."""
    async with bench.worker(jobs.asks):
        run = await bench.start(jobs.asks, respond_by=["Grace@example.com"])
        await asked(run)
        mine = {"id": "1", "by": "grace@EXAMPLE.com"}
        assert (await refused(run, **mine, choice="perhaps")).details[0]["fields"] == {
            "choice": "choose one of the options"
        }
        assert (await refused(run, **mine, choice="no", text="why")).details[0]["kind"] == "wrong"
        assert (await refused(run, id="1", by="eve", choice="yes")).details[0]["kind"] == "not_allowed"
        assert (await refused(run, id="1", choice="yes")).details[0]["kind"] == "not_allowed"
        assert (await refused(run, **mine, choice="yes", text="t" * 10_001)).details[0]["kind"] == "wrong"
        await answer(run, choice="yes", by="grace@EXAMPLE.com")
        assert (await refused(run, id="2", text=" ")).details[0]["fields"] == {"text": "write something"}
        await answer(run, "2", text="Ada")
        assert (await bench.result(run))[2] == "grace@EXAMPLE.com"


async def test_two_at_the_same_moment(bench: Bench) -> None:
    """Of two answers that come together one counts, and the other is told so."""
    async with bench.worker(jobs.asks):
        run = await bench.start(jobs.asks)
        await asked(run)
        given = [{"id": "1", "choice": "yes", "by": "Ada"}, {"id": "1", "choice": "no", "by": "Bob"}]
        outcomes = await asyncio.gather(
            *(run.execute_update("terse.input", each) for each in given), return_exceptions=True
        )
        lost = [each for each in outcomes if isinstance(each, Exception)]
        assert len(lost) == 1
        await answer(run, "2", text="Eve")
        choice, _, by, *_ = await bench.result(run)
    assert (choice, by) == (("yes", "Ada") if outcomes[1] is lost[0] else ("no", "Bob"))


async def test_time_is_up(bench: Bench) -> None:
    """An option counts then, or an error is raised; a question that is cancelled is withdrawn; each way is told."""
    async with bench.worker(jobs.asks_in_time):
        run = await bench.start(jobs.asks_in_time)
        choice, respondent, said = await bench.result(run)
    assert (choice, respondent) == ("no", None)
    assert said.startswith("InputTimeoutError: nobody answered the question 2 of the run within 1 hour")
    assert "jobs_asking.py:" in said
    lines = [line if "asks" not in line else line.rsplit(" ", 1)[0] for line in bench.effects.lines()]
    # The handler goes on while those who were asked are told.
    assert sorted(lines) == [
        "a asks 1 One?",
        "a asks 3 Three?",
        "a closes a-1 timed_out no None",
        "a closes a-3 withdrawn None None",
        "a reminds a-1 1",
        "a reminds a-1 2",
        "mute asks",
    ]
    assert {number: each["ended"] for number, each in (await answered(run)).items()} == {
        "1": "timed_out",
        "2": "timed_out",
        "3": "withdrawn",
    }


@cache_on
async def test_a_year(bench: Bench) -> None:
    """A question that is open for a year and reminds each week does so 52 times."""
    async with bench.worker(jobs.asks_for_a_year):
        assert await bench.result(await bench.start(jobs.asks_for_a_year, timeout="1y")) == "no"
    lines = bench.effects.lines()
    assert [line for line in lines if "reminds" in line] == [f"a reminds a-1 {number}" for number in range(1, 53)]
    assert len(lines) == 52 + 3


async def test_reminders_stop_with_the_answer(bench: Bench) -> None:
    """The timer of the next reminder goes with the question, and nothing is left to be done."""
    async with bench.worker(jobs.asks_for_a_year):
        run = await bench.start_on_the_wall_clock(jobs.asks_for_a_year)
        await answer(run, choice="yes")
        assert await bench.result(run) == "yes"
    kinds = [event.event_type async for event in run.fetch_history_events()]
    assert kinds.count(EventType.EVENT_TYPE_TIMER_STARTED) == kinds.count(EventType.EVENT_TYPE_TIMER_CANCELED)
    assert not [line for line in bench.effects.lines() if "reminds" in line]


async def test_a_way_that_does_not_work(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no way can ask, the handler is told; where one can, the others do not matter."""
    monkeypatch.setattr("terse_temporal.inputs.ways._ASK_RETRY", _once())
    async with bench.worker(jobs.asks_in_vain):
        run = await bench.start(jobs.asks_in_vain)
        await answer(run, "2", text="here")
        said, text = await bench.result(run)
    assert said.startswith("PermissionError: ")
    assert text == "here"


def _once() -> Any:
    from terse_temporal.execution.protocol import RetryRule  # noqa: PLC0415

    return RetryRule(max_attempts=1, initial=1.0, multiplier=1.0, max_delay=1.0, on=())


def test_in_short() -> None:
    """What a memo has no room for says by what ways it is asked, which `dev` asks at its terminal again by."""
    request = InputRequest({"v": 1, "prompt": "x" * 300}, print, repr, ways=(WaySteps(jobs.Told, {}),))
    asked_for = Question("1", request, "run", datetime.now(UTC))
    read = read_question(asked_for.short, id="a", number="1")
    assert read is not None
    assert (read.via, read.run, read.is_short, len(read.prompt)) == (("Told",), "run", True, 200)


@cache_on
async def test_more_than_a_memo_holds(bench: Bench) -> None:
    """The memo has a few questions in full, some in short, and says how many more; a query has each in full."""
    async with bench.worker(jobs.asks_many):
        run = await bench.start(jobs.asks_many, count=23)
        await asked(run, "20")
        await until(lambda: _has_more(run, 3), "all are asked")
        shown = [await asked(run, str(number)) for number in range(1, 21)]
        assert [bool(each.get("is_short")) for each in shown] == [False] * 4 + [True] * 16
        assert len(shown[10]["prompt"]) == 200
        whole = await run.query("terse.input", "11")
        assert len(whole["prompt"]) > 3_500
        assert whole["details"] == [["more", "y" * 4_000]]
        assert await run.query("terse.input", "99") is None
        for number in range(1, 24):
            await answer(run, str(number), text=f"t{number}")
        assert await bench.result(run) == [f"t{number}" for number in range(1, 24)]


async def _has_more(run: Run, count: int) -> bool:
    return bool((await asked(run, "20")).get("more") == count)


async def test_each_run_of_a_chain(bench: Bench) -> None:
    """The questions of a run are its own: an answer for the run before is refused; what it left open is withdrawn."""
    async with bench.worker(jobs.asks_again):
        run = await bench.start(jobs.asks_again)
        first = (await asked(run, "1"))["run"]
        await answer(run, "1", choice="yes", run=first)
        now: Run = bench.env.client.get_workflow_handle(run.id)
        await until(lambda: _is_of_another(now, first), "the next run has asked")
        assert (await refused(now, id="1", choice="yes", run=first)).details[0]["kind"] == "closed"
        await answer(now, "1", choice="no", run=(await asked(now, "1"))["run"])
        assert await bench.result(now) == ["yes", "no"]
    closes = [line for line in bench.effects.lines() if "closes" in line]
    assert closes == ["a closes a-2 withdrawn None None"] * 2


async def _is_of_another(run: Run, first: str) -> bool:
    return bool((await asked(run, "1"))["run"] != first)


async def test_reset(bench: Bench) -> None:
    """After a reset what was answered stays so, for the question that is asked anew."""
    async with bench.worker(jobs.asks_then_fails):
        run = await bench.start(jobs.asks_then_fails)
        await answer(run, choice="yes")
        await answer(run, "2", choice="no")
        assert await bench.result(run) == "yes no"
        again = await bench.reset(run)
        assert await bench.result(again) == "yes no"


async def test_retried(bench: Bench) -> None:
    """A run that goes on after a failure asks nobody again what was answered before it."""
    async with bench.worker(jobs.asks_then_declines):
        run = await bench.start(jobs.asks_then_declines)
        await answer(run, choice="yes")
        await bench.failure(run)
        bench.effects.path.with_name("ok").touch()
        again = await retry_run(bench.env.client, run.id, None)
        assert await bench.result(bench.env.client.get_workflow_handle(run.id, run_id=again)) == "yes"
    assert [line.split(" ")[1] for line in bench.effects.lines() if line != "tried"] == ["asks", "closes"]


async def test_cancelled(bench: Bench) -> None:
    """A run that is cancelled says so to whom it has asked."""
    async with bench.worker(jobs.asks):
        run = await bench.start(jobs.asks)
        await until(lambda: len(bench.effects.lines()) == 2, "both ways have asked")
        await asked(run)
        await run.cancel()
        with pytest.raises(Exception, match=r"cancelled|failed"):
            await bench.result(run)
    assert sorted(bench.effects.lines())[1::2] == [
        "a closes a-1 withdrawn None None",
        "b closes b-1 withdrawn None None",
    ]
