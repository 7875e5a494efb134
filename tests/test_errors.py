"""The tree that `terse_temporal.errors` opens with is the tree of its classes."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import terse_temporal
from terse_temporal import errors

ALSO: dict[str, type[Exception]] = {
    "DurationError": ValueError,
    "EventError": ValueError,
    "EventTimeoutError": TimeoutError,
    "InputError": ValueError,
    "InputTimeoutError": TimeoutError,
    "RunTimeoutError": TimeoutError,
    "StartError": ValueError,
    "StateValueError": ValueError,
    "StepInputError": ValueError,
    "StepOutputError": errors.StepError,
    "ModelUnavailableError": errors.TransientError,
    "StepTimeoutError": TimeoutError,
    "StorageUnavailableError": errors.TransientError,
    "TransientServiceError": errors.TransientError,
}

#: Errors of Python's own that are raised here, by file or package, and why. All else is an error of ours.
OF_PYTHON = {
    ("checking/step_arguments.py", "ValueError"): "caught where it is called",
    ("cli/", "ValueError"): "from a hook of json, to be reported as it reports its own",
    ("diagnostics/options.py", "TypeError"): "what Python says of an argument that is not there",
    ("engine/determinism/task_order.py", "TypeError"): "what asyncio.as_completed() says, which it stands for",
    ("engine/journal/bounds.py", "ValueError"): "an option of a worker that is out of range",
    ("events.py", "KeyError"): "what every mapping raises",
    ("gateway/draining.py", "RuntimeError"): "caught where it is called",
    ("inputs/forms.py", "ValueError"): "for whoever shows a form that may be anybody's; else caught where it is called",
    ("inputs/slack_way/modal.py", "ValueError"): "for the gateway, which opens the page in its place",
    ("inputs/tokens.py", "ValueError"): "for the gateway, which has said before that there is no key",
    ("inputs/ways.py", "NotImplementedError"): "of a base class that asks nobody",
    ("jobs/at_once.py", "ExceptionGroup"): "the failures of several steps",
    ("state/sql.py", "ValueError"): "caught where it is raised",
    ("storage/places/", "KeyError"): "caught where it is called, as what a place does not have",
    ("storage/places/", "OSError"): "caught where it is called, as what the system says",
    ("storage/places/", "ValueError"): "caught where it is called",
    ("testing/", "AssertionError"): "what a test fails with",
    (
        "tools/builtin/",
        "ValueError",
    ): "from validators of pydantic, which makes a StepInputError of it, or a hook of json",
    ("tools/", "AssertionError"): "a line that is never reached",
    ("triggers/base.py", "ValueError"): "from a validator of pydantic",
    ("triggers/stripe/events.py", "NotImplementedError"): "of a base class that has no events of its own",
    ("", "AttributeError"): "what an object says that has no such attribute",
    ("", "StopIteration"): "the end of an iterator",
    ("", "StopAsyncIteration"): "likewise",
    ("", "TimeoutError"): "what asyncio.as_completed() raises",
}


def raised() -> Iterator[tuple[str, str, int]]:
    """The builtin errors, and the bare `TerseError`s, that the package makes: file, class and line."""
    package = Path(terse_temporal.__file__).parent
    for file in sorted(package.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Raise) and node.exc is not None:
                made = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            elif isinstance(node, ast.Return) and isinstance(node.value, ast.Call):
                made = node.value.func
            else:
                continue
            name = made.id if isinstance(made, ast.Name) else ""
            cls = getattr(builtins, name, None)
            if name == "TerseError" or (isinstance(cls, type) and issubclass(cls, BaseException)):
                yield file.relative_to(package).as_posix(), name, node.lineno


def drawn() -> dict[str, str | None]:
    """Each class of the drawing, and the one that it hangs from."""
    parents: dict[str, str | None] = {}
    above: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        if found := re.match(r"^([ │├└─]*)(\w+Error)\b", line):
            depth, name = len(found[1]), found[2]
            above = [(each, parent) for each, parent in above if each < depth]
            parents[name] = above[-1][1] if above else None
            above.append((depth, name))
    return parents


def test_the_drawing_is_the_tree() -> None:
    """Every class stands under its base, and there is none that is not drawn or not exported."""
    classes = {
        name: cls
        for name, cls in vars(errors).items()
        if isinstance(cls, type) and issubclass(cls, BaseException) and cls.__module__ == errors.__name__
    }
    assert drawn() == {
        name: None if name == "TerseError" else cls.__bases__[0].__name__ for name, cls in classes.items()
    }
    assert sorted(classes) == sorted(errors.__all__)


@pytest.mark.parametrize("name", errors.__all__)
def test_what_else_a_class_is(name: str) -> None:
    """Each is a TerseError, has a docstring, and is the builtin that the drawing says it also is."""
    cls = getattr(errors, name)
    assert issubclass(cls, errors.TerseError)
    assert cls.__doc__
    said = re.search(rf"\b{name} .*\(also a (\w+)\)", errors.__doc__ or "")
    assert (said[1] if said else None) == (ALSO[name].__name__ if name in ALSO else None)
    assert name not in ALSO or issubclass(cls, ALSO[name])


def test_a_step_error() -> None:
    """A StepError has the step, the type and the text of what was raised."""
    error = errors.StepError("no funds", step="charge", error_type="Declined")
    assert (error.step, error.error_type, error.message, str(error)) == ("charge", "Declined", "no funds", "no funds")
    assert errors.StepTimeoutError("late").error_type == "StepTimeoutError"


def test_every_error_of_the_package_has_a_class_that_says_what_it_is() -> None:
    """No bare `TerseError` is raised, and none of Python's own that a user could meet."""
    found = [
        f"{file}:{line} {name}"
        for file, name, line in raised()
        if not any(file.startswith(where) and name == cls for where, cls in OF_PYTHON)
    ]
    assert found == []


def test_what_may_be_caught_together() -> None:
    """A step that cannot work is no step that failed, but what it returns is known only then; tools have one base."""
    assert not issubclass(errors.StepInputError, errors.StepError)
    assert not issubclass(errors.StepIsolationError, errors.StepError)
    for cls in (errors.StepInputError, errors.StepIsolationError, errors.StepOutputError):
        assert issubclass(cls, errors.StepDefinitionError)
    assert issubclass(errors.UnknownToolError, errors.ToolError)
    assert errors.ToolDeniedError("no", tool="slack.send_message").tool == "slack.send_message"
    assert issubclass(errors.NotInRunError, errors.DurableOnlyError)
