"""An exception that is made anew in the handler is of its class, holds what it held, and runs no code of its class."""

from __future__ import annotations

import asyncio
import builtins
import copy
import http
import json
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError, field_validator
from pydantic_core import PydanticUndefined
from temporalio.exceptions import ActivityError, ApplicationError, RetryState

from terse_temporal.engine.wire.failures import step_failure
from terse_temporal.engine.wire.step_exceptions import step_exception
from terse_temporal.errors import StepError, StepOutputError

from . import exceptions_of_libraries as of_libraries


def rebuilt(error: BaseException) -> BaseException:
    """What a handler of this module sees of a step that raised an exception."""
    failure = step_failure(error, "pay", None)
    (recorded,) = failure.details
    cause = ApplicationError(failure.message, json.loads(json.dumps(recorded)), type=failure.type)
    made = ActivityError(
        "failed",
        scheduled_event_id=1,
        started_event_id=2,
        identity="",
        activity_type="pay",
        activity_id="1",
        retry_state=RetryState.NON_RETRYABLE_FAILURE,
    )
    made.__cause__ = cause
    return step_exception(made, "pay", "jobs.py:1", globals())


def raised(function: Callable[[], Any]) -> BaseException:
    try:
        function()
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


def local() -> None:
    class NoSuchKey(of_libraries.NotFound):
        """As libraries make them at run time."""

    raise NoSuchKey("it")


#: What is raised, the class that has to catch it, and what it still holds.
CASES: dict[str, tuple[Callable[[], BaseException], type[BaseException], dict[str, Any]]] = {
    "frozen": (lambda: of_libraries.Frozen(5), of_libraries.Frozen, {"code": 5}),
    "slots": (lambda: of_libraries.Slotted(5), of_libraries.Slotted, {"code": 5}),
    "read-only": (lambda: of_libraries.ReadOnly(5), of_libraries.ReadOnly, {"code": 5}),
    "sealed": (lambda: of_libraries.Sealed(5), of_libraries.Sealed, {"code": 5}),
    "own __new__": (lambda: of_libraries.OwnNew(5, "x"), of_libraries.OwnNew, {"code": 5}),
    "keyword of the class": (lambda: of_libraries.Gone("x"), of_libraries.Gone, {"status": 410}),
    "abstract": (lambda: of_libraries.Concrete("x"), of_libraries.Abstract, {}),
    "of two": (lambda: of_libraries.OfTwo(2, "gone", "/a"), OSError, {"errno": 2, "filename": "/a"}),
    "own repr": (lambda: of_libraries.OwnRepr(object()), of_libraries.OwnRepr, {}),
    "own message": (lambda: of_libraries.OwnMessage(5, "boom"), of_libraries.OwnMessage, {"message": "boom"}),
    "made at run time": (lambda: raised(local), of_libraries.NotFound, {}),
    "memory": (lambda: MemoryError("all"), MemoryError, {"args": ("all",)}),
    "key": (lambda: KeyError("missing"), KeyError, {"args": ("missing",)}),
    "file": (lambda: raised(lambda: open("/nowhere")), FileNotFoundError, {"filename": "/nowhere", "errno": 2}),  # noqa: PTH123, SIM115
    "import": (lambda: ModuleNotFoundError("no x", name="x"), ImportError, {"name": "x", "msg": "no x"}),
    "syntax": (lambda: raised(lambda: compile("1 +", "f.py", "exec")), SyntaxError, {"filename": "f.py", "lineno": 1}),
    "unicode": (lambda: raised(lambda: b"\xff".decode()), UnicodeDecodeError, {"encoding": "utf-8", "start": 0}),
    "stop": (lambda: StopAsyncIteration("over"), StopAsyncIteration, {}),
    "notes": (lambda: _noted(ValueError("x")), ValueError, {"__notes__": ["more"]}),
    "ours": (lambda: StepOutputError("no", step="other"), StepOutputError, {"message": "no", "step": "pay"}),
}


def _noted(error: Exception) -> Exception:
    error.add_note("more")
    return error


@pytest.mark.parametrize("case", CASES)
def test_it_is_of_its_class_and_holds_what_it_held(case: str) -> None:
    """It is caught by its class and as a StepError, its text is what was said, and its `repr` raises nothing."""
    make, cls, held = CASES[case]
    error = make()
    seen = rebuilt(error)
    assert isinstance(seen, cls)
    assert isinstance(seen, StepError)
    assert type(seen).__name__ == seen.error_type == type(error).__name__
    assert str(seen) == (str(error) or type(error).__name__)
    assert repr(seen)
    assert {name: getattr(seen, name) for name in held} == held


