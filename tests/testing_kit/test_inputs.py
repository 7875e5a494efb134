"""A test answers what a job asks people, lets time be up, and sees whom the ways would have told."""

from __future__ import annotations

import asyncio

import pytest

from terse_temporal.errors import AnswerRefusedError
from terse_temporal.testing import Jobs

from . import jobs_inputs as kit


async def test_answered_beforehand(jobs: Jobs) -> None:
    """Each question by its prompt, before time is skipped; a form too."""
    jobs.inputs.answers("Ship the order", choice="yes", text="at noon", by="Ada")
    jobs.inputs.answers("How?", data={"title": "T"})
    assert await jobs.run(kit.ships) == ["yes", "at noon", "Ada", "T", 1]
    assert [(each.occasion, each.number) for each in jobs.inputs.told] == [("ask", "1")]
    assert jobs.inputs.told[0].way == kit.Paging(number="112")
    assert jobs.inputs.reminders == 0


async def test_time_is_up(jobs: Jobs) -> None:
    """A question that the test does not answer runs out of time, with its reminders."""
    assert await jobs.run(kit.ships) == ["no", None]
    assert jobs.inputs.reminders == 4


async def test_step_by_step(jobs: Jobs) -> None:
    """A test looks at a question, lets some of its time pass, and answers; what does not fit is refused."""
    run = await jobs.start(kit.ships)
    question = await run.waiting_for_input()
    assert (question.prompt, question.details, [each.id for each in question.options]) == (
        "Ship the order 7?",
        {"amount": 7},
        ["yes", "no"],
    )
    await jobs.skip("15d")
    assert jobs.inputs.reminders == 2
    with pytest.raises(AnswerRefusedError) as refused:
        await run.answer(choice="perhaps")
    assert refused.value.fields == {"choice": "choose one of the options"}
    await run.answer(choice="yes", by="Bob")
    await run.sleeping()
    await jobs.skip("1d")
    form = await run.waiting_for_input()
    assert form.form is not None
    assert list(form.form["properties"]) == ["title", "count"]
    with pytest.raises(AnswerRefusedError, match="title: Field required"):
        await run.answer(data={"count": 2})
    await run.answer(data={"title": "T", "count": 2})
    assert await run.result() == ["yes", "", "Bob", "T", 2]


async def test_nobody_answers(jobs: Jobs) -> None:
    """A question that no time ends fails the test with what to do, however often people are reminded."""
    run = await jobs.start(kit.asks_for_ever)
    with pytest.raises(AssertionError, match=r"waits for somebody to answer 'Well\?'.*jobs\.inputs\.answers"):
        await run.result()
    assert jobs.inputs.reminders < 30
    jobs.inputs.answers("Nothing that is asked", choice="yes")
    with pytest.raises(AssertionError, match=r"waits for somebody to answer"):
        await run.result()
    jobs.inputs.answers("", choice="yes")
    assert await run.result() == "yes"


async def test_for_a_test_of_a_way(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ways are used for real where a test says so."""
    jobs.inputs.uses_ways()
    jobs.steps  # noqa: B018  the ways are no steps of the job
    monkeypatch.setattr(kit.Paging, "ask", _asked)
    monkeypatch.setattr(kit.Paging, "remind", _reminded)
    REALLY.clear()
    run = await jobs.start(kit.asks_for_ever)
    await run.waiting_for_input()
    await jobs.skip("8d")
    await run.answer(choice="no")
    assert await run.result() == "no"
    assert REALLY == ["112", "real"]


REALLY: list[str] = []


async def _asked(self: kit.Paging, question: object) -> str:
    REALLY.append(self.number)
    return "real"


async def _reminded(self: kit.Paging, question: object, sent: str, number: int) -> None:
    REALLY.append(sent)


@pytest.mark.xdist_group("crashes")  # whose fork servers it shares
async def test_survives_crashes(jobs: Jobs) -> None:
    """Killed before and after it is told, the run goes on: twice only where that was cut off, with the same key."""
    jobs.inputs.answers("Well?", choice="yes", by="Ada")
    report = await jobs.survives_crashes(kit.asks_for_ever)
    assert report.passed
    assert [each.point.moment for each in report.boundaries] == ["before", "after_effect", "after_record"]
    assert report.repeated == {"input.ask": 1}


async def test_an_answer_that_does_not_fit(jobs: Jobs) -> None:
    """It fails the test, with every wrong field."""
    jobs.inputs.answers("Ship the order", choice="perhaps")
    with pytest.raises(AssertionError, match=r"refuses the answer that jobs\.inputs has .* choose one of 'yes', 'no'"):
        await jobs.run(kit.ships)


async def test_refused_while_something_else_happens(jobs: Jobs) -> None:
    """An answer that a run refuses leaves nothing in its history, whatever the server told of its task meanwhile."""
    run = await jobs.start(kit.ships)
    await run.waiting_for_input()
    for number in range(10):
        await run.send("noise", number)
        with pytest.raises(AnswerRefusedError):
            await run.answer(choice="perhaps")
        async with asyncio.timeout(20):
            await run.waiting_for_input()
    await run.answer(choice="no", by="Ada")
    assert await run.result() == ["no", "Ada"]
