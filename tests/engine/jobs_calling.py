"""Jobs that start runs of others in their handlers."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from terse_temporal import Event, Job, create_job, get_run, job_step, sleep, start_run
from terse_temporal.errors import EventError, RunCancelledError, RunExistsError, RunFailedError
from tests.effects import Effects, record


class Order(BaseModel):
    effects: str
    id: str = "a"
    amount: int = 1


class Receipt(BaseModel):
    id: str
    amount: int


class Declined(Exception):
    pass


def note(data: dict[str, str]) -> str:
    record(data["effects"], data["what"])
    return data["what"]


def noted(effects: str, what: str) -> Any:
    return job_step(run=note, input={"effects": effects, "what": what})


@create_job(name="calls-charge", durable=True)
async def charge(event: Order) -> Receipt:
    await noted(event.effects, f"charge {event.id}")
    return Receipt(id=event.id, amount=event.amount)


@create_job(name="calls-decline", durable=True)
async def decline(event: Order) -> None:
    raise Declined(f"no {event.id}")


@create_job(name="calls-decline-plainly")
def decline_plainly(event: Order) -> None:
    raise Declined(f"no {event.id}")


@create_job(name="calls-slow", durable=True)
async def slow(event: Order) -> str:
    try:
        # What it notes is seen before its step has ended, and the cancellation may come in between.
        await noted(event.effects, f"begin {event.id}")
        await sleep("30d")
    except asyncio.CancelledError:
        await noted(event.effects, f"cancelled {event.id}")
        raise
    return "slept"


@create_job(name="calls-all", durable=True)
async def calls_all(event: Order) -> list[Any]:
    ours = event.effects
    first = await charge.run(Order(effects=ours, id="run", amount=5))
    started = await charge.start({"effects": ours, "id": "started"})
    by_name = await start_run("calls-charge", {"effects": ours, "id": "by name"})
    keyed = await charge.start({"effects": ours, "id": "keyed"}, key=started.run_id)
    again = await charge.start({"effects": ours, "id": "not started"}, key=started.run_id)
    results = [first, await started.result(), await by_name.result(), await keyed.result(), await again.result()]
    return [*(each.model_dump() if isinstance(each, Receipt) else each for each in results), keyed.id == again.id]


@create_job(name="calls-existing", durable=True)
async def calls_existing(event: Order) -> list[Any]:
    given = {"effects": event.effects, "id": "existing"}
    found: list[Any] = [(await charge.run(given, id=event.id)).id]
    try:
        await charge.start(given, id=event.id, if_exists="fail")
    except RunExistsError as err:
        found.append(err.id == event.id and bool(err.run_id))
    try:
        await decline.start(given, id=event.id)
    except RunExistsError as err:
        found.append(str(err))
    rerun = await charge.start({**given, "id": "again"}, id=event.id, if_exists="rerun")
    await rerun.result()
    other = get_run(event.id)
    return [*found, (await other.result())["id"]]


def run_of(err: Exception, job: Job) -> list[Any]:
    assert isinstance(err, RunFailedError)
    return [err.job, err.error_type, err.id.startswith(job.name), bool(err.run_id)]


@create_job(name="calls-failing", durable=True)
async def calls_failing(event: Order) -> list[Any]:
    found = []
    for job in (decline, decline_plainly):
        try:
            await job.run(event)
        except Declined as err:
            found.append([str(err), *run_of(err, job)])
    try:
        await decline.run(event)
    except RunFailedError:
        found.append(["caught"])
    return found


@create_job(name="calls-refused", durable=True)
async def calls_refused(event: Event) -> list[str]:
    found = []
    for call in (
        lambda: charge.run({"id": 1, "amount": "many"}),
        lambda: charge.start({"effects": ""}, key="a", id="b"),
        lambda: charge.start({"effects": ""}, client=object()),  # type: ignore[arg-type]
        lambda: get_run("some").status(),
        lambda: get_run("some").terminate(),
    ):
        try:
            await call()
        except Exception as err:
            found.append(f"{type(err).__name__}: {err}")
    return found


@create_job(name="calls-itself", durable=True)
async def calls_itself(event: Order) -> int:
    await noted(event.effects, f"depth {event.amount}")
    return await calls_itself.run(event.model_copy(update={"amount": event.amount + 1}))


@create_job(name="calls-and-waits", durable=True)
async def calls_and_waits(event: Order) -> Any:
    try:
        return await slow.run(event)
    finally:
        await noted(event.effects, "cleanup")


@create_job(name="calls-and-waits-by-id", durable=True)
async def calls_and_waits_by_id(event: Order) -> Any:
    return await slow.run(event, id=event.id)


def is_first(effects: str) -> bool:
    record(effects, "begin")
    return Effects(Path(effects)).lines().count("begin") == 1


@create_job(name="calls-quitting", durable=True)
async def calls_quitting(event: Order) -> Any:
    first = await job_step(run=is_first, input=event.effects)
    waiting = asyncio.create_task(slow.run(event))
    await asyncio.sleep(0)
    if not first:
        waiting.cancel()
    await asyncio.wait([waiting])
    return await noted(event.effects, "quit")


@create_job(name="calls-lingering", durable=True)
async def lingering(event: Order) -> str:
    first = True
    try:
        first = await job_step(run=is_first, input=event.effects)
        if first:
            await sleep("30d")
    finally:
        if first:
            await noted(event.effects, "cancelled")
            await sleep("2s")
    return "ended"


@create_job(name="calls-one-that-lingers", durable=True)
async def calls_lingering(event: Order) -> str:
    return await lingering.run(event)


@create_job(name="calls-racing", durable=True)
async def calls_racing(event: Order) -> list[str]:
    def child(name: str) -> Any:
        return slow.run(event.model_copy(update={"id": name}))

    found = []
    try:
        async with asyncio.timeout(1):
            await child("timeout")
    except TimeoutError:
        found.append("timed out")
    done, pending = await asyncio.wait(
        [asyncio.create_task(child("loser")), asyncio.create_task(asyncio.sleep(1))],
        return_when=asyncio.FIRST_COMPLETED,
    )
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    found.append(f"{len(done)} done")

    async def fails() -> None:
        await asyncio.sleep(1)
        raise Declined

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(child("in a group"))
            group.create_task(fails())
    except* Declined:
        found.append("group failed")
    await noted(event.effects, "all over")
    return found


@create_job(name="calls-and-ends", durable=True)
async def calls_and_ends(event: Order) -> str:
    run = await slow.start(event)
    match event.amount:
        case 1:
            return run.id
        case 2:
            raise Declined(run.id)
    await sleep("30d")
    return run.id


@create_job(name="calls-cancelling", durable=True)
async def calls_cancelling(event: Order) -> list[Any]:
    run = await slow.start(event)
    await asyncio.sleep(1)
    said, ended = "", list[str]()
    try:
        await run.result(timeout="100ms")
    except TimeoutError as err:
        said = str(err)
    await run.cancel("no longer wanted")
    try:
        await run.result()
    except RunCancelledError as err:
        ended = [str(err), err.job]
    await run.cancel()  # as it has ended
    await get_run(run.id).cancel()
    return [said, ended]


@create_job(name="calls-later", durable=True)
async def calls_later(event: Order) -> str:
    run = await charge.start(event, delay="2h")
    await noted(event.effects, "started")
    await run.result()
    return run.id


@create_job(name="calls-map", durable=True)
async def calls_map(event: Order) -> list[Any]:
    def orders(count: int) -> list[Order]:
        return [event.model_copy(update={"id": str(number), "amount": number}) for number in range(count)]

    all_well = [receipt.amount for receipt in await charge.map(orders(7), at_once=3)]
    mixed = await either.map(orders(4), max_failures=None, at_once=2)
    found: list[Any] = [str(each) if isinstance(each, RunFailedError) else each for each in mixed]
    try:
        await either.map(orders(9), at_once=1)
    except* Declined as errors:
        found.append([str(each) for each in errors.exceptions])
    try:
        await charge.map([{"id": 1}])
    except EventError:
        found.append("does not fit")
    return [all_well, found]


@create_job(name="calls-either", durable=True)
async def either(event: Order) -> str:
    await noted(event.effects, f"either {event.amount}")
    if event.amount % 2:
        raise Declined(f"no {event.id}")
    return f"yes {event.id}"


@create_job(name="calls-nobody", durable=True)
async def calls_nobody(event: Order) -> None:
    await charge.run(event, task_queue="a queue of nobody")
