"""Drip campaign: five e-mails in thirty days, and none after the customer has unsubscribed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from samples.drip_campaign import drip_campaign
from terse_temporal.testing import Jobs

ADA = {"email": "ada@example.com", "name": "Ada"}


@pytest.fixture(autouse=True)
def sending(jobs: Jobs) -> None:
    jobs.steps.send_email.returns("email-1")


async def test_all_of_it(jobs: Jobs) -> None:
    """Five e-mails on their days."""
    run = await jobs.start(drip_campaign, ADA)
    began = run.now()
    assert await run.result() == {"sent": 5, "ended_by": "the end", "reason": ""}
    assert [step.label for step in run.steps][::4] == ["Welcome", "The last one of these"]
    assert round((run.now() - began) / timedelta(days=1)) == 30


async def test_unsubscribed(jobs: Jobs) -> None:
    """It stops at once, in the middle of a sleep of a week, for the one who has unsubscribed."""
    ada = await jobs.start(drip_campaign, ADA)
    grace = await jobs.start(drip_campaign, {"email": "grace@example.com"})
    await ada.sleeping()
    await jobs.skip("8d")
    await jobs.send_event("unsubscribed", {"reason": "too many"}, key="ada@example.com")
    assert await ada.result() == {"sent": 3, "ended_by": "unsubscribed", "reason": "too many"}
    assert grace.status == "running"


async def test_unsubscribed_before(jobs: Jobs) -> None:
    """What was said before the campaign began counts: one e-mail may be on its way, and no more."""
    await jobs.send_event("unsubscribed", key="ada@example.com", data={})
    run = await jobs.start(drip_campaign, ADA)
    result = await run.result()
    assert result["ended_by"] == "unsubscribed"
    assert result["sent"] <= 1


async def test_bought(jobs: Jobs) -> None:
    """Who has bought gets no more of it either; an operator can say so to the run itself."""
    run = await jobs.start(drip_campaign, ADA)
    await run.sleeping()
    await run.send("bought", {"order": 17})
    assert await run.result() == {"sent": 1, "ended_by": "bought", "reason": ""}


async def test_survives(jobs: Jobs) -> None:
    """A worker that dies anywhere in it makes no difference."""
    jobs.crash_at("send_email", "after_record", occurrence=2)
    assert (await jobs.run(drip_campaign, ADA))["sent"] == 5
