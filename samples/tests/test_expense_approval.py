"""Expense approval: one person at a time is asked, and what they say is done once."""

from __future__ import annotations

import pytest

from samples.expense_approval import expense_approval
from terse_temporal.errors import AnswerRefusedError
from terse_temporal.inputs import EmailWay
from terse_temporal.testing import Jobs

_TRAIN = {
    "employee": "ada@example.com",
    "manager": "grace@example.com",
    "boss": "joan@example.com",
    "amount": "480.00",
    "purpose": "Train to the fair",
}


@pytest.fixture(autouse=True)
def services(jobs: Jobs) -> None:
    jobs.tools.http.request.returns({"status": 200})
    jobs.tools.email.send.returns({})


def mailed(jobs: Jobs, occasion: str) -> list[str]:
    """Return to whom mails would have gone, to ask or to remind."""
    mails = [each.way for each in jobs.inputs.told if each.occasion == occasion]
    return [to for each in mails if isinstance(each, EmailWay) for to in each.to]


async def test_the_manager_approves(jobs: Jobs) -> None:
    """It is paid once, and the employee is told; nobody else may answer, and the boss is not asked."""
    run = await jobs.start(expense_approval, _TRAIN)
    question = await run.waiting_for_input()
    assert question.details["Amount"] == "480.00 EUR"
    with pytest.raises(AnswerRefusedError) as refused:
        await run.answer(choice="approve", by="ada@example.com")
    assert refused.value.kind == "not_allowed"
    await jobs.skip("30h")

    await run.answer(choice="approve", by="grace@example.com")

    assert await run.result() == {"approved": True, "by": "grace@example.com", "reason": ""}
    (paid,) = jobs.tools.http.request.calls
    assert paid.arguments["json"] == {"employee": "ada@example.com", "amount": "480.00", "currency": "EUR"}
    jobs.tools.email.send.called_once_with(
        to="ada@example.com",
        subject="Your expense",
        text="Train to the fair\n\nIt is paid out with the next salary.",
    )
    assert (mailed(jobs, "ask"), mailed(jobs, "remind")) == (["grace@example.com"], ["grace@example.com"])


async def test_it_goes_to_the_boss_after_two_days(jobs: Jobs) -> None:
    """The manager's question is withdrawn, and their answer is refused from then on; the boss reads why."""
    run = await jobs.start(expense_approval, _TRAIN)
    await run.waiting_for_input()
    await jobs.skip("2d")
    question = await run.waiting_for_input()
    assert question.details["So far"] == "grace@example.com has not answered for two days."
    assert mailed(jobs, "ask") == ["grace@example.com", "joan@example.com"]
    assert [each.outcome["ended"] for each in jobs.inputs.told if each.occasion == "close"] == ["withdrawn"]
    with pytest.raises(AnswerRefusedError) as late:
        await run.answer(id="1", choice="approve", by="grace@example.com")
    assert late.value.kind == "closed"

    await run.answer(choice="reject", text="We did not go.", by="joan@example.com")

    assert await run.result() == {"approved": False, "by": "joan@example.com", "reason": "We did not go."}
    jobs.tools.http.request.not_called()
    assert "We did not go." in jobs.tools.email.send.calls[0].arguments["text"]


async def test_nobody_answers(jobs: Jobs) -> None:
    """After another two weeks it is rejected."""
    assert await jobs.run(expense_approval, _TRAIN) == {
        "approved": False,
        "by": None,
        "reason": "nobody has answered",
    }


@pytest.mark.parametrize(
    ("change", "asked"),
    [({"amount": "12.00"}, []), ({"manager": "ada@example.com"}, ["joan@example.com"])],
    ids=["petty", "own"],
)
async def test_who_is_asked(jobs: Jobs, change: dict[str, str], asked: list[str]) -> None:
    """Nobody about a small sum, and never the employee about their own."""
    jobs.inputs.answers("ada@example.com asks for", choice="approve", by="joan@example.com")
    assert (await jobs.run(expense_approval, _TRAIN | change))["approved"] is True
    assert mailed(jobs, "ask") == asked
