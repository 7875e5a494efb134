"""What a step takes and gives is what the annotations of its function say, in the handler and in the worker."""

from __future__ import annotations

from ..bench import Bench
from .jobs_annotated import annotated, generated, inner, read_back, steps_in_steps


async def test_annotations_are_the_schemas(bench: Bench) -> None:
    """Without schemas the function's annotations decide, of nested functions too; what does not fit is an error."""
    *fits, wrong_input, wrong_result = await bench.run(annotated)
    assert fits == ["Invoice ada 5", "Invoice ada 5", 5, "Invoice(customer='ada', cents=6)"]
    assert "cents: Field required" in wrong_input
    assert wrong_input.startswith("StepInputError: step 'charge' (tests/engine/jobs_annotated.py:")
    assert wrong_result.startswith("StepOutputError: step 'wrong_result' (tests/engine/jobs_annotated.py:")
    assert "does not fit int" in wrong_result


async def test_what_is_recorded_reads_back(bench: Bench) -> None:
    """Iterables are lists, defaults are the function's own, and a secret is refused in the step, with its path."""
    first, again, taken, refused = await bench.run(read_back)
    assert [first, again] == [["ada", "grace"]] * 2
    assert taken == [4, 2, True, True]
    assert refused.startswith("StepOutputError: step 'secret'")
    assert "$.token is a secret" in refused


async def test_a_step_that_is_called_plainly_has_a_key_of_its_own() -> None:
    """Outside of a run `current_step()` in an `@step` function gives a context whose key is new with each call."""
    first, second = await inner(1), await inner(1)
    assert first != second
    assert list(generated()) == ["ada", "grace"]  # type: ignore[call-overload]  # outside of a handler it is not awaited


async def test_a_step_in_a_step_has_a_key_of_its_own(bench: Bench) -> None:
    """Called plainly within a step it has a key made of that step's: its own, and the same on every attempt."""
    own, *inner_keys, after = await bench.run(steps_in_steps)
    assert own == after
    assert len({own, *inner_keys}) == 4
    assert bench.effects.lines() == [" ".join([own, *inner_keys])] * 2
