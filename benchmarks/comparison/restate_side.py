"""The side on Restate, as a process: `python restate_side.py INGRESS ADMIN`, the ports of a server that runs already.

It serves the job, tells the server of it, and starts runs over HTTP. The client is a few lines over asyncio's streams,
with connections that are kept: with a usual HTTP client most of the time would be that client's. It is run by the
Python of an environment that has `restate-sdk[serde]` and `hypercorn`. Values are models of pydantic, and annotations
no strings, or Restate would hand over plain JSON.
"""

import asyncio
import json
import socket
import sys
from pathlib import Path
from typing import Any

import hypercorn.asyncio
import hypercorn.config
import restate
from pydantic import BaseModel

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.comparison.driving import serve

service = restate.Service("benchmark")


class Bill(BaseModel):
    customer: str
    steps: int


class Charge(BaseModel):
    customer: str
    number: int
    amount: float


class Receipt(BaseModel):
    number: int
    total: float


async def charge(charge: Charge) -> Receipt:
    return Receipt(number=charge.number, total=charge.amount + 1)


@service.handler("bill")
async def bill_customer(context: restate.Context, bill: Bill) -> float:
    total = 0.0
    for number in range(bill.steps):
        asked = Charge(customer=bill.customer, number=number, amount=total)
        receipt = await context.run_typed("charge", charge, restate.RunOptions(type_hint=Receipt), charge=asked)
        total = receipt.total
    return total


class Http:
    """Requests to one port of this machine, over connections that are kept."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def post(self, path: str, body: object) -> Any:
        """Return the JSON of the answer; anything but success is an error."""
        text = json.dumps(body).encode()
        reader, writer = self._free.pop() if self._free else await asyncio.open_connection("127.0.0.1", self._port)
        head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        writer.write(f"{head}content-length: {len(text)}\r\n\r\n".encode() + text)
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
        length = next(int(line.partition(":")[2]) for line in lines if line.startswith("content-length:"))
        answer = await reader.readexactly(length)
        if lines[0].split()[1][0] != "2":
            raise RuntimeError(f"POST {path}: {lines[0]}: {answer.decode(errors='replace')}")
        self._free.append((reader, writer))
        return json.loads(answer)


async def _main(ingress: str, admin: str) -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    config = hypercorn.config.Config()
    config.bind = [f"fd://{listening.fileno()}"]
    ended = asyncio.Event()
    served = asyncio.create_task(
        hypercorn.asyncio.serve(restate.app(services=[service]), config, shutdown_trigger=ended.wait)
    )
    await asyncio.sleep(0)
    await Http(int(admin)).post("/deployments", {"uri": f"http://127.0.0.1:{listening.getsockname()[1]}"})
    requests = Http(int(ingress))

    async def run(steps: int) -> float:
        return float(await requests.post("/benchmark/bill", {"customer": "ada@example.com", "steps": steps}))

    await serve(run)
    ended.set()
    await served


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
