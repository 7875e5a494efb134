"""Steps that get another input on a replay by the same code do not go on with each other's results."""

from __future__ import annotations

import functools
from collections.abc import Callable

from temporalio.api.enums.v1 import EventType

from .processes import Case, at_once, result

SLEEPS = EventType.EVENT_TYPE_TIMER_STARTED

NewCase = Callable[..., Case]


async def second_process(case: Case, job: str, cache: int) -> tuple[list[str], str]:
    """A run is begun by one process and taken over by another, then by one like the first: all that was paid, in order,
    and what the second one says of it.
    """
    async with case.worker(env={"PYTHONHASHSEED": "1", "TERSE_TEST_PROCESS": "first"}) as first:
        run = await case.start(job)
        await case.recorded(SLEEPS)
        first.kill()
        await first.ended()
    begun = case.marks.lines()
    assert len(begun) == 1
    other = {"PYTHONHASHSEED": "3", "TERSE_TEST_PROCESS": "second"}
    async with case.worker(env=other, max_cached_workflows=cache) as second:
        await second.says("waits: its history does not fit the code of this worker")
        assert case.marks.lines() == begun
        said = second.log()
    async with case.worker(env={"PYTHONHASHSEED": "1", "TERSE_TEST_PROCESS": "first"}):
        await result(run)
    return case.marks.lines(), said


async def set_changes_places(case: Case, cache: int) -> None:
    paid, said = await second_process(case, "pays-a-set", cache)
    assert sorted(paid) == ["pay ada", "pay bob", "pay cyd", "pay dan", "pay eve", "pay the rest"]
    assert "step 'pay' at tests/engine/jobs_swapped.py:" in said
    assert "is recorded with another input than the handler gives it now, with the same code" in said


async def environment_changes(case: Case, cache: int) -> None:
    paid, said = await second_process(case, "gives-the-environment", cache)
    assert paid == ["pay nobody"]
    assert "is recorded with another input" in said


async def set_in_an_input(case: Case, cache: int) -> None:
    async with case.worker(env={"PYTHONHASHSEED": "1"}) as first:
        run = await case.start("gives-a-set")
        await case.recorded(SLEEPS)
        first.kill()
    async with case.worker(env={"PYTHONHASHSEED": "3"}, max_cached_workflows=cache):
        assert await result(run) == "ada"


async def test_two_processes(new_case: NewCase) -> None:
    """With the order of sets another one, or the environment, the run waits, whatever the handler catches: nobody is
    paid twice or in the place of another. It goes on in a process like the first. The order within an input is nothing.
    """
    swapped = functools.partial(new_case, jobs="tests/engine/jobs_swapped.py")
    cases = {
        "steps over a set": set_changes_places(swapped(), 1000),
        "a failure, by the environment": environment_changes(swapped(), 1000),
        # Here the run goes on in the second process, which replays it once in any case, and at zero again and again.
        "a set in an input": set_in_an_input(swapped(), 0),
    }
    await at_once(cases)
