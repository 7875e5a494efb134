"""Random jobs on the real server against a plain interpreter of the same jobs.

The two have nothing in common but the tree they read. Everything the engine adds (recording, replaying, the translation
of failures, retries, the order of parallel branches, skipped time) must leave no trace in what a job gives and does.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import ApplicationError

from terse_temporal.testing import JobEnvironment

from ..effects import Effects
from .jobs_random import ERRORS, Tree, interpret, interpret_plainly

_texts = st.text("abcé \"'\n", max_size=8)
_values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**53), 2**53),
        st.floats(allow_nan=False, allow_infinity=False),
        _texts,
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=5,
)
_names = st.sampled_from(["reserve", "charge", "ship", "send an e-mail", "résumé"])
_errors = st.sampled_from(sorted(ERRORS))

# An exception is compared by its text; an empty one is replaced by the class, which the documentation says.
_messages = _texts.filter(bool)

_steps = st.fixed_dictionaries(
    {
        "do": st.just("step"),
        "name": _names,
        "value": _values,
        "async": st.booleans(),
        "failing": st.sampled_from([0, 0, 1, 2]),
    }
)
_failing_steps = st.fixed_dictionaries(
    {"do": st.just("fail"), "name": _names, "error": _errors, "value": _messages, "async": st.booleans()}
)
_raises = st.fixed_dictionaries({"do": st.just("raise"), "error": _errors, "value": _messages})
_sleeps = st.fixed_dictionaries({"do": st.just("sleep"), "for": st.sampled_from(["1ms", "90m", "3 days"])})
_events = st.fixed_dictionaries(
    {
        "do": st.just("event"),
        "value": _values,
        "sent": st.sampled_from(["before", "while it waits", "after a first wait"]),
    }
)
_LEAVES = [_steps] * 5 + [_failing_steps] * 3 + [_raises, _sleeps]
_leaves = st.sampled_from([*_LEAVES, _events]).flatmap(lambda kind: kind)

# A run that leaves a worker's cache is cancelled there, and the SDK refuses the tasks that a `finally` would then
# start: parallel branches in one are never awaited, which Python warns of.
_cleanups = _leaves | st.fixed_dictionaries({"do": st.just("all"), "children": st.lists(_leaves, max_size=3)})


_mapped = st.one_of(_steps.map(lambda step: {**step, "failing": 0}), _steps, _failing_steps)
_maps = st.fixed_dictionaries(
    {
        "do": st.just("map"),
        "children": st.lists(_mapped.map(lambda leaf: {**leaf, "failing": 0}), max_size=5),
        "at_once": st.integers(1, 4),
        "first": st.booleans(),
    }
)


# What is beside a long sleep. Not events and children: while those are under way in runs of their own, the server takes
# a run for one that only sleeps, and skips that.
_raced = st.recursive(
    _maps | st.sampled_from(_LEAVES).flatmap(lambda kind: kind),
    lambda trees: st.fixed_dictionaries(
        {"do": st.sampled_from(["all", "parallel"]), "children": st.lists(trees, min_size=1, max_size=3)}
    ),
    max_leaves=4,
)


def _grown(trees: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    children = st.lists(trees, min_size=1, max_size=4)
    tried = {
        "do": st.just("try"),
        "body": trees,
        "errors": st.lists(_errors, min_size=1, max_size=2, unique=True),
        "otherwise": trees,
        "then": _cleanups,
    }
    return st.one_of(
        st.fixed_dictionaries({"do": st.just("all"), "children": children}),
        st.fixed_dictionaries({"do": st.just("parallel"), "children": children}),
        st.fixed_dictionaries(tried),
        _maps,
        st.fixed_dictionaries({"do": st.sampled_from(["limit", "race"]), "body": _raced}),
        st.fixed_dictionaries({"do": st.just("child"), "body": trees}),
        st.fixed_dictionaries({"do": st.sampled_from(["late", "unheard"]), "otherwise": trees}),
    )


# A tree that is a leaf would be no job.
_trees = _grown(st.recursive(_leaves, _grown, max_leaves=8))

#: A program: a tree, and perhaps one for when that has failed.
_Program = tuple[Tree, Tree | None]


def random_programs() -> list[_Program]:
    """The same programs every time, until this file changes."""
    programs = []

    @settings(derandomize=True, max_examples=50, deadline=None, database=None, phases=[Phase.generate])
    @given(st.tuples(_trees, st.none() | _leaves | _maps))
    def collect(program: _Program) -> None:
        programs.append(program)

    collect()
    return programs


class Runs:
    """Runs trees as jobs."""

    def __init__(self, env: JobEnvironment, task_queue: str, directory: Path) -> None:
        self._env = env
        self._task_queue = task_queue
        self._at_once = asyncio.Semaphore(10)
        self._files = (Effects(directory / f"{number}") for number in itertools.count())

    async def outcome(self, tree: Tree, when_failed: Tree | None = None) -> tuple[Any, Counter[str]]:
        """What the run ends with, and its effects."""
        effects = next(self._files)
        event = {"effects": str(effects), "tree": tree, "when_failed": when_failed}
        try:
            async with self._at_once:
                ended = await self._env.run(interpret, event, task_queue=self._task_queue)
        except WorkflowFailureError as err:
            cause = err.cause
            ended = f"{cause.type}: {cause.message}" if isinstance(cause, ApplicationError) else repr(cause)
            ended = re.sub(r"; and its on_failure \(\S+:\d+\) failed at \S+:\d+:", "; and also:", ended)
        lines = [line.split(" ", 1) for line in effects.lines()]
        first_attempts = [effect for _, effect in lines if effect.endswith(" 1")]
        assert len({key for key, _ in lines}) == len(first_attempts), lines
        return ended, Counter(effect for _, effect in lines)


def plain_outcome(tree: Tree, when_failed: Tree | None = None) -> tuple[Any, Counter[str]]:
    """What the plain interpreter ends with, and its effects."""
    effects: Counter[str] = Counter()
    try:
        ended = interpret_plainly(tree, effects)
    except Exception as err:
        ended = f"{type(err).__name__}: {err}"
        try:
            if when_failed is not None:
                interpret_plainly(when_failed, effects)
        except Exception as also:
            name = type(also).__name__
            ended += f"; and also: {also if str(also).startswith(name) else f'{name}: {also}'}"
    return ended, effects


@pytest_asyncio.fixture(loop_scope="session")
async def runs(env: JobEnvironment, task_queue: str, cache: int, tmp_path: Path) -> AsyncIterator[Runs]:
    """A worker for a test, its cache on or at zero."""
    async with env.worker([interpret], task_queue=task_queue, max_cached_workflows=cache):
        yield Runs(env, task_queue, tmp_path)


async def test_random_jobs_end_as_plain_python_does(runs: Runs) -> None:
    """A durable job ends with the result or failure, and has the effects, that the same program has in plain Python."""
    programs = random_programs()
    # All of them at once instead of one after the other, so that a tree that fails is not made smaller by
    # hypothesis. The smallest that fails is shown.
    outcomes = await asyncio.gather(*(runs.outcome(*each) for each in programs))
    for program, outcome in sorted(zip(programs, outcomes, strict=True), key=lambda pair: len(json.dumps(pair[0]))):
        assert outcome == plain_outcome(*program), program


def _failing(error: str, name: str = "charge", asynchronous: bool = True) -> Tree:
    return {"do": "fail", "name": name, "error": error, "value": "ada", "async": asynchronous}


_SLEEP: Tree = {"do": "sleep", "for": "100ms"}

_CHOSEN: dict[str, Tree] = {
    "a message that is not the argument": _failing("KeyError"),
    "two branches fail": {
        "do": "parallel",
        "children": [{"do": "all", "children": [_SLEEP, _failing("KeyError")]}, _failing("ValueError")],
    },
    "caught as its base class, and another raised at the end": {
        "do": "try",
        "body": _failing("KeyError", asynchronous=False),
        "errors": ["LookupError"],
        "otherwise": _SLEEP,
        "then": {"do": "raise", "error": "DeclinedError", "value": "at last"},
    },
    "one name many times": {"do": "parallel", "children": [_failing("ValueError")] * 4},
}


@pytest.mark.parametrize("tree", _CHOSEN.values(), ids=_CHOSEN)
async def test_chosen_jobs(runs: Runs, tree: Tree) -> None:
    """The same, for trees that random ones seldom are."""
    assert await runs.outcome(tree) == plain_outcome(tree)
