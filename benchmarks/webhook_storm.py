"""Deliveries while Temporal and the gateway are killed: `python -m benchmarks.webhook_storm [--deliveries 500 …]`.

The sender is one that never repeats what was answered with 2xx, as GitHub. Each delivery has to start one run: none is
lost, none is started twice. A worker ends each run at once, so that its workflow id would be free for a second one. At
full size it takes a minute or two, so it is run by hand; `tests/gateway/test_storm.py` is the same in small.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import tempfile
import time
import uuid
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from benchmarks.webhook_gateway import Gateway, Push
from benchmarks.webhook_jobs import pushed
from terse_temporal.client import connect
from terse_temporal.devserver import DevServer
from terse_temporal.gateway.spool import SpoolFile
from terse_temporal.worker import build_worker

__all__ = ["Outcome", "storm"]

#: Deliveries that are sent at once, and seconds before one that was not answered with 2xx is sent again.
_AT_ONCE = 20
_AGAIN = 0.1

#: Seconds that Temporal is away, and in which everything has to be handed on in the end.
_AWAY = 1.5
_PATIENCE = 180.0


@dataclass
class Outcome:
    """What became of the deliveries.

    Attributes:
        sent: how many there were.
        again: how often one was sent again, for it had not been answered with 2xx.
        runs: how many runs have each workflow id.
        states: how many deliveries stand how in the spool.
        seconds: until the last was answered, and until the last was handed on.
    """

    sent: int
    again: int
    runs: Counter[str]
    states: Counter[str]
    seconds: tuple[float, float]

    @property
    def lost(self) -> int:
        """How many deliveries have no run."""
        return self.sent - len(self.runs)

    @property
    def twice(self) -> int:
        """How many deliveries have more than one."""
        return sum(count > 1 for count in self.runs.values())


async def storm(
    directory: Path, *, deliveries: int, server_kills: int, gateway_kills: int, pause: float = 0.0
) -> Outcome:
    """Send, kill, start again, and count.

    Args:
        directory: for the files of both.
        deliveries: how many are sent.
        server_kills: how often Temporal is killed, in between.
        gateway_kills: how often the gateway is.
        pause: seconds between two deliveries of one sender.
    """
    database = directory / "server" / "server.db"
    server = await DevServer(database).__aenter__()
    port = int(server.address.rpartition(":")[2])
    gateway = Gateway(directory, server.address)
    answered = 0
    again = 0

    async def send(numbers: list[int]) -> None:
        nonlocal answered, again
        async with httpx.AsyncClient(base_url=gateway.url, timeout=10) as client:
            for number in numbers:
                push = Push(str(uuid.UUID(int=number)), 4_000)
                while not await push.send(client):
                    again += 1
                    await asyncio.sleep(_AGAIN)
                answered += 1
                await asyncio.sleep(pause)

    async def until_answered(share: float) -> None:
        while answered < share * deliveries:  # noqa: ASYNC110  # of many senders
            await asyncio.sleep(0.01)

    async def kill_gateway() -> None:
        for number in range(gateway_kills):
            await until_answered((number + 1) / (gateway_kills + 1))
            await gateway.end()
            await gateway.start()

    async def kill_server() -> None:
        nonlocal server
        for number in range(server_kills):
            await until_answered((number + 0.6) / (server_kills + 0.6))
            os.kill(server.pid, signal.SIGKILL)
            await server.__aexit__(None, None, None)
            await asyncio.sleep(_AWAY)
            server = await DevServer(database, port=port).__aenter__()

    try:
        await gateway.start()
        client = await connect(target_host=server.address)
        async with build_worker(client, jobs=[pushed]):
            began = time.monotonic()
            numbers = list(range(deliveries))
            await asyncio.gather(
                kill_gateway(), kill_server(), *(send(numbers[first::_AT_ONCE]) for first in range(_AT_ONCE))
            )
            all_answered = time.monotonic() - began
            async with asyncio.timeout(_PATIENCE):
                while SpoolFile(gateway.spool).deliveries(state="waiting", limit=1):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            handed_on = time.monotonic() - began
            runs = await _runs(client, deliveries)
        states = Counter("/".join(each.state for each in row.targets) for row in SpoolFile(gateway.spool).deliveries())
        return Outcome(deliveries, again, runs, states, (all_answered, handed_on))
    finally:
        await gateway.end()
        with suppress(Exception):
            await server.__aexit__(None, None, None)


async def _runs(client: Any, expected: int) -> Counter[str]:
    """Count the runs of each workflow id, when the server's list, which follows by some tenths, has as many."""
    deadline = time.monotonic() + 15
    while True:
        found = Counter([each.id async for each in client.list_workflows(f'WorkflowType = "{pushed.name}"')])
        if found.total() >= expected or time.monotonic() > deadline:
            return found
        await asyncio.sleep(0.2)


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deliveries", type=int, default=500)
    parser.add_argument("--server-kills", type=int, default=3)
    parser.add_argument("--gateway-kills", type=int, default=5)
    parser.add_argument("--pause", type=float, default=0.5, help="seconds between two deliveries of a sender")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        outcome = asyncio.run(storm(Path(directory), **vars(options)))
    print(
        f"{outcome.sent} deliveries, the gateway killed {options.gateway_kills} times, Temporal {options.server_kills}"
        f" times: {outcome.runs.total()} runs, {outcome.lost} deliveries lost, {outcome.twice} started twice;"
        f" {outcome.again} sent again; answered after {outcome.seconds[0]:.0f} s, handed on after"
        f" {outcome.seconds[1]:.0f} s; in the spool: {dict(outcome.states)}"
    )


if __name__ == "__main__":
    _main()
