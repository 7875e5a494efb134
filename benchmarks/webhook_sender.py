"""A sender of requests that costs little, so that what is measured is who answers.

A client library takes a millisecond of processor for a request, as much as the gateway; here it is some hundredths.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

__all__ = ["send_at"]


async def send_at(rate: float, port: int, requests: Sequence[bytes], connections: int) -> list[float]:
    """Send requests at a rate, and return the seconds that each took from when it was due until it was answered.

    Args:
        rate: requests a second; the next is due whether the last was answered or not.
        port: on this machine.
        requests: as they go over a connection.
        connections: how many there are. A request for which none is free waits, and that counts.

    Raises:
        RuntimeError: one is answered with something else than 200.
    """
    due: asyncio.Queue[tuple[float, bytes] | None] = asyncio.Queue()
    seconds: list[float] = []

    async def answer_all() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            while (request := await due.get()) is not None:
                at, data = request
                writer.write(data)
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    int(line.partition(b":")[2])
                    for line in head.lower().splitlines()
                    if line.startswith(b"content-length")
                )
                body = await reader.readexactly(length)
                if not head.startswith(b"HTTP/1.1 200"):
                    raise RuntimeError(f"{head.splitlines()[0]!r}: {body!r}")
                seconds.append(time.perf_counter() - at)
        finally:
            writer.close()

    async def make_due() -> None:
        began = time.perf_counter()
        for number, request in enumerate(requests):
            at = began + number / rate
            if (pause := at - time.perf_counter()) > 0:
                await asyncio.sleep(pause)
            due.put_nowait((at, request))
        for _ in range(connections):
            due.put_nowait(None)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(connections):
            tasks.create_task(answer_all())
        tasks.create_task(make_due())
    return seconds
