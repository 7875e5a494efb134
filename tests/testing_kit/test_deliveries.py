"""A test delivers webhooks as their vendors do, and gets the runs that they start."""

from __future__ import annotations

import asyncio
from types import ModuleType
from typing import Any

import pytest

from terse_temporal.errors import DeliveryRefusedError, JobTestError
from terse_temporal.testing import Jobs
from terse_temporal.testing.deliveries import Outgoing

from ..webhooks import payload
from . import jobs_deliveries as kit

_OPENED = {
    "action": "opened",
    "number": 7,
    "pull_request": {"number": 7, "title": "Faster", "head": {"ref": "fast"}, "base": {"ref": "main"}},
    "repository": {"full_name": "acme/web"},
}


@pytest.mark.parametrize(
    ("source", "body", "job", "result"),
    [
        ("github", _OPENED, kit.pull_request, "Faster"),
        ("github", payload("github/push.1"), kit.push, "refs/heads/main"),
        ("slack", payload("slack/app_mention"), kit.mention, "<@USHOPBOT1> oil the door"),
        ("slack", payload("slack/block_actions"), kit.button, payload("slack/block_actions")["actions"][0]["value"]),
        ("linear", payload("linear/Issue.create"), kit.issue, "The door squeaks"),
        ("webhook", {"email": "ada@example.com"}, kit.lead, "ada@example.com"),
        ("webhook", {"email": "ada@example.com"}, kit.unsigned, "ada@example.com"),
        ("webhook", {"email": "ada@example.com", "delivery": "d-1"}, kit.own_scheme, "ada@example.com"),
    ],
    ids=["pull request", "push", "mention", "button", "issue", "standard", "unsigned", "own scheme"],
)
async def test_each_vendor(jobs: Jobs, source: Any, body: dict[str, Any], job: Any, result: str) -> None:
    """What each vendor sends is signed as it signs, and starts the job that it is for, and no other."""
    (run,) = await jobs.deliver(source, body, job=job)
    assert run.job is job
    assert run in jobs.runs
    assert await run.result() == result


async def test_one_delivery_for_several_jobs(jobs: Jobs) -> None:
    """All jobs that it is for, each once; sent again it starts nothing, and gives the same runs."""
    body = payload("stripe/customer.created")
    runs = await jobs.deliver("stripe", body)
    assert [run.id for run in runs] == [
        f"{name}/stripe:{body['id']}" for name in ("kit-customer", "kit-customer-again")
    ]
    assert await jobs.deliver("stripe", body) == runs
    assert await jobs.deliver("stripe", body, id="evt_other") != runs
    assert len(jobs.runs) == 4
    assert [await run.result() for run in runs] == [
        body["data"]["object"]["email"],
        body["data"]["object"]["id"],
    ]


async def test_nothing_is_for_it(jobs: Jobs) -> None:
    """A delivery that no trigger is for, or whose filter says no, starts nothing; and GitHub's ping is answered."""
    assert await jobs.deliver("stripe", {"type": "charge.refunded", "data": {"object": {}}}) == []
    assert await jobs.deliver("github", {**_OPENED, "repository": {"full_name": "acme/other"}}) == []
    assert await jobs.deliver("github", {"zen": "Keep it logically awesome."}, event="ping") == []
    assert jobs.runs == []


async def test_what_is_refused(jobs: Jobs) -> None:
    """The status and the answer of the gateway: a wrong signature, one that is too old, no JSON, and a body that does
    not fit, of which no value is repeated.
    """
    old = {"Stripe-Signature": "t=1700000000,v1=" + "0" * 64}
    for sent, more, status in [
        ({"name": "Ada"}, {"job": kit.lead}, 422),
        (b"{", {"job": kit.lead}, 400),
        ({"email": "a"}, {"job": kit.lead, "headers": {"webhook-signature": "v1,AAAA"}}, 401),
    ]:
        with pytest.raises(DeliveryRefusedError) as refused:
            await jobs.deliver("webhook", sent, **more)  # type: ignore[arg-type]
        assert refused.value.status == status
        assert f"the gateway answers {status}: " in str(refused.value)
    with pytest.raises(DeliveryRefusedError) as refused:
        await jobs.deliver("stripe", payload("stripe/customer.created"), headers=old)
    assert refused.value.status == 401
    with pytest.raises(DeliveryRefusedError) as refused:
        await jobs.deliver("webhook", {"email": {"secret": "value"}}, job=kit.lead)
    assert isinstance(refused.value.answer, dict)
    assert refused.value.answer["error"] == "event_does_not_fit"
    assert "email" in str(refused.value.answer["fields"])
    assert "value" not in str(refused.value.answer["fields"])
    assert jobs.runs == []


