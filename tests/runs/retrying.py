"""Runs of tests that fail, and what is done to let them go on."""

from __future__ import annotations

from collections import Counter
from typing import Any

from temporalio.client import WorkflowExecutionStatus

from terse_temporal import Job
from terse_temporal.runs.retrying import retry_run

from ..bench import Bench, Run

__all__ = ["allow", "counted", "ended", "failed", "go", "retried", "timer_starts"]


def allow(bench: Bench, *names: str) -> None:
    """Let what fails pass."""
    for name in names:
        (bench.effects.path.parent / f"ok-{name}").touch()


def go(bench: Bench, *names: str) -> None:
    """Let what waits go on."""
    for name in names:
        (bench.effects.path.parent / f"go-{name}").touch()


def counted(bench: Bench) -> dict[str, int]:
    """How often each step was run, and that it had the same key each time."""
    keys = set(bench.effects.lines())
    names = Counter(line.partition(" ")[0] for line in bench.effects.lines())
    assert len(keys) == len(names)
    return dict(names)


async def retried(bench: Bench, run: Run) -> Run:
    return bench.env.client.get_workflow_handle(run.id, run_id=await retry_run(bench.env.client, run.id))


async def failed(bench: Bench, job: Job, **event: Any) -> Run:
    run = await bench.start(job, **event)
    await bench.failure(run)
    return run


async def ended(run: Run) -> bool:
    return (await run.describe()).status is not WorkflowExecutionStatus.RUNNING


async def timer_starts(run: Run) -> list[str]:
    """When the timers in the history of a run were started."""
    history = await run.fetch_history()
    return [str(each.event_time) for each in history.events if each.HasField("timer_started_event_attributes")]
