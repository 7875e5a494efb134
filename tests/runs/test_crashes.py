"""A step that is killed between the start of a run and its own record starts that run once."""

from __future__ import annotations

from terse_temporal.testing import Jobs

from ..effects import Effects
from .jobs_runs import step_once


async def test_a_step_that_is_killed_behind_the_start(jobs: Jobs, effects: Effects) -> None:
    """The worker is killed when the run has been started and nothing of the step is recorded: the attempt after that
    finds the run.
    """
    jobs.crash_at("start_one", "after_effect")
    run_id = await jobs.run(step_once, {"effects": str(effects)})
    assert run_id.startswith("runs-count-")
    assert effects.lines() == ["attempt 1"]