def test_classes_of_others_are_left_alone() -> None:
    """No register of subclasses, by `__init_subclass__` or a metaclass, has a class that was made for a handler."""
    before = list(of_libraries.REGISTER)
    for error in (of_libraries.NotFound("x"), of_libraries.OfMeta("x")):
        assert isinstance(rebuilt(error), type(error))
    assert before == of_libraries.REGISTER


def test_what_would_come_back_as_something_else_is_not_recorded() -> None:
    """A status is not recorded as the number that it equals, so that it is missed and not wrong."""
    seen = rebuilt(of_libraries.OfStatus(http.HTTPStatus.NOT_FOUND))
    assert isinstance(seen, of_libraries.OfStatus)
    assert not hasattr(seen, "status")


#: What is raised, what is asked for in the handler, and what of it is not recorded.
MISSING: dict[str, tuple[Callable[[], BaseException], str, str]] = {
    "an object": (lambda: of_libraries.OfResponse(object()), "response", "response"),
    "a property of it": (lambda: of_libraries.OfResponse(object()), "status", "response"),
    "with a default": (lambda: of_libraries.WithDefault(object()), "response", "response"),
    "its own __getattr__": (lambda: of_libraries.Delegating(object()), "file", "file"),
    "in its own __getattr__": (lambda: of_libraries.Delegating(object()), "name", "file"),
    "large": (lambda: of_libraries.OfResponse("x" * 20_000), "response", "response"),
    "a slot": (lambda: of_libraries.Slotted(b"5"), "code", "code"),
    "of C": (lambda: raised(lambda: b"\xff".decode()), "object", "object"),
    "bytes": (lambda: subprocess.CalledProcessError(1, "ls", b"x"), "stdout", "output"),
    "an exception": (lambda: of_libraries.OfResponse(ValueError("inner")), "response", "response"),
}


@pytest.mark.parametrize("case", MISSING)
def test_what_is_not_recorded_says_so(case: str) -> None:
    """To read an attribute that is not recorded says which, of which exception and step, why, and what to do."""
    make, asked, not_recorded = MISSING[case]
    error = make()
    seen = rebuilt(error)
    with pytest.raises(AttributeError) as refused:
        getattr(seen, asked)
    said = str(refused.value)
    assert f"{type(error).__name__!r} object has no attribute {asked!r} in the handler" in said
    assert f"what the step 'pay' raised is made anew from the history, without {not_recorded!r}" in said
    assert "Return from the step what the handler needs" in said
    assert refused.value.name == asked
    assert not hasattr(seen, asked)
    assert getattr(seen, asked, "a default") == "a default"
    assert str(error) in (str(seen), "")
    assert repr(seen)
    assert not hasattr(seen, "__deepcopy__")
    seen.response = 5  # type: ignore[attr-defined]
    assert seen.response == 5  # type: ignore[attr-defined]


def test_what_was_never_there() -> None:
    """To read what the exception has never had is an AttributeError as Python words it."""
    with pytest.raises(AttributeError, match=r"^'KeyError' object has no attribute 'response'$"):
        rebuilt(KeyError("x")).response  # type: ignore[attr-defined]  # noqa: B018


def test_names_of_attributes_that_a_history_may_hold() -> None:
    """What a history says is not recorded changes nothing of the class itself."""
    error = of_libraries.OfResponse(object())
    names = ("__class__", "__init__", "_said", "_missing", "no name", "step")
    vars(error).update(dict.fromkeys(names, object()))
    seen = rebuilt(error)
    assert isinstance(seen, StepError)
    assert (str(seen), seen.step) == (str(error), "pay")
    assert isinstance(seen, of_libraries.OfResponse)


class Item(BaseModel):
    price: float
    at: bytes

    @field_validator("price")
    @classmethod
    def check(cls, price: float) -> float:
        raise ValueError(f"too {{much}}: {price}")


def test_a_failed_validation() -> None:
    """pydantic's ValidationError, which is made in Rust, is caught by its class, and tells what was wrong where."""
    error = raised(lambda: Item.model_validate({"price": 5, "at": object()}))
    seen = rebuilt(error)
    assert isinstance(error, ValidationError)
    assert isinstance(seen, ValidationError)
    assert isinstance(seen, StepError)
    assert (str(seen), seen.step, seen.title) == (str(error), "pay", "Item")
    (one, other), (first, second) = (
        seen.errors(include_url=False),
        error.errors(include_url=False, include_context=False),
    )
    assert one == first
    assert {**other, "input": second["input"]} == second
    assert other["input"] is PydanticUndefined  # it was none that can be recorded
    assert seen.error_count() == 2
    assert repr(seen)


