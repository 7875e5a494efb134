"""1,000 events by key to 200 runs while their worker is killed: `python -m benchmarks.event_storm [RUNS EVENTS KILLS]`.

Says how many runs have taken all of their events once and in order, and how long it took. It takes minutes, so it is
run by hand; `tests/crash/test_events.py` is the same in small.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from pathlib import Path

from terse_temporal import send_event
from terse_temporal.client import connect
from terse_temporal.devserver import DevServer

ROOT = Path(__file__).parents[1]


async def main(runs: int, events: int, kills: int) -> None:
    """Send, kill, and compare."""
    async with DevServer() as server:
        client = await connect(target_host=server.address)
        keys = [f"customer-{number}" for number in range(runs)]

        async def worker() -> asyncio.subprocess.Process:
            arguments = ["workers/terse_worker.py", "tests/crash/jobs_events.py", "--address", server.address]
            null = asyncio.subprocess.DEVNULL
            return await asyncio.create_subprocess_exec(
                sys.executable, *arguments, cwd=ROOT, stdout=null, stderr=null, start_new_session=True
            )

        began = time.monotonic()
        started = [
            await client.start_workflow(
                "takes-events", {"key": key, "count": events}, id=f"takes-events/{key}", task_queue="terse"
            )
            for key in keys
        ]

        async def send_all() -> None:
            for number in range(events):
                for key in keys:
                    await send_event("order", number, key=key, id=str(number), client=client)

        sending = asyncio.create_task(send_all())
        for _ in range(kills):
            process = await worker()
            await asyncio.sleep(4)
            process.send_signal(signal.SIGKILL)
            await process.wait()
        process = await worker()
        try:
            await sending
            async with asyncio.timeout(900):
                results = await asyncio.gather(*(run.result() for run in started))
        finally:
            process.send_signal(signal.SIGKILL)
            await process.wait()
        right = sum(result == list(range(events)) for result in results)
        print(
            f"{runs * events:,} events to {runs} runs, {kills} workers killed: {right} runs have taken each of theirs"
            f" once and in order, after {time.monotonic() - began:.0f} s"
        )


if __name__ == "__main__":
    given = [int(each) for each in sys.argv[1:]]
    asyncio.run(main(*(given + [200, 5, 10][len(given) :])))
