"""Jobs whose runs continue as new by themselves."""

from __future__ import annotations

import asyncio
import random
import uuid
from datetime import datetime
from typing import Any

import pytest

from terse_temporal import Event, InputOption, create_job, job_step, now, sleep, wait_for_event, wait_for_input
from terse_temporal.errors import RunFailedError
from terse_temporal.execution.protocol import current_execution
from tests.effects import record
from tests.engine.helpers import dawdle


def note(data: dict[str, Any]) -> int:
    record(data["effects"], data["line"])
    return int(data.get("gives", 0))


class Declined(Exception):
    pass


def decline(data: dict[str, Any]) -> None:
    record(data["effects"], data["line"])
    raise Declined


def same(data: dict[str, Any]) -> None:
    return None


def noted(event: Event, line: str, gives: int = 0, **options: Any) -> Any:
    return job_step(
        run=note, input={"effects": event.effects, "line": line, "gives": gives}, name=f"note-{line}", **options
    )


@create_job(name="continued-loop", durable=True)
async def loops(event: Event) -> list[Any]:
    began = now()
    values = [await noted(event, f"n{number}", number) for number in range(event.steps)]
    return [sum(values), str(uuid.uuid4()), random.random(), now() >= began, str(datetime.now())[:4] > "2000"]


@create_job(name="continued-child", durable=True)
async def child(event: Event) -> int:
    await sleep("20ms")
    given: int = await noted(event, event.line, event.gives)
    return given


@create_job(name="continued-program", durable=True)
async def interprets(event: Event) -> Any:
    """Run a program: a list with the name of what is done, and what that is given."""
    names = iter(range(1_000_000))

    async def perform(program: list[Any]) -> Any:  # noqa: PLR0912  # a case for each kind
        kind, *rest = program
        number = next(names)
        line = f"{kind}-{number}-{event.get('of', '')}"
        match kind:
            case "step" | "local":
                return await noted(event, line, rest[0], local=kind == "local")
            case "fails":
                with pytest.raises(Declined):
                    await job_step(
                        run=decline, input={"effects": event.effects, "line": line}, name=line, local=rest[0]
                    )
                return "declined"
            case "sleep":
                await sleep(f"{rest[0]}ms")
                return "slept"
            case "draw":
                drawn = [uuid.uuid4().version, 0 <= random.random() < 1, now() >= began]
                # By what it is given it is known on a replay, so this has to be drawn likewise.
                await job_step(run=same, input={"drawn": [str(uuid.uuid4()), random.random(), str(now())]}, name=line)
                return drawn
            case "event":
                return (await wait_for_event(rest[0])).number
            case "ask":
                return (await wait_for_input(prompt="?", options=[InputOption("yes", "Yes")])).choice
            case "run":
                return await child.run({"effects": event.effects, "line": line, "gives": rest[0]})
            case "start":
                run = await child.start({"effects": event.effects, "line": line, "gives": rest[0]})
                await noted(event, f"{line}-beside")
                return await run.result()
            case "limit":
                try:
                    async with asyncio.timeout(0.5 if rest[0] else 60):
                        if rest[0]:
                            await sleep("1h")
                        return await perform(rest[1])
                except TimeoutError:
                    return "over"
            case "all":
                return await asyncio.gather(*(perform(each) for each in rest))
            case "group":
                async with asyncio.TaskGroup() as group:
                    tasks = [group.create_task(perform(each)) for each in rest]
                return [each.result() for each in tasks]
            case "raced":
                sleeping = asyncio.ensure_future(sleep("30d"))
                racing = asyncio.ensure_future(perform(rest[0]))
                await asyncio.wait([racing, sleeping], return_when="FIRST_COMPLETED")
                sleeping.cancel()
                return await racing
            case _:
                return [await perform(each) for each in rest]

    began = now()
    return await perform(event.program)


@create_job(name="continued-local", durable=True)
async def loops_locally(event: Event) -> Any:
    """Local steps, which go in several tasks, with markers among them."""
    times = []
    execution = current_execution()
    assert execution is not None
    for number in range(event.steps):
        await noted(event, f"n{number}", local=True)
        if number % 40 == 20:
            assert execution.recorded("terse.test.v1", True)
        times.append(str(now()))
    # By what it is given it is known on a replay when local steps went on.
    await job_step(run=same, input={"times": times}, name="same")
    return len(times)


@create_job(name="continued-dawdling", durable=True)
async def dawdles(event: Event) -> list[int]:
    """Take too long once, where it is told to."""
    values = []
    for number in range(8):
        values.append(await noted(event, f"n{number}", number))
        dawdle()
    return values


@create_job(name="continued-large", durable=True)
async def grows(event: Event) -> int:
    """Come to more than the server takes, none of it too large by itself."""
    return sum([len(await job_step(run=large, input=number, name="large")) for number in range(event.steps)])


def large(number: int) -> str:
    return str(number % 10) * 100_000


@create_job(name="continued-waiting-child", durable=True)
async def waiting_child(event: Event) -> int:
    return int((await wait_for_event("end")).number)


@create_job(name="continued-waiting", durable=True)
async def waits(event: Event) -> Any:
    """Wait for a run, and do much beside it."""

    async def steps() -> int:
        values = [await noted(event, f"n{number}", number) for number in range(event.steps)]
        return sum(values)

    if event.get("goes_on"):
        runs = [await waiting_child.start({}, id=each) for each in event.children]
        ends: list[Any] = [await steps()]
        for run in runs:
            try:
                ends.append(await run.result())
            except RunFailedError as err:
                ends.append(type(err).__name__)
        return ends
    return await asyncio.gather(steps(), waiting_child.run({}, id=event.child))
