"""Calls are noted with their arguments, wherever they are made: by the handler, in a step, in place and by a model."""

from __future__ import annotations

import pytest

from terse_temporal.testing import Call, Jobs

from . import jobs_kit as kit
from .jobs_documents import ask


async def test_of_steps_and_tools(jobs: Jobs) -> None:
    """A call has its arguments by name, defaults are the same whether they are said or not, and spelling is free."""
    jobs.tools.kit.announce.returns("told")
    jobs.tools.kit.announce.not_called()
    await jobs.run(kit.buy, {"amount": 3})
    await jobs.run(kit.buy, {"amount": 4, "currency": "USD"})
    announce, charge = jobs.tools.kit.announce, jobs.steps.charge
    assert announce.calls[0] == Call("kit.announce", {"text": "real-3-EUR"})
    assert [str(call) for call in announce.calls] == [
        "kit.announce(text='real-3-EUR')",
        "kit.announce(text='real-4-USD')",
    ]
    assert jobs.tools["kit.announce"].calls == announce.calls
    assert announce.calls[0].idempotency_key != announce.calls[1].idempotency_key
    announce.called_with(text="real-4-USD", to=None)
    charge.called_with(3)
    charge.called_with(amount=3, currency="EUR")
    charge.called_with(4, "USD")


async def test_expectations_that_fail(jobs: Jobs) -> None:
    """An expectation that is not met is told with the calls that there were."""
    announce = jobs.tools.kit.announce
    announce.returns("told")
    with pytest.raises(AssertionError, match=r"kit\.announce was called not at all, not once; there were no calls"):
        announce.called_once_with(text="x")
    await jobs.run(kit.buy, {"amount": 3})
    with pytest.raises(AssertionError, match=r"(?s)other arguments:.*expected: .*text='x'.*was: .*text='real-3-EUR'"):
        announce.called_once_with(text="x")
    with pytest.raises(AssertionError, match=r"(?s)1\. kit\.announce\(text='real-3-EUR'\)"):
        announce.called_with(text="real-3-EUR", to=["x"])
    with pytest.raises(AssertionError, match=r"was called:\n  1\. "):
        announce.not_called()
    await jobs.run(kit.buy, {"amount": 4})
    with pytest.raises(AssertionError, match="called twice, not once"):
        announce.called_once_with(text="real-3-EUR")


async def test_in_a_step(jobs: Jobs) -> None:
    """A tool and a model that a step calls are replaced too, and are no steps of their own."""
    jobs.tools.kit.find_customer.returns({"name": "Ada"})
    jobs.model.replies("Hello")
    run = await jobs.start(kit.in_a_step)
    assert await run.result() == "Ada: Hello"
    jobs.tools.kit.find_customer.called_once_with(email="in@example.com")
    assert [step.name for step in run.steps] == ["look_up"]


async def test_in_a_job_that_is_not_durable(jobs: Jobs) -> None:
    """So are those of a job that is not durable; the function of a test double runs on the test's loop there too."""

    async def find(email: str) -> dict[str, str]:
        return {"email": email, "name": email.partition("@")[0]}

    jobs.tools.kit.find_customer.does(find)
    jobs.model.replies("Hello")
    run = await jobs.start(kit.in_place)
    assert await run.result() == "place: Hello"
    jobs.tools.kit.find_customer.called_once_with(email="place@example.com")
    assert [step.name for step in run.steps] == ["kit-in-place"]


async def test_by_a_model(jobs: Jobs) -> None:
    """A tool that the model asks for is the same tool: replaced, noted, and a step."""
    jobs.tools.kit.find_customer.returns({"name": "Ada"})
    jobs.model.asks_for("kit.find_customer", email="model@example.com")
    jobs.model.replies("It is Ada")
    run = await jobs.start(kit.asks)
    assert await run.result() == "It is Ada"
    jobs.tools.kit.find_customer.called_once_with(email="model@example.com")
    assert [step.name for step in run.steps] == ["generate_text", "kit.find_customer", "generate_text"]


async def test_expected_arguments_are_validated_as_those_of_the_call(jobs: Jobs) -> None:
    """An argument that the tool's annotation makes something of is expected as it was written."""
    jobs.tools.docs.send.returns("good")
    jobs.model.replies("good")
    await jobs.run(ask)
    jobs.tools.docs.send.called_once_with(to="ada@example.com", text="how is it?")
    with pytest.raises(AssertionError, match="other arguments"):
        jobs.tools.docs.send.called_once_with(to="grace@example.com", text="how is it?")
