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


async def killed_asking(case: Case, **options: Any) -> None:
    """Kill a worker before its way asks, the next one after it has, and let a third take the answer."""
    async with case.worker(crash_at="ask: began", **options) as first:
        run = await case.start("asks-then-sleeps")
        assert await first.ended() == -signal.SIGKILL
    assert case.marks.all("asked") == []
    async with case.worker(crash_at="ask: effect", **options) as second:
        assert await second.ended() == -signal.SIGKILL
    async with case.worker(**options):
        await case.mark("asked", "input.ask", 2)
        await _answer(case, run)
        assert await result(run) == _ANSWERED
    assert [mark.attempt for mark in case.marks.all("asked")] == [2, 3]
    assert len({mark.key for mark in case.marks.all("asked")}) == 1
    assert len(case.marks.all("closed")) == 1


async def killed_answering(case: Case, **options: Any) -> None:
    """Kill a worker as the handler goes on with an answer that is not recorded yet, and the next one when it is."""
    async with case.worker(crash_at="answer: taken", **options) as first:
        run = await case.start("asks-then-sleeps")
        await case.recorded(EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED)
        # Twice, as by a browser that sends it again.
        answering = [asyncio.create_task(_answer(case, run)) for _ in range(2)]
        assert await first.ended() == -signal.SIGKILL
        assert not any(each.done() for each in answering)
    async with case.worker(**options) as second:
        await asyncio.gather(*answering)
        second.kill()
        assert await second.ended() == -signal.SIGKILL
    async with case.worker(**options):
        assert await result(run) == _ANSWERED
    assert len(case.marks.all("asked")) == 1
    # The kill may come as this is said.
    assert len({mark.key for mark in case.marks.all("closed")}) == 1


async def _answer(case: Case, run: WorkflowHandle[Any, Any]) -> None:
    question = await asked(run)
    await answer_question(case.client, run.id, "1", run=question["run"], choice="yes", by="Ada")


def every_crash(new_case: NewCase, cache: str, **options: Any) -> dict[str, Coroutine[Any, Any, None]]:
    """The cases, for workers with those options."""
    jobs = "tests/crash/jobs_inputs.py"
    return {
        f"around the way, {cache}": killed_asking(new_case(jobs=jobs), **options),
        f"around the answer, {cache}": killed_answering(new_case(jobs=jobs), **options),
    }


async def test_asked_and_answered_once(new_case: NewCase) -> None:
    """Wherever its worker is killed, a run asks once, or again with the same key where that was cut off."""
    # In one test, cache on and at zero, because together they take as long as the longest.
    await at_once(every_crash(new_case, "cache on") | every_crash(new_case, "cache at zero", max_cached_workflows=0))
