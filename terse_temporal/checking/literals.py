"""Values that are written down, and would be refused where they are used: durations above all.

They are judged by the functions that judge them at run time, so both say the same.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final

from ..durations import to_timedelta
from ..errors import DurationError
from .awaiting import expects_error
from .findings import Checked, Finding, finding
from .roles import keyword
from .source import Module

__all__ = ["literals"]

_ASKS: Final = "terse_temporal.wait_for_input"

#: Options that are durations.
_DURATIONS: Final = {
    "terse_temporal.create_job": ("timeout",),
    "terse_temporal.job_step": ("timeout",),
    "terse_temporal.job_map": ("timeout",),
    "terse_temporal.step": ("timeout",),
    "terse_temporal.wait_for_event": ("timeout",),
    "terse_temporal.wait_for_input": ("timeout", "remind_every"),
    "terse_temporal.toolbox.tool": ("timeout",),
    "terse_temporal.toolbox.mount": ("timeout", "start_timeout"),
    "terse_temporal.Retry": ("initial", "max_delay"),
}

#: Of these `None` is for ever, or never.
_OR_NONE: Final = ("terse_temporal.create_job", "terse_temporal.wait_for_event", _ASKS)

#: Options that count something.
_COUNTS: Final = {("terse_temporal.Retry", "max_attempts"), ("terse_temporal.generate_text", "max_turns")}

_MULTIPLIER: Final = ("terse_temporal.Retry", "multiplier")

_STEPS: Final = ("terse_temporal.job_step", "terse_temporal.step")

#: The arguments of `datetime(…)` that come before the timezone.
_BEFORE_TZINFO: Final = 7


def literals(checked: Checked) -> Iterator[Finding]:
    """TERSE301 to 303."""
    for module in checked.modules:
        bodies = [module.names.nodes, *(function.nodes for function in module.names.functions)]
        for node in (each for body in bodies for each in body):
            if isinstance(node, ast.Call) and (path := checked.resolver.path(node.func)).startswith("terse_temporal."):
                for found in _of_call(node, path, module, checked):
                    if not expects_error(node, checked, "DurationError", "JobDefinitionError", "ValueError"):
                        yield found


def _of_call(node: ast.Call, path: str, module: Module, checked: Checked) -> Iterator[Finding]:
    if path == "terse_temporal.sleep":
        given = node.args[0] if node.args else keyword(node, "duration")
        wrong = _wrong_duration(given, checked, moments=True)
        if given is not None and wrong is not None:
            fix = 'give one number and one unit, `sleep("3d")`, a timedelta, or a datetime with a timezone'
            yield finding("TERSE301", module, given, f"sleep(): {wrong}", "the call raises a DurationError", fix)
    for option in _DURATIONS.get(path, ()):
        given = keyword(node, option)
        wrong = _wrong_duration(given, checked, moments=False)
        if path in _OR_NONE and isinstance(given, ast.Constant) and given.value is None:
            continue
        if given is not None and wrong is not None:
            fix = f'give one number and one unit, `{option}="30s"`, or a timedelta'
            message = f"{option}=: {wrong}"
            yield finding("TERSE302", module, given, message, "the call raises a DurationError", fix)
    yield from _options(node, path, module, checked)
    if path == _ASKS:
        yield from _of_question(node, module)


def _options(node: ast.Call, path: str, module: Module, checked: Checked) -> Iterator[Finding]:
    constants = {option: (value, given) for option, value, given in _constants(node, checked)}
    if path in _DURATIONS and _says(constants, "local", True) and _says(constants, "on_interrupt", "fail"):
        message = 'local=True and on_interrupt="fail" do not go together: a local step of a lost worker is run again'
        leave = "leave out one of the two: a call that may happen once at most is an ordinary step"
        yield finding("TERSE303", module, constants["local"][1], message, "the call raises a JobDefinitionError", leave)
    for option, (value, given) in constants.items():
        fix = None
        if option == "on_interrupt" and path in _DURATIONS and value not in ("retry", "fail"):
            fix = 'give `on_interrupt="retry"` or `"fail"`'
        elif (path, option) in _COUNTS and not (isinstance(value, int) and value >= 1):
            fix = "give a whole number of 1 or more"
        elif (path, option) == _MULTIPLIER and not (isinstance(value, int | float) and value >= 1):
            fix = "give a number of 1 or more"
        elif option == "retry" and path in _DURATIONS and value is not None:
            fix = "give `retry=Retry(max_attempts=…)`"
        elif option == "name" and path in _STEPS and not (value is None or _is_name(value)):
            fix = "give a string that is not empty, of 200 characters at most"
        if fix is not None:
            message = f"{option}={value!r} makes no sense"
            yield finding("TERSE303", module, given, message, "the call raises a JobDefinitionError", fix)


def _of_question(node: ast.Call, module: Module) -> Iterator[Finding]:
    """Yield what of a question does not go together."""
    given = {each.arg: each.value for each in node.keywords}
    if None in given:  # **options
        return
    is_there = {name for name, value in given.items() if not (isinstance(value, ast.Constant) and value.value is None)}
    wrong = fix = ""
    if {"options", "schema"} <= is_there:
        wrong, fix = "options= and schema=: give one of them", "ask twice, or make the choice a field of the form"
    elif "on_timeout" in is_there and "timeout" not in is_there:
        wrong, fix = "on_timeout= without timeout=: nothing ends the wait", 'add `timeout="3d"`'
    elif "initial" in is_there and "schema" not in is_there:
        wrong, fix = "initial= without schema=: there is no form", "give `schema=`, a pydantic model"
    if wrong:
        yield finding("TERSE303", module, node, wrong, "the call raises an InputError", fix)


def _says(constants: Mapping[str, tuple[object, ast.expr]], option: str, value: object) -> bool:
    return option in constants and constants[option][0] == value


def _constants(node: ast.Call, checked: Checked) -> Iterator[tuple[str, object, ast.expr]]:
    for each in node.keywords:
        found = checked.resolver.constant(each.value)
        if isinstance(found, ast.Constant) and each.arg is not None:
            yield each.arg, found.value, each.value
        elif (number := _number(found)) is not None and each.arg is not None:
            yield each.arg, number, each.value


def _wrong_duration(node: ast.expr | None, checked: Checked, *, moments: bool) -> str | None:
    """Return why something that is written down cannot be slept, or `None`."""
    found = checked.resolver.constant(node)
    value: object
    if isinstance(found, ast.Constant):
        value = found.value
    elif (number := _number(found)) is not None:
        value = number
    elif isinstance(found, ast.Call) and checked.resolver.path(found.func) == "datetime.timedelta":
        value = _timedelta(found, checked)
        if value is None:
            return None
    elif moments and found is not None and _is_naive(found, checked):
        return f"{ast.unparse(found)} has no timezone"
    else:
        return None
    try:
        to_timedelta(value)  # type: ignore[arg-type]  # that it may be anything is the point
    except DurationError as error:
        return str(error).partition("; ")[0]
    return None


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip()) and len(value) <= 200


def _number(node: ast.expr | None) -> int | float | None:
    match node:
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
        case ast.Constant(value=int() | float() as value):
            return value
    return None


def _timedelta(node: ast.Call, checked: Checked) -> timedelta | None:
    numbers = [_number(checked.resolver.constant(each)) for each in node.args]
    named = {each.arg: _number(checked.resolver.constant(each.value)) for each in node.keywords}
    if None in numbers or None in named.values() or None in named:
        return None
    try:
        return timedelta(*(each for each in numbers if each is not None), **{str(k): v or 0 for k, v in named.items()})
    except (TypeError, OverflowError):
        return None


def _is_naive(node: ast.expr, checked: Checked) -> bool:
    """Return whether something is a datetime that is seen to have no timezone."""
    match node:
        case ast.BinOp(op=ast.Add() | ast.Sub(), left=left, right=right):
            return _is_naive(left, checked) or _is_naive(right, checked)
        case ast.Call():
            path = checked.resolver.path(node.func)
            zoned = any(each.arg in (None, "tzinfo", "tz") for each in node.keywords)
            if path == "datetime.datetime":
                return not zoned and len(node.args) <= _BEFORE_TZINFO and not _has_star(node)
            if path == "datetime.datetime.now":
                return not zoned and not node.args
            return path in ("datetime.datetime.utcnow", "datetime.datetime.today")
        case ast.Name():
            found = checked.resolver.constant(node)
            return found is not None and found is not node and _is_naive(found, checked)
    return False


def _has_star(node: ast.Call) -> bool:
    return any(isinstance(each, ast.Starred) for each in node.args)
