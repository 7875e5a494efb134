"""What runs when a handler runs: the functions that it calls, those that they call, and by what way.

Only calls are followed, and functions given to what is known to call them at once (`sorted(…, key=f)`). A function that
is handed on to anything else may end up as a step, so it is not.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ..diagnostics.places import place
from .roles import Role, Roles
from .scopes import Class, Function, ancestors
from .source import Module
from .symbols import Resolver

__all__ = ["Reached", "exempt", "reached_from"]

#: What calls a function that it is given, then and there.
_CALLERS: Final = frozenset(
    [
        "builtins.all",
        "builtins.any",
        "builtins.filter",
        "builtins.map",
        "builtins.max",
        "builtins.min",
        "builtins.sorted",
        "functools.reduce",
        "itertools.groupby",
        "temporalio.workflow.wait_condition",
    ]
)

_CONSTRUCTORS: Final = ("__init__", "__post_init__", "__new__")


@dataclass(frozen=True, eq=False, slots=True)
class Reached:
    """A function that runs in a role.

    Attributes:
        caller, call: where it is called; `None` for the function of the role itself.
    """

    function: Function
    role: Role
    module: Module
    caller: Reached | None = None
    call: ast.AST | None = None

    @property
    def is_home(self) -> bool:
        """Whether it is written in the handler's own module, whose clock and randomness are deterministic."""
        return self.module is self.role.module

    @property
    def where(self) -> str:
        """`in the handler of the job 'x'`, or the way there."""
        if self.caller is None:
            return f"in {self.role.description}"
        way = self.caller
        between = []
        while way.caller is not None:
            between.append(f"'{way.function.name}'")
            way = way.caller
        first = self
        while first.caller is not None and first.caller.caller is not None:
            first = first.caller
        line = getattr(first.call, "lineno", 0)
        by = f" by way of {', '.join(reversed(between))}" if between else ""
        return (
            f"in '{self.function.name}', called from {self.role.description} at {place(str(way.module.path), line)}{by}"
        )

    @property
    def nodes(self) -> Iterator[ast.AST]:
        """What its body is made of, without what is marked as allowed in a workflow."""
        if not self.module.is_careful:
            yield from self.function.nodes
            return
        for node in self.function.nodes:
            if not exempt(node):
                yield node


def reached_from(role: Role, roles: Roles, resolver: Resolver) -> list[Reached]:
    """Return the functions that run when that of a role does, each by one of the shortest ways."""
    start = Reached(role.function, role, resolver.module_of(role.function))
    found, queue = {role.function: start}, [start]
    recorded = role.kind in ("handler", "failure", "filter", "policy")
    while queue:
        at = queue.pop(0)
        for call, function in _find_calls(at, roles, resolver):
            # In a durable handler that call makes a step; anywhere else it is the function.
            if function in found or (recorded and roles.is_step(function)) or not roles.transparent(function):
                continue
            found[function] = Reached(function, role, resolver.module_of(function), at, call)
            queue.append(found[function])
    return list(found.values())


def exempt(node: ast.AST) -> bool:
    """Return whether a line of a workflow says itself that it is outside of the rules."""
    inner = node
    for outer in ancestors(node):
        if isinstance(outer, ast.With | ast.AsyncWith) and any(
            "workflow.unsafe." in ast.unparse(item.context_expr) for item in outer.items
        ):
            return True
        if (
            isinstance(outer, ast.If)
            and inner not in outer.orelse
            and "unsafe.is_replaying()" in ast.unparse(outer.test)
        ):
            return True
        inner = outer
    return False


def _find_calls(at: Reached, roles: Roles, resolver: Resolver) -> Iterator[tuple[ast.AST, Function]]:
    for node in at.nodes:
        if not isinstance(node, ast.Call) or node in roles.step_calls:
            continue
        symbol = resolver.resolve(node.func)
        if isinstance(symbol, Function):
            yield node, symbol
        elif isinstance(symbol, Class):
            for name in _CONSTRUCTORS:
                if (method := resolver.method(symbol, name)) is not None:
                    yield node, method
        else:
            path = resolver.path(node.func)
            is_sort = isinstance(node.func, ast.Attribute) and node.func.attr == "sort"
            if path in _CALLERS or is_sort:
                for argument in (*node.args, *(each.value for each in node.keywords)):
                    given = resolver.resolve(argument)
                    if isinstance(given, Function):
                        yield node, given
