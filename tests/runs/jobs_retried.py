"""Jobs that fail, and are retried when what they lacked is there."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from temporalio import workflow

from terse_temporal import (
    Event,
    InputOption,
    RunFailure,
    create_job,
    current_run,
    current_step,
    job_map,
    job_step,
    now,
    sleep,
    wait_for_event,
    wait_for_input,
)
from terse_temporal.errors import StepError
from tests.effects import record

PAY = [InputOption("approve", "Pay", free_text=True), InputOption("deny", "Do not", free_text=True)]


class Order(BaseModel):
    """What a job wants."""

    id: str


class Declined(Exception):
    """What a step raises until the file that lets it pass is there."""


async def work(data: dict[str, Any]) -> str:
    """Leave an effect with the key; wait for a file, or fail until there is one, where that is asked for."""
    name, directory = data["name"], Path(data["effects"]).parent
    record(data["effects"], f"{name} {current_step().idempotency_key}")
    while data.get("waits") and not (directory / f"go-{name}").exists():  # noqa: ASYNC110  # a file, as in other tests
        await asyncio.sleep(0.02)
    if data.get("fails") and not (directory / f"ok-{name}").exists():
        raise Declined(f"{name} is declined")
    return f"{name} done"


def step(event: Event, name: str, *, on_interrupt: Any = "retry", **more: Any) -> Any:
    return job_step(
        run=work,
        input={"effects": event.effects, "name": name, **more},
        output_schema=str,
        name=name,
        on_interrupt=on_interrupt,
    )


@create_job(name="retried-line", durable=True)
async def line(event: Event) -> list[str]:
    """Take one step after another; what they are given depends on the run, and on chance."""
    first = await step(event, "first", run=current_run().run_id, token=str(uuid.uuid4()))
    second = await step(event, "second", at=str(now()))
    third = await step(event, "third", fails=True)
    return [first, second, third, await step(event, "fourth", run=current_run().run_id)]


@create_job(name="retried-together", durable=True)
async def together(event: Event) -> list[str]:
    """Take steps at the same time: one fails when the others have been asked for, before that and with it."""

    async def fails() -> str:
        await step(event, "before")
        return str(await step(event, "fails", fails=True))

    async def two() -> str:
        await step(event, "one", token=str(uuid.uuid4()), at=str(now()))
        return str(await step(event, "two"))

    async def caught() -> str:
        try:
            return str(await step(event, "caught", fails=True, on_interrupt="fail"))
        except StepError as err:
            return err.error_type

    results = await asyncio.gather(fails(), two(), caught(), step(event, "slow"), return_exceptions=True)
    if isinstance(results[0], BaseException):
        raise results[0]
    return [str(each) for each in results]


@create_job(name="retried-two", durable=True)
async def two(event: Event) -> list[str]:
    """Take steps that fail for the same reason, at the same time."""
    names = ("a", "b", "c")
    results = await asyncio.gather(*(step(event, each, fails=True) for each in names), return_exceptions=True)
    for each in results:
        if isinstance(each, BaseException):
            raise each
    return [str(each) for each in results]


@create_job(name="retried-group", durable=True)
async def group(event: Event) -> list[str]:
    """Take steps of which several fail, at different times, and raise them all."""

    async def second() -> str:
        await step(event, "b-before")
        return str(await step(event, "b", fails=True))

    results = await asyncio.gather(step(event, "a", fails=True), second(), step(event, "c"), return_exceptions=True)
    if failed := [each for each in results if isinstance(each, Exception)]:
        raise ExceptionGroup("some steps failed", failed)
    return [str(each) for each in results]


@create_job(name="retried-hidden", durable=True)
async def hidden(event: Event) -> str:
    """Raise something else for a step that failed."""
    await step(event, "first")
    stock = None
    with contextlib.suppress(StepError):
        stock = await step(event, "stock", fails=True)
    if stock is None:
        raise RuntimeError("nothing is known of the stock")
    return str(stock)


@create_job(name="retried-raises", durable=True)
async def raises(event: Event) -> None:
    """Raise for a reason of its own."""
    await step(event, "first")
    raise RuntimeError("not today")


@create_job(name="retried-once", durable=True)
async def once(event: Event) -> list[str]:
    """Fail while a step that runs at most once is under way."""
    results = await asyncio.gather(
        step(event, "fails", waits=True, fails=True), step(event, "once", waits=True, on_interrupt="fail")
    )
    return [str(each) for each in results]


@create_job(name="retried-plain")
async def plain(event: Event) -> str:
    """A job that is not durable."""
    record(event.effects, "plain")
    if not (Path(event.effects).parent / "ok-plain").exists():
        raise Declined("plain is declined")
    return "plain done"


@create_job(name="retried-sleeps", durable=True)
async def sleeps(event: Event) -> str:
    """Sleep for long, beside a step that fails."""
    asleep = asyncio.ensure_future(sleep("1h"))
    await step(event, "first")
    await step(event, "fails", fails=True)
    await asleep
    return "awake"


@create_job(name="retried-chain", durable=True)
async def chain(event: Event) -> str:
    """Continue as new, and fail then."""
    number = event.get("number", 0)
    await step(event, f"step-{number}")
    if number < 2:
        workflow.continue_as_new({**event, "number": number + 1})
    return str(await step(event, "fails", fails=True))


@create_job(name="retried-asks", durable=True)
async def asks(event: Event) -> list[str]:
    """Ask a person, beside a step that fails later on."""

    async def ask() -> str:
        await step(event, "asks")
        answer = await wait_for_input(prompt="May it be paid?", options=PAY)
        return answer.text

    async def fails() -> str:
        return str(await step(event, "fails", waits=True, fails=True))

    return [str(each) for each in await asyncio.gather(ask(), fails())]


@create_job(name="retried-strict", durable=True)
async def strict(event: Order) -> str:
    """Take events of one kind."""
    return event.id


@create_job(name="retried-waits-strictly", durable=True)
async def waits_strictly(event: Event) -> str:
    """Take what is sent of one kind."""
    return (await wait_for_event("paid", schema=Order)).id


async def tidy_up(event: Event, failure: RunFailure) -> None:
    """Undo something, and say what was wrong."""
    await step(event, "undo")
    await step(event, "tell", message=failure.message)


@create_job(name="retried-on-failure", durable=True, on_failure=tidy_up)
async def with_on_failure(event: Event) -> str:
    """Fail in the way that the event says: in a step, or by itself behind one."""
    await step(event, "first")
    if event.how == "step":
        return str(await step(event, "fails", fails=True))
    raise RuntimeError("not today")


@create_job(name="retried-late", durable=True, timeout="30m")
async def late(event: Event) -> str:
    """Run out of time, in a sleep."""
    await step(event, "first")
    await sleep("20m")
    await step(event, "second")
    await sleep("20m")
    return str(await step(event, "third"))


@create_job(name="retried-child", durable=True)
async def child(event: Event) -> str:
    """Be started by another run."""
    await step(event, f"{event.name}-before")
    return str(await step(event, event.name, fails=event.fails))


@create_job(name="retried-parent", durable=True)
async def parent(event: Event) -> list[str]:
    """Start runs of which one fails, when the other has ended."""
    given = {"effects": event.effects}
    good = await child.start({**given, "name": "good", "fails": False})
    result = await good.result()
    bad = await child.run({**given, "name": "bad", "fails": True})
    return [result, bad]


@create_job(name="retried-siblings", durable=True)
async def siblings(event: Event) -> list[str]:
    """Start runs at the same time, of which one fails."""
    given = {"effects": event.effects}
    good, bad = [await child.start({**given, "name": name, "fails": name == "bad"}) for name in ("good", "bad")]
    results = await asyncio.gather(good.result(), bad.result(), return_exceptions=True)
    if isinstance(results[1], BaseException):
        raise results[1]
    return [str(each) for each in results]


@create_job(name="retried-waits", durable=True)
async def waits(event: Event) -> list[str]:
    """Wait for events, beside a step that fails later on."""

    async def wait() -> str:
        await step(event, "before")
        first = await wait_for_event("paid")
        second = await wait_for_event("sent", key=event.effects)
        await step(event, "after")
        return f"{first['by']} {second['by']}"

    async def fails() -> str:
        return str(await step(event, "fails", waits=True, fails=True))

    return [str(each) for each in await asyncio.gather(wait(), fails())]


@create_job(name="retried-waiting", durable=True)
async def waiting(event: Event) -> list[str]:
    """Wait for an event by key, beside a step that fails meanwhile."""
    paid = asyncio.create_task(wait_for_event("paid", key=event.effects))
    await step(event, "before")
    await step(event, "fails", fails=True)
    return [(await paid)["by"], (await wait_for_event("paid", key=event.effects))["by"]]


@create_job(name="retried-map", durable=True)
async def mapped(event: Event) -> list[str]:
    """Take a step for each of some inputs."""
    names = [f"input-{number}" for number in range(6)]
    inputs = [{"effects": event.effects, "name": name, "fails": name in event.failing} for name in names]
    return [str(each) for each in await job_map(run=work, inputs=inputs, at_once=4, max_failures=1)]


@create_job(name="retried-branching", durable=True)
async def branching(event: Event) -> list[list[str]]:
    """Take the steps of some branches, each one after another, and raise the first failure or all of them."""

    async def branch(steps: list[tuple[str, bool]]) -> list[str]:
        return [await step(event, name, fails=fails) for name, fails in steps]

    results = await asyncio.gather(*map(branch, event.branches), return_exceptions=True)
    failed = [each for each in results if isinstance(each, Exception)]
    if failed and event.how == "group":
        raise ExceptionGroup("some branches failed", failed)
    if failed:
        raise failed[0]
    return [each for each in results if isinstance(each, list)]
