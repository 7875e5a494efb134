"""Jobs whose steps are tried again, or take too long."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

from terse_temporal import Event, Retry, create_job, current_step, job_step
from terse_temporal.errors import StepError, StepTimeoutError
from tests.effects import record


class Transient(Exception):
    pass


class Throttled(Transient):
    pass


def attempted(path: str) -> int:
    """Leave the attempt and the time in the effects; tell the attempt."""
    record(path, f"{current_step().attempt} {time.time()}")
    return current_step().attempt


def third_time(path: str) -> str:
    if attempted(path) < 3:
        raise Throttled("later")
    return "third time"


async def never(path: str) -> None:
    attempted(path)
    raise Transient("never")


def wrong(path: str) -> None:
    attempted(path)
    raise ValueError("wrong")


@create_job(name="retries", durable=True)
async def retries(event: Event) -> Any:
    rule: dict[str, Retry] = {
        "every exception": Retry(max_attempts=5, initial="20ms"),
        "a base class": Retry(max_attempts=5, initial="20ms", on=(ValueError, Transient)),
        "one class": Retry(max_attempts=5, initial="20ms", on=Throttled),
        "delays": Retry(max_attempts=5, initial="100ms", multiplier=3, max_delay="200ms"),
    }
    return await job_step(run=third_time, input=event.effects, retry=rule[event.case])


@create_job(name="retries-in-vain", durable=True)
async def in_vain(event: Event) -> Any:
    try:
        await job_step(run=never, input=event.effects, retry=Retry(max_attempts=2, initial="20ms"))
    except Transient as error:
        return [str(error), isinstance(error, StepError)]


@create_job(name="no-retry-of-another-class", durable=True)
async def another_class(event: Event) -> Any:
    await job_step(run=wrong, input=event.effects, retry=Retry(on=Transient))


@create_job(name="no-retry", durable=True)
async def no_retry(event: Event) -> Any:
    await job_step(run=wrong, input=event.effects)


@create_job(name="one-attempt", durable=True)
async def one_attempt(event: Event) -> Any:
    await job_step(run=wrong, input=event.effects, retry=Retry(max_attempts=1))


@create_job(name="exit-is-not-retried", durable=True)
async def exit_is_not_retried(event: Event) -> Any:
    def leave(path: str) -> None:
        attempted(path)
        raise SystemExit("left")

    await job_step(run=leave, input=event.effects, retry=Retry(initial="20ms"))


async def slow(path: str) -> None:
    attempted(path)
    await asyncio.sleep(20)
    record(path, "was not stopped")


def slow_thread(path: str) -> None:
    attempted(path)
    time.sleep(0.6)


@create_job(name="timeouts", durable=True)
async def timeouts(event: Event) -> Any:
    run = slow if event.case == "async" else slow_thread
    retry = Retry(max_attempts=2, initial="20ms", on=TimeoutError) if event.get("retry") else None
    try:
        await job_step(run=run, input=event.effects, timeout="200ms", retry=retry)
    except StepTimeoutError as error:
        return [isinstance(error, TimeoutError), error.step, error.error_type, str(error)]


@create_job(name="timeout-uncaught", durable=True)
async def timeout_uncaught(event: Event) -> Any:
    await job_step(run=slow, input=event.effects, timeout="100ms")


@create_job(name="threads", durable=True)
async def threads(event: Event) -> Any:
    """Two plain functions that wait for each other: they only end if both run at once, off the loop."""
    return await asyncio.gather(*(job_step(run=meet, input=side) for side in ("left", "right")), job_step(run=beside))


_meeting = threading.Barrier(2)


def meet(side: str) -> bool:
    _meeting.wait(timeout=10)
    return threading.current_thread() is not threading.main_thread()


async def beside() -> str:
    await asyncio.sleep(0)
    return threading.current_thread().name


@create_job(name="meets-in-a-thread", durable=True)
async def meets_in_a_thread(event: Event) -> Any:
    return await job_step(run=meet, input="", local=event.local)


#: Opened by a test, for the step that holds its thread until then.
gate = threading.Event()


def hold(event: dict[str, str]) -> str:
    record(event["effects"], event["step"])
    if event["step"] == "holds":
        gate.wait(timeout=20)
    return "done"


@create_job(name="with-one-thread", durable=True)
async def with_one_thread(event: Event) -> str:
    given = {"effects": event.effects, "step": event.step}
    try:
        return await job_step(run=hold, input=given, timeout="300ms", on_interrupt="fail")
    except StepTimeoutError as error:
        return type(error).__name__
