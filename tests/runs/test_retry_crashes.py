"""What had finished before a run was retried stays so, whatever is killed meanwhile: the worker, or who retries it."""

from __future__ import annotations

import asyncio
import signal
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowFailureError, WorkflowHandle

from terse_temporal import get_run
from terse_temporal.testing import JobEnvironment

from ..commands import run as run_command
from ..commands import running as running_command
from ..versions import running, version
from ..waiting import until

SHOP = """
import asyncio
from pathlib import Path
from terse_temporal import create_job, job_step

async def work(data):
    with Path(data["effects"]).open("a") as file:
        file.write(data["name"] + chr(10))
    if data["name"].startswith("charge"):
        if not Path(data["effects"] + ".ok").exists():
            raise ConnectionError("the bank does not answer")
        while not Path(data["effects"] + ".go").exists():
            await asyncio.sleep(0.02)
    return data["name"]

@create_job(name="NAME", durable=True)
async def shop(event):
    def step(name):
        return job_step(run=work, input={"effects": event.effects, "name": f"{name}-{event.number}"})

    async def pay():
        await step("reserve")
        return await step("charge")

    async def tell():
        await step("write")
        return await step("send")

    paid, told = await asyncio.gather(pay(), tell(), return_exceptions=True)
    if isinstance(paid, BaseException):
        raise paid
    return [paid, told]
"""


class Shop:
    """Runs of a job whose charging has failed."""

    def __init__(self, env: JobEnvironment, folder: Path) -> None:
        self.env = env
        self.name = f"shop-{uuid.uuid4()}"
        self.source = SHOP.replace("NAME", self.name)
        self.effects = folder / "effects"
        self.task_queue = ""
        (folder / "shop.py").write_text(self.source)

    async def fail(self, folder: Path, count: int) -> list[WorkflowHandle[Any, Any]]:
        """Start runs, and let them fail."""
        client = self.env.client
        with version(self.source, folder) as jobs:
            async with running(client, jobs) as self.task_queue:
                runs: list[WorkflowHandle[Any, Any]] = []
                for number in range(count):
                    event = {"effects": str(self.effects), "number": number}
                    runs.append(
                        await client.start_workflow(
                            self.name, event, id=f"{self.name}/{number}", task_queue=self.task_queue
                        )
                    )
                ended = await asyncio.gather(*(each.result() for each in runs), return_exceptions=True)
        assert all(isinstance(each, WorkflowFailureError) for each in ended)
        return [client.get_workflow_handle(each.id) for each in runs]

    def allow(self, *what: str) -> None:
        """Let the bank answer (`ok`), and charging come to its end (`go`)."""
        for each in what:
            self.effects.with_name(f"{self.effects.name}.{each}").touch()

    def counted(self) -> Counter[str]:
        """How often each step has begun."""
        return Counter(self.effects.read_text().split())

    async def complete(self, folder: Path, runs: list[WorkflowHandle[Any, Any]]) -> None:
        """Let the runs come to their end on a worker that knows nothing yet."""
        with version(self.source, folder) as jobs:
            async with running(self.env.client, jobs, task_queue=self.task_queue), asyncio.timeout(60):
                for number, each in enumerate(runs):
                    assert await each.result() == [f"charge-{number}", f"send-{number}"]


async def test_the_worker(env: JobEnvironment, tmp_path: Path) -> None:
    """Killed while the step that failed is run again, beside others that had finished: those stay finished."""
    shop = Shop(env, tmp_path)
    runs = await shop.fail(tmp_path, 1)
    shop.allow("ok")
    await get_run(runs[0].id, client=env.client).retry()
    command = ("terse-worker", "shop.py", "--task-queue", shop.task_queue)
    with running_command(*command, cwd=tmp_path, env={"TEMPORAL_ADDRESS": env.address}) as worker:
        await until(lambda: shop.counted()["charge-0"] == 2, "it is charged again")
        worker.send(signal.SIGKILL)
        await asyncio.to_thread(worker.ended)
    shop.allow("go")
    # Of the same module, which the step that was interrupted is of.
    with running_command(*command, cwd=tmp_path, env={"TEMPORAL_ADDRESS": env.address}):
        async with asyncio.timeout(60):
            assert await runs[0].result() == ["charge-0", "send-0"]
    assert shop.counted() == {"reserve-0": 1, "charge-0": 3, "write-0": 1, "send-0": 1}


async def test_who_retries(env: JobEnvironment, tmp_path: Path) -> None:
    """Killed among several runs, and called again: each of them goes on once."""
    shop = Shop(env, tmp_path)
    runs = await shop.fail(tmp_path, 3)
    shop.allow("ok", "go")
    before = [(await each.describe()).run_id for each in runs]
    ids = [each.id for each in runs]
    command = ("terse-temporal", "runs", "retry", *ids, "--yes", "--address", env.address)

    async def has_begun() -> bool:
        return (await runs[0].describe()).run_id != before[0]

    with running_command(*command, "--rate", "0.1", cwd=tmp_path) as retrying:
        await until(has_begun, "the first is retried")
        retrying.send(signal.SIGKILL)
        await asyncio.to_thread(retrying.ended)
    assert [(await each.describe()).run_id for each in runs[1:]] == before[1:]
    ended = await asyncio.to_thread(run_command, *command, cwd=tmp_path)
    assert ended.returncode == 1
    assert f"{ids[0]}  not retried" in ended.stdout
    assert ended.stdout.count("goes on, from before 'work'") == 2
    await shop.complete(tmp_path, runs)
    once = {f"{name}-{number}": 1 for name in ("reserve", "write", "send") for number in range(3)}
    assert shop.counted() == once | {f"charge-{number}": 2 for number in range(3)}
