"""Whom a run asks is told: that it asks, again while nobody answers, and when it is over. Each time is a step.

It is done by tasks of the run's own, beside the handler, which goes on as soon as there is an answer. The end of the
run waits for them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from temporalio import workflow

from ...diagnostics.logs import logger_of
from ...diagnostics.redaction import error_text
from ...errors import TerseError
from ...execution.coroutine_names import named
from ...execution.protocol import StepRequest
from ...inputs.ways import WaySteps
from .question import Question

__all__ = ["Telling"]

#: Reminders of one question.
_MOST_REMINDERS: Final = 1_000

_logger = logger_of("worker")


class Telling:
    """What tells people of the questions of one run.

    Args:
        call: makes a step.
        job: the job's name.
    """

    def __init__(self, call: Callable[[StepRequest], Coroutine[Any, Any, Any]], job: str) -> None:
        self._call = call
        self._job = job
        #: What has something to do, for which question.
        self._tasks: dict[asyncio.Task[None], Question] = {}

    def tell(self, question: Question, where: str) -> None:
        """Ask by every way, remind, and say when it is over: in tasks of the run's own."""
        request = question.request
        # Made here, and not in a task: what is wrong with one is the handler's to know.
        asking: dict[WaySteps, Coroutine[Any, Any, Any]] = {}
        try:
            for way in request.ways:
                asking[way] = self._step(way.asks(self._for_ways(question)), where)
        except Exception:
            for asks in asking.values():
                asks.close()
            raise
        for way, asks in asking.items():
            self._begin(question, self._follow(question, way, asks, where))
        if request.ways and request.remind_every is not None:
            self._begin(question, self._remind(question, request.remind_every, where))

    def _begin(self, question: Question, telling: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(named("question", telling), name=f"question {question.number}")
        self._tasks[task] = question
        task.add_done_callback(lambda done: self._tasks.pop(done, None))

    async def _follow(self, question: Question, way: WaySteps, asks: Coroutine[Any, Any, Any], where: str) -> None:
        """Ask by a way, and say by it when the question is over."""
        try:
            question.told[way] = _as_told(await asks)
        except TerseError as err:
            question.failed[way] = err
            self._log(question, way, "could not ask", err)
        await workflow.wait_condition(lambda: question.ended is not None)
        told = question.told.get(way)
        if told is not None and told["closes"]:
            closes = way.closes(self._for_ways(question), told["sent"], question.outcome)
            await self._try(question, way, closes, where)

    async def _remind(self, question: Question, every: timedelta, where: str) -> None:
        began, place = workflow.now(), 0
        for number in range(1, _MOST_REMINDERS + 1):
            # Those that were due while no worker was there are not made up for.
            place = max(place, (workflow.now() - began) // every) + 1
            # None at the moment at which time is up, nor after it.
            if (limit := question.request.timeout) is not None and place * every >= limit:
                return
            with suppress(TimeoutError):
                wait = place * every - (workflow.now() - began)
                await workflow.wait_condition(lambda: question.ended is not None, timeout=wait)
            if question.ended is not None or question.answer is not None:
                return
            await asyncio.gather(*(self._remind_by(question, way, number, where) for way in question.request.ways))

    async def _remind_by(self, question: Question, way: WaySteps, number: int, where: str) -> None:
        told = question.told.get(way)
        if told is None and way in question.failed:  # it could not ask, and perhaps it can now
            told = await self._try(question, way, way.asks(self._for_ways(question)), where)
            if told is not None:
                question.told[way] = _as_told(told)
                del question.failed[way]
        elif told is not None and told["reminds"]:
            await self._try(question, way, way.reminds(self._for_ways(question), told["sent"], number), where)

    async def _try(self, question: Question, way: WaySteps, request: StepRequest, where: str) -> Any:
        try:
            return await self._step(request, where)
        except TerseError as err:
            self._log(question, way, f"failed at {request.name}", err)
            return None

    def _step(self, request: StepRequest, where: str) -> Coroutine[Any, Any, Any]:
        return self._call(replace(request, where=where))

    def _for_ways(self, question: Question) -> dict[str, Any]:
        # Nothing of where the run is: a history may be replayed under another workflow id or namespace.
        return {**question.shown, "number": question.number, "job": self._job}

    def _log(self, question: Question, way: WaySteps, said: str, error: TerseError) -> None:
        if not workflow.unsafe.is_replaying():
            _logger.warning(
                "run   %s  question %s: %s %s: %s",
                workflow.info().workflow_id,
                question.number,
                way.name,
                said,
                error_text(error),
            )

    async def settle(self) -> None:
        """Have everybody told that nobody is asked any more, as the run ends."""
        # One that is being sent is not cut off: nobody would know then where it is, to say that it is over. Where a way
        # does not work, the run ends when it has been tried as often as it is.
        for question in self._tasks.values():
            question.ended = question.ended or "withdrawn"
        while self._tasks:
            # The run may be cancelled once more. (Where it is only evicted, waiting again raises.)
            with suppress(asyncio.CancelledError):
                await workflow.wait_condition(lambda: not self._tasks)


def _as_told(given: Any) -> dict[str, Any]:
    """Return what a step that asks has given, which may be of another version, or of a test."""
    told = given if isinstance(given, dict) else {}
    return {"sent": told.get("sent"), "reminds": told.get("reminds") is True, "closes": told.get("closes") is True}
