"""Jobs that raise what cannot be sent as it is, each counted outside the process."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any

from terse_temporal import Event, create_job, job_step
from terse_temporal.errors import StepError
from tests.effects import record

HALF_A_CHARACTER: str = json.loads('"\\ud83d"')


class Stop(BaseException):
    """As those that no `except Exception` is to swallow."""


class ApiError(Exception):
    pass


class StepInterrupted(Exception):
    """Called as the engine might call one of its own."""


@dataclasses.dataclass(frozen=True)
class Frozen(Exception):
    code: int


class Tricky(Exception):
    """Whatever is asked of it, it raises."""

    @property
    def response(self) -> Any:
        raise RuntimeError("no response")

    status_code = response


def raise_after(tries: int) -> None:
    """Raise an error that has one of each try before it as its cause."""
    last: Exception | None = None
    for number in range(tries):
        try:
            raise ConnectionError(f"refused, try {number}") from last
        except ConnectionError as error:
            last = error
    raise RuntimeError("gave up") from last


def raise_with_attributes(count: int) -> None:
    error = ApiError("bad request")
    for number in range(count):
        setattr(error, f"detail_{number}", "x" * 9_000)
    raise error


def deep_in_each_other(depth: int) -> None:
    """Two functions that call each other: Python shortens the traceback of one that calls itself alone."""
    if depth == 0:
        raise ValueError("deep")
    also_deep(depth - 1)


def also_deep(depth: int) -> None:
    if depth == 0:
        raise ValueError("deep")
    deep_in_each_other(depth - 1)


def throw(error: BaseException, cause: BaseException | None = None) -> None:
    raise error from cause


#: What is raised, the type of the failure, and a part of its text.
CASES: dict[str, tuple[Callable[[], None], str, str]] = {
    "own base exception": (lambda: throw(Stop("enough")), "Stop", "enough"),
    "generator exit": (lambda: throw(GeneratorExit("over")), "GeneratorExit", "over"),
    "group": (
        lambda: throw(BaseExceptionGroup("several", [KeyboardInterrupt(), ValueError("one")])),
        "BaseExceptionGroup",
        "several: KeyboardInterrupt: KeyboardInterrupt; ValueError: one",
    ),
    "half a character": (lambda: throw(ValueError(f"no {HALF_A_CHARACTER}")), "ValueError", r"no \ud83d"),
    "half a character in a cause": (
        lambda: throw(ValueError("no"), KeyError(HALF_A_CHARACTER)),
        "ValueError",
        "no",
    ),
    "many causes": (lambda: raise_after(150), "RuntimeError", "gave up"),
    "long tracebacks": (lambda: deep_in_each_other(300), "ValueError", "deep"),
    "3 MB of attributes": (lambda: raise_with_attributes(340), "ApiError", "bad request"),
    "6 MB of attributes": (lambda: raise_with_attributes(680), "ApiError", "bad request"),
    "frozen": (lambda: throw(Frozen(5)), "Frozen", "5"),
    "raises itself": (lambda: throw(Tricky("no")), "Tricky", "no"),
    "a name of the engine's": (lambda: throw(StepInterrupted("the person left")), "StepInterrupted", "the person left"),
}


def counted(event: Any) -> None:
    record(event["effects"], event["case"])
    CASES[event["case"]][0]()


@create_job(name="failing-step", durable=True)
async def failing_step(event: Event) -> list[str]:
    given = {"effects": event.effects, "case": event.case}
    try:
        await job_step(run=counted, input=given, on_interrupt="fail" if event.get("once") else "retry")
    except StepError as error:
        return [error.error_type, str(error)]
    return ["nothing"]


@create_job(name="failing-handler", durable=True)
async def failing_handler(event: Event) -> None:
    CASES[event.case][0]()


@create_job(name="failing-plain-job")
def failing_plain_job(event: Event) -> None:
    counted(event)


def paid(path: str) -> str:
    record(path, "paid")
    return "paid"


def declined(path: str) -> str:
    record(path, "declined")
    raise ApiError("declined")


@create_job(name="paying", durable=True)
async def paying(event: Event) -> str:
    try:
        return await job_step(
            run=declined if event.get("declined") else paid,
            input=event.effects,
            on_interrupt="fail" if event.get("once") else "retry",
        )
    except StepError as error:
        return f"{error.error_type}: {error}"
