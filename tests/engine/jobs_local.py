"""Jobs with local steps."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from temporalio import activity, workflow

from terse_temporal import Event, Retry, create_job, current_step, job_map, job_step, now, sleep, step, toolbox
from tests.effects import record


@dataclass
class Line:
    text: str


class OutOfStock(Exception):
    pass


def write(path: str) -> Line:
    record(path, f"write {current_step().idempotency_key}")
    return Line("written")


async def double(number: int) -> int:
    return number * 2


async def after(seconds: float) -> float:
    await asyncio.sleep(seconds)
    return seconds


def refuse(path: str) -> None:
    record(path, "refuse")
    raise OutOfStock("none left")


def third_time(path: str) -> int:
    record(path, f"third time {current_step().attempt} {current_step().idempotency_key}")
    if current_step().attempt < 3:
        raise OutOfStock("later")
    return current_step().attempt


@step(local=True, label="{left} and {right}")
async def add(left: int, right: int = 1) -> int:
    return left + right


@toolbox.tool("local_kit.shout", read_only=True, local=True)
def shout(text: str) -> str:
    """Return a text in capitals."""
    return text.upper()


@create_job(name="local-kinds", durable=True)
async def kinds(event: Event) -> Any:
    """Every way to make a local step, an ordinary one, and a sleep, among each other."""
    line = await job_step(run=write, input=event.effects, local=True)
    added = await add(2)
    shouted = await toolbox.local_kit.shout(text="a")
    ordinary = await job_step(run=write, input=event.effects)
    await sleep("1h")
    doubled = await job_map(run=double, inputs=[1, 2, 3], local=True)
    return [type(line).__name__, line.text, added, shouted, ordinary.text, doubled]


@create_job(name="local-side-by-side", durable=True)
async def side_by_side(event: Event) -> Any:
    """Branches whose next step has a name that tells in which order they went on."""
    ended: list[float] = []
    times = []

    async def branch(seconds: float) -> None:
        await job_step(run=after, input=seconds, local=True)
        ended.append(seconds)
        times.append(now())
        await job_step(run=double, input=len(ended), local=True, name=f"number {len(ended)} of {seconds}")

    await asyncio.gather(*(branch(seconds) for seconds in (0.5, 0.0, 0.25)))
    await sleep("1h")
    return [ended, times == sorted(times), await job_step(run=double, input=4, local=True)]


@create_job(name="local-failures", durable=True)
async def failures(event: Event) -> Any:
    caught = []
    for _ in range(2):
        try:
            await job_step(run=refuse, input=event.effects, local=True)
        except OutOfStock as error:
            caught.append([str(error), *(getattr(error, name) for name in ("step", "error_type"))])
        await sleep("1h")
    return caught


def look(times: list[str]) -> int:
    return len(times)


async def in_the_end(data: dict[str, Any]) -> str:
    """Run until it is told to end, on a thread's file; leave what becomes of it."""
    record(data["effects"], f"begins {current_step().attempt}")
    try:
        while not Path(data["effects"]).with_name("end").exists():  # noqa: ASYNC110  # a file, as in other tests
            await asyncio.sleep(0.02)
    except asyncio.CancelledError:
        record(data["effects"], "cancelled")
        raise
    record(data["effects"], "ended")
    return "ended"


@create_job(name="local-long", durable=True)
async def long(event: Event) -> Any:
    """One that takes long, beside ordinary steps; or in a timeout."""
    given = {"effects": event.effects}
    if event.seconds:
        try:
            async with asyncio.timeout(event.seconds):
                await job_step(run=in_the_end, input=given, local=True)
        except TimeoutError:
            return await job_step(run=double, input=1, local=True)
    other = asyncio.create_task(job_step(run=write, input=event.effects))
    return [await job_step(run=in_the_end, input=given, local=True), (await other).text]


async def hold(path: str) -> str:
    while not Path(path).with_name("free").exists():  # noqa: ASYNC110  a file, as in other tests
        await asyncio.sleep(0.02)
    return "free"


@create_job(name="local-held", durable=True)
async def held(event: Event) -> Any:
    """One that takes long, while an ordinary step has the worker's only place."""
    holding = asyncio.create_task(job_step(run=hold, input=event.effects))
    await asyncio.sleep(0.05)
    given = {"effects": event.effects}
    return [await job_step(run=in_the_end, input=given, local=True), await holding]


@create_job(name="local-late", durable=True)
async def late(event: Event) -> Any:
    """One whose first task is over its time before its first local step has begun."""
    if not workflow.unsafe.is_replaying():
        threading.Event().wait(1.5)
    for _ in range(6):
        await job_step(run=after, input=0.4, local=True)
    return await job_step(run=double, input=1)


@create_job(name="local-large", durable=True)
async def large(event: Event) -> Any:
    """Results that no message holds together, one after another and at once."""
    one = [len(await job_step(run=lambda: "x" * 1_000_000, name="one", local=True)) for _ in range(3)]
    at_once = await asyncio.gather(*(job_step(run=lambda: "x" * 60_000, name="at once", local=True) for _ in range(80)))
    return [sum(one), sum(map(len, at_once))]


@create_job(name="local-loop", durable=True)
async def loop(event: Event) -> Any:
    """More than go into one workflow task. An ordinary step is given the times, so that a replay compares them."""
    times = []
    for _ in range(event.steps):
        await job_step(run=double, input=1, local=True)
        times.append(str(now()))
    return await job_step(run=look, input=times)


def until_there(path: str) -> str:
    record(path, f"until there {current_step().idempotency_key}")
    if not Path(path).with_name("there").exists():
        raise OutOfStock("not yet")
    return "there"


@create_job(name="local-failed-run", durable=True)
async def failed_run(event: Event) -> Any:
    """Steps of one workflow task, of which the last fails, alone or in a group."""
    found = [await job_step(run=write, input=event.effects, local=True) for _ in range(2)]
    if event.in_group:
        async with asyncio.TaskGroup() as group:
            there = group.create_task(job_step(run=until_there, input=event.effects, local=True))
        return [len(found), there.result()]
    return [len(found), await job_step(run=until_there, input=event.effects, local=True)]


@create_job(name="local-retries", durable=True)
async def retries(event: Event) -> Any:
    rule = Retry(max_attempts=3, initial=event.initial)
    return await job_step(run=third_time, input=event.effects, local=True, retry=rule)


async def tell(path: str) -> str:
    """Have something come for the run while its workflow task is open, of which this step is a part."""
    record(path, f"tell {current_step().idempotency_key}")
    await activity.client().get_workflow_handle(activity.info().workflow_id or "").signal("of-nobody")
    return "told"


@create_job(name="local-told", durable=True)
async def told(event: Event) -> Any:
    """Steps of a task that the server turns away, as it would end the run."""
    written = await job_step(run=write, input=event.effects, local=True)
    return [written.text, await job_step(run=tell, input=event.effects, local=True)]
