"""An exception out of a handler fails the run: an application failure of the exception's class, not retried."""

from __future__ import annotations

import pytest

from ..bench import Bench, scheduled
from .jobs_small import RAISED, handler_that_raises, task_that_exits

TOLD = {
    "builtin": ("KeyError", "'missing'"),
    "own": ("Broken", "it broke"),
    "without text": ("RuntimeError", "RuntimeError"),
    "group": ("ExceptionGroup", "several: ValueError: one; ExceptionGroup: inner: KeyError: 'two'"),
    "json": ("JSONDecodeError", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
    "stop iteration": ("RuntimeError", "coroutine raised StopIteration"),
    "system exit": ("SystemExit", "left"),
    "keyboard interrupt": ("KeyboardInterrupt", "KeyboardInterrupt"),
    "cancelled": ("CancelledError", "by hand"),
    "assertion": ("AssertionError", "not so"),
    "not implemented": ("NotImplementedError", "later"),
    "large": ("ValueError", f"{'x' * 10_000}… (5,000,000 characters in all)"),
    "large group": ("ExceptionGroup", None),
    "text that raises": ("Mute", "Mute (its text cannot be had: RuntimeError)"),
    "recursion": ("RecursionError", "maximum recursion depth exceeded"),
}


@pytest.mark.parametrize(
    ("cache", "after"),
    [(1000, False), (1000, True), (0, True)],
    ids=["at once", "after a step, cache on", "after a step, cache at zero"],
    indirect=["cache"],
)
@pytest.mark.parametrize("case", RAISED)
async def test_the_run_fails(bench: Bench, case: str, after: bool) -> None:
    """The failure's type is the class's name, its message the exception's text, and nothing is repeated."""
    async with bench.worker(handler_that_raises):
        run = await bench.start(handler_that_raises, case=case, after=after)
        failure = await bench.failure(run)
    cls, text = TOLD[case]
    assert failure.type == cls
    assert text is None or failure.message.startswith(text)
    assert len(failure.message) < 11_000
    assert await scheduled(run) == ["record_ran"] * after
    assert bench.effects.lines() == ["ran"] * after


async def test_a_task_that_exits(bench: Bench) -> None:
    """A `SystemExit` in a task of a handler fails the run, as in the handler itself, and the worker goes on."""
    async with bench.worker(task_that_exits):
        for case, told in {"group": "SystemExit", "gather": "SystemExit", "interrupt": "KeyboardInterrupt"}.items():
            failure = await bench.failure(await bench.start(task_that_exits, case=case))
            assert failure.type == told
            assert failure.message.startswith("left" if told == "SystemExit" else told)
