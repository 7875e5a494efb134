"""The source of a module of jobs, as it is read to find out what its functions do and which of them handlers call."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from types import CodeType, ModuleType
from typing import Any, Final, get_args

from ...jobs.registry import create_job
from ...jobs.steps import step
from ..type_tests import is_a

__all__ = ["Function", "ModuleSource", "codes", "executed", "names_in", "source_tree"]

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

#: Nodes that hold nothing, one object for the whole tree: whether a name is read or set, and operators.
_SHARED: Final = (ast.expr_context, ast.operator, ast.boolop, ast.unaryop, ast.cmpop)


def names_in(code: CodeType) -> frozenset[str]:
    """Return every name that a piece of code uses, also as a string."""
    found: set[str] = set()
    for each in codes(code):
        found.update(each.co_names, (const for const in each.co_consts if isinstance(const, str)))
    return frozenset(found)


def source_tree(module: ModuleType, code: CodeType | None) -> ast.Module | None:
    try:
        with open(str(module.__file__), "rb") as file:  # noqa: PTH123  not through the loader: `__main__` has none
            source = file.read()
        tree = ast.parse(source)
        compiled = compile(source, str(module.__file__), "exec", dont_inherit=True)
    except (OSError, SyntaxError, ValueError):
        return None
    loader = type(getattr(module.__spec__, "loader", None)).__module__
    # pytest rewrites assertions, and nothing else.
    return tree if compiled == code or loader.startswith("_pytest.assertion") else None


def codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield from codes(const)


class ModuleSource:
    """A module with its source.

    Attributes:
        nodes: everything in the source, but for what is one object for the whole tree.
        parents: what each of them stands in.
        names_at: the names, by line and column.
        names: every name that the code uses.
    """

    def __init__(self, module: ModuleType, code: CodeType, tree: ast.Module) -> None:
        self.module, self.globals, self.code, self.tree = module, vars(module), code, tree
        self.file = str(module.__file__)
        self.names = names_in(code)
        self.nodes: list[ast.AST] = [tree]
        self.parents: dict[ast.AST, ast.AST] = {}
        for node in self.nodes:  # which grows by what is in each
            inside = _nodes_in(node)
            self.parents.update(dict.fromkeys(inside, node))
            self.nodes += inside
        self.names_at: dict[tuple[int, int], ast.Name] = {
            (node.lineno, node.col_offset): node for node in self.of(ast.Name)
        }
        self._steps = self._only_in_steps()

    def of(self, *kinds: type[ast.AST]) -> list[Any]:
        """Return the nodes of these kinds, in their order. A worker asks for a few kinds of all, job by job."""
        return [node for node in self.nodes if type(node) in kinds]

    def _only_in_steps(self) -> set[ast.AST]:
        """Return the functions that run in steps, and jobs that are not durable, and nowhere else."""
        functions = self.of(*get_args(Function))
        loads: dict[str, list[ast.Name]] = {}
        for node in self.of(ast.Name):
            if isinstance(node.ctx, ast.Load):
                loads.setdefault(node.id, []).append(node)
        certain: set[ast.AST] = set()
        perhaps: set[ast.AST] = set()
        for node in functions:
            if isinstance(node, ast.Lambda):
                if self._is_given_to_a_step(node):
                    certain.add(node)
            elif any(map(self._makes_a_step, node.decorator_list)):
                certain.add(node)
            elif not node.decorator_list and loads.get(node.name):
                perhaps.add(node)
        while True:
            inside = certain | perhaps
            out = {
                node
                for node in perhaps
                if not all(
                    self._is_given_to_a_step(each) or any(above in inside for above in self.above(each))
                    for each in loads[node.name]  # type: ignore[attr-defined]  # none of these is a lambda
                )
            }
            if not out:
                return inside
            perhaps -= out

    def _is_given_to_a_step(self, node: ast.expr) -> bool:
        parent = self.parents[node]
        call = self.parents.get(parent)
        if not isinstance(parent, ast.keyword) or not isinstance(call, ast.Call):
            return False
        called = str(getattr(self.resolved(call.func), "__module__", ""))
        return (parent.arg == "run" and called.startswith("terse_temporal.")) or (
            parent.arg in ("on_trigger", "on_failure") and self._is_plain_job(call)
        )

    def _makes_a_step(self, decorator: ast.expr) -> bool:
        if isinstance(decorator, ast.Call) and self._is_plain_job(decorator):
            return True
        made = self.resolved(decorator.func if isinstance(decorator, ast.Call) else decorator)
        return made is step or (
            getattr(made, "__name__", "") == "tool"
            and str(getattr(made, "__module__", "")).startswith("terse_temporal.")
        )

    def _is_plain_job(self, call: ast.Call) -> bool:
        durable = [each.value for each in call.keywords if each.arg in ("durable", None)]
        plain = all(isinstance(each, ast.Constant) and not each.value for each in durable)
        return plain and self.resolved(call.func) is create_job

    def above(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield what a node stands in, from the inside out."""
        above = self.parents.get(node)
        while above is not None:
            yield above
            above = self.parents.get(above)

    def function_around(self, node: ast.AST) -> ast.AST | None:
        """Return the function that a node is executed in; its decorators and defaults are executed in the one around
        that.
        """
        below = node
        for above in self.above(node):
            body = above.body if isinstance(above, Function) else None
            if body is not None and (below is body or (isinstance(body, list) and below in body)):
                return above
            below = above
        return None

    def is_in_a_class(self, node: ast.AST) -> bool:
        """Return whether a node stands in the body of a class."""
        return any(isinstance(above, ast.ClassDef) for above in self.above(node))

    def in_a_handler(self, node: ast.AST) -> bool:
        """Return whether a handler may come to execute it."""
        return self.function_around(node) is not None and not any(above in self._steps for above in self.above(node))

    def imported(self) -> set[str]:
        """Return the names that only imports bind."""
        names: set[str] = set()
        for node in executed(self.tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names.update((alias.asname or alias.name).partition(".")[0] for alias in node.names)
        bound = {node.id for node in self.of(ast.Name) if isinstance(node.ctx, ast.Store)}
        return names - bound

    def resolved(self, node: ast.expr) -> Any:
        """Return what a dotted name means at module level, or `None`. No property is read for it."""
        if isinstance(node, ast.Name):
            return self.globals.get(node.id)
        if isinstance(node, ast.Attribute):
            owner = self.resolved(node.value)
            if is_a(owner, ModuleType | type) or str(type(owner).__module__).startswith("terse_temporal."):
                return getattr(owner, node.attr, None)
        return None

    def resolved_class(self, body: ast.ClassDef) -> type | None:
        path = [body.name, *(above.name for above in self.above(body) if isinstance(above, ast.ClassDef))]
        found: Any = self.globals.get(path[-1])
        found = functools.reduce(lambda owner, name: getattr(owner, name, None), reversed(path[:-1]), found)
        return found if is_a(found, type) else None


def executed(start: ast.AST) -> Iterator[ast.AST]:
    """Yield what is executed with a module, or with the body of a function.

    The functions within it are not, but for their defaults.
    """
    pending: list[ast.AST] = list(start.body if isinstance(start, ast.FunctionDef | ast.AsyncFunctionDef) else [start])
    while pending:
        node = pending.pop()
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            pending += [*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)]
        elif isinstance(node, ast.Lambda):
            pending += [*node.args.defaults, *filter(None, node.args.kw_defaults)]
        else:
            pending += _nodes_in(node)


def _nodes_in(node: ast.AST) -> list[ast.AST]:
    """Return what stands in a node, as `ast.iter_child_nodes`, but for what is one object for the whole tree."""
    found: list[ast.AST] = []
    for name in node._fields:
        value = getattr(node, name, None)
        if type(value) is list:
            found += [each for each in value if isinstance(each, ast.AST) and not isinstance(each, _SHARED)]
        elif isinstance(value, ast.AST) and not isinstance(value, _SHARED):
            found.append(value)
    return found
