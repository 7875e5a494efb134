"""Writing what is not the run's own: globals.

A job's module whose handlers write its globals is executed afresh for every run, so what they write is there on a
replay, and lost after the run: no step and no other run sees it. A module beside it is one for all runs of the worker,
where a replay finds what other runs have left.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from .catalogue import MUTATORS
from .findings import Checked, Finding, finding
from .reach import Reached
from .scopes import Binding, parent_of, scope_of
from .source import Module
from .symbols import ModuleSymbol

__all__ = ["shared"]

_CONTAINERS: Final = frozenset(
    f"{module}.{name}"
    for module, names in (("builtins", "dict list set"), ("collections", "Counter OrderedDict defaultdict deque"))
    for name in names.split()
)

_LITERALS: Final = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)


def shared(checked: Checked) -> Iterator[Finding]:
    """TERSE208 and 209."""
    for reached in checked.reached:
        if reached.role.kind in ("handler", "filter", "plain filter", "workflow"):
            for node in reached.nodes:
                written = _written(node, checked)
                if written is not None:
                    yield _finding(node, written, reached, checked)


def _written(node: ast.AST, checked: Checked) -> ast.expr | None:
    """The expression of the global that a node writes to."""
    match node:
        case ast.Name(ctx=ast.Store() | ast.Del()):
            return node if node.id in scope_of(node).declared_global else None
        case ast.Subscript(ctx=ast.Store() | ast.Del()) | ast.Attribute(ctx=ast.Store() | ast.Del()):
            base = node.value
            if isinstance(node, ast.Attribute) and _is_module(base, checked):
                return node
            return base if _variable(base, checked) is not None else None
        case ast.Call(func=ast.Attribute(attr=method, value=base)) if method in MUTATORS:
            found = _variable(base, checked)
            return base if found is not None and all(_is_container(each, checked) for each in found[1]) else None
    return None


def _is_module(node: ast.expr, checked: Checked) -> bool:
    """Whether a name is that of an imported module."""
    if isinstance(checked.resolver.resolve(node), ModuleSymbol):
        return True
    if not isinstance(node, ast.Name):
        return False
    scope = scope_of(node).lookup(node.id)
    bindings = scope.bindings[node.id] if scope else []
    return bool(bindings) and all(each.kind == "import" for each in bindings)


def _variable(node: ast.expr, checked: Checked) -> tuple[Module, list[Binding]] | None:
    """The module-level variable that an expression names, and where it gets its values."""
    match node:
        case ast.Attribute():
            base = checked.resolver.resolve(node.value)
            if not isinstance(base, ModuleSymbol):
                return None
            module, name = base.module, node.attr
        case ast.Name():
            scope = scope_of(node).lookup(node.id)
            if scope is None or scope.kind != "module":
                return None
            module, name = checked.resolver.module_of_scope(scope), node.id
        case _:
            return None
    for _ in range(8):
        bindings = module.names.top.bindings.get(name, [])
        if not bindings or any(each.kind not in ("value", "class", "from") for each in bindings):
            return None
        first = bindings[0]
        if first.kind != "from":
            return module, bindings
        statement, alias = parent_of(first.node), first.node
        assert isinstance(statement, ast.ImportFrom)
        assert isinstance(alias, ast.alias)
        source = checked.resolver.module_named(module.absolute(statement))
        if source is None:
            return None
        module, name = source, alias.name
    return None


def _is_container(binding: Binding, checked: Checked) -> bool:
    value = binding.node
    if isinstance(value, ast.Call):
        called = value.func.value if isinstance(value.func, ast.Subscript) else value.func
        return checked.resolver.path(called) in _CONTAINERS
    return isinstance(value, _LITERALS)


def _finding(node: ast.AST, written: ast.expr, reached: Reached, checked: Checked) -> Finding:
    name = ast.unparse(written)
    found = None if _is_module_attribute(node, written) else _variable(written, checked)
    home = found[0] if found else reached.module
    elsewhere = _is_module_attribute(node, written) or home is not reached.role.module
    message = f"the global {name!r} is written {reached.where}"
    if reached.role.kind == "workflow":
        because = (
            "every run has its own copy of it in the sandbox, or shares it with all others outside: no activity sees it"
        )
        return finding("TERSE208", reached.module, node, message, because, "keep it in an attribute of the workflow")
    if elsewhere:
        because = "all runs of the worker share it, and a replay finds what they and it have left there"
        fix = "keep it in a variable of the handler and pass it on, or in `state`"
        return finding("TERSE209", reached.module, node, message, because, fix)
    because = "every run has its own copy of the job's module: no step and no other run sees what is written"
    fix = "keep it in a variable of the handler, give it to steps as `input`, or keep it in `state`"
    return finding("TERSE208", reached.module, node, message, because, fix)


def _is_module_attribute(node: ast.AST, written: ast.expr) -> bool:
    return node is written and isinstance(node, ast.Attribute)
