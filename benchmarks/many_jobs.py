"""How soon a worker with 500 jobs in 50 modules is ready, beside one with one job: `python -m benchmarks jobs`.

Three packages are written: one job; 50 modules with ten jobs each; and the same where every module imports the one
before, so that the code of the last is all of it. Each job has a model, a step, and a function under `@step`.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from temporalio.client import Client

from benchmarks.processes import started_worker
from terse_temporal.devserver import DevServer

__all__ = ["measure_many_jobs"]

_COMMON = """
from pydantic import BaseModel


class Customer(BaseModel):
    id: str
    email: str = ""


def normalise(text: str) -> str:
    return text.strip().lower()
"""

_TOP = """
from __future__ import annotations

from pydantic import BaseModel

from terse_temporal import Retry, create_job, job_step, log, sleep, step
from {package}.common import Customer, normalise
{imports}
"""

_JOB = """

class Order{job}(BaseModel):
    customer: Customer
    items: list[str] = []
    total: float = 0.0


def price_{job}(order: Order{job}) -> float:
    return len(order.items) * {job}.5


@step(retry=Retry(max_attempts=3))
async def charge_{job}(customer: Customer, amount: float) -> str:
    return f"charge-{{normalise(customer.id)}}-{{amount}}"


@create_job(name="area-{module}-job-{job}", durable=True)
async def job_{job}(order: Order{job}) -> str:
    amount = await job_step(run=price_{job}, input=order)
    if amount > 1000:
        await sleep("1h")
    receipt = await charge_{job}(order.customer, amount)
    log(f"charged {{receipt}}")
    return await job_step(name="mail", run=lambda text: normalise(text), input=receipt)
"""


async def measure_many_jobs(repeats: int = 3) -> None:
    """Measure each so often, and print the medians."""
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        packages = {
            _package(root, "one_job", modules=1, jobs=1): "1 job",
            _package(root, "separate", modules=50, jobs=10): "500 jobs in 50 modules",
            _package(root, "chained", modules=50, jobs=10, chained=True): "and each imports the one before",
        }
        async with DevServer() as server:
            client = await Client.connect(server.address)
            took: dict[str, list[tuple[float, float]]] = {package: [] for package in packages}
            for turn in range(repeats):
                for package in packages:
                    took[package].append(await _measured(client, server.address, root, package, turn))
    for package, what in packages.items():
        ready, first = (statistics.median(each) for each in zip(*took[package], strict=True))
        print(f"{what:32} ready after {ready:.2f} s, then a first run of 3 steps in {first * 1000:.0f} ms")


async def _measured(client: Client, address: str, root: Path, package: str, turn: int) -> tuple[float, float]:
    began = time.monotonic()
    environment = {"PYTHONPATH": str(root)}
    async with started_worker(address, package, target=package, environment=environment):
        ready = time.monotonic() - began
        began = time.monotonic()
        event = {"customer": {"id": "C"}}
        await client.execute_workflow("area-0-job-0", event, id=f"{package}-{turn}", task_queue=package)
        return ready, time.monotonic() - began


def _package(root: Path, name: str, *, modules: int, jobs: int, chained: bool = False) -> str:
    package = root / name
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "common.py").write_text(_COMMON)
    for module in range(modules):
        imports = f"from {name} import area_{module - 1}" if chained and module else ""
        text = _TOP.format(package=name, imports=imports)
        text += "".join(_JOB.format(module=module, job=job) for job in range(jobs))
        (package / f"area_{module}.py").write_text(text)
    return name
