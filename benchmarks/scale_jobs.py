"""The jobs of the measurements with many runs, and with long ones."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Final

from terse_temporal import Event, create_job, current_run, current_step, job_step, sleep

#: Names the file that steps write to.
LINES: Final = "BENCHMARK_LINES"


async def double(number: int) -> int:
    """Do next to nothing."""
    return 2 * number


@create_job(name="sleeps-until", durable=True)
async def sleeps_until(event: Event) -> int:
    """Make a step, sleep until a moment, and make another."""
    number = await job_step(run=double, input=event.number)
    await sleep(datetime.fromisoformat(event.until))
    return await job_step(run=double, input=number)


@create_job(name="goes-on", durable=True)
async def goes_on(event: Event) -> int:
    """Make so many steps one after the other, sleep until a moment, and make another."""
    total = 0
    for number in range(event.count):
        total += await job_step(run=double, input=number, local=event.local)
    await sleep(datetime.fromisoformat(event.until))
    return int(await job_step(run=double, input=total))


@create_job(name="short", durable=True)
async def short(event: Event) -> int:
    """Make three steps."""
    number: int = event.number
    for _ in range(3):
        number = await job_step(run=double, input=number)
    return number


def write_line() -> None:
    """Write which process has this step, its key, and its run."""
    with Path(os.environ[LINES]).open("a") as file:
        file.write(f"{os.getpid()} {current_step().idempotency_key} {current_run().id}\n")


@create_job(name="writes-lines", durable=True)
async def writes_lines(event: Event) -> None:
    """Make three steps that write a line."""
    for _ in range(3):
        await job_step(run=write_line)


@create_job(name="long-and-killed", durable=True)
async def long_and_killed(event: Event) -> int:
    """Make so many steps that write a line, one after the other."""
    for _ in range(event.steps):
        await job_step(run=write_line, local=event.local)
    return int(event.steps)
