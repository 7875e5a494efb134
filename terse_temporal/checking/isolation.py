"""Steps that could not run by themselves: what the engine refuses with a StepIsolationError, before it is deployed."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Iterator

from .catalogue import is_method_of_client
from .findings import Checked, Finding, finding
from .roles import StepCall, keyword
from .scopes import Class, Function
from .source import Module
from .symbols import Instance

__all__ = ["isolation"]

_ALONE = "a step runs by itself, perhaps on another machine, and a StepIsolationError is raised"


def isolation(checked: Checked) -> Iterator[Finding]:
    """TERSE101 to 104, and 107."""
    for call in checked.roles.step_calls.values():
        module = checked.resolver.module_of_node(call.node)
        # In a job that is not durable, `state.update` runs its function where it stands.
        if call.is_update and call.node not in checked.durable_nodes:
            continue
        yield from _surroundings(call, module, checked)
        if not call.is_update:
            yield from _no_function(call, module, checked)
            yield from _schemas(call, module, checked)
            yield from _annotations(call, module, checked)
    for role in checked.roles.roles:
        if role.kind == "step" and checked.roles.is_step(role.function):
            yield from _of_decorated(role.function, role.module, checked)


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
            "TERSE101", module, call.run, f"{call.description} reads {names} of the function around it", _ALONE, cure
        )
    elif function.is_nested and (
        function.node.args.defaults or any(each is not None for each in function.node.args.kw_defaults)
    ):
        message = f"{call.description} has default values, which are made by the function around it"
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
    elif isinstance(run, ast.Attribute) and is_method_of_client(resolver.path(run)):
        what = f"the method {run.attr!r} of an object"
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
                message = f"{call.description} has the schema {found.node.name!r}, which is made inside a function"
                because = "it has no name that a worker could find it by, and a StepIsolationError is raised"
                fix = "define it at the top of the module"
                yield finding("TERSE104", module, call.run, message, because, fix)
                return


_FOR_CHECKERS = "which is imported for type checkers alone"


def _annotations(call: StepCall, module: Module, checked: Checked) -> Iterator[Finding]:
    """Yield those that are read when the step is made, and name what is imported for type checkers alone."""
    library = checked.resolver.library_function(call.run) if call.function is None else None
    function = call.function or library
    if function is None or isinstance(function.node, ast.Lambda) or checked.roles.is_step(function):
        return
    if function.decorators and (library is not None or not checked.roles.transparent(function)):
        return
    arguments = function.node.args
    first = next(iter([*arguments.posonlyargs, *arguments.args, arguments.vararg]), None)
    read: list[ast.expr | None] = []
    if keyword(call.node, "output_schema") is None:
        read.append(function.node.returns)
    if keyword(call.node, "input") is not None and keyword(call.node, "input_schema") is None and first is not None:
        read.append(first.annotation)
    for name in _meaningless(read, function):
        message = f"{call.description} is annotated with {name!r}, {_FOR_CHECKERS}"
        because = "it means nothing when the step is made, and a StepIsolationError is raised"
        fix = "import it at the top of the module"
        if library is not None:
            fix = "give the step a `def` of your own that makes the call"
        yield finding("TERSE107", module, call.run, message, because, fix)
        return


def _of_decorated(function: Function, module: Module, checked: Checked) -> Iterator[Finding]:
    """Yield the annotations of a function under `@step`."""
    if isinstance(function.node, ast.Lambda):
        return
    arguments = function.node.args
    others = [each for each in (arguments.vararg, arguments.kwarg) if each is not None]
    read = [each.annotation for each in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *others)]
    if not any(isinstance(each, ast.Call) and keyword(each, "output_schema") for each in function.decorators):
        read.append(function.node.returns)
    for name in _meaningless(read, function):
        message = f"the step {function.name!r} is annotated with {name!r}, {_FOR_CHECKERS}"
        because = "it means nothing when a durable handler calls the step, and an error is raised"
        yield finding("TERSE107", module, function.node, message, because, "import it at the top of the module")
        return


def _meaningless(annotations: list[ast.expr | None], function: Function) -> Iterator[str]:
    for annotation in annotations:
        yield from filter(function.names.is_for_type_checkers, _names_of(annotation))


def _names_of(annotation: ast.expr | None) -> Iterator[str]:
    """Yield the names that an annotation reads, also where it is a string."""
    for each in ast.walk(annotation) if annotation is not None else ():
        if isinstance(each, ast.Name):
            yield each.id
        elif isinstance(each, ast.Constant) and isinstance(each.value, str) and "_parent" in vars(each):
            # In `Literal["x"]` and `Annotated[…, "x"]` a string is no annotation.
            around = vars(each)["_parent"]
            if not isinstance(around, ast.Subscript | ast.Tuple):
                with contextlib.suppress(SyntaxError):
                    yield from _names_of(ast.parse(each.value, mode="eval").body)