async def test_the_name_of_githubs_event(jobs: Jobs) -> None:
    """It is said where the payload does not tell it; and where nothing does, the error says so."""
    body = {"deployment": {"id": 5}}
    with pytest.raises(JobTestError, match=r'event="deployment\.created"'):
        await jobs.deliver("github", body)
    (run,) = await jobs.deliver("github", body, event="deployment.created", id="72d3162e")
    assert run.id == "kit-deployment/github:72d3162e"
    assert await run.result() == "5"


async def test_what_cannot_be_sent(jobs: Jobs) -> None:
    """A source that is none, and an address that several jobs have one of."""
    with pytest.raises(JobTestError, match="one of github, stripe, slack, linear, webhook"):
        await jobs.deliver("gitlab", {})  # type: ignore[arg-type]
    with pytest.raises(JobTestError, match=r"several jobs have one: 'kit-lead', .* Say which: job="):
        await jobs.deliver("webhook", {})
    with pytest.raises(JobTestError, match=r"goes to the address of a job, and the job 'kit-push' has none"):
        await jobs.deliver("webhook", {}, job=kit.push)


def paid(invoice: str, id: str) -> dict[str, Any]:
    """What Stripe sends when an invoice is paid."""
    return {"id": id, "type": "invoice.paid", "data": {"object": {"id": invoice}}}


async def test_runs_that_wait(jobs: Jobs) -> None:
    """A delivery goes to the run that waits for it, and the time of another's wait can be skipped."""
    first = await jobs.start(kit.paid, {"invoice": "in_1"})
    second = await jobs.start(kit.paid, {"invoice": "in_2"})
    await first.waiting_for_event()
    assert await jobs.deliver("stripe", paid("in_1", "evt_1")) == []
    assert await first.result() == "evt_1"
    await jobs.skip("29d")
    assert second.status == "running"
    assert await second.result() == "late"


async def test_what_comes_before_the_wait(jobs: Jobs) -> None:
    """What is delivered while a run does something else is there when it waits, before the time of that is skipped."""
    delivered = asyncio.Event()

    async def look_up(invoice: str) -> str:
        await delivered.wait()
        return invoice

    jobs.steps.look_up.does(look_up)
    run = await jobs.start(kit.paid, {"invoice": "in_1"})
    await jobs.deliver("stripe", paid("in_1", "evt_1"))
    delivered.set()
    assert await run.result() == "evt_1"


async def test_a_delivery_that_starts_and_wakes(jobs: Jobs) -> None:
    """One delivery starts the jobs that it is for, and goes to the run that waits."""
    waits = await jobs.start(kit.next_customer)
    await waits.waiting_for_event()
    with pytest.raises(AssertionError, match=r"Deliver it in the test, await jobs\.deliver\("):
        await waits.result()
    body = payload("stripe/customer.created")
    runs = await jobs.deliver("stripe", body)
    assert len(runs) == 2
    assert await waits.result() == body["data"]["object"]["id"]


def test_which_jobs_hear_of_it(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that the test's module has to do with; all, where none of these is for it."""
    made = Outgoing("linear", {}, event=None, id=None, headers={})
    assert kit.issue in jobs._jobs_for(made)
    assert all(job.handler.__module__ == kit.__name__ for job in jobs._jobs_for(made))
    monkeypatch.setattr(jobs, "_module", ModuleType("test_of_nothing"))
    assert kit.issue in jobs._jobs_for(made)
    assert kit.lead not in jobs._jobs_for(made)


def test_a_loop_of_its_own(jobs: Jobs) -> None:
    """A test that is not `async` delivers too, from any event loop, and all of it at once."""

    async def deliver() -> list[Any]:
        body = payload("stripe/customer.created")
        several = await asyncio.gather(*(jobs.deliver("stripe", body) for _ in range(3)))
        assert several == [several[0]] * 3
        return [await run.result() for run in several[0]]

    assert len(asyncio.run(deliver())) == 2
    assert len(jobs.runs) == 2
