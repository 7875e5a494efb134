"""`kill -9` around a question: it is asked once, or again with the same key, and an answer that was given counts."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHandle

from terse_temporal.runs.inputs import answer_question

from ..inputs.asking import asked
from .processes import Case, at_once, result

NewCase = Callable[..., Case]

_ANSWERED = ["yes", "Ada"]


async def killed_asking(case: Case, crash_at: str, times: int, **options: Any) -> None:
    """Kill the worker at its way to ask, and let another ask and take the answer."""
    async with case.worker(crash_at=crash_at, **options) as first:
        run = await case.start("asks-then-sleeps")
        assert await first.ended() == -signal.SIGKILL
    async with case.worker(**options):
        await case.mark("asked", "input.ask", times)
        await _answer(case, run)
        assert await result(run) == _ANSWERED
    _check(case, times)
    assert [mark.attempt for mark in case.marks.all("asked")][-1] == 2


async def killed_answering(case: Case, **options: Any) -> None:
    """Kill the worker as the handler goes on with an answer that the server has not recorded yet."""
    async with case.worker(crash_at="answer: taken", **options) as first:
        run = await case.start("asks-then-sleeps")
        await case.recorded(EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED)
        answering = asyncio.create_task(_answer(case, run))
        assert await first.ended() == -signal.SIGKILL
        assert not answering.done()
    async with case.worker(**options):
        await answering
        assert await result(run) == _ANSWERED
    _check(case, 1)


async def killed_answered(case: Case, **options: Any) -> None:
    """Kill the worker when an answer is recorded, and let another go on from there."""
    async with case.worker(**options) as first:
        run = await case.start("asks-then-sleeps")
        await case.mark("asked", "input.ask")
        await _answer(case, run)
        first.kill()
        assert await first.ended() == -signal.SIGKILL
    async with case.worker(**options):
        assert await result(run) == _ANSWERED
    _check(case, 1)


async def answered_without_a_worker(case: Case, **options: Any) -> None:
    """Answer while there is no worker: the next one takes it, though it was given twice."""
    async with case.worker(**options) as first:
        run = await case.start("asks-then-sleeps")
        await case.recorded(EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED)
        first.kill()
        assert await first.ended() == -signal.SIGKILL
    answering = [asyncio.create_task(_answer(case, run)) for _ in range(2)]
    async with case.worker(**options):
        await asyncio.gather(*answering)
        assert await result(run) == _ANSWERED
    _check(case, 1)


async def _answer(case: Case, run: WorkflowHandle[Any, Any]) -> None:
    question = await asked(run)
    await answer_question(case.client, run.id, "1", run=question["run"], choice="yes", by="Ada")


def _check(case: Case, asked: int) -> None:
    assert (len(case.marks.all("asked")), len(case.marks.all("closed"))) == (asked, 1)
    assert len({mark.key for mark in case.marks.all("asked")}) == 1


def every_crash(new_case: NewCase, cache: str, **options: Any) -> dict[str, Coroutine[Any, Any, None]]:
    """The cases, for workers with those options."""
    cases = {
        "before it asks": killed_asking(_new(new_case), "ask: began", 1, **options),
        "after it has asked": killed_asking(_new(new_case), "ask: effect", 2, **options),
        "before an answer is recorded": killed_answering(_new(new_case), **options),
        "after an answer is recorded": killed_answered(_new(new_case), **options),
        "before it is answered": answered_without_a_worker(_new(new_case), **options),
    }
    return {f"{name}, {cache}": case for name, case in cases.items()}


def _new(new_case: NewCase) -> Case:
    return new_case(jobs="tests/crash/jobs_inputs.py")


async def test_asked_and_answered_once(new_case: NewCase) -> None:
    """Wherever its worker is killed, a run asks once, or again with the same key where that was cut off."""
    # In one test, cache on and at zero, because together they take as long as the longest.
    await at_once(every_crash(new_case, "cache on") | every_crash(new_case, "cache at zero", max_cached_workflows=0))
