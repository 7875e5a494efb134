"""Nothing in a history names a place in this package: its classes are there by public names, wherever they stand."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import json
import typing
from collections.abc import Iterator
from typing import Any, Final

import pytest
from pydantic import BaseModel

import terse_temporal
from terse_temporal import Job, Triggers, errors, toolbox
from terse_temporal.agents import Skill
from terse_temporal.engine.code.functions import FunctionIndex
from terse_temporal.engine.wire.exception_classes import exception_classes
from terse_temporal.engine.wire.failures import SentFailureError, step_failure
from terse_temporal.engine.wire.public_classes import PUBLIC_CLASSES, class_references, reference_of_class
from terse_temporal.engine.wire.retries import retry_to_wire
from terse_temporal.engine.wire.step_exceptions import step_exception
from terse_temporal.engine.wire.types import refer_to_type, resolve_type
from terse_temporal.errors import ServiceError, UnknownFunctionError
from terse_temporal.execution.protocol import RetryRule, StepContext
from terse_temporal.serialization.codec import Codec, type_name
from terse_temporal.serialization.value_problems import ValueProblem
from terse_temporal.tools import list_tools
from terse_temporal.tools.builtin.http import HttpResponse
from terse_temporal.triggers import Delivery, HmacSignature, Trigger

INDEX: Final = FunctionIndex([])

PUBLIC_MODULES: Final = (
    *("", ".agents", ".errors", ".events", ".state", ".triggers"),
    *(".tools.builtin.email", ".tools.builtin.http", ".tools.builtin.slack"),
)

#: What a job is declared with, which holds functions and no values.
DECLARATIONS: Final = (Delivery, HmacSignature, Job, Skill, Trigger)


class Declined(ServiceError):
    """An error of a user's, over one of ours."""


def of_ours(type_: Any) -> Iterator[type]:
    """The classes of this package that a type is made of, in its fields too."""
    for each in typing.get_args(type_):
        yield from of_ours(each)
    if isinstance(type_, type) and type_.__module__.startswith("terse_temporal"):
        yield type_
        if issubclass(type_, BaseModel):
            for field in type_.model_fields.values():
                yield from of_ours(field.annotation)


def in_histories() -> set[type]:
    """Every class of this package that a user can name, or a step or run has, where a schema or a failure stands."""
    found: set[type] = set()
    for tool in list_tools():
        if tool.origin == "built in":
            hints = typing.get_type_hints(inspect.unwrap(tool.function))
            found.update(cls for hint in hints.values() for cls in of_ours(hint))
    for name in PUBLIC_MODULES:
        module = importlib.import_module(f"terse_temporal{name}")
        for value in (getattr(module, each) for each in module.__all__):
            if isinstance(value, type) and (
                issubclass(value, BaseModel | BaseException) or dataclasses.is_dataclass(value)
            ):
                found.update(of_ours(value))
    makes = [
        Triggers.github.on_event("release"),
        Triggers.stripe.on_event("invoice"),
        Triggers.schedule.cron("0 9 * * *"),
    ]
    triggers: list[Trigger] = [*makes, Triggers.stripe.on_customer_created(), Triggers.github.on_pr_opened()]
    found.update(cls for trigger in triggers for cls in of_ours(trigger.event_model))
    return {cls for cls in found if not issubclass(cls, DECLARATIONS)}


def test_every_class_has_a_public_name() -> None:
    """What can get into a history is in the table, by identity."""
    known = set(PUBLIC_CLASSES.values())
    assert {cls.__qualname__ for cls in in_histories() - known} == set()
    assert len(known) == len(PUBLIC_CLASSES)


