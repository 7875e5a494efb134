"""Steps that could not run by themselves: what the engine refuses with a StepIsolationError, before it is deployed."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from .findings import Checked, Finding, finding
from .roles import StepCall, keyword
from .scopes import Class, Function
from .source import Module
from .symbols import Instance

__all__ = ["isolation"]

_ALONE = "a step runs by itself, perhaps on another machine, and a StepIsolationError is raised"


def isolation(checked: Checked) -> Iterator[Finding]:
    """TERSE101 to 105."""
    # In a job that is not durable, `state.update` runs its function where it stands.
    durable = {
        node
        for reached in checked.reached
        if reached.role.kind in ("handler", "filter")
        for node in reached.function.nodes
    }
    for call in checked.roles.step_calls.values():
        module = checked.resolver.module_of_node(call.node)
        if call.is_update and call.node not in durable:
            continue
        yield from _surroundings(call, module, checked)
        if not call.is_update:
            yield from _no_function(call, module, checked)
            yield from _schemas(call, module, checked)
        yield from _arguments(call, module, checked)


def _spoken(call: StepCall) -> str:
    return "the function of state.update()" if call.is_update else f"the step {call.name or ast.unparse(call.run)!r}"


def _surroundings(call: StepCall, module: Module, checked: Checked) -> Iterator[Finding]:
    function = call.function
    if function is None or not checked.roles.transparent(function):
        return
    cure = (
        "pass it as a further argument, `state.update(key, function, more)`"
        if call.is_update
        else "pass it as data, `job_step(run=…, input={…})`, or define the function at module level"
    )
    free = sorted(function.scope.free_names())
    if free:
        names = " and ".join(map(repr, free))
        yield finding(
            "TERSE101", module, call.run, f"{_spoken(call)} reads {names} of the function around it", _ALONE, cure
        )
    elif function.is_nested and (
        function.node.args.defaults or any(each is not None for each in function.node.args.kw_defaults)
    ):
        message = f"{_spoken(call)} has default values, which are made by the function around it"
        yield finding("TERSE102", module, call.run, message, f"they are not there when it runs: {_ALONE}", cure)


def _no_function(call: StepCall, module: Module, checked: Checked) -> Iterator[Finding]:
    run, resolver = call.run, checked.resolver
    what = None
    if isinstance(run, ast.Call):
        called = resolver.resolve(run.func)
        if resolver.path(run.func) in ("functools.partial", "functools.partialmethod"):
            what = "a partial"
        elif isinstance(called, Class):
            what = f"an object of {called.node.name!r}"
        elif isinstance(called, Function) and isinstance(called.node, ast.AsyncFunctionDef):
            what = f"what a call of {called.name!r} gives"
    elif isinstance(run, ast.Attribute) and isinstance(resolver.resolve(run.value), Instance):
        method = call.function
        if (
            method is not None
            and checked.roles.transparent(method)
            and not any(
                resolver.path(each) in ("builtins.staticmethod", "builtins.property") for each in method.decorators
            )
        ):
            what = f"the method {method.name!r} of an object"
    if what is not None:
        because = "a worker cannot find it again by name, and the call raises"
        fix = "give it a function and its argument, `job_step(run=function, input=…)`, or a lambda that makes the call"
        yield finding("TERSE103", module, run, f"run= is {what}", because, fix)


def _schemas(call: StepCall, module: Module, checked: Checked) -> Iterator[Finding]:
    places = [keyword(call.node, "input_schema"), keyword(call.node, "output_schema")]
    if call.function is not None and keyword(call.node, "output_schema") is None:
        node = call.function.node
        places.append(None if isinstance(node, ast.Lambda) else node.returns)
    for place in places:
        for each in ast.walk(place) if place is not None else ():
            found = checked.resolver.resolve(each) if isinstance(each, ast.Name) else None
            if isinstance(found, Class) and found.is_nested:
                message = f"{_spoken(call)} has the schema {found.node.name!r}, which is made inside a function"
                because = "it has no name that a worker could find it by, and a StepIsolationError is raised"
                fix = "define it at the top of the module"
                yield finding("TERSE104", module, call.run, message, because, fix)
                return


def _arguments(call: StepCall, module: Module, checked: Checked) -> Iterator[Finding]:
    function, node = call.function, call.node
    if function is None or function.class_ is not None or any(each.arg is None for each in node.keywords):
        return
    if any(not checked.roles.is_step(function) for _ in function.decorators):
        return
    if call.is_update:
        if any(isinstance(each, ast.Starred) for each in node.args):
            return
        given = 1 + len(node.args[2:])
        handed = "the value" if given == 1 else f"the value and {given - 1} more"
    else:
        given = 1 if keyword(node, "input") is not None else 0
        handed = "one argument, the input" if given else "no argument, as there is no input"
    arguments = function.node.args
    positional = [*arguments.posonlyargs, *arguments.args]
    required = len(positional) - len(arguments.defaults)
    missing = any(default is None for default in arguments.kw_defaults)
    too_many = given > len(positional) and arguments.vararg is None
    if given < required or missing or too_many:
        takes = f"({ast.unparse(arguments)})"
        fix = "give `input=…` for a function with one argument, and none for one without"
        if call.is_update:
            fix = "give it a function of the value and of what follows it in the call"
        message = f"{_spoken(call)} is called with {handed}, and takes {takes}"
        yield finding("TERSE105", module, call.run, message, "the call raises a StepInputError", fix)
