"""Defaults that a clock or randomness makes, in models of another module than the job's.

A handler's event is read again on every replay, and what a handler makes is made again. In the module of the job those
are deterministic; in the module beside it, where models often stand, a default is another one each time.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from .catalogue import CLOCKS, RANDOM_FUNCTIONS, REAL_CLOCKS, is_nondeterministic
from .findings import Checked, Finding, finding
from .roles import Role, keyword
from .scopes import Class, Function
from .source import Module
from .symbols import Instance

__all__ = ["defaults"]

_FIELDS: Final = frozenset(["dataclasses.field", "pydantic.Field", "pydantic.fields.Field"])

_DEEPEST: Final = 12


def defaults(checked: Checked) -> Iterator[Finding]:
    """TERSE210 to 212, of fields."""
    for role in checked.roles.roles:
        if role.kind == "handler":
            annotation = _event_annotation(role.function)
            for class_ in _classes(annotation, checked) if annotation is not None else ():
                yield from _of_class(class_, role, f"the event of the job {role.name!r}", checked)
    for reached in checked.reached:
        if reached.role.kind in ("handler", "failure", "filter", "policy"):
            for node in reached.nodes:
                made = checked.resolver.resolve(node) if isinstance(node, ast.Call) else None
                # What is given is not made.
                if isinstance(node, ast.Call) and isinstance(made, Instance) and not (node.args or _has_rest(node)):
                    named = {str(each.arg) for each in node.keywords}
                    what = f"an object of {made.class_.node.name!r} that is made {reached.where}"
                    for class_ in _with_bases(made.class_, checked):
                        yield from _of_class(class_, reached.role, what, checked, given=named)


def _event_annotation(function: Function) -> ast.expr | None:
    arguments = [*function.node.args.posonlyargs, *function.node.args.args]
    return arguments[0].annotation if arguments else None


def _has_rest(node: ast.Call) -> bool:
    return any(each.arg is None for each in node.keywords)


def _classes(annotation: ast.expr, checked: Checked) -> list[Class]:
    """Return the classes that are named in an annotation, and in those of their fields."""
    found: list[Class] = []
    pending: list[ast.expr] = [annotation]
    while pending:
        for node in ast.walk(pending.pop()):
            symbol = checked.resolver.resolve(node) if isinstance(node, ast.Name | ast.Attribute) else None
            for class_ in _with_bases(symbol, checked) if isinstance(symbol, Class) else ():
                if class_ not in found:
                    found.append(class_)
                    pending += [each.annotation for each in class_.node.body if isinstance(each, ast.AnnAssign)]
    return found


def _with_bases(class_: Class, checked: Checked, depth: int = _DEEPEST) -> Iterator[Class]:
    yield class_
    for base in class_.node.bases if depth else ():
        if isinstance(found := checked.resolver.resolve(base), Class):
            yield from _with_bases(found, checked, depth - 1)


def _of_class(
    class_: Class, role: Role, what: str, checked: Checked, *, given: set[str] | frozenset[str] = frozenset()
) -> Iterator[Finding]:
    module = checked.resolver.module_of_scope(class_.scope)
    if module is role.module:
        return
    for field in class_.node.body:
        if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)) or field.target.id in given:
            continue
        # Also in `Annotated[…, Field(…)]`.
        for made in (field.value, *ast.walk(field.annotation)):
            if isinstance(made, ast.Call) and checked.resolver.path(made.func) in _FIELDS:
                factory = keyword(made, "default_factory")
                if factory is not None and (found := _code(factory, checked)) is not None:
                    yield _finding(found, factory, field.target.id, what, module)


def _code(factory: ast.expr, checked: Checked) -> tuple[str, str] | None:
    """Return the code of a finding about what makes a default, and the call that it is about."""
    made_by = checked.resolver.resolve(factory)
    if isinstance(made_by, Function):
        calls = [each.func for each in made_by.nodes if isinstance(each, ast.Call)]
    else:
        calls = [factory]
    for path in map(checked.resolver.path, calls):
        if path in CLOCKS or path in REAL_CLOCKS:
            return "TERSE210", path
        if path in RANDOM_FUNCTIONS:
            return "TERSE211", path
        if path and is_nondeterministic(path):
            return "TERSE212", path
    return None


def _finding(found: tuple[str, str], factory: ast.expr, field: str, what: str, module: Module) -> Finding:
    code, path = found
    own = "now" if code == "TERSE210" else "uuid4"
    because = (
        "it is another on every replay, as only the job's own module is deterministic, and blocks the run at a step"
    )
    fix = f"write `default_factory={own}`, with the `{own}` of terse_temporal, or move the class into the job's module"
    return finding(code, module, factory, f"{path}() makes the default of {field!r}, of {what}", because, fix)
