"""What a module makes at its top level, from the clock and from random numbers."""

from __future__ import annotations

import random
import time
import uuid
from datetime import datetime
from typing import Any

from terse_temporal import create_job, job_step, sleep

TOKEN = str(uuid.uuid4())
MADE = [random.random(), time.time(), datetime.now().isoformat(), random.Random().random()]


def nothing() -> None: ...


async def has_a_step(event: Any) -> bool:
    await job_step(run=nothing)
    return True


@create_job(name="top-level", durable=True)
async def top_level(event: Any) -> list[list[Any]]:
    seen: list[list[Any]] = [[TOKEN, *MADE]]
    await job_step(run=nothing)
    seen.append([TOKEN, *MADE])
    await sleep("1d")
    seen.append([TOKEN, *MADE])
    await job_step(run=nothing, name=f"named-{TOKEN}")
    return seen


@create_job(name="step-in-the-filter", filter=has_a_step)
def step_in_the_filter(event: Any) -> None: ...
