"""The tree that `terse_temporal.errors` opens with is the tree of its classes."""

from __future__ import annotations

import re

import pytest

from terse_temporal import errors

ALSO = {
    "DurationError": ValueError,
    "EventError": ValueError,
    "StateValueError": ValueError,
    "StepInputError": ValueError,
    "ModelUnavailableError": errors.TransientError,
    "StepTimeoutError": TimeoutError,
    "TransientServiceError": errors.TransientError,
}


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
