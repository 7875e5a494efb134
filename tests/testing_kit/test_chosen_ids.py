"""What one test has started under a key of the job's is not there in the next one."""

from __future__ import annotations

import pytest

from terse_temporal.testing import Jobs

from . import jobs_calling as kit


@pytest.mark.parametrize("answer", ["of the first test", "of the second test"])
async def test_a_key_is_free_in_every_test(jobs: Jobs, answer: str) -> None:
    """A child run and one that a step starts are started, whatever tests before have started under those keys."""
    jobs.jobs["kit-remind"].returns(answer)
    run = await jobs.start(kit.keyed)
    assert await run.result() == [answer, answer]
    assert [child.id for child in run.children] == ["kit-remind/o-17"]
