"""Calls whose result is never awaited: nothing happens, and nothing says so.

A coroutine may be kept, handed on, put into a list and gathered later. So it is only reported where its way can be seen
to its end: dropped, used as if it were the result, or kept under a name that nobody awaits.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from .findings import Checked, Finding, finding
from .scopes import Function, FunctionNode, ancestors, parent_of, scope_of
from .source import Module

__all__ = ["awaiting", "expects_error"]

#: Of others, where people forget it.
_OTHERS: Final = frozenset(
    [
        "asyncio.sleep",
        *(f"terse_temporal.Run().{name}" for name in ("status", "timeline", "terminate", "retry")),
        *(
            f"temporalio.workflow.{name}"
            for name in (
                "execute_activity",
                "execute_activity_class",
                "execute_activity_method",
                "execute_child_workflow",
                "execute_local_activity",
                "execute_local_activity_method",
                "sleep",
                "start_child_workflow",
                "wait_condition",
            )
        ),
    ]
)

#: What takes the result, and never something to await.
_TAKE_RESULTS: Final = frozenset(
    f"builtins.{name}"
    for name in ("bool", "float", "int", "len", "max", "min", "print", "repr", "sorted", "str", "sum")
) | {"terse_temporal.log"}

#: Of a coroutine itself.
_OF_COROUTINES: Final = frozenset({"close", "send", "throw", "cr_code", "cr_frame", "__await__"})


def awaiting(checked: Checked) -> Iterator[Finding]:
    """TERSE110."""
    durable = {each.function for each in checked.reached if each.role.kind in ("handler", "failure", "filter")}
    handlers = {each.function for each in checked.roles.roles if each.kind in ("handler", "plain")}
    for module in checked.modules:
        for function in module.names.functions:
            for node in function.nodes:
                if not isinstance(node, ast.Call):
                    continue
                around = parent_of(node)
                if isinstance(around, ast.Await):
                    continue
                description = _coroutine(node, function in durable, checked)
                if description is None:
                    continue
                returns = function in handlers and isinstance(function.node, ast.AsyncFunctionDef)
                how = _loss(node, function, checked, returns=returns)
                if how is not None and not expects_error(node, checked):
                    yield _finding(node, module, description, how)


def expects_error(node: ast.AST, checked: Checked, *errors: str) -> bool:
    """Return whether a call stands where its error is expected: in `pytest.raises`, or in a `try` that catches it."""
    for outer in ancestors(node):
        if isinstance(outer, ast.With | ast.AsyncWith):
            for item in outer.items:
                if isinstance(item.context_expr, ast.Call) and "raises" in ast.unparse(item.context_expr.func).lower():
                    return True
        if isinstance(outer, ast.Try):
            for handler in outer.handlers:
                caught = ast.unparse(handler.type) if handler.type is not None else ""
                if any(error in caught for error in errors):
                    return True
    return False


def _coroutine(node: ast.Call, in_durable: bool, checked: Checked) -> str | None:
    """Return what a call that gives something to await is called."""
    found = checked.resolver.resolve(node.func)
    if isinstance(found, Function):
        if checked.roles.is_step(found) and (in_durable or isinstance(found.node, ast.AsyncFunctionDef)):
            return f"the step {found.name!r}"
        if not isinstance(found.node, ast.AsyncFunctionDef) or not checked.roles.transparent(found):
            return None
        special = any(isinstance(each, ast.Yield | ast.YieldFrom) for each in found.nodes)
        decorated = {checked.resolver.path(each) for each in found.decorators}
        plain = decorated <= {"builtins.staticmethod", "builtins.classmethod", "temporalio.activity.defn"}
        return None if special or not plain else f"{found.name}()"
    path = checked.resolver.path(node.func)
    return checked.roles.durable_call(node) or (f"{path}()" if path in _OTHERS else None)


def _loss(node: ast.expr, function: Function, checked: Checked, *, returns: bool, follow: bool = True) -> str | None:
    """Return how something to await is lost, if it is.

    What a handler returns is lost, and `returns` says that it is one.
    """
    around = parent_of(node)
    match around:
        case ast.Expr():
            return "is not awaited"
        case ast.Return() if returns:
            return "is returned as it is"
        case ast.BoolOp() | ast.IfExp() if node is not getattr(around, "test", None):
            # `await a if b else c` awaits `a` alone.
            return _loss(around, function, checked, returns=returns, follow=False)
        case ast.List() | ast.Tuple() | ast.ListComp() | ast.Dict() if returns:
            return "is returned as it is" if _is_returned(around) else None
        case ast.Attribute() if around.attr not in _OF_COROUTINES:
            return f"is not awaited before its {around.attr!r} is asked for"
        case ast.Subscript() if around.value is node:
            return "is not awaited before an item of it is asked for"
        case ast.Compare() if not any(isinstance(each, ast.Is | ast.IsNot) for each in around.ops):
            return "is compared without being awaited"
        case ast.UnaryOp() | ast.BinOp() | ast.AugAssign() | ast.FormattedValue():
            return "is used without being awaited"
        case ast.If() | ast.While() | ast.IfExp() | ast.Assert() if around.test is node:
            return "is not awaited, and true as it stands"
        case ast.For() | ast.comprehension() if around.iter is node and not getattr(around, "is_async", 0):
            return "is gone through without being awaited"
        case ast.Call() if node in around.args and checked.resolver.path(around.func) in _TAKE_RESULTS:
            return "is used without being awaited"
        case ast.Assign(targets=[ast.Name() as name]) | ast.AnnAssign(target=ast.Name() as name) if follow:
            return _how_name_is_lost(name, function, checked, returns=returns)
    return None


def _is_returned(node: ast.AST) -> bool:
    """Return whether a list or dict, or what it is in, is what a function returns."""
    while isinstance(node, ast.List | ast.Tuple | ast.ListComp | ast.Dict):
        node = parent_of(node)
    return isinstance(node, ast.Return)


def _how_name_is_lost(name: ast.Name, function: Function, checked: Checked, *, returns: bool) -> str | None:
    scope = scope_of(name).lookup(name.id)
    if scope is not function.scope or len(scope.bindings[name.id]) != 1:
        return None
    loads = [
        each
        for each in ast.walk(function.node)
        if isinstance(each, ast.Name)
        and each.id == name.id
        and isinstance(each.ctx, ast.Load)
        and "_scope" in vars(each)
        and scope_of(each).lookup(name.id) is scope
    ]
    if any(isinstance(each, ast.Name) and each.id == "locals" for each in function.nodes):
        return None
    if not loads:
        return f"is kept as {name.id!r} and never awaited"
    ways = [_loss(each, function, checked, returns=returns and scope_of(each) is scope, follow=False) for each in loads]
    if any(way is None for way in ways) or any(isinstance(parent_of(each), ast.Expr) for each in loads):
        return None
    return f"is kept as {name.id!r}, which {ways[0]}"


def _finding(node: ast.Call, module: Module, description: str, how: str) -> Finding:
    inside = next((each for each in ancestors_and_function(node) if isinstance(each, FunctionNode)), None)
    fix = "write `await` before it; for several side by side `await asyncio.gather(…)`"
    if isinstance(inside, ast.FunctionDef):
        fix = f"make {inside.name!r} an `async def` and write `await` before it"
    return finding(
        "TERSE110",
        module,
        node,
        f"{description} {how}",
        "it makes something to await, and does nothing until it is",
        fix,
    )


def ancestors_and_function(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes around a node, the function last."""
    last = node
    for outer in ancestors(node):
        yield outer
        last = outer
    yield parent_of(last)