def test_a_failed_validation_that_is_too_large() -> None:
    """What was wrong in a thousand places is not recorded, and nothing says that it was wrong in none."""
    error = raised(lambda: TypeAdapter(list[int]).validate_python(["x"] * 1_000))
    seen = rebuilt(error)
    assert isinstance(seen, ValidationError)
    for method in ("errors", "error_count", "json"):
        with pytest.raises(AttributeError, match=f"without {method!r}"):
            getattr(seen, method)


@pytest.mark.parametrize("case", ["builtin", "os", "own __init__"])
def test_it_can_be_copied(case: str) -> None:
    """A copy says the same and holds the same, whatever the `__init__` of its class asks for."""
    error = {
        "builtin": ValueError("x", 5),
        "os": OSError(2, "gone", "/a"),
        "own __init__": of_libraries.OwnMessage(5, "boom"),
    }[case]
    seen = rebuilt(error)
    made = copy.copy(seen)
    assert type(made) is type(seen)
    assert (str(made), made.args, vars(made)) == (str(seen), seen.args, vars(seen))
    assert getattr(made, "errno", None) == getattr(error, "errno", None)


@pytest.mark.parametrize("cls", [KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError])
def test_what_the_loop_takes_for_its_own(cls: type[BaseException]) -> None:
    """What would leave the task that it is raised in is a StepError alone."""
    assert type(rebuilt(cls("x"))) is StepError


def test_every_builtin_class_is_itself() -> None:
    """Every exception class of Python's own is found, but for the groups, which hold others."""
    for cls in vars(builtins).values():
        if not (isinstance(cls, type) and issubclass(cls, Exception)) or issubclass(cls, BaseExceptionGroup):
            continue
        error = cls("utf-8", b"x", 0, 1, "x") if cls is UnicodeDecodeError else raised_of(cls)
        assert isinstance(rebuilt(error), cls), cls


def raised_of(cls: type[Exception]) -> Exception:
    match cls.__name__:
        case "UnicodeEncodeError":
            return cls("utf-8", "x", 0, 1, "x")
        case "UnicodeTranslateError":
            return cls("x", 0, 1, "x")
        case _:
            return cls("x")


_PROGRAM = """
import importlib, json, sys
import jobs
from terse_temporal.engine.wire.exception_classes import exception_classes
for name in sys.argv[2:]:
    importlib.import_module(name)
found = exception_classes(json.loads(sys.argv[1]), vars(jobs))
print(json.dumps([f"{cls.__module__}:{cls.__qualname__}" for cls in found]))
"""


@pytest.mark.server
def test_it_is_the_same_in_every_process(tmp_path: Path) -> None:
    """What a process has imported besides does not decide, but what the job's code imports at the top does."""
    for name, text in {
        "jobs.py": "import named, csv, terse_temporal\nfrom shared import helper\nfrom limits import LIMIT\n",
        "shared.py": "import used_by_helper\ndef helper(): ...\n",
        "limits.py": "import used_by_limits\nLIMIT = 5\ndef late(): import hidden\n",
        "beside.py": "class Declined(Exception): pass\n",
        "libraries/named/__init__.py": "",
        "libraries/named/errors.py": "class NamedError(Exception): pass\n",
        "libraries/named/__main__.py": "raise SystemExit('it was run')\n",
        "libraries/used_by_helper.py": "class HelperError(Exception): pass\n",
        "libraries/used_by_limits.py": "class LimitError(Exception): pass\n",
        "libraries/hidden.py": "class HiddenError(ValueError): pass\n",
    }.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    program = tmp_path / "program.py"
    program.write_text(textwrap.dedent(_PROGRAM))
    references = [
        "hidden:HiddenError",
        "named.errors:NamedError",
        "named.__main__:NamedError",
        "used_by_helper:HelperError",
        "used_by_limits:LimitError",
        "beside:Declined",
        "_csv:Error",
        "pydantic_core._pydantic_core:ValidationError",
        "sqlite3:Error",
        "builtins:ValueError",
        "builtins:open",
        "named.errors:NamedError.__init__",
        "named errors:NamedError",
    ]

    def found(*imported: str) -> list[str]:
        done = subprocess.run(
            [sys.executable, program, json.dumps(references), *imported],
            env={"PYTHONPATH": f"{tmp_path}:{tmp_path / 'libraries'}:{Path(__file__).parents[2]}"},
            capture_output=True,
            check=True,
            text=True,
        )
        result: list[str] = json.loads(done.stdout)
        return result

    expected = [
        "named.errors:NamedError",
        "used_by_helper:HelperError",
        "used_by_limits:LimitError",
        "beside:Declined",
        "_csv:Error",
        "pydantic_core._pydantic_core:ValidationError",
        "builtins:ValueError",
    ]
    assert found() == expected
    assert found("hidden", "named.errors", "beside", "sqlite3") == expected
