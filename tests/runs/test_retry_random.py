"""Whatever steps run beside one another, and whichever fail: what has finished is done once, under one key."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest
from temporalio.client import WorkflowFailureError

from ..bench import Bench
from . import jobs_retried as jobs
from .retrying import allow, counted, retried

#: Branches, each of steps that come one after another: their names, and whether each fails until it is allowed to pass.
Branches = Sequence[Sequence[tuple[str, bool]]]


def branches(chance: random.Random) -> Branches:
    return [
        [(f"{branch}-{position}", chance.random() < 0.3) for position in range(chance.randint(1, 4))]
        for branch in range(chance.randint(2, 5))
    ]


@pytest.mark.parametrize("seed", range(2))
async def test_random_branches(bench: Bench, seed: int) -> None:
    """Those that fail are allowed to pass one by one, and the run is retried after each until it ends well."""
    chance = random.Random(seed)
    program = branches(chance)
    names = [name for branch in program for name, _ in branch]
    failing = [name for branch in program for name, fails in branch if fails]
    chance.shuffle(failing)
    async with bench.worker(jobs.branching):
        run: Any = await bench.start(jobs.branching, branches=program, how=chance.choice(["group", "first"]))
        for _ in range(2 * len(failing) + 2):
            try:
                result = await bench.result(run)
                break
            except WorkflowFailureError:
                allow(bench, *failing[:1])
                failing = failing[1:]
                run = await retried(bench, run)
    assert result == [[f"{name} done" for name, _ in branch] for branch in program]
    # Of each step that passed at once there is one effect; a step that fails is run until it passes.
    counts = counted(bench)
    assert counts.keys() == set(names)
    assert {name for name, count in counts.items() if count > 1} <= {
        name for branch in program for name, fails in branch if fails
    }
