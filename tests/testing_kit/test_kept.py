"""The state of a job is empty at the start of a test, can be set before a run and be read after it."""

from __future__ import annotations

import pytest

from terse_temporal.errors import StateValueError, UnknownStateKeyError
from terse_temporal.testing import Jobs

from . import jobs_kit as kit


@pytest.mark.parametrize("attempt", [1, 2])
async def test_of_its_own(jobs: Jobs, attempt: int) -> None:
    """Every test begins with the defaults, and its runs share what they keep."""
    assert await jobs.state(kit.counts).get("orders") == 0
    assert [await jobs.run(kit.counts) for _ in range(2)] == [1, 2]
    state = jobs.state("kit-counts")
    assert await state.get("orders") == 2
    assert await state.get("last") == kit.Customer(email="last@example.com", name="Last")


async def test_set_before_a_run(jobs: Jobs) -> None:
    """A value may be set, and unset, from outside."""
    state = jobs.state(kit.counts)
    assert await state.set("orders", 41) == 41
    assert await jobs.run(kit.counts) == 42
    await state.delete("orders")
    assert await jobs.run(kit.counts) == 1


async def test_checked(jobs: Jobs) -> None:
    """Keys and values are those that the job declares."""
    state = jobs.state(kit.counts)
    with pytest.raises(UnknownStateKeyError, match="orders"):
        await state.get("order")
    with pytest.raises(StateValueError, match="orders"):
        await state.set("orders", "many")
