"""SIGTERM to a worker in the middle of a step: it is let to end, and if it takes too long, it runs again elsewhere."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

from ..waiting import SOON
from .processes import Case, at_once, result

NewCase = Callable[..., Case]

#: Seconds. Of `terse-worker` it is twenty, in which another worker need not have started on a machine that is busy.
SHORT_GRACE = 1
LONG_GRACE = 2 * SOON


async def ends_within_the_grace(case: Case, run_as: str) -> None:
    """The step is let to go on only after the signal has been received: it ends there, and so does the worker."""
    async with case.worker(graceful_shutdown_timeout=LONG_GRACE) as first:
        run = await case.start_one_step(run_as)
        begun = await case.began("work")
        first.stop()
        await first.says("SIGTERM: taking no more work, and waiting for running steps")
        async with case.worker() as second:
            case.go.touch()
            assert await first.ended() == 0
            assert await result(run) == "work"
    assert "stopped" in first.log()
    assert [mark.pid for mark in case.marks.all("effect")] == [first.pid, first.pid, second.pid]
    assert begun.pid == first.pid
    assert case.marks.count("began") == {"before": 1, "work": 1, "after": 1}


async def outlasts_the_grace(case: Case, run_as: str, **options: Any) -> None:
    """The step waits for longer than the worker does: it begins again on another one, with its key, and ends there."""
    options["graceful_shutdown_timeout"] = SHORT_GRACE
    async with case.worker(**options) as first:
        run = await case.start_one_step(run_as)
        await case.began("work")
        first.stop()
        assert await first.ended() == 0
    assert "interrupted: this worker is shutting down (attempt 1)" in first.log()
    case.go.touch()
    async with case.worker(**options) as second:
        assert await result(run) == "work"
    assert case.marks.count("began") == {"before": 1, "work": 2, "after": 1}
    assert case.marks.count("effect") == {"before": 1, "work": 1, "after": 1}
    assert [(mark.pid, mark.attempt) for mark in case.marks.all("began", "work")] == [(first.pid, 1), (second.pid, 2)]
    assert case.marks.one_key_for_each_step()


async def at_most_once(case: Case, attempt: int = 1, **options: Any) -> None:
    """The step outlasts the grace, and is not to run again: the handler is told on another worker."""
    async with case.worker(graceful_shutdown_timeout=SHORT_GRACE) as first:
        run = await case.start_one_step(on_interrupt="fail", failing=list(range(1, attempt)), **options)
        await case.began("work", times=attempt)
        first.stop()
        assert await first.ended() == 0
    case.go.touch()
    async with case.worker():
        assert (await result(run)).startswith("StepInterruptedError: step 'work' (tests/crash/jobs_crash.py:")
    assert case.marks.count("began") == {"before": 1, "work": attempt, "after": 1}
    assert case.marks.count("effect") == {"before": 1, "after": 1}


async def test_short_step_ends(new_case: NewCase) -> None:
    """A step that ends within the grace after SIGTERM runs once, and the worker leaves with status 0 after it."""
    await at_once({run: ends_within_the_grace(new_case(), run) for run in ("act", "act_in_thread")})


async def test_long_step_runs_again(new_case: NewCase) -> None:
    """A step that outlasts the grace after SIGTERM runs again on another worker, with the same idempotency key."""
    await at_once(
        {
            "async def": outlasts_the_grace(new_case(), "act"),
            "def": outlasts_the_grace(new_case(), "act_in_thread"),
            "async def, cache at zero": outlasts_the_grace(new_case(), "act", max_cached_workflows=0),
            "def, cache at zero": outlasts_the_grace(new_case(), "act_in_thread", max_cached_workflows=0),
        }
    )


async def test_long_step_at_most_once(new_case: NewCase) -> None:
    """With on_interrupt="fail" a step that outlasts the grace runs once and raises StepInterruptedError."""
    await at_once(
        {
            "async def": at_most_once(new_case()),
            "def": at_most_once(new_case(), run="act_in_thread"),
            "with retry=": at_most_once(new_case(), attempts=3),
            "in its second attempt": at_most_once(new_case(), attempt=2, attempts=3),
        }
    )


async def test_second_signal_leaves_at_once(new_case: NewCase) -> None:
    """A second SIGTERM ends the worker at once with status 1, and its step runs again elsewhere, as after SIGKILL."""
    case = new_case()
    async with case.worker() as first:
        run = await case.start_one_step()
        await case.began("work")
        first.stop()
        await first.says("SIGTERM: taking no more work")
        first.stop()
        assert await first.ended() == 1
    case.go.touch()
    async with case.worker():
        assert await result(run) == "work"
    assert case.marks.count("began") == {"before": 1, "work": 2, "after": 1}
    assert case.marks.one_key_for_each_step()


async def test_idle_worker_leaves_at_once(new_case: NewCase) -> None:
    """A worker with nothing to do ends with status 0 at SIGTERM and at SIGINT, without waiting for the grace."""

    async def stops(received: signal.Signals) -> None:
        case = new_case(forked=False)
        async with case.worker() as worker:
            worker.send(received)
            assert await worker.ended() == 0
        assert "stopped" in worker.log()
        assert "Traceback" not in worker.log()

    await at_once({each.name: stops(each) for each in (signal.SIGTERM, signal.SIGINT)})


async def test_interruptions_count_as_attempts(new_case: NewCase) -> None:
    """With retry=, an interrupted attempt runs again even as the last, and counts: an exception after it is final."""
    case = new_case()
    run = await case.start_one_step(attempts=2, failing=[3])
    for attempt in (1, 2):
        async with case.worker(graceful_shutdown_timeout=SHORT_GRACE) as worker:
            await case.began("work", times=attempt)
            worker.stop()
            assert await worker.ended() == 0
    async with case.worker():
        assert await result(run) == "RuntimeError: attempt 3 of work"
    assert case.marks.count("began") == {"before": 1, "work": 3, "after": 1}
    assert case.marks.one_key_for_each_step()
