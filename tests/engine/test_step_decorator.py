"""A function under `@step` is a step in a durable handler, with its arguments by name, and itself anywhere else."""

from __future__ import annotations

from typing import Any

import pytest

from terse_temporal import Retry, step
from terse_temporal.errors import DurationError, JobDefinitionError
from terse_temporal.execution.in_place import DirectExecution
from terse_temporal.execution.protocol import StepContext

from ..bench import Bench, cache_on, scheduled
from .jobs_step_decorator import WRONG, Customer, charge, decorated, double, plain_job, wrong_arguments

ADA = "Customer(email='ada@example.com')"


async def test_called_in_a_durable_handler_it_is_a_step(bench: Bench) -> None:
    """Arguments are bound by name, defaults and `*args`/`**kwargs` included, and validated by their annotations."""
    async with bench.worker(decorated):
        run = await bench.start(decorated)
        assert await bench.result(run) == [
            f"{ADA} 5 () eur {{}}",
            f"{ADA} 7 () eur {{}}",
            f"{ADA} 8 ('a', 'b') usd {{'vat': 1, 'tip': 2}}",
            "Customer(email='as data') 9 () eur {}",
            42,
            44,
            "Customer(email='charge the card')",
            21,
            100,
            "no funds",
        ]
    steps = ["charge"] * 4 + ["double"] * 2 + ["charge the card", "around", "double", "decline"]
    assert await scheduled(run) == steps
    assert bench.effects.lines() == [*(f"charge {amount}" for amount in (5, 7, 8, 9)), "renamed 1", "renamed 2"]


NAMES = {
    "missing": ["step 'charge'", "missing a required argument: 'customer'"],
    "unknown": ["step 'double'", "unexpected keyword argument 'factor'"],
    "too many": ["step 'double'", "too many positional arguments"],
    "type": ["step 'double'", "its argument 'number'", "'two'"],
    "nested type": ["step 'charge'", "its argument 'customer'", "email: Field required"],
    "not JSON": ["step 'double'", "its argument 'number'"],
}


@cache_on
@pytest.mark.parametrize("case", WRONG)
async def test_wrong_arguments(bench: Bench, case: str) -> None:
    """Arguments that do not fit are a StepInputError that names the step, the place and the argument."""
    failure = await bench.refuse(wrong_arguments, case=case)
    assert failure.type == "StepInputError"
    assert "tests/engine/jobs_step_decorator.py:" in failure.message
    for name in NAMES[case]:
        assert name in failure.message


async def test_elsewhere_it_is_the_plain_function(bench: Bench) -> None:
    """Called outside a run, in another step, or in a job that is not durable, it is the function as it was written."""
    path = str(bench.effects)
    assert await charge(path, Customer(email="x"), 1) == "Customer(email='x') 1 () eur {}"
    plain: Any = double(3)
    assert plain == 6
    assert await bench.run(plain_job) == ["Customer(email='plain') 5 () eur {}", 8]
    assert charge.__name__ == "charge"


def test_a_key_for_any_arguments() -> None:
    """Called plainly in a step, it has a key of its own, whatever its arguments: endless ones, or nested deep."""
    endless: list[Any] = []
    endless.append(endless)
    deep: list[Any] = []
    for _ in range(2_000):
        deep = [deep]
    execution = DirectExecution("job", "here", StepContext("outer", 1, "key"))
    values: list[Any] = [endless, deep, 10**5000, {1: set()}]
    inside = [execution.plain_step(print, "note", {"value": each}) for each in values]
    steps = [each.step_context for each in inside if each is not None]
    assert len({step.idempotency_key for step in steps if step is not None}) == 4


def test_a_nested_function_is_refused() -> None:
    """Over a nested function it is a JobDefinitionError when it is decorated, which says where to put it."""

    def nested() -> None: ...

    with pytest.raises(JobDefinitionError) as caught:
        step(nested)
    for name in ("nested'", "tests/engine/test_step_decorator.py:", "Move it to module level", "job_step(run=…)"):
        assert name in str(caught.value)


class Service:
    def method(self) -> None: ...


def test_a_method_is_refused() -> None:
    """Over a method it is a JobDefinitionError too: the step would have no object to be called on."""
    with pytest.raises(JobDefinitionError) as caught:
        step(Service.method)
    for name in ("'Service.method'", "tests/engine/test_step_decorator.py:", "Move it to module level"):
        assert name in str(caught.value)


@pytest.mark.parametrize(
    ("options", "error", "names"),
    [
        ({"name": ""}, JobDefinitionError, "a step named ''"),
        ({"name": "  "}, JobDefinitionError, "a step named '  '"),
        ({"name": 5}, JobDefinitionError, "a step named 5"),
        ({"name": "x" * 201}, JobDefinitionError, "200 characters at most, this has 201"),
        ({"on_interrupt": "stop"}, JobDefinitionError, "on_interrupt='stop'"),
        ({"retry": 3}, JobDefinitionError, "retry=3"),
        ({"timeout": "soon"}, DurationError, "'soon'"),
        ({"timeout": 5}, DurationError, "5 is not a duration"),
    ],
)
def test_wrong_options_are_refused_at_import(options: dict[str, Any], error: type[Exception], names: str) -> None:
    """A wrong option of `@step` is an error where it is decorated, that shows the value."""
    with pytest.raises(error) as caught:
        step(**options)(test_a_method_is_refused)
    assert names in str(caught.value)


@pytest.mark.parametrize("value", [Service(), Service, "charge", 5])
def test_only_functions_are_decorated(value: Any) -> None:
    """Over something that is not a function it is a JobDefinitionError."""
    with pytest.raises(JobDefinitionError, match="@step goes over a function"):
        step(value)


@pytest.mark.parametrize(
    ("options", "error", "names"),
    [
        ({"max_attempts": 0}, JobDefinitionError, "Retry(max_attempts=0)"),
        ({"max_attempts": 1.5}, JobDefinitionError, "Retry(max_attempts=1.5)"),
        ({"multiplier": 0.5}, JobDefinitionError, "Retry(multiplier=0.5)"),
        ({"multiplier": "2"}, JobDefinitionError, "Retry(multiplier='2')"),
        ({"on": (ValueError, "x")}, JobDefinitionError, "'x' is not a class of exceptions"),
        ({"on": int}, JobDefinitionError, "is not a class of exceptions"),
        ({"initial": "0s"}, DurationError, "'0s'"),
        ({"max_delay": 30}, DurationError, "30 is not a duration"),
    ],
)
def test_a_wrong_retry_is_refused_where_it_is_made(options: dict[str, Any], error: type[Exception], names: str) -> None:
    """A Retry that makes no sense is an error where it is made, that shows the value."""
    with pytest.raises(error) as caught:
        Retry(**options)
    assert names in str(caught.value)
