"""Writing what is not the run's own: globals, and attributes of classes.

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
from .scopes import Binding, Class, ancestors, parent_of, scope_of
from .source import Module
from .symbols import Instance, ModuleSymbol

__all__ = ["shared"]

_CONTAINERS: Final = frozenset(
    f"{module}.{name}"
    for module, names in (("builtins", "dict list set"), ("collections", "Counter OrderedDict defaultdict deque"))
    for name in names.split()
)

_LITERALS: Final = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)


#: What may happen once in a process, so that a module that is executed again for each run cannot have it.
_ONCE: Final = frozenset(
    [
        *(f"prometheus_client.{name}" for name in ("Counter", "Enum", "Gauge", "Histogram", "Info", "Summary")),
        "atexit.register",
        "logging.getLogger().addHandler",
        "threading.Thread().start",
        "threading.Timer().start",
    ]
)


def shared(checked: Checked) -> Iterator[Finding]:
    """TERSE208, 209 and 217."""
    copied: dict[Module, ast.AST] = {}
    for reached in checked.reached:
        if reached.role.kind in ("handler", "failure", "filter", "policy", "plain filter", "workflow"):
            for node in reached.nodes:
                written = _written_global(node, checked)
                if written is not None:
                    found = _finding(node, written, reached, checked)
                    if found.code == "TERSE208" and reached.role.kind != "workflow":
                        copied.setdefault(reached.role.module, node)
                    yield found
    for module, node in copied.items():
        yield from _once(module, node, checked)


def _once(module: Module, written: ast.AST, checked: Checked) -> Iterator[Finding]:
    """Yield what may happen only once at the top of a module of which each run gets a copy."""
    because = (
        f"line {getattr(written, 'lineno', 1)} writes a global of this module, so that it is executed again for every"
        " run: the worker refuses to start"
    )
    fix = "put one of the two into a module of its own"
    for node in module.names.nodes:
        if isinstance(node, ast.ClassDef) and _is_table(node, module, checked) and not _is_conditional(node):
            message = f"the table of {node.name!r} is declared in a module of which each run gets a copy"
            yield finding("TERSE217", module, node, message, because, fix)
        path = checked.resolver.path(node.func) if isinstance(node, ast.Call) else ""
        own_registry = isinstance(node, ast.Call) and any(each.arg in (None, "registry") for each in node.keywords)
        if path in _ONCE and not own_registry and not _is_conditional(node):
            message = f"{path.replace('()', '')}() at the top of a module of which each run gets a copy"
            yield finding("TERSE217", module, node, message, because, fix)


def _is_table(node: ast.ClassDef, module: Module, checked: Checked) -> bool:
    """Return whether a class is a model of SQLAlchemy, over a base that is of another module and knows its tables."""
    assigned = {target.id for each in node.body if isinstance(each, ast.Assign) for target in _names(each)}
    if "__tablename__" not in assigned:
        return False
    bases = [checked.resolver.resolve(each) for each in node.bases]
    return any(isinstance(each, Class) and checked.resolver.module_of_scope(each.scope) is not module for each in bases)


def _names(statement: ast.Assign) -> list[ast.Name]:
    return [each for each in statement.targets if isinstance(each, ast.Name)]


def _is_conditional(node: ast.AST) -> bool:
    return any(isinstance(each, ast.If | ast.Try | ast.TryStar) for each in ancestors(node))


def _written_global(node: ast.AST, checked: Checked) -> ast.expr | None:
    """Return the expression of the global that a node writes to."""
    match node:
        case ast.Name(ctx=ast.Store() | ast.Del()):
            return node if node.id in scope_of(node).declared_global else None
        case ast.Subscript(ctx=ast.Store() | ast.Del()) | ast.Attribute(ctx=ast.Store() | ast.Del()):
            base = node.value
            if isinstance(node, ast.Attribute) and (_is_module(base, checked) or _class_of(base, checked)):
                return node
            return base if _variable(base, checked) is not None or _attribute(base, checked) else None
        case ast.Call(func=ast.Attribute(attr=method, value=base)) if method in MUTATORS:
            found = _variable(base, checked)
            if found is not None and all(_is_container(each, checked) for each in found[1]):
                return base
            return base if _attribute(base, checked) is not None else None
    return None


def _class_of(node: ast.expr, checked: Checked) -> Class | None:
    """Return the class, at the top of a module, that an expression stands for.

    It may be named by its own name, by `cls`, or by that of an object.
    """
    match node:
        case ast.Attribute(value=inner, attr="__class__"):
            found = _of_object(inner, checked)
        case ast.Call(args=[inner]) if checked.resolver.path(node.func) == "builtins.type":
            found = _of_object(inner, checked)
        case _:
            named = checked.resolver.resolve(node)
            found = named if isinstance(named, Class) else None
    return found if found is not None and not found.is_nested else None


def _of_object(node: ast.expr, checked: Checked) -> Class | None:
    found = checked.resolver.resolve(node)
    return found.class_ if isinstance(found, Instance) else None


def _attribute(node: ast.expr, checked: Checked) -> Class | None:
    """Return the class whose attribute, a container that all of its objects share, an expression names."""
    if not isinstance(node, ast.Attribute):
        return None
    class_ = _class_of(node.value, checked)
    if class_ is None:
        class_ = _of_object(node.value, checked)
        # A model, and whatever a decorator or a base makes of it, may have one for each object.
        if class_ is None or class_.is_nested or class_.node.bases or class_.node.decorator_list:
            return None
        if any(_sets(method.nodes, node.attr) for method in class_.methods.values()):
            return None
    bindings = class_.scope.bindings.get(node.attr, [])
    return class_ if bindings and all(_is_container(each, checked) for each in bindings) else None


def _sets(nodes: list[ast.AST], name: str) -> bool:
    return any(
        isinstance(each, ast.Attribute) and each.attr == name and isinstance(each.ctx, ast.Store) for each in nodes
    )


def _is_module(node: ast.expr, checked: Checked) -> bool:
    """Return whether a name is that of an imported module."""
    if isinstance(checked.resolver.resolve(node), ModuleSymbol):
        return True
    if not isinstance(node, ast.Name):
        return False
    scope = scope_of(node).lookup(node.id)
    bindings = scope.bindings[node.id] if scope else []
    return bool(bindings) and all(each.kind == "import" for each in bindings)


def _variable(node: ast.expr, checked: Checked) -> tuple[Module, list[Binding]] | None:
    """Return the module-level variable that an expression names, and where it gets its values."""
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
    home = _home(node, written, reached, checked)
    message = f"the global {name!r} is written {reached.where}"
    if reached.role.kind == "workflow":
        because = (
            "every run has its own copy of it in the sandbox, or shares it with all others outside: no activity sees it"
        )
        return finding("TERSE208", reached.module, node, message, because, "keep it in an attribute of the workflow")
    if home is not reached.role.module:
        because = "all runs of the worker share it, and a replay finds what they and it have left there"
        fix = "keep it in a variable of the handler and pass it on, or in `state`"
        return finding("TERSE209", reached.module, node, message, because, fix)
    because = "every run has its own copy of the job's module: no step and no other run sees what is written"
    fix = "keep it in a variable of the handler, give it to steps as `input`, or keep it in `state`"
    return finding("TERSE208", reached.module, node, message, because, fix)


def _home(node: ast.AST, written: ast.expr, reached: Reached, checked: Checked) -> Module | None:
    """Return the module of the user's own that is written to."""
    if isinstance(written, ast.Attribute):
        is_set = node is written
        class_ = _class_of(written.value, checked) if is_set else _attribute(written, checked)
        if class_ is not None:
            return checked.resolver.module_of_scope(class_.scope)
        if is_set:
            return None
    found = _variable(written, checked)
    return found[0] if found else reached.module
