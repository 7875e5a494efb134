"""A tool's call is a step in a durable job, and in place anywhere else, by the same rules."""

from __future__ import annotations

import pytest

from terse_temporal import toolbox
from terse_temporal.errors import NotInStepError, StepInputError

from ..bench import Bench, cache_on, scheduled
from ..effects import Effects
from . import jobs_toolbox as jobs


async def test_each_call_of_a_durable_job_is_an_activity(bench: Bench) -> None:
    """Its type is the tool's name, arguments and result pass by their annotations, and a `def` is a tool like any."""
    async with bench.worker(jobs.durable):
        run = await bench.start(jobs.durable)
        customer = {"email": "ada@example.com", "since": "2020-01-01"}
        assert await bench.result(run) == {"customer": customer, "order": 3}
    assert await scheduled(run) == ["shop.find_customer", "shop.open_order"]
    found, ordered = bench.effects.lines()
    assert found.split()[:2] == ["find", "shop.find_customer"]
    assert ordered == "order ada@example.com 3 {'note': 'x'}"


async def test_in_a_step_calls_have_keys_of_their_own(bench: Bench) -> None:
    """They run in place, and each has a key that is not the step's and not the other's."""
    async with bench.worker(jobs.in_step):
        run = await bench.start(jobs.in_step)
        assert await bench.result(run) == ["a", "b", "call_in_a_step"]
    assert await scheduled(run) == ["call_in_a_step"]
    keys = {line.split()[2] for line in bench.effects.lines()}
    assert len(keys) == 2


async def test_in_a_plain_job(bench: Bench) -> None:
    """The whole job stays one activity."""
    async with bench.worker(jobs.plain):
        run = await bench.start(jobs.plain, tool="shop.findCustomer", arguments={"email": "ada@example.com"})
        assert (await bench.result(run))["email"] == "ada@example.com"
    assert await scheduled(run) == ["tools-plain"]


async def test_outside_a_run(effects: Effects) -> None:
    """In a script or a test a call runs in place too, and its result is of the annotated class."""
    customer = await toolbox.shop.find_customer(effects=str(effects), email="ada@example.com")
    assert customer == jobs.Customer(email="ada@example.com")
    with pytest.raises(NotInStepError):
        await jobs.find_customer(str(effects), "ada@example.com")  # the function itself is no step


@cache_on
async def test_what_is_wrong_is_found_before_anything_is_scheduled(bench: Bench) -> None:
    """Unknown and missing arguments, values that do not fit, names that are not there: with what would be right."""
    async with bench.worker(jobs.refused):
        run = await bench.start(jobs.refused)
        unknown, missing, values, tool, box, short, positional = await bench.result(run)
    assert await scheduled(run) == []
    assert "StepInputError: tool 'shop.find_customer'" in unknown
    assert (
        "has no argument 'emial'; did you mean 'email'? It is shop.find_customer(effects: str, email: str)" in unknown
    )
    assert "missing a required argument: 'email'" in missing
    assert "its argument 'customer': it does not fit Customer:" in values
    assert "email: Field required" in values
    assert "there is no tool 'shop.find_costumer'; did you mean 'shop.find_customer'?" in tool
    assert "there is no toolbox 'shopp' for the tool 'shopp.find_customer'; did you mean 'shop'?" in box
    assert short.startswith("UnknownToolError: there is no tool 'shop': the name of one is that of its toolbox, a dot")
    assert "toolbox.shop.lie('by position', …): arguments of tools are given by name" in positional


async def test_what_a_tool_raises(bench: Bench) -> None:
    """It reaches the handler as its own class and as `StepError`; a result that does not fit is a `StepError` too."""
    async with bench.worker(jobs.errors):
        run = await bench.start(jobs.errors)
        refused, lied = await bench.result(run)
    assert refused == [True, "shop.refuse", "not today"]
    assert lied[:2] == ["StepOutputError", "shop.lie"]
    assert "its result: it does not fit int" in lied[2]
    assert bench.effects.counted()["refuse"] == 1  # idempotent, but nothing about it may pass by itself


async def test_in_place_the_errors_are_the_same(effects: Effects) -> None:
    """A call in place refuses what a durable one refuses, when it is made."""
    with pytest.raises(StepInputError, match="has no argument 'emial'"):
        toolbox.shop.find_customer(effects=str(effects), emial="x")
    with pytest.raises(jobs.Refused):
        await toolbox.shop.refuse(effects=str(effects))
    with pytest.raises(StepInputError, match="give a dict, by name"):
        toolbox.call("shop.lie", ["x"])  # type: ignore[arg-type, unused-coroutine]  # as one without a type checker would
