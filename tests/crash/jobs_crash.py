"""Jobs whose worker is ended at a known point.

A worker process is told by CRASH_AT where to kill itself, so that nothing depends on when a test gets round to it. What
a step does is written to a file, one line each time, with the process that did it.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, model_validator
from temporalio import activity, workflow

from terse_temporal import Event, Retry, create_job, current_step, job_step, sleep
from terse_temporal.errors import StepError

from ..effects import record


class Work(BaseModel):
    """The input of every step here: where to leave its effects, and what is to happen before it has one."""

    effects: str
    go: str | None = None
    seconds: float = 0
    failing: list[int] = []

    @model_validator(mode="before")
    @classmethod
    def in_the_step(cls, data: Any) -> Any:
        """The last moment before the step's own function is entered."""
        if activity.in_activity():
            crash(f"{activity.info().activity_type}: taken")
        return data


class OneStep(BaseModel):
    """The event of the job `one-step`: which function, on what, with which options."""

    work: Work
    run: Literal["act", "act_in_thread", "block", "compute"] = "act"
    on_interrupt: Literal["retry", "fail"] = "retry"
    attempts: int | None = None
    timeout: str = "10m"


def crash(point: str) -> None:
    """Die here, if this process is to: at once, with no chance to tidy up, as with `kill -9`."""
    if os.environ.get("CRASH_AT") == point:
        signal.raise_signal(signal.SIGKILL)  # not os.kill, which a handler is rightly refused


def did(work: Work, what: str) -> None:
    """Leave a line about the current step."""
    me = current_step()
    line = {"what": what, "step": me.name, "attempt": me.attempt, "key": me.idempotency_key}
    record(work.effects, json.dumps({**line, "pid": os.getpid(), "at": time.time()}))


async def _may_go(work: Work) -> None:
    while work.go and not Path(work.go).exists():  # noqa: ASYNC110, ASYNC240  a file, as the test is another process
        await asyncio.sleep(0.02)


async def act(work: Work) -> str:
    """Wait as told, then have an effect."""
    me = current_step()
    did(work, "began")
    if me.attempt in work.failing:
        raise RuntimeError(f"attempt {me.attempt} of {me.name}")
    try:
        await _may_go(work)
        await asyncio.sleep(work.seconds)
    except asyncio.CancelledError:
        did(work, "cancelled")
        raise
    did(work, "effect")
    crash(f"{me.name}: effect")
    return me.name


def act_in_thread(work: Work) -> str:
    """The same as `act`, as a `def`."""
    me = current_step()
    did(work, "began")
    while work.go and not Path(work.go).exists():
        time.sleep(0.02)
    time.sleep(work.seconds)
    did(work, "effect")
    crash(f"{me.name}: effect")
    return me.name


async def block(work: Work) -> str:
    """Wait for `go`, then stop the event loop, as a forgotten blocking call does."""
    did(work, "began")
    await _may_go(work)
    time.sleep(work.seconds)  # noqa: ASYNC251  that is the point
    did(work, "effect")
    return current_step().name


async def compute(work: Work) -> str:
    """Wait for `go`, then stop the event loop by computing in Python, which leaves other threads slices of the time."""
    did(work, "began")
    await _may_go(work)
    until, count = time.monotonic() + work.seconds, 0
    while time.monotonic() < until:
        count += 1
    did(work, "effect")
    return current_step().name


async def meet(work: Work) -> list[str]:
    """End only when two steps have begun."""
    did(work, "began")
    while len(guests := _names(Path(work.effects).read_text())) < 2:  # noqa: ASYNC110, ASYNC240  a file, as above
        await asyncio.sleep(0.02)
    return sorted(guests)


def _names(lines: str) -> set[str]:
    return {json.loads(line)["step"] for line in lines.splitlines()}


@create_job(name="order", durable=True)
async def order(event: Event) -> list[str]:
    """Three steps, and a sleep before the last."""
    data = {"effects": event.effects}
    done = [await job_step(run=act, name="reserve", input=data, input_schema=Work)]
    crash("reserve: recorded")
    if workflow.unsafe.is_replaying():
        crash("reserve: replayed")
    done.append(await job_step(run=act_in_thread, name="charge", input=data, input_schema=Work))
    await sleep("1s")
    done.append(await job_step(run=act, name="ship", input=data, input_schema=Work))
    crash("ship: recorded")
    return done


@create_job(name="local-order", durable=True)
async def local_order(event: Event) -> list[str]:
    """Two local steps, an ordinary one, a local one, and a sleep."""
    data = {"effects": event.effects}
    done = [await job_step(run=act, name="price", input=data, input_schema=Work, local=True)]
    done.append(await job_step(run=act_in_thread, name="stock", input=data, input_schema=Work, local=True))
    crash("stock: known")
    done.append(await job_step(run=act, name="charge", input=data, input_schema=Work))
    crash("charge: recorded")
    if workflow.unsafe.is_replaying():
        crash("charge: replayed")
    done.append(await job_step(run=act, name="mail", input=data, input_schema=Work, local=True))
    await sleep("100ms")
    crash("mail: recorded")
    return done


@create_job(name="local-beside", durable=True)
async def local_beside(event: Event) -> list[str]:
    """A local step that waits for `go`, beside an ordinary one."""
    data = {"effects": event.effects}
    slow = job_step(run=act, name="slow", input={**data, "go": event.go}, input_schema=Work, local=True)
    quick = job_step(run=act, name="quick", input=data, input_schema=Work)
    return list(await asyncio.gather(slow, quick))


@create_job(name="both", durable=True)
async def both(event: Event) -> list[str]:
    """Two steps at once: one ends, one waits for `go`."""
    data = {"effects": event.effects}
    quick = job_step(run=act, name="quick", input=data, input_schema=Work)
    slow = job_step(run=act, name="slow", input={**data, "go": event.go}, input_schema=Work)
    return list(await asyncio.gather(quick, slow))


@create_job(name="meeting", durable=True)
async def meeting(event: Event) -> list[list[str]]:
    """Two steps at once, each of which ends only when the other has begun."""
    data = {"effects": event.effects}
    ada = job_step(run=meet, name="ada", input=data, input_schema=Work)
    bob = job_step(run=meet, name="bob", input=data, input_schema=Work)
    return list(await asyncio.gather(ada, bob))


ACTS: dict[str, Callable[[Work], Any]] = {
    "act": act,
    "act_in_thread": act_in_thread,
    "block": block,
    "compute": compute,
}


@create_job(name="one-step", durable=True)
async def one_step(event: OneStep) -> str:
    """One step between two others, with what became of it as the result."""
    plain = Work(effects=event.work.effects)
    await job_step(run=act, name="before", input=plain, input_schema=Work)
    try:
        result: str = await job_step(
            run=ACTS[event.run],
            name="work",
            input=event.work,
            input_schema=Work,
            on_interrupt=event.on_interrupt,
            timeout=event.timeout,
            retry=Retry(max_attempts=event.attempts, initial="10ms") if event.attempts else None,
        )
    except StepError as err:
        result = f"{type(err).__name__}: {err}"
    await job_step(run=act, name="after", input=plain, input_schema=Work)
    return result


@create_job(name="plain")
async def plain(event: Event) -> str:
    """A job that is not durable: one effect, then a wait for `go`."""
    record(event.effects, json.dumps({"what": "began", "step": "plain", "pid": os.getpid()}))
    while not Path(event.go).exists():  # noqa: ASYNC110, ASYNC240  a file, as the test is another process
        await asyncio.sleep(0.02)
    return "done"
