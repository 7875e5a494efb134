"""What would be repeated on every replay is refused in a durable handler, with its name, its place and the remedy."""

from __future__ import annotations

import os
import re

import pytest

from ..bench import Bench, cache_on, scheduled
from .jobs_side_effects import DEEDS, allowed, caught, side_effects


@cache_on
@pytest.mark.parametrize("case", DEEDS)
async def test_it_is_refused(bench: Bench, case: str) -> None:
    """A SideEffectError names the call, its file and line, and says to move it into a step; the run fails at once."""
    before = dict(os.environ)
    failure = await bench.refuse(side_effects, case=case)
    assert failure.type == "SideEffectError", failure
    assert DEEDS[case][1] in failure.message
    file = "helpers" if case == "helper elsewhere" else "jobs_side_effects"
    assert re.search(rf"tests/engine/{file}\.py:\d+", failure.message), failure.message
    assert "handler of a durable job" in failure.message
    assert "step" in failure.message or 'await sleep("5s")' in failure.message
    # A file that is only read, as a template is, has another cure.
    reads = DEEDS[case][1].startswith("open(") and case not in ("own helper", "writing into Python's own")
    assert ("read it once, at the top of a module" in failure.message) == reads
    assert dict(os.environ) == before


async def test_it_can_be_caught(bench: Bench) -> None:
    """It is an exception like others: caught, the job goes on."""
    async with bench.worker(caught):
        run = await bench.start(caught)
        assert await bench.result(run) == "in a step instead"
    assert await scheduled(run) == ["<lambda>"]


async def test_what_touches_nothing_is_allowed(bench: Bench) -> None:
    """Reading the environment, paths, timezones, imports and asyncio's own waiting go on working."""
    assert await bench.run(allowed) == [
        *(None, "a/b", "a/b", "Pacific/Chatham", [0.0, 0.0, 0]),
        *("application/pdf", "", True, [1], True, "collected"),
        "slept",
    ]
