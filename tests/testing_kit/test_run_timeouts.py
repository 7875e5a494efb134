"""The timeout of a job is on the clock that a test skips, and is no sleep of the handler's."""

from __future__ import annotations

import pytest

from terse_temporal.testing import Jobs

from . import jobs_endings as kit


@pytest.mark.parametrize(("duration", "status"), [("4d", "completed"), ("6d", "failed")])
async def test_skipped(jobs: Jobs, duration: str, status: str) -> None:
    """It is over when the time of the run is, and no sooner; what is done then is part of the run."""
    run = await jobs.start(kit.in_time, {"duration": duration})
    assert (await run.sleeping()).duration.days == int(duration[0])
    assert [line.split("  ")[0] for line in map(str.strip, run.timeline().splitlines())][1:] == ["timer", "sleep"]
    assert run.timeline().count("timeout of the run") == 1
    await jobs.skip("3d")
    assert run.status == "running"
    await jobs.skip("2d")
    assert run.status == status
    assert [each.name for each in run.steps] == ([] if status == "completed" else ["tell"])
