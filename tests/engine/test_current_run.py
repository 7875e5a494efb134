"""`current_run()` is the run, in a handler, in a step, in what that calls, and in a job that is not durable."""

from __future__ import annotations

import dataclasses

import pytest

from terse_temporal import Job, current_run
from terse_temporal.errors import TerseError
from terse_temporal.execution.protocol import RunIdentity

from ..bench import Bench
from .jobs_small import knows_its_run, knows_its_run_in_place


@pytest.mark.parametrize("job", [knows_its_run, knows_its_run_in_place], ids=["durable", "plain"])
async def test_the_run(bench: Bench, monkeypatch: pytest.MonkeyPatch, job: Job) -> None:
    """Its ids, its job, and its address where the environment says where the Web UI is."""
    monkeypatch.setenv("TERSE_UI_ADDRESS", "https://ui.example.com/")
    async with bench.worker(job):
        run = await bench.start(job)
        found = await bench.result(run)
    url = f"https://ui.example.com/namespaces/default/workflows/{run.id}/{run.first_execution_run_id}"
    assert found == [[run.id, run.first_execution_run_id, job.name, url]] * len(found)
    assert len(found) == (3 if job.durable else 1)


def test_outside_a_run() -> None:
    """An error says where it may be called; what it gives cannot be changed."""
    with pytest.raises(TerseError, match=r"current_run\(\) was called outside a run"):
        current_run()
    with pytest.raises(dataclasses.FrozenInstanceError):
        RunIdentity("a", "b", "c").id = "d"  # type: ignore[misc]  # what is refused
