"""What fails is logged as elsewhere: a step once, by its worker; an activity written by hand as the SDK does it."""

from __future__ import annotations

import pytest
from temporalio import activity
from temporalio.testing import ActivityEnvironment

from terse_temporal.testing import Jobs

from . import jobs_kit as kit


def fail_by_hand() -> None:
    """What the SDK's worker says of an activity that failed."""
    extra = {"__temporal_error_identifier": "ActivityFailure"}
    activity.logger.warning("Completing activity as failed", extra=extra)


async def test_who_logs_a_failure(jobs: Jobs, caplog: pytest.LogCaptureFixture) -> None:
    """The kit's server, its thread and a worker run, and the SDK's logger says nothing of steps alone."""
    jobs.steps.charge.raises(kit.Declined("no money"))
    run = await jobs.start(kit.fails, {"how": "step"})
    await run.failed_with(kit.Declined)
    ActivityEnvironment().run(fail_by_hand)
    names = [each.name for each in caplog.records if each.getMessage().startswith(("step ", "Completing"))]
    assert names == ["terse_temporal.worker", "temporalio.activity"]
