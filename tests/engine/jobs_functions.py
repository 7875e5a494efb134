"""Jobs whose steps are functions of every kind."""

from __future__ import annotations

from collections.abc import Callable
from math import hypot, sqrt
from typing import Any

from terse_temporal import Event, create_job, job_step
from tests.effects import record
from tests.engine import helpers
from tests.engine.helpers import Toolkit, in_another_module

OPERATIONS: dict[str, Callable[[int], int]] = {"double": lambda number: number * 2, "halve": lambda number: number // 2}

negated = lambda number: -number  # noqa: E731  # a lambda bound by name is one of the kinds


async def coroutine_at_module_level(data: dict[str, Any]) -> str:
    record(data["effects"], "coroutine")
    return "coroutine"


def plain_at_module_level(data: dict[str, Any]) -> str:
    record(data["effects"], "plain")
    return "plain"


def without_argument() -> int:
    return 1


def with_default(number: int = 1, *, factor: int = 10) -> int:
    return number * factor


class Doubler:
    """Something that can be called."""

    def __call__(self, number: int) -> int:
        return number * 2


DOUBLER = Doubler()


class Namespace:
    """A class whose functions are steps."""

    @staticmethod
    def static(number: int) -> int:
        return number + 100

    def method(self, number: int) -> int:
        return number


@create_job(name="kinds-of-functions", durable=True)
async def kinds(event: Event) -> list[Any]:
    async def nested_coroutine(data: dict[str, Any]) -> str:
        record(data["effects"], "nested coroutine")
        return "nested coroutine"

    def nested_plain(data: dict[str, Any]) -> str:
        record(data["effects"], "nested plain")
        return "nested plain"

    data = {"effects": event.effects}
    return [
        await job_step(run=coroutine_at_module_level, input=data),
        await job_step(run=plain_at_module_level, input=data),
        await job_step(run=nested_coroutine, input=data),
        await job_step(run=nested_plain, input=data),
        await job_step(run=lambda data: record(data["effects"], "lambda"), input=data),
        await job_step(run=lambda data: coroutine_at_module_level(data), input=data),  # a lambda that gives a coroutine
        await job_step(run=in_another_module, input=data),
        await job_step(run=helpers.in_another_module, input=data),
    ]


@create_job(name="more-functions", durable=True)
async def more_kinds(event: Event) -> list[Any]:
    return [
        await job_step(run=without_argument),
        await job_step(run=with_default),
        await job_step(run=with_default, input=2),
        await job_step(run=negated, input=3),
        await job_step(run=OPERATIONS["double"], input=4),
        await job_step(run=OPERATIONS["halve"], input=4),
        await job_step(run=Namespace.static, input=5),
        await job_step(run=Toolkit.static, input=6),
        await job_step(run=sqrt, input=49),
        await job_step(run=DOUBLER, input=7),
        await helpers.step_nested_in_a_helper(8),
        await helpers.step_of_a_lambda_in_a_helper(9),
    ]


@create_job(name="lambdas-that-look-alike", durable=True)
async def lambdas_alike(event: Event) -> list[Any]:
    return [
        await job_step(run=lambda number: number + 1, input=10, name="more"),
        await job_step(run=lambda number: number - 1, input=10, name="less"),
        await job_step(run=lambda number: number > 1, input=10, name="above"),
        await job_step(run=lambda number: number < 1, input=10, name="below"),
        await job_step(run=lambda number: number + 2, input=10, name="constant"),
        await job_step(run=lambda it: it["a"] and it["b"], input={"a": 0, "b": 1}, name="and"),
        await job_step(run=lambda it: it["a"] or it["b"], input={"a": 0, "b": 1}, name="or"),
        await job_step(run=lambda numbers: [number + 1 for number in numbers], input=[1], name="inner more"),
        await job_step(run=lambda numbers: [number - 1 for number in numbers], input=[1], name="inner less"),
    ]


@create_job(name="twice-the-same-nested-name", durable=True)
async def same_name(event: Event) -> list[Any]:
    results = []
    if True:

        def charge(number: int) -> int:
            return number + 1

        results.append(await job_step(run=charge, input=1))
    if True:

        def charge(number: int) -> int:
            return number - 1

        results.append(await job_step(run=charge, input=1))
    return results


@create_job(name="names-of-steps", durable=True)
async def names(event: Event) -> None:
    await job_step(run=without_argument)
    await job_step(run=without_argument, name="charge the card")
    await job_step(run=lambda: None)
    await job_step(run=hypot, input=3)
