"""`kill -9` at every point of a run, and what the next worker makes of it.

The worker is a real process, and dies by SIGKILL at a point that it was told beforehand, or when the server's history
shows that the run has come there: nothing is left to timing. Its effects stand in a file. The cases of a test run at
the same time, for they mostly wait for the server: to miss a heartbeat, or the answer to a workflow task.
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import ApplicationError

from .processes import Case, at_once, result

NewCase = Callable[[], Case]

STEPS = ["reserve", "charge", "ship"]


async def order_survives(case: Case, crash_at: str, again: str | None, **options: Any) -> None:
    """Kill the worker there, start another: the step named, if any, has its effect again, and all others once."""
    async with case.worker(crash_at=crash_at, **options) as first:
        run = await case.start("order")
        assert await first.ended() == -signal.SIGKILL
    async with case.worker(**options) as second:
        assert await result(run) == STEPS
    assert case.marks.count("effect") == Counter(STEPS) + Counter([again] if again else [])
    assert case.marks.one_key_for_each_step()
    if again:
        assert [mark.attempt for mark in case.marks.all("effect", again)] == [1, 2]
        assert [mark.pid for mark in case.marks.all("effect", again)] == [first.pid, second.pid]


async def killed_asleep(case: Case, timer_fires_meanwhile: bool, **options: Any) -> None:
    """Kill the worker when the server has its timer, and start another before or after that has fired."""
    async with case.worker(**options) as first:
        run = await case.start("order")
        await case.recorded(EventType.EVENT_TYPE_TIMER_STARTED)
        first.kill()
        assert await first.ended() == -signal.SIGKILL
    if timer_fires_meanwhile:
        await case.recorded(EventType.EVENT_TYPE_TIMER_FIRED)
    async with case.worker(**options):
        assert await result(run) == STEPS
    assert case.marks.count("effect") == Counter(STEPS)
    assert case.marks.one_key_for_each_step()


async def killed_in_replay(case: Case, **options: Any) -> None:
    """Kill the worker after its second step, the next one while it replays the first, and let the third end it."""
    async with case.worker(crash_at="charge: effect", **options) as first:
        run = await case.start("order")
        assert await first.ended() == -signal.SIGKILL
    async with case.worker(crash_at="reserve: replayed", **options) as second:
        assert await second.ended() == -signal.SIGKILL
    async with case.worker(**options) as third:
        assert await result(run) == STEPS
    assert case.marks.count("effect") == Counter(STEPS) + Counter(["charge"])
    assert [mark.pid for mark in case.marks.all("effect")] == [first.pid, first.pid, second.pid, third.pid]
    assert case.marks.one_key_for_each_step()


async def killed_beside(case: Case, **options: Any) -> None:
    """Kill the worker while one of two parallel steps is recorded and the other is running."""
    async with case.worker(**options) as first:
        run = await case.start("both")
        await case.began("slow")
        await case.recorded(EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED)
        first.kill()
        assert await first.ended() == -signal.SIGKILL
    case.go.touch()
    async with case.worker(**options):
        assert await result(run) == ["quick", "slow"]
    assert case.marks.count("began") == {"quick": 1, "slow": 2}
    assert case.marks.count("effect") == {"quick": 1, "slow": 1}
    assert case.marks.one_key_for_each_step()


def every_crash(new_case: NewCase, cache: str, **options: Any) -> dict[str, Coroutine[Any, Any, None]]:
    """The cases, for workers with those options."""
    cases = {
        "between two steps": order_survives(new_case(), "reserve: recorded", None, **options),
        "before a step that was taken begins": order_survives(new_case(), "charge: taken", None, **options),
        "after the effect of a def": order_survives(new_case(), "charge: effect", "charge", **options),
        "after the effect of an async def": order_survives(new_case(), "ship: effect", "ship", **options),
        "after the last step is recorded": order_survives(new_case(), "ship: recorded", None, **options),
        "asleep": killed_asleep(new_case(), timer_fires_meanwhile=False, **options),
        "asleep over the timer": killed_asleep(new_case(), timer_fires_meanwhile=True, **options),
        "in the replay of recovery": killed_in_replay(new_case(), **options),
        "beside a step that is recorded": killed_beside(new_case(), **options),
    }
    return {f"{name}, {cache}": case for name, case in cases.items()}


async def test_finished_steps_once_unfinished_again(new_case: NewCase) -> None:
    """Wherever its worker is killed, a run ends right: finished steps ran once, an unfinished one again, same key."""
    # In one test, cache on and at zero, because together they take as long as the longest.
    await at_once(every_crash(new_case, "cache on") | every_crash(new_case, "cache at zero", max_cached_workflows=0))


async def test_runs_again_within_ten_seconds(new_case: NewCase, capsys: pytest.CaptureFixture[str]) -> None:
    """A step whose worker is killed is running again on another worker within ten seconds, also after many attempts."""
    took: dict[str, float] = {}

    async def killed(name: str, run_as: str = "act", attempt: int = 1, **options: Any) -> None:
        case = new_case()
        async with case.worker(**options) as first:
            run = await case.start_one_step(run_as, failing=list(range(1, attempt)), attempts=attempt)
            begun = await case.began("work", times=attempt)
            async with case.worker(**options) as second:
                at = first.kill()
                again = await case.began("work", times=attempt + 1)
                took[name] = again.at - at
                case.go.touch()
                assert await result(run) == "work"
        assert (begun.pid, again.pid) == (first.pid, second.pid)
        assert case.marks.count("effect") == {"before": 1, "work": 1, "after": 1}
        assert case.marks.one_key_for_each_step()

    cases: dict[str, dict[str, Any]] = {
        "async def": {},
        "def": {"run_as": "act_in_thread"},
        "cache at zero": {"max_cached_workflows": 0},
        "eighth attempt": {"attempt": 8},
    }
    await at_once({name: killed(name, **how) for name, how in cases.items()})
    with capsys.disabled():
        print(f"\nrunning again after {', '.join(f'{seconds:.1f} s ({name})' for name, seconds in took.items())}")
    assert max(took.values()) < 30  # ten, where the machine does nothing else


async def killed_at_most_once(case: Case, attempt: int = 1, **options: Any) -> None:
    """Kill the worker in the nth attempt of the step: there is no other, and the handler is told."""
    async with case.worker() as first:
        failing = list(range(1, attempt))
        run = await case.start_one_step(on_interrupt="fail", failing=failing, **options)
        await case.began("work", times=attempt)
        first.kill()
        await first.ended()
    case.go.touch()
    async with case.worker():
        assert (await result(run)).startswith("StepInterruptedError: step 'work' (tests/crash/jobs_crash.py:")
    assert case.marks.count("began") == {"before": 1, "work": attempt, "after": 1}
    assert case.marks.count("effect") == {"before": 1, "after": 1}


async def killed_on_the_way(case: Case) -> None:
    """Kill the worker when it has said that the step begins, before its function is entered: it is not run again."""
    async with case.worker(crash_at="work: taken") as first:
        run = await case.start_one_step(on_interrupt="fail")
        assert await first.ended() == -signal.SIGKILL
    case.go.touch()
    async with case.worker():
        assert (await result(run)).startswith("StepInterruptedError: step 'work' (tests/crash/jobs_crash.py:")
    assert case.marks.count("began") == {"before": 1, "after": 1}


async def killed_plain_job(case: Case) -> None:
    """Kill the worker in a job that is not durable: the run fails, and is not run again."""
    async with case.worker() as first:
        run = await case.start("plain")
        await case.began("plain")
        first.kill()
        await first.ended()
    case.go.touch()
    async with case.worker():
        with pytest.raises(WorkflowFailureError) as failed:
            await result(run)
    assert isinstance(failed.value.cause, ApplicationError)
    assert failed.value.cause.type == "StepInterruptedError"
    assert case.marks.count("began") == {"plain": 1}


async def test_at_most_once(new_case: NewCase) -> None:
    """A step with on_interrupt="fail", with or without retry=, and a job that is not durable, never run twice."""
    await at_once(
        {
            "a step": killed_at_most_once(new_case()),
            "with retry=": killed_at_most_once(new_case(), attempts=3),
            "in its second attempt": killed_at_most_once(new_case(), attempt=2, attempts=3),
            "on the way into its function": killed_on_the_way(new_case()),
            "a job that is not durable": killed_plain_job(new_case()),
        }
    )
