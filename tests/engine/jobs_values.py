"""Jobs with values that do not fit, are not JSON, or are too large."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Literal

from pydantic import BaseModel

from terse_temporal import Event, create_job, job_step
from tests.effects import record

LIMIT = 2 * 1024 * 1024


class Item(BaseModel):
    name: str
    price: float
    extra: Any = None


@dataclass
class Basket:
    items: list[Item]


class Color(Enum):
    RED = "red"


class Opaque:
    """Nothing that JSON knows."""


def count(item: Any) -> int:
    return 1


def nothing() -> int:
    return 1


def two(a: Any, b: Any) -> int:
    return 1


INPUTS: dict[str, dict[str, Any]] = {
    "wrong field": {"run": count, "input": {"name": "pen", "price": "cheap"}, "input_schema": Item},
    "every wrong field": {
        "run": count,
        "input": {"items": [{"price": 1}, {"name": 2, "price": 3}]},
        "input_schema": Basket,
    },
    "no schema": {"run": count, "input": {"who": {"them": [1, Opaque()]}}},
    "NaN": {"run": count, "input": {"ratio": math.nan}},
    "infinity in a model": {"run": count, "input": Item(name="pen", price=math.inf), "input_schema": Item},
    "not JSON in a model": {
        "run": count,
        "input": {"name": "pen", "price": 1, "extra": Opaque()},
        "input_schema": Item,
    },
    "too large": {"run": count, "input": "x" * LIMIT},
    "too large once escaped": {"run": count, "input": "語" * (LIMIT // 5)},
    "an argument too many": {"run": nothing, "input": 1},
    "an argument too few": {"run": count},
    "two arguments": {"run": two, "input": {"a": 1, "b": 2}},
    "not a function": {"run": "count"},
    "a schema that is none": {"run": count, "input": 1, "input_schema": Opaque},
    "a literal of an enum": {"run": count, "input": Color.RED, "input_schema": Literal[Color.RED]},
}


@create_job(name="wrong-inputs", durable=True)
async def wrong_inputs(event: Event) -> Any:
    return await job_step(**INPUTS[event.case])


async def greet(name: str) -> str:
    return f"Hello, {name}"


@create_job(name="call-instead-of-function", durable=True)
async def call_instead_of_function(event: Event) -> Any:
    return await job_step(run=greet(event.name))  # type: ignore[call-overload]  # the mistake


def deep() -> Any:
    value: Any = Opaque()
    for _ in range(5):
        value = {"next": [value]}
    return value


def endless() -> Any:
    value: list[Any] = []
    value.append(value)
    return value


async def generator() -> Any:
    yield 1


def nested() -> Any:
    value: Any = 1
    for _ in range(300):
        value = [value]
    return value


OUTPUTS: dict[str, dict[str, Any]] = {
    "not JSON": {"run": lambda: {"found": [1, {"it": Opaque()}]}},
    "not JSON itself": {"run": lambda: Opaque()},  # the function of the step
    "deep": {"run": deep},
    "endless": {"run": endless},
    "not JSON in a dataclass": {"run": lambda: Basket([Item(name="pen", price=1, extra=Opaque())])},
    "bytes": {"run": lambda: {"raw": b"\xff"}},
    "NaN": {"run": lambda: {"ratios": [0.5, math.nan]}},
    "infinity": {"run": lambda: -math.inf},
    "NaN of a schema": {"run": lambda: {"name": "pen", "price": math.nan}, "output_schema": Item},
    "does not fit": {"run": lambda: {"items": [{"name": "pen"}, {"name": 1, "price": 2}]}, "output_schema": Basket},
    "does not fit the annotation": {"run": lambda: "x", "output_schema": int},
    "a naive type": {"run": lambda: "yesterday", "output_schema": datetime},
    "a generator": {"run": generator},
    "a literal of an enum": {"run": lambda: Color.RED, "output_schema": Literal[Color.RED]},
    "a literal of bytes": {"run": lambda: b"x", "output_schema": list[Literal[b"x"]] | Literal[b"x"]},
    "nested": {"run": nested},
    "too large": {"run": lambda: "x" * LIMIT},
    "too large once escaped": {"run": lambda: "語" * (LIMIT // 5)},
}


@create_job(name="wrong-outputs", durable=True)
async def wrong_outputs(event: Event) -> Any:
    return await job_step(**OUTPUTS[event.case], name=event.case)


@create_job(name="wrong-output-caught", durable=True)
async def wrong_output_caught(event: Event) -> Any:
    def twice(path: str) -> Any:
        record(path, "made")
        return {"ratio": math.nan}

    try:
        await job_step(run=twice, input=event.effects)
    except ValueError as error:
        return f"wrong: {error}"
    except Exception as error:
        return f"{type(error).__name__} of {getattr(error, 'step', None)!r}, {await job_step(run=nothing)}"


RESULTS: dict[str, Any] = {
    "too large": lambda: "x" * LIMIT,
    "too large once escaped": lambda: "語" * (LIMIT // 5),
    "not JSON": lambda: {"found": [Opaque()]},
    "NaN": lambda: [math.nan],
}


@create_job(name="wrong-results", durable=True)
async def wrong_results(event: Event) -> Any:
    return RESULTS[event.case]()


@create_job(name="wrong-results-of-a-plain-job")
def wrong_results_of_a_plain_job(event: Event) -> Any:
    return RESULTS[event.case]()


@create_job(name="large-but-not-too-large", durable=True)
async def large(event: Event) -> int:
    text = await job_step(run=lambda text: text + "x", input="x" * (LIMIT - 20_000))
    return len(text)


@create_job(name="plain-job-of-a-large-event")
def plain_job_of_a_large_event(event: Event) -> int:
    return len(event.text)
