"""Jobs that belong together have one worker, so that one can start another."""

from __future__ import annotations

from typing import Any

import pytest

from terse_temporal.testing import Jobs
from terse_temporal.testing.project_jobs import jobs_with

from . import jobs_children as kit
from . import jobs_children_elsewhere as elsewhere
from . import jobs_kit


@pytest.mark.parametrize(
    ("job", "event", "result"),
    [
        (kit.parent, {"child": "kit-child", "event": {"name": "Ada"}}, ["parent of", "hello Ada"]),
        (kit.parent, {"child": "kit-child-plain", "event": {"name": "Ada"}}, ["parent of", "plain Ada"]),
        (kit.parent, {"child": "kit-waits", "event": {"how": "workflow.sleep"}}, ["parent of", "hello workflow.sleep"]),
        (kit.parent_by_name, {"name": "Ada"}, ["plain Ada", "elsewhere"]),
    ],
    ids=["of its module", "of another module", "one that sleeps", "by name"],
)
async def test_a_job_starts_another(jobs: Jobs, job: Any, event: Any, result: Any) -> None:
    """A child run of another job runs, whichever module of the project has it."""
    assert await jobs.run(job, event) == result


async def test_stand_ins_and_crashes(jobs: Jobs) -> None:
    """The test double of a step is that of a child run's step too, and that has its crashes."""
    jobs.steps.greet.returns("hello from the test")
    jobs.crash_at("greet", "after_effect")
    result = await jobs.run(kit.parent, {"child": "kit-child", "event": {"name": "Ada"}})
    assert result == ["parent of", "hello from the test"]
    assert len(jobs.steps.greet.calls) == 2


def test_which_belong_together() -> None:
    """The jobs of a module and of those that it imports or names do, in either direction, and no others."""
    names = {job.name for job in jobs_with(elsewhere.plain)}
    assert names == {job.name for job in jobs_with(kit.parent)}
    assert {"kit-parent", "kit-child", "kit-child-plain"} <= names
    assert jobs_kit.asks.name not in names
