"""A test double of a tool or a step answers as it is told, and is retried, recorded and validated as the real one."""

from __future__ import annotations

import asyncio

import pytest

from terse_temporal.errors import TestDoubleError
from terse_temporal.testing import Jobs

from . import jobs_kit as kit

BOUGHT = {"amount": 3}


async def test_nothing_is_replaced(jobs: Jobs) -> None:
    """What is not replaced is real, and its calls are noted all the same."""
    jobs.tools.kit.announce.returns("told")
    assert await jobs.run(kit.buy, BOUGHT) == ["real-3-EUR", 3, "a@example.com", 1, "told"]
    jobs.steps.charge.called_once_with(3)
    jobs.steps["send the parcel"].called_once_with("Ada")


async def test_values(jobs: Jobs) -> None:
    """A value is returned from every call, as an instance or as data."""
    ada = kit.Customer(email="ada@example.com", name="Ada L.")
    jobs.steps.charge.returns(kit.Receipt(id="r-1", amount=7, customer=ada))
    jobs.steps["send the parcel"].returns({"number": 12, "to": "x"})
    jobs.tools["kit.announce"].returns("told")
    for _ in range(2):
        assert await jobs.run(kit.buy, BOUGHT) == ["r-1", 7, "ada@example.com", 12, "told"]
    assert [call.arguments for call in jobs.steps["send the parcel"].calls] == [{"to": "Ada L."}] * 2


@pytest.mark.parametrize(
    ("error", "seen"),
    [
        (kit.Declined("no money"), "declined: no money"),
        (kit.Expired("yesterday"), "expired: yesterday"),
        (kit.Declined, "declined: Declined"),
        (ValueError("three"), "ValueError: three"),
    ],
    ids=["instance", "subclass", "class", "builtin"],
)
async def test_exceptions(jobs: Jobs, error: type[BaseException] | BaseException, seen: str) -> None:
    """An exception reaches the handler as its own class, whether an instance or the class was given."""
    jobs.steps.charge.raises(error)
    assert await jobs.run(kit.handles, BOUGHT) == seen
    assert len(jobs.steps.charge.calls) == 1


async def test_functions(jobs: Jobs) -> None:
    """A function is called with the same arguments: an `async def` on the loop of the test, a `def` on a thread."""
    here = asyncio.get_running_loop()
    answer: asyncio.Future[str] = here.create_future()
    threads: list[bool] = []

    async def tell(text: str, to: list[str] | None = None) -> str:
        assert asyncio.get_running_loop() is here
        return f"{text} {await answer}"

    def parcel(to: str) -> kit.Parcel:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            threads.append(True)
        return kit.Parcel(5, to)

    jobs.tools.kit.announce.does(tell)
    jobs.steps["send the parcel"].does(parcel)
    run = await jobs.start(kit.buy, BOUGHT)
    here.call_later(0.05, answer.set_result, "waited for")
    assert (await run.result())[3:] == [5, "real-3-EUR waited for"]
    assert threads == [True]


async def test_a_function_that_fails(jobs: Jobs) -> None:
    """What such a function raises is the step's failure."""

    async def refuse(amount: int, currency: str = "EUR") -> kit.Receipt:
        raise kit.Declined(f"{amount} {currency}")

    jobs.steps.charge.does(refuse)
    assert await jobs.run(kit.handles, BOUGHT) == "declined: 3 EUR"


async def test_in_turn(jobs: Jobs) -> None:
    """Answers in turn are given to one call each: retries under backoff are such calls, and take no time."""
    jobs.steps["try"].in_turn(OSError("one"), OSError, lambda: 7)
    run = await jobs.start(kit.patient)
    assert await run.result() == 7
    assert [call.attempt for call in jobs.steps["try"].calls] == [1, 2, 3]
    assert len({call.idempotency_key for call in jobs.steps["try"].calls}) == 1
    assert [step.attempt for step in run.steps] == [3]


async def test_an_error_that_is_not_retried(jobs: Jobs) -> None:
    """A test double's exception is retried by the rule of the step, and by nothing else."""
    jobs.steps["try"].in_turn(OSError("one"), KeyError("two"), 7)
    run = await jobs.start(kit.patient)
    await run.failed_with(KeyError)
    assert len(jobs.steps["try"].calls) == 2


async def test_real_again(jobs: Jobs) -> None:
    """What was replaced can be made real again."""
    jobs.steps.charge.raises(kit.Declined("no"))
    assert await jobs.run(kit.handles, BOUGHT) == "declined: no"
    jobs.steps.charge.real()
    assert await jobs.run(kit.handles, BOUGHT) == "charged"


async def test_names_made_at_run_time(jobs: Jobs) -> None:
    """A step whose name is made when the job runs is replaced by the name that it gets."""
    jobs.steps["part 1"].returns(10)
    assert await jobs.run(kit.numbered, {"parts": 3}) == [1, 10, 1]


@pytest.mark.parametrize("attempt", [1, 2])
async def test_nothing_stays(jobs: Jobs, attempt: int) -> None:
    """What one test replaces is real in the next, and its calls are forgotten."""
    assert jobs.steps.charge.calls == []
    assert await jobs.run(kit.handles, BOUGHT) == "charged"
    jobs.steps.charge.raises(kit.Declined)


def test_nothing_to_set(jobs: Jobs) -> None:
    """An attribute that is set, as on a mock, is refused."""
    with pytest.raises(TestDoubleError, match=r"returns\(…\)"):
        jobs.tools.kit.announce.return_value = "told"


async def test_what_stands_in_has_nothing_to_set(jobs: Jobs) -> None:
    """The habit of `unittest.mock` is an error, and not without effect."""
    with pytest.raises(TestDoubleError, match=r"return_value.*would change nothing"):
        jobs.tools.docs.send.return_value = "good"
    with pytest.raises(TestDoubleError, match=r"side_effect.*would change nothing"):
        jobs.steps.ask_until_good.side_effect = ValueError
