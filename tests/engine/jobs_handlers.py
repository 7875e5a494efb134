"""Handlers that are not functions under their own name."""

from __future__ import annotations

import functools
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from terse_temporal import create_job, job_step, sleep, step

from .decorators import hidden

seen: list[str] = []


def one() -> int:
    return 1


class Kinds:
    class Inner:
        @staticmethod
        def two() -> int:
            return 2


def doubled(function: Callable[..., Awaitable[int]]) -> Callable[..., Awaitable[int]]:
    @functools.wraps(function)
    async def call(*args: Any) -> int:
        return 2 * await function(*args)

    return call


@doubled
@step
async def three() -> int:
    return 3


async def handle(event: Any) -> list[Any]:
    seen.append("run")
    begun = datetime.now()
    await sleep("1h")
    process = sys.modules[__name__]
    return [
        len(seen),
        (datetime.now() - begun).total_seconds() > 3000,
        await job_step(run=one),
        await job_step(run=process.one),
        await job_step(run=Kinds.Inner.two),
        await three(),
    ]


async def for_region(region: str, function: Callable[[Any], Awaitable[Any]], event: Any) -> Any:
    return await function(event)


partial = create_job(name="partial-handler", durable=True, on_trigger=functools.partial(for_region, "eu", handle))
decorated = create_job(name="hidden-handler", durable=True, on_trigger=hidden(handle))
