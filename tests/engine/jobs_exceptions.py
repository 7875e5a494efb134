"""Jobs whose steps raise."""

from __future__ import annotations

import errno
import json
import sys
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ValidationError
from temporalio.exceptions import ApplicationError

from terse_temporal import Event, create_job, job_step
from terse_temporal.errors import StepError
from tests.effects import record
from tests.engine.helpers import DeclinedElsewhere, decline_elsewhere


class PaymentDeclined(Exception):
    """With an `__init__` of its own, and attributes."""

    def __init__(self, code: str, *, amount: int) -> None:
        super().__init__(f"declined: {code}")
        self.code = code
        self.amount = amount
        self.handle = object()


class CardExpired(PaymentDeclined):
    pass


class Outer:
    class NestedError(Exception):
        pass


class FixedMessage(Exception):
    """Its attributes cannot be set."""

    @property
    def message(self) -> str:
        return "fixed"

    @property
    def step(self) -> int:
        return 1


class OwnText(Exception):
    def __str__(self) -> str:
        return f"own text of {self.args[0]}"


class Unwilling(Exception):
    """Cannot be made of what it was made of."""

    def __new__(cls, *args: Any) -> Unwilling:
        if args != ("magic word",):
            raise TypeError("no")
        return super().__new__(cls, *args)

    def __init__(self, word: str) -> None:
        super().__init__(object())

    def __str__(self) -> str:
        return "unwilling"


class Item(BaseModel):
    price: float


def raise_unknown_class() -> None:
    class Local(Exception):
        pass

    raise Local("of a function")


def raise_group() -> None:
    raise ExceptionGroup("several", [ValueError("one"), KeyError("two")])


def raise_application_error() -> None:
    raise ApplicationError("by hand", {"detail": object.__name__}, type="ByHand", non_retryable=False)


def raise_from_another() -> None:
    try:
        raise ValueError("the cause")
    except ValueError as error:
        raise RuntimeError("the effect") from error


def throw(error: BaseException) -> None:
    raise error


STEPS: dict[str, Callable[[], Any]] = {
    "builtin": lambda: throw(ValueError("wrong value", 7)),
    "key": lambda: dict[str, int]()["missing"],
    "os error": lambda: throw(OSError(errno.ENOSPC, "No space left on device")),
    "file not found": lambda: open("/nowhere/at all"),  # noqa: PTH123, SIM115  # it raises
    "connection": lambda: throw(ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")),
    "of the job's module": lambda: throw(PaymentDeclined("funds", amount=5)),
    "a subclass": lambda: throw(CardExpired("expired", amount=6)),
    "nested": lambda: throw(Outer.NestedError("nested")),
    "read-only attributes": lambda: throw(FixedMessage("said")),
    "own text": lambda: throw(OwnText("it")),
    "unwilling": lambda: throw(Unwilling("magic word")),
    "unknown class": raise_unknown_class,
    "group": raise_group,
    "json": lambda: json.loads("{not json"),
    "unicode": lambda: b"\xff".decode(),
    "validation": lambda: Item.model_validate({"price": "cheap"}),
    "without text": lambda: throw(RuntimeError()),
    "system exit": lambda: sys.exit(3),
    "keyboard interrupt": lambda: throw(KeyboardInterrupt()),
    "application error": raise_application_error,
    "with a cause": raise_from_another,
    "timeout": lambda: throw(TimeoutError("took long")),
    "stop iteration": lambda: throw(StopIteration("over")),
    "a step error": lambda: throw(StepError("my own", step="x")),
    "arguments that are not JSON": lambda: throw(ValueError(object, "second")),
}


@create_job(name="catching", durable=True)
async def catching(event: Event) -> dict[str, Any]:
    """What the handler sees of an exception, as the first of several clauses that fit."""
    try:
        await job_step(run=STEPS[event.case], name=event.case)
    except StepError as error:
        await job_step(run=lambda: None)
        return {
            "class": type(error).__name__,
            "bases": sorted(base.__name__ for base in type(error).__mro__ if issubclass(base, Exception)),
            "text": str(error),
            "step": error.step,
            "error_type": error.error_type,
            "message": error.message,
            "attributes": {
                name: getattr(error, name)
                for name in ("errno", "strerror", "code", "amount", "handle", "lineno")
                if getattr(error, name, None) is not None
            },
            "args": repr(error.args),
        }
    raise AssertionError("the step did not raise")


@create_job(name="uncaught", durable=True)
async def uncaught(event: Event) -> None:
    await job_step(run=STEPS[event.case], name=event.case)


@create_job(name="catching-by-class", durable=True)
async def catching_by_class(event: Event) -> list[str]:
    caught = []
    try:
        await job_step(run=lambda: throw(CardExpired("expired", amount=6)))
    except PaymentDeclined as error:
        caught.append(f"{error.code} {error.amount}")
    try:
        await job_step(run=lambda: throw(Outer.NestedError("nested")))
    except Outer.NestedError as error:
        caught.append(str(error))
    try:
        await job_step(run=decline_elsewhere, input={"effects": event.effects})
    except DeclinedElsewhere as error:
        caught.append(str(error))
    try:
        await job_step(run=STEPS["os error"])
    except OSError as error:
        caught.append(f"{error.errno == errno.ENOSPC}")
    try:
        await job_step(run=STEPS["connection"])
    except ConnectionError as error:
        caught.append(f"{error.errno == errno.ECONNREFUSED}")
    try:
        await job_step(run=STEPS["validation"])
    except ValidationError as error:
        caught.append(f"{[line['loc'] for line in error.errors()]} {isinstance(error, StepError)}")
    try:
        await job_step(run=STEPS["of the job's module"], name="declines")
    except PaymentDeclined as error:
        try:
            error.handle  # noqa: B018  # it raises
        except AttributeError as missing:
            caught.append(str(missing))
    return caught


@create_job(name="caught-and-going-on", durable=True)
async def going_on(event: Event) -> int:
    def fail(path: str) -> None:
        record(path, "failed")
        raise ConnectionError("no route")

    def succeed(path: str) -> int:
        record(path, "succeeded")
        return 5

    try:
        await job_step(run=fail, input=event.effects)
    except ConnectionError:
        found = await job_step(run=succeed, input=event.effects)
    await job_step(run=succeed, input=event.effects)
    return found


@create_job(name="large-exception", durable=True)
async def large_exception(event: Event) -> str:
    def fail() -> None:
        error = ValueError("x" * 3_000_000)
        error.response = "y" * 3_000_000  # type: ignore[attr-defined]  # as exceptions of HTTP clients have
        raise error

    try:
        await job_step(run=fail)
    except StepError as error:
        return f"{type(error).__name__} {isinstance(error, ValueError)} {error.step} {error.message[:3]}"
    return "nothing"