@pytest.mark.parametrize("name", PUBLIC_CLASSES)
def test_a_moved_class_keeps_its_name(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name is the same after the class has moved to another module, and finds it there."""
    cls = PUBLIC_CLASSES[name]
    assert reference_of_class(cls) == f"terse_temporal:{name}"
    assert refer_to_type(cls, "s", {"__name__": "jobs"}) == f"terse_temporal:{name}"
    monkeypatch.setattr(cls, "__module__", "terse_temporal.somewhere.else_")
    assert reference_of_class(cls) == f"terse_temporal:{name}"
    assert refer_to_type(cls | None, "s", {"__name__": "jobs"}) == {
        "union": [f"terse_temporal:{name}", "builtins:None"]
    }
    if issubclass(cls, BaseModel):
        assert resolve_type(f"terse_temporal:{name}", INDEX) is cls
    if issubclass(cls, BaseException):
        assert exception_classes([f"terse_temporal:{name}"], {"__name__": "jobs"}) == [cls]


@pytest.mark.parametrize("name", errors.__all__)
def test_a_failure_names_the_errors_of_the_package(name: str) -> None:
    """The class of an error and those above it are recorded by their public names."""
    cls = getattr(errors, name)
    detail = step_failure(cls.__new__(cls, "wrong"), "send", None).details[0]
    assert detail["error"] == f"terse_temporal:{name}"
    assert "terse_temporal:TerseError" in [detail["error"], *detail["bases"]]
    assert "terse_temporal." not in json.dumps(detail)


def test_a_users_error_over_one_of_ours() -> None:
    """Its own class is where the user has it, and those above it have their public names."""
    detail = step_failure(Declined("no"), "send", None).details[0]
    assert detail["error"] == f"{__name__}:Declined"
    assert detail["bases"] == [f"terse_temporal:{each}" for each in ("ServiceError", "ToolError", "TerseError")]


def test_a_class_that_is_not_public_is_not_named() -> None:
    """Of a class that only this package knows, the nearest that others know is recorded."""
    assert reference_of_class(SentFailureError) == "temporalio.exceptions:ApplicationError"
    assert not any("terse_temporal" in each for each in class_references(SentFailureError.__mro__))


def test_an_error_that_was_made_anew_is_named_as_what_it_stands_for() -> None:
    """A step's error that is recorded a second time, as that of a run in a run, has the class that it had at first."""
    first = step_failure(ServiceError("no", tool="http.request"), "send", None)
    caught: Any = type("ActivityError", (), {"cause": first})()
    again = step_failure(step_exception(caught, "send", "jobs.py:1", {"__name__": "jobs"}), "outer", None)
    assert again.details[0]["error"] == "terse_temporal:ServiceError"
    assert "terse_temporal:ToolError" in again.details[0]["bases"]
    assert "terse_temporal." not in json.dumps(again.details[0])


def test_a_retry_rule_names_them() -> None:
    """`Retry(on=…)` travels with the public names of our errors."""
    rule = RetryRule(max_attempts=2, initial=1, multiplier=2, max_delay=3, on=(ServiceError, KeyError))
    assert retry_to_wire(rule)["on"] == ["terse_temporal:ServiceError", "builtins:KeyError"]


@pytest.mark.parametrize(
    "reference",
    [
        "terse_temporal.tools.builtin.http.tool:HttpResponse",
        "terse_temporal.tools.builtin.http:HttpResponse",
        "terse_temporal.errors:TerseError",
        "terse_temporal.engine.wire.types:BaseModel",
        "terse_temporal:HttpResponse.model_validate",
        "terse_temporal:errors.TerseError",
        "terse_temporal:__builtins__",
        "terse_temporal:toolbox",
        "terse_temporal:",
        "terse_temporal",
    ],
)
def test_no_other_name_leads_into_the_package(reference: str) -> None:
    """A name that somebody made up finds no class, and no module."""
    assert getattr(terse_temporal, "toolbox") is toolbox  # noqa: B009  # what could be found
    with pytest.raises(UnknownFunctionError):
        resolve_type(reference, INDEX)
    assert exception_classes([reference], {"__name__": "jobs", "toolbox": toolbox}) == []


@pytest.mark.parametrize("name", ["Retry", "StateId", "StepError"])
def test_what_holds_no_values_is_no_schema(name: str) -> None:
    """A class of ours that is no model is made by no hand-made input."""
    with pytest.raises(UnknownFunctionError):
        resolve_type(f"terse_temporal:{name}", INDEX)


def test_a_result_of_a_tool_comes_back() -> None:
    """The type that a built-in tool gives is found again from its name."""
    assert resolve_type({"of": "builtins:list", "with": ["terse_temporal:HttpResponse"]}, INDEX) == list[HttpResponse]


@pytest.mark.parametrize("type_", [list[HttpResponse], HttpResponse | None, dict[str, list[HttpResponse]], StepContext])
def test_what_is_wrong_with_a_value_names_no_place(type_: Any) -> None:
    """What a step fails with is recorded, and has the name of such a type alone."""
    with pytest.raises(ValueProblem) as caught:
        Codec(type_).load("wrong")
    assert type_name(type_) in str(caught.value)
    assert "terse_temporal" not in str(caught.value)
