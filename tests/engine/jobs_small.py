"""Jobs that log, keep globals, filter, are not durable, or call what they may not."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from pydantic import BaseModel

from terse_temporal import Event, create_job, current_run, current_step, job_step, log, now, sleep, step, uuid4
from terse_temporal.errors import DurableOnlyError
from tests.effects import record

counter = 0
seen: list[str] = []


@create_job(name="logs", durable=True)
async def logs(event: Event) -> None:
    log("begins", 1, customer=event.customer)
    await job_step(run=lambda: None)
    log("between")
    await job_step(run=lambda: log("in the step"))
    log.debug("found", of=3)
    log.info("told")
    log.warning("nearly")
    log.error("ends")


def identity() -> list[Any]:
    run = current_run()
    return [run.id, run.run_id, run.job, run.url]


@step
async def identity_in_a_step_in_place() -> list[Any]:
    return identity()


@create_job(name="knows-its-run", durable=True)
async def knows_its_run(event: Event) -> list[Any]:
    async def in_a_step() -> list[Any]:
        return [identity(), await identity_in_a_step_in_place()]

    return [identity(), *await job_step(run=in_a_step)]


@create_job(name="knows-its-run-in-place")
async def knows_its_run_in_place(event: Event) -> list[Any]:
    return [identity()]


@create_job(name="keeps-globals", durable=True)
async def keeps_globals(event: Event) -> list[Any]:
    global counter  # noqa: PLW0603  # a global is what this is about
    counter += 1
    seen.append(event.who)
    await job_step(run=lambda: None)
    await job_step(run=same, input=Visit(who=event.who))
    counter += 1
    return [counter, seen]


class Visit(BaseModel):
    who: str


def same(visit: Visit) -> Visit:
    return visit


async def is_wanted(event: Event) -> bool:
    return bool(event.wanted)


def cannot_tell(event: Event) -> bool:
    raise LookupError("no such field")


async def effect(event: Event) -> str:
    await job_step(run=record_ran, input=event.effects)
    return "ran"


def record_ran(path: str) -> None:
    record(path, "ran")


filtered = create_job(name="filtered", durable=True, filter=lambda event: event.wanted, on_trigger=effect)
async_filtered = create_job(name="filtered-async", durable=True, filter=is_wanted, on_trigger=effect)
wrong_filter = create_job(name="filter-that-raises", durable=True, filter=cannot_tell, on_trigger=effect)


@create_job(name="filtered-plain", filter=lambda event: event.wanted)
def plain_filtered(event: Event) -> str:
    record(event.effects, "ran")
    return "ran"


class Lead(BaseModel):
    effects: str
    full_name: str = "nobody"


@create_job(name="plain-async")
async def plain_async(event: Lead) -> list[Any]:
    record(event.effects, "ran")
    await asyncio.sleep(0)
    moment, identity = now(), uuid4()
    log("plain job")
    return [event.full_name, moment.tzinfo is not None, identity.version, threading.current_thread().name]


@create_job(name="plain-def")
def plain_def(event: Lead) -> str:
    record(event.effects, "ran")
    return threading.current_thread().name.partition("_")[0]


@create_job(name="plain-without-result")
def plain_without_result(event: Event) -> None:
    record(event.effects, "ran")


class Broken(Exception):
    pass


@create_job(name="plain-that-raises")
async def plain_that_raises(event: Event) -> None:
    record(event.effects, "ran")
    errors: dict[str, Callable[[], BaseException]] = {
        "own": lambda: Broken("it broke"),
        "builtin": lambda: KeyError("key"),
        "exit": lambda: SystemExit(4),
        "cancelled": lambda: asyncio.CancelledError(),
        "group": lambda: ExceptionGroup("several", [ValueError("one")]),
        "large": lambda: ValueError("x" * 5_000_000),
    }
    raise errors[event.case]()


CALLS: dict[str, Callable[[], Any]] = {
    "job_step": lambda: job_step(run=record_ran, input="x"),
    "sleep": lambda: sleep("1s"),
}


def call(name: str) -> list[str]:
    """Make the call, without awaiting it, and tell what it raised."""
    try:
        coroutine: Coroutine[Any, Any, Any] = CALLS[name]()
    except DurableOnlyError as error:
        return [type(error).__name__, str(error)]
    coroutine.close()
    return ["nothing", ""]


async def call_in_a_coroutine(name: str) -> list[str]:
    return call(name)


@create_job(name="calls-in-a-step", durable=True)
async def calls_in_a_step(event: Event) -> Any:
    return await job_step(run=call_in_a_coroutine if event.kind == "async" else call, input=event.call, name="outer")


@create_job(name="calls-in-a-plain-job")
async def calls_in_a_plain_job(event: Event) -> list[str]:
    return call(event.call)


@create_job(name="calls-in-a-plain-def")
def calls_in_a_plain_def(event: Event) -> list[str]:
    return call(event.call)


@create_job(name="current-step-in-a-handler", durable=True)
async def current_step_in_a_handler(event: Event) -> None:
    current_step()


RAISED: dict[str, Callable[[], Any]] = {
    "builtin": lambda: dict[str, int]()["missing"],
    "own": lambda: throw(Broken("it broke")),
    "without text": lambda: throw(RuntimeError()),
    "group": lambda: throw(ExceptionGroup("several", [ValueError("one"), ExceptionGroup("inner", [KeyError("two")])])),
    "json": lambda: json.loads("{"),
    "stop iteration": lambda: next(iter([])),
    "system exit": lambda: sys.exit("left"),
    "keyboard interrupt": lambda: throw(KeyboardInterrupt()),
    "cancelled": lambda: throw(asyncio.CancelledError("by hand")),
    "assertion": lambda: throw(AssertionError("not so")),
    "not implemented": lambda: throw(NotImplementedError("later")),
    "large": lambda: throw(ValueError("x" * 5_000_000)),
    "large group": lambda: throw(ExceptionGroup("g", [ValueError("x" * 3_000_000), ValueError("y" * 3_000_000)])),
    "text that raises": lambda: throw(Mute()),
    "recursion": lambda: endless(0),
}


async def leave(case: str) -> None:
    await job_step(run=nothing)
    throw(KeyboardInterrupt() if case == "interrupt" else SystemExit("left"))


@create_job(name="task-that-exits", durable=True)
async def task_that_exits(event: Event) -> None:
    if event.case == "gather":
        await asyncio.gather(leave(event.case), sleep("1h"))
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(leave(event.case))
            group.create_task(sleep("1h"))
    except Exception:
        await sleep("1h")


class Mute(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no text")


async def nothing() -> None: ...


def throw(error: BaseException) -> None:
    raise error


def endless(depth: int) -> int:
    return endless(depth + 1) + 1


@create_job(name="handler-that-raises", durable=True)
async def handler_that_raises(event: Event) -> None:
    if event.get("after"):
        await job_step(run=record_ran, input=event.effects)
    RAISED[event.case]()
