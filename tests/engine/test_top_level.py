"""What a module of jobs makes at its top level stays the same for a run, on every replay."""

from __future__ import annotations

from ..bench import Bench
from . import jobs_top_level
from .jobs_top_level import step_in_the_filter, top_level


async def test_values_of_the_top_level_are_pinned(bench: Bench) -> None:
    """An id, a number or a moment made when the module is executed is the run's own, the same on every replay."""
    first, second = await bench.run(top_level), await bench.run(top_level)
    for seen in (first, second):
        assert seen[0] == seen[1] == seen[2]
    assert first[0][0] != second[0][0]
    assert jobs_top_level.TOKEN not in (first[0][0], second[0][0])


async def test_step_in_the_filter_of_a_plain_job(bench: Bench) -> None:
    """The filter of a job that is not durable has no steps: the run fails, and nothing is scheduled."""
    failure = await bench.refuse(step_in_the_filter)
    assert failure.type == "DurableOnlyError"
    assert "'step-in-the-filter'" in failure.message
    assert "durable=True" in failure.message
