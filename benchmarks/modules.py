"""What a run costs that has a copy of its module, beside one that shares it: `python -m benchmarks modules`.

The module has 40 models of pydantic. No server is needed: measured is what a worker does before a run begins.
"""

from __future__ import annotations

import importlib
import sys
import tempfile
import time
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path

from terse_temporal.engine.determinism.clock import clock_of_module
from terse_temporal.engine.workflow.sandbox import JobSource
from terse_temporal.jobs.registry import registered_jobs

__all__ = ["measure_modules"]

_MODEL = """
class Model{number}(BaseModel):
    a: int = 0
    b: str = ""
    c: list[int] = []
    d: dict[str, str] = {{}}
"""

_MODULE = """
from pydantic import BaseModel
from terse_temporal import create_job

{models}

seen = []

@create_job(name="{name}", durable=True)
async def handler(event):
    {body}
"""

_RUNS = 100


def measure_modules() -> None:
    """Print both, and how many times as much a copy costs."""
    with tempfile.TemporaryDirectory() as directory:
        sys.path.insert(0, directory)
        shared = _measured(directory, "shared", "return len(seen)")
        copied = _measured(directory, "copied", "seen.append(1)")
    print(f"a module with 40 models, {_RUNS} runs; each costs")
    for name, (took, memory) in (("shared", shared), ("a copy", copied)):
        print(f"  {name:8} {took * 1000:8.3f} ms {memory / 1024:8.1f} KiB")
    print(f"  a copy takes {copied[0] / shared[0]:,.0f} times as long")


def _measured(directory: str, name: str, body: str) -> tuple[float, float]:
    """Seconds and bytes for each run."""
    models = "".join(_MODEL.format(number=number) for number in range(40))
    Path(directory, f"bench_{name}.py").write_text(_MODULE.format(models=models, name=f"bench-{name}", body=body))
    importlib.import_module(f"bench_{name}")
    source = JobSource(next(job for job in registered_jobs() if job.name == f"bench-{name}"))
    source.prepare()
    clock = clock_of_module(datetime.now(UTC), "")
    begun = time.perf_counter()
    for _ in range(_RUNS):
        source.copy(clock)
    took = (time.perf_counter() - begun) / _RUNS
    tracemalloc.start()
    kept = [source.copy(clock) for _ in range(_RUNS)]
    memory = tracemalloc.get_traced_memory()[0] / len(kept)
    tracemalloc.stop()
    return took, memory
