"""A job that another one starts can have a test double, with the methods of those of steps."""

from __future__ import annotations

from typing import Any

import pytest
from temporalio.client import WorkflowFailureError

from terse_temporal.errors import TestDoubleError
from terse_temporal.testing import Jobs
from terse_temporal.testing.job_doubles import JobDoubles

from . import jobs_children as kit
from .jobs_children_elsewhere import plain

DURABLE = {"child": "kit-child", "event": {"name": "Ada"}}
PLAIN = {"child": "kit-child-plain", "event": {"name": "Ada"}}


@pytest.mark.parametrize("event", [DURABLE, PLAIN], ids=["durable", "not durable"])
async def test_returns(jobs: Jobs, event: dict[str, Any]) -> None:
    """Its handler is not called; the run is there, with what the test gives as its result."""
    name = event["child"]
    jobs.jobs[name].returns("from the test")
    run = await jobs.start(kit.parent, event)
    assert await run.result() == ["parent of", "from the test"]
    (child,) = run.children
    assert (child.job.name, child.status, [step.name for step in child.steps]) == (name, "completed", [name])
    jobs.jobs[name].called_once_with({"name": "Ada"})
    assert await child.result() == "from the test"


async def test_real_ones_are_noted(jobs: Jobs) -> None:
    """Without an answer the handler is called, and the test can see with what; each run is one call."""
    await jobs.run(kit.parent, DURABLE)
    await jobs.run(kit.parent, PLAIN)
    jobs.jobs["kit-child"].called_once_with({"name": "Ada"})
    jobs.jobs[plain].called_once_with({"name": "Ada"})
    jobs.jobs[kit.waits].not_called()


async def test_raises_does_and_in_turn(jobs: Jobs) -> None:
    """What it raises fails the run as the handler's own error would; answers go to one run after the other."""
    jobs.jobs[kit.child].in_turn("first", ValueError("no more"), lambda event: f"third {event.name}")
    assert await jobs.run(kit.parent, DURABLE) == ["parent of", "first"]
    failing = await jobs.start(kit.parent, DURABLE)
    with pytest.raises(WorkflowFailureError):
        await failing.result()
    await failing.children[0].failed_with(ValueError, match="no more")
    assert await jobs.run(kit.parent, DURABLE) == ["parent of", "third Ada"]
    jobs.jobs[kit.child].real()
    assert await jobs.run(kit.parent, DURABLE) == ["parent of", "hello Ada"]
    assert len(jobs.jobs[kit.child].calls) == 4


def test_where_runs_are_in_other_processes() -> None:
    """Those do not tell of handlers that are real, and the test is not told that there were none."""
    doubles = JobDoubles()
    doubles._elsewhere = lambda: True
    with pytest.raises(TestDoubleError, match="do not tell"):
        doubles[kit.parent].not_called()
    doubles[kit.child].returns("from the test")
    doubles[kit.child].not_called()


def test_what_does_not_fit(jobs: Jobs) -> None:
    """A misspelt name, a method that is not there, a result or function that does not fit: each is refused at once."""
    with pytest.raises(TestDoubleError, match=r"no job 'kit-chld' is registered.*did you mean 'kit-child'"):
        jobs.jobs["kit-chld"].returns(1)
    with pytest.raises(TestDoubleError, match=r"has no 'return_value'"):
        jobs.jobs["kit-child"].return_value(1)
    with pytest.raises(TestDoubleError, match="'kit-child' cannot return 3 in a test"):
        jobs.jobs["kit-child"].returns(3)
    with pytest.raises(TestDoubleError, match="called with the event alone"):
        jobs.jobs["kit-child"].does(lambda: None)
