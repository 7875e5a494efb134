"""A job whose runs continue in new histories, and fail until a file is there."""

from __future__ import annotations

from pathlib import Path

from terse_temporal import Event, Retry, create_job, job_step, sleep, wait_for_event
from tests.effects import record


class NotYet(Exception):
    pass


def count(given: dict[str, str]) -> int:
    record(given["effects"], given["line"])
    return 1


def open_gate(gate: str) -> None:
    if not Path(gate).exists():
        raise NotYet


@create_job(name="continued-and-looked-at", durable=True)
async def continues(event: Event) -> int:
    total = 0
    for number in range(10):
        given = {"effects": event.effects, "line": f"n{number}"}
        total += await job_step(run=count, input=given, name=f"count-{number}", local=number % 3 == 0)
    await sleep("1ms")
    await wait_for_event("go")
    await job_step(run=open_gate, input=event.gate, name="gate", retry=Retry(max_attempts=1))
    return total


@create_job(name="continued-and-failed-before", durable=True)
async def fails_late(event: Event) -> None:
    """Fail with what a step failed with in an earlier history."""
    kept: list[Exception] = []
    try:
        await job_step(run=open_gate, input=event.gate, name="gate", retry=Retry(max_attempts=1))
    except NotYet as error:
        kept.append(error)
    for number in range(6):
        await job_step(run=count, input={"effects": event.effects, "line": f"n{number}"}, name=f"count-{number}")
    raise kept[0]
