"""What every side does in its own process: run loads that it is told on its standard input, and answer what they took.

It needs the standard library alone, as the sides on other libraries run in environments of their own. Who starts a
job and who runs it are one process, like a web application that has its worker in it: that is how DBOS is used, and
what Temporal's eager start asks for. So the processor time of a side is that of both.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

__all__ = ["serve"]


async def serve(run: Callable[[int], Awaitable[float]]) -> None:
    """Answer each line of the input, which is a load, until the input ends.

    Args:
        run: runs one job of so many steps to its end, and returns how many it has counted.
    """
    # What a library prints must not come between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    print("ready", file=answers, flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(await _turn(run, **json.loads(line))), file=answers, flush=True)


async def _turn(run: Callable[[int], Awaitable[float]], steps: int, runs: int, at_once: int) -> dict[str, Any]:
    free = asyncio.Semaphore(at_once)

    async def one() -> float:
        async with free:
            started = time.perf_counter()
            total = await run(steps)
        if total != steps:
            raise AssertionError(f"a job of {steps} steps has counted {total}")
        return time.perf_counter() - started

    used = _processor_time()
    started = time.perf_counter()
    latencies = await asyncio.gather(*(one() for _ in range(runs)))
    elapsed = time.perf_counter() - started
    return {"elapsed": elapsed, "cpu": _processor_time() - used, "latencies": latencies}


def _processor_time() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
