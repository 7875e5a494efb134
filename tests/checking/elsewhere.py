"""A module beside that of a job: what it reads differs on replay, and what it writes is shared."""

from __future__ import annotations

import asyncio
import random
import time
import uuid

from terse_temporal import job_step, now
from terse_temporal import uuid4 as pinned_uuid4

SEEN: list[int] = []


def clock() -> int:
    return time.time_ns()


def random_number() -> str:
    return f"{random.random()} {uuid.uuid4()}"


def remembers() -> int:
    SEEN.append(1)
    return len(SEEN)


def pinned() -> str:
    return f"{now()} {pinned_uuid4()}"


async def work(number: int) -> int:
    return int(await job_step(run=lambda data: data, input=number, name=f"chk-work-{number}"))


async def in_order() -> list[int]:
    """With tasks, sets have an order here too."""
    tasks = [asyncio.create_task(work(number)) for number in range(8)]
    done, _ = await asyncio.wait(tasks)
    again = [await work(100 + task.result()) for task in done]
    more = [asyncio.create_task(work(200 + number)) for number in range(8)]
    return sorted([*again, *[await each for each in asyncio.as_completed(more)]])


def tell(answers: dict[str, object]) -> None:
    """Take what the handler was told. The test puts a list in its place."""
