"""`states=` that make no sense are a JobDefinitionError at import."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Annotated, Any

import pytest
from pydantic import AfterValidator, BaseModel, Field, field_validator

from terse_temporal import Event, create_job
from terse_temporal.errors import JobDefinitionError
from terse_temporal.jobs.registry import collecting


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
        ({1: int}, "the key 1, and a key is a string"),
        ({"": int}, "the key ''"),
        ({"x" * 300: int}, "of 300 characters"),
        ({"count": "int"}, "'int' for the key 'count'; give it a type"),
        ({"count": None}, "None for the key 'count'"),
        ({"count": object()}, "key 'count'"),
        (WrongDefault, "key 'count': its type or default: it does not fit int"),
        (WithValidator, "has the validator 'positive'"),
        (WithFactoryOfData, "key 'double': its default_factory takes the data of other fields"),
        (UnstableDefault, "key 'name': its type or default: the value at $ is 'a!' and would be read back as 'a!!'"),
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


@pytest.mark.parametrize(
    "handler",
    [plain_handler, functools.partial(handler), lambda event, state: handler(event, state)],
    ids=["def", "partial", "lambda"],
)
def test_a_handler_of_any_kind_may_take_the_state(handler: Any) -> None:
    """Of a job that is not durable: a `def`, a partial, a lambda that gives a coroutine."""
    assert create_job(name="taker", on_trigger=handler).takes_state
    assert not create_job(name="no-taker", on_trigger=lambda event: None).takes_state


@pytest.mark.parametrize("name", ["terse.state", "terse.events", "terse.waits", "terse.something"])
def test_a_reserved_name(name: str) -> None:
    """A job cannot have the name of a workflow of this package's own, one that is still to come either."""
    with pytest.raises(JobDefinitionError, match=r"begin with 'terse\.'"):
        create_job(name=name, on_trigger=handler)
