"""`states=` that make no sense are a JobDefinitionError at import."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from pydantic import AfterValidator, BaseModel, Field, field_validator

from terse_temporal import Event, create_job
from terse_temporal.errors import JobDefinitionError
from terse_temporal.jobs import collecting


@pytest.fixture(autouse=True)
def _own_registry() -> Iterator[None]:
    """What these tests register is theirs alone."""
    with collecting():
        yield


class WrongDefault(BaseModel):
    count: int = "many"  # type: ignore[assignment]  # that is the mistake


class WithValidator(BaseModel):
    count: int = 0

    @field_validator("count")
    @classmethod
    def positive(cls, value: int) -> int:
        return value


class UnstableDefault(BaseModel):
    name: Annotated[str, AfterValidator(lambda text: f"{text}!")] = "a"


class LaterDefined(BaseModel):
    item: NotThereYet | None = None  # type: ignore[name-defined]  # noqa: F821


class Fine(BaseModel):
    count: int = 0
    names: list[str] = Field(default_factory=list, max_length=3)


class WithFactoryOfData(BaseModel):
    count: int = 0
    double: int = Field(default_factory=lambda data: data["count"] * 2)


async def handler(event: Event, state: Any) -> None: ...


def plain_handler(event: Event, state: Any) -> None: ...


@pytest.mark.parametrize(
    ("states", "said"),
    [
        (int, "states is <class 'int'>; give a pydantic model"),
        (["count"], "states is ['count']"),
        (Fine(), "states is Fine(count=0"),
        ({1: int}, "the key 1, and a key is a text"),
        ({"": int}, "the key ''"),
        ({"x" * 300: int}, "of 300 characters"),
        ({"count": "int"}, "'int' for the key 'count'; give it a type"),
        ({"count": None}, "None for the key 'count'"),
        ({"count": object()}, "key 'count'"),
        (WrongDefault, "key 'count': its type or default does not fit int"),
        (WithValidator, "has the validator 'positive'"),
        (WithFactoryOfData, "key 'double': its default_factory takes the data of other fields"),
        (UnstableDefault, "key 'name': its type or default is stored as 'a!' and would be read back as 'a!!'"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-",
)
def test_wrong_states(states: Any, said: str) -> None:
    """The error names the job, its place and what is wrong."""
    with pytest.raises(JobDefinitionError) as caught:
        create_job(name="wrong", states=states, on_trigger=handler)
    assert "the job 'wrong' (tests/state/test_declarations.py:" in str(caught.value)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "states",
    [None, {}, {"count": int, "x": list[str] | None}, Fine, LaterDefined],
    ids=lambda states: type(states).__name__,
)
def test_right_states(states: Any) -> None:
    """A model, one that names what is defined later, a mapping, and nothing."""
    assert create_job(name="right", states=states, on_trigger=handler).states == states


@pytest.mark.parametrize("filter", [lambda: True, lambda a, b, c: True, lambda event, *, needed: True])
def test_a_wrong_filter(filter: Any) -> None:
    """A filter is called with (event) or (event, state)."""
    with pytest.raises(JobDefinitionError, match="it is called with"):
        create_job(name="wrong", filter=filter, on_trigger=handler)


@pytest.mark.parametrize("handler", [plain_handler, functools.partial(plain_handler)], ids=["def", "partial"])
def test_a_plain_handler_that_takes_the_state(handler: Any) -> None:
    """A `def` cannot await the state's calls, so one that takes it is refused, with its place."""
    with pytest.raises(JobDefinitionError, match=r"'wrong' \(.*\.py:\d+\): .* takes the state, .* write `async def`"):
        create_job(name="wrong", on_trigger=handler)


def test_handlers_whose_coroutine_is_awaited() -> None:
    """Not so one that gives a coroutine: a partial of an `async def`, or a lambda."""
    create_job(name="partial", on_trigger=functools.partial(handler))
    create_job(name="lambda", on_trigger=lambda event, state: handler(event, state))


def test_a_reserved_name() -> None:
    """A job cannot have the name of the workflow that keeps state."""
    with pytest.raises(JobDefinitionError, match=r"'terse\.state'"):
        create_job(name="terse.state", on_trigger=handler)
