"""A worker that is busy is not a worker that is dead.

The server gives a step to another worker after seven seconds of silence. A second worker stands by in each case, to
take it if it could.
"""

from __future__ import annotations

import signal
from collections.abc import Callable

from ..waiting import until
from .processes import Case, at_once, result

NewCase = Callable[[], Case]


async def runs_once(case: Case, run_as: str, seconds: float) -> str:
    """Run the step in one worker with another beside it, and return what the first one logged."""
    async with case.worker() as first:
        run = await case.start_one_step(run_as, seconds=seconds)
        await case.began("work")
        async with case.worker():
            case.go.touch()
            assert await result(run) == "work"
    assert case.marks.count("began") == case.marks.count("effect") == {"before": 1, "work": 1, "after": 1}
    assert {mark.pid for mark in case.marks.all("began", "work")} == {first.pid}
    return first.log()


async def test_step_that_stops_the_loop_runs_once(new_case: NewCase) -> None:
    """A step runs once however long it blocks its thread or the worker's event loop, and the latter is logged."""

    async def blocks_the_loop(run_as: str, seconds: float) -> None:
        log = await runs_once(new_case(), run_as, seconds)
        assert "the event loop of this worker has stood still for" in log
        assert "at tests/crash/jobs_crash.py:" in log
        assert "in or beside the steps 'work'" in log
        assert "make the function a plain `def`" in log

    async def blocks_a_thread(seconds: float) -> None:
        log = await runs_once(new_case(), "act_in_thread", seconds)
        assert "stood still" not in log

    await at_once(
        {
            # The SDK gives up on a step of its own accord five seconds after the server would.
            "async def that blocks": blocks_the_loop("block", 14),
            "async def that computes": blocks_the_loop("compute", 9),
            "def that blocks": blocks_a_thread(10),
        }
    )


async def test_step_that_cannot_be_timed_out(new_case: NewCase) -> None:
    """A step that runs past its timeout and blocks the loop, so that its worker cannot end it, fails and runs once."""
    case = new_case()
    async with case.worker(timeout_slack=1):
        run = await case.start_one_step("block", waits=False, seconds=6, timeout="1s")
        assert (await result(run)).startswith("StepTimeoutError: step 'work' (tests/crash/jobs_crash.py:")
    assert case.marks.count("began") == {"before": 1, "work": 1, "after": 1}


async def test_suspended_worker(new_case: NewCase) -> None:
    """A worker that was suspended is taken for dead; when it wakes up, its step is cancelled there, and it says why."""
    case = new_case()
    async with case.worker() as first:
        run = await case.start_one_step()
        await case.began("work")
        first.send(signal.SIGSTOP)

        async def given_up() -> bool:
            description = (await run.describe()).raw_description
            return [pending.attempt for pending in description.pending_activities] == [2]

        await until(given_up, "the server gives up the first attempt")
        first.send(signal.SIGCONT)
        assert (await case.mark("cancelled", "work")).attempt == 1
        case.go.touch()
        assert await result(run) == "work"
        await first.says("this worker as a whole has stood still for")
    assert case.marks.count("effect") == {"before": 1, "work": 1, "after": 1}
    assert case.marks.one_key_for_each_step()
