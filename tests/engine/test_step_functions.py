"""A step runs any function: at module level, nested or a lambda, `async def` or `def`, here or in another module."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ..bench import Bench, scheduled
from .jobs_functions import kinds, lambdas_alike, more_kinds, names, same_name


async def test_every_kind_of_function_runs_once(bench: Bench) -> None:
    """Functions at module level, nested ones and lambdas run as steps, each once."""
    assert await bench.run(kinds) == [
        "coroutine",
        "plain",
        "nested coroutine",
        "nested plain",
        None,
        "coroutine",
        "in another module",
        "in another module",
    ]
    assert bench.effects.lines() == [
        "coroutine",
        "plain",
        "nested coroutine",
        "nested plain",
        "lambda",
        "coroutine",
        "in another module",
        "in another module",
    ]


async def test_functions_without_and_with_an_argument(bench: Bench) -> None:
    """Without `input` a function gets no argument, with it exactly one; static methods and builtins too."""
    assert await bench.run(more_kinds) == [1, 10, 20, -3, 8, 2, 105, 1006, 7, 14, 80, 900]


async def test_lambdas_that_differ_in_an_operator_alone(bench: Bench) -> None:
    """Of several lambdas in one handler each step runs its own, however alike they are."""
    assert await bench.run(lambdas_alike) == [11, 9, True, False, 12, 0, 1, [2], [0]]


async def test_nested_functions_of_one_name(bench: Bench) -> None:
    """Of two nested functions of one name each step runs its own."""
    assert await bench.run(same_name) == [2, 0]


async def test_the_name_of_a_step_is_its_activity_type(bench: Bench) -> None:
    """A step's activity type is the name it is given, or else its function's."""
    async with bench.worker(names):
        run = await bench.start(names)
        await bench.result(run)
    assert await scheduled(run) == ["without_argument", "charge the card", "<lambda>", "hypot"]


REFER = """
from terse_temporal.engine.code.functions import FunctionIndex
from tests.engine import jobs_references as jobs
print(*(FunctionIndex([jobs.job]).refer(each, "step", "here", vars(jobs)) for each in jobs.lambdas()))
"""


@pytest.mark.server
def test_references_are_the_same_in_every_process() -> None:
    """A reference to a lambda means the same in every process, also where it has sets of constants in it."""
    found = {
        subprocess.run(
            [sys.executable, "-c", REFER],
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in range(1, 5)
    }
    assert len(found) == 1
    references = found.pop().split()
    assert len(set(references)) == 3
