"""Jobs that wait for one thing each, and jobs that end in one way each."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from temporalio import workflow

from terse_temporal import Retry, Triggers, create_job, job_step, sleep, step, wait_for_event

#: Set at the end of the tests, so that no step is left running.
released = threading.Event()


def held() -> None:
    released.wait(60)


@step(retry=Retry(max_attempts=5, initial="1h", max_delay="1h"))
def charge() -> None:
    raise ConnectionError("reset by \x1b[2Jpeer,\nwith hunter2secret.")


def declined() -> None:
    raise LookupError("no such card")


@create_job(name="looked-sleep", durable=True)
async def asleep(event: Any) -> None:
    await sleep("3d")


@create_job(name="looked-timer", durable=True)
async def timed(event: Any) -> None:
    await asyncio.sleep(86_400)


@create_job(name="looked-future", durable=True)
async def future(event: Any) -> None:
    await asyncio.Event().wait()


@create_job(name="looked-step", durable=True)
async def in_a_step(event: Any) -> None:
    await job_step(run=held, timeout="1h", label="the first")


@create_job(name="looked-retry", durable=True)
async def retried(event: Any) -> None:
    await charge()


@create_job(name="looked-plain")
def plain(event: Any) -> None:
    held()


@create_job(name="looked-several", durable=True)
async def several(event: Any) -> None:
    await asyncio.gather(charge(), *(job_step(run=held, name="hold") for _ in range(3)), sleep("2h"), sleep("1h"))


@create_job(name="looked-fails", durable=True)
async def fails(event: Any) -> None:
    await job_step(run=declined)


@create_job(name="looked-ends", durable=True)
async def ends(event: Any) -> str:
    return "done"


@create_job(name="looked-goes-on", durable=True)
async def goes_on(event: Any) -> None:
    if not event.get("again"):
        workflow.continue_as_new({"again": True})
    await sleep("3d")


@create_job(name="looked-stays", durable=True)
async def stays(event: Any) -> None:
    try:
        await sleep("3d")
    finally:
        await sleep("2h")


@create_job(name="looked-parent", durable=True)
async def parent(event: Any) -> None:
    if event.how == "starts":
        await (await asleep.start(id=event.child)).result()
    else:
        await asleep.run(id=event.child, task_queue=event.get("queue"), delay=event.get("delay"))


@create_job(name="looked-fails-within", durable=True)
async def fails_within(event: Any) -> None:
    await fails.run(id=event.child)


def nothing() -> None: ...


@create_job(name="looked-many-steps", durable=True)
async def steps(event: Any) -> None:
    for _ in range(event.of):
        await job_step(run=nothing)
    await sleep("3d")


@create_job(name="looked-waits", durable=True)
async def waits(event: Any) -> Any:
    if event.get("customer"):
        await wait_for_event(Triggers.stripe.on_customer_created(), match={"data.object.id": event.customer})
    if event.get("key"):
        return dict(await wait_for_event("paid", key=event.key, timeout="30d"))
    return await wait_for_event("paid", schema=dict)


@create_job(name="looked-within-time", durable=True, timeout="30d")
async def within_time(event: Any) -> None:
    await sleep("3d")


async def think(event: Any, failure: Any) -> None:
    await sleep("3d")


@create_job(name="looked-afterwards", durable=True, on_failure=think)
async def afterwards(event: Any) -> None:
    raise LookupError("no such card")


@create_job(name="looked-computes", durable=True)
async def computes(event: Any) -> int:
    return sum(number % 7 for number in range(10**10))
