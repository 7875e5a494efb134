"""Webhooks: deliveries that the gateway takes in, a second, how long an answer takes, and how fast they become runs.

`python -m benchmarks webhooks`. Three measurements, all on this machine, so that sender, gateway and Temporal share its
processors: the spool alone; the gateway with Temporal away; and with it. The sender keeps a rate instead of waiting for
answers, as vendors do: a gateway that is behind then shows in the time of its answers.
"""

from __future__ import annotations

import asyncio
import json
import signal
import statistics
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from temporalio.client import Client

from benchmarks.webhook_gateway import Gateway, Push
from benchmarks.webhook_jobs import pushed
from benchmarks.webhook_sender import send_at
from terse_temporal.client import connect
from terse_temporal.devserver import DevServer
from terse_temporal.gateway.draining import Drain
from terse_temporal.gateway.spool import Spool, SpoolFile, Target
from terse_temporal.triggers.deliveries import Delivery

__all__ = ["measure_webhooks"]

#: Bytes of a body: a push of GitHub's with a few commits.
_SIZE = 8_000

#: Connections of the sender.
_CONNECTIONS = 50


async def measure_webhooks(*, count: int, rate: float) -> None:
    """Measure and print all of it; `count` deliveries at `rate` a second."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        await _spool_alone(directory / "alone", count)
        await _gateway(directory / "away", "Temporal away", count, rate, with_server=False)
        await _gateway(directory / "there", "Temporal there", count, rate, with_server=True)


def _delivery(push: Push) -> Delivery:
    return Delivery(source="github", id=push.id, kind="push", body=json.loads(push.body), received_at=datetime.now(UTC))


async def _spool_alone(directory: Path, count: int) -> None:
    pushes = [Push(f"alone-{number}", _SIZE) for number in range(count)]
    seconds: list[float] = []
    async with Spool(directory) as spool:
        places = asyncio.Semaphore(_CONNECTIONS)

        async def put(push: Push) -> None:
            async with places:
                began = time.perf_counter()
                target = Target(pushed.name, f"{pushed.name}/github:{push.id}")
                await spool.put(_delivery(push), push.body, [target])
                seconds.append(time.perf_counter() - began)

        began = time.perf_counter()
        await asyncio.gather(*(put(push) for push in pushes))
        _print("spool alone", count, time.perf_counter() - began, seconds)
        async with DevServer() as server:
            client = await connect(target_host=server.address)

            async def connected() -> Client:
                return client

            drain = Drain(spool, [pushed], connected, "nobody")
            began = time.perf_counter()
            task = asyncio.create_task(drain.run())
            await drain.until_empty()
            took = time.perf_counter() - began
            task.cancel()
            print(f"{'drain alone':<34} {count / took:7,.0f} runs/s")


async def _gateway(directory: Path, what: str, count: int, rate: float, *, with_server: bool) -> None:
    server = DevServer()
    address = (await server.__aenter__()).address if with_server else "127.0.0.1:1"
    gateway = Gateway(directory, address)
    try:
        await gateway.start()
        requests = [Push(f"push-{number}", _SIZE).request(gateway) for number in range(count)]
        began = time.perf_counter()
        seconds = await send_at(rate, gateway.port, requests, _CONNECTIONS)
        _print(f"{what}, {rate:.0f}/s offered", count, time.perf_counter() - began, seconds)
        if with_server:
            while SpoolFile(gateway.spool).deliveries(state="waiting", limit=1):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            print(f"{'':<34} {count / (time.perf_counter() - began):7,.0f} runs/s from the first to the last")
    finally:
        await gateway.end(signal.SIGKILL)
        if with_server:
            await server.__aexit__(None, None, None)


def _print(what: str, count: int, took: float, seconds: Sequence[float]) -> None:
    cuts = statistics.quantiles(seconds, n=100)
    print(f"{what:<34} {count / took:7,.0f} deliveries/s   p50 {cuts[49] * 1e3:6.1f} ms   p99 {cuts[98] * 1e3:6.1f} ms")
