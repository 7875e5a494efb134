"""`get`, `set`, `update` and `delete`, by the types that the job declares."""

from __future__ import annotations

import pytest

from ..bench import Bench, scheduled, steps
from .jobs_state import any_key, durable, in_a_step, mapping, plain, plain_def, update_within, wrong_result

RESULT = [0, [], [], None, None, 5, 6, 16, 16, True, True, 2026, None]


async def test_every_call(bench: Bench) -> None:
    """In a durable job each call is a step of its own, and what the handler gets is of the declared types."""
    async with bench.worker(durable):
        run = await bench.start(durable, amount=10)
        assert await bench.result(run) == RESULT
    calls = await steps(run)
    assert calls[:6] == ["state.get"] * 5 + ["state.set"]
    assert calls[-3:] == ["state.get", "state.delete", "state.get"]
    assert set(calls) == {"state.get", "state.set", "state.update", "state.delete"}


async def test_every_call_in_place(bench: Bench) -> None:
    """In a job that is not durable the same calls run in place, on the same store."""
    async with bench.worker(plain):
        run = await bench.start(plain, amount=10)
        assert await bench.result(run) == RESULT
        assert (await bench.result(await bench.start(plain, amount=1)))[0] == 16
    assert await scheduled(run) == [plain.name]


async def test_without_states(bench: Bench) -> None:
    """Without `states=` any key takes any JSON value, and an unset one reads as None."""
    assert await bench.run(any_key) == [None, {"a": [1, None]}, None]


async def test_a_mapping(bench: Bench) -> None:
    """With a mapping of key to type, values are of the types, and unset keys read as None."""
    assert await bench.run(mapping) == [None, None, 1, ["a"]]


async def test_a_function_that_fails(bench: Bench) -> None:
    """What an update's function raises, or gives that does not fit, reaches the handler, and the value stays."""
    assert [said.partition("\n")[0] for said in await bench.run(wrong_result)] == [
        "True state.update('count') in the job 'wrong-result': the value: it does not fit int:",
        "integer division or modulo by zero",
        "3",
    ]


async def test_in_a_step(bench: Bench) -> None:
    """A step may use the state too; tried again, it sets again, and its update is not made twice."""
    assert await bench.run(in_a_step) == [3, 1]
    assert bench.effects.lines() == ["attempt 1: 1", "attempt 2: 1", "attempt 3: 1"]


@pytest.mark.parametrize("cache", [1000], indirect=True)
async def test_an_update_within_an_update(bench: Bench) -> None:
    """The function of an update cannot use the state, where it would wait for itself, and is told so."""
    assert "state.update() was called in the function of a state.update()" in await bench.run(update_within)


async def test_a_plain_function(bench: Bench) -> None:
    """A `def` may take the state; a call that it makes and nobody awaits fails the run, and says what to write."""
    assert await bench.run(plain_def) == "done"
    failure = await bench.fail(plain_def, write=True)
    assert failure.type == "StateError"
    assert "'plain-def-with-state'" in failure.message
    assert "async def" in failure.message
