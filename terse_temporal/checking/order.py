"""What comes in another order on every replay, and decides the order of steps."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from .catalogue import LISTINGS
from .findings import Checked, Finding, finding
from .reach import Reached
from .scopes import Class, Function, FunctionNode, parent_of, scope_of
from .symbols import Foreign

__all__ = ["order"]

#: What keeps the order of what it is given.
_KEEPERS: Final = frozenset(
    f"builtins.{name}" for name in ("list", "tuple", "iter", "enumerate", "reversed", "filter", "map", "zip")
)

_SET_METHODS: Final = frozenset({"copy", "difference", "intersection", "symmetric_difference", "union"})

_SET_TYPES: Final = frozenset(
    [
        "builtins.frozenset",
        "builtins.set",
        "collections.abc.Set",
        "typing.AbstractSet",
        "typing.FrozenSet",
        "typing.Set",
    ]
)

_TASKS: Final = frozenset(["asyncio.create_task", "asyncio.ensure_future", "asyncio.TaskGroup().create_task"])

#: What a workflow tells the server to do.
_COMMANDS: Final = tuple(
    f"temporalio.workflow.{name}"
    for name in ("execute_", "start_", "get_external_workflow_handle().", "signal_", "continue_as_new", "upsert_")
)


def order(checked: Checked) -> Iterator[Finding]:
    """TERSE213 and 214."""
    judge = _Judge(checked)
    for reached in checked.reached:
        if reached.role.kind in ("handler", "failure", "filter", "policy", "plain filter", "workflow"):
            for node in reached.nodes:
                if isinstance(node, ast.Call):
                    yield from _of_call(node, reached, checked)
                yield from judge.of_loop(node, reached)


def _of_call(node: ast.Call, reached: Reached, checked: Checked) -> Iterator[Finding]:
    path = checked.resolver.path(node.func)
    if path not in ("asyncio.wait", "asyncio.as_completed"):
        return
    name = path.removeprefix("asyncio.")
    if reached.role.kind == "workflow":
        because = "it keeps its tasks in a set, in the order of their addresses, which is another on every replay"
        fix = f"use `workflow.{name}()`, which is the same in a fixed order"
    # In the job's own module `as_completed` is the engine's; and tasks are numbered, so sets of them have an order.
    elif name == "as_completed" and not reached.is_home and not (node.args and _gives_tasks(node.args[0], checked)):
        because = (
            "outside the job's own module it begins coroutines in the order of their addresses, another on every replay"
        )
        fix = "use `temporalio.workflow.as_completed()`, or give it tasks: `[asyncio.create_task(…) for …]`"
    else:
        return
    yield finding("TERSE213", reached.module, node, f"{path}() {reached.where}", because, fix)


def _gives_tasks(node: ast.expr, checked: Checked) -> bool:
    """Return whether something is seen to hold tasks."""
    if isinstance(node, ast.Name):
        scope = scope_of(node).lookup(node.id)
        bindings = scope.bindings[node.id] if scope else []
        if len(bindings) == 1 and isinstance(bindings[0].node, ast.arg):
            annotation = bindings[0].node.annotation
            return annotation is not None and "Task" in ast.unparse(annotation)
    found = checked.resolver.constant(node)
    match found:
        case ast.ListComp() | ast.GeneratorExp() | ast.SetComp():
            return _is_task(found.elt, checked)
        case ast.List() | ast.Tuple() | ast.Set():
            return all(_is_task(each, checked) for each in found.elts)
    return False


def _is_task(node: ast.expr, checked: Checked) -> bool:
    found = checked.resolver.constant(node)
    return isinstance(found, ast.Call) and (
        checked.resolver.path(found.func) in _TASKS
        or (isinstance(found.func, ast.Attribute) and found.func.attr == "create_task")
    )


class _Judge:
    """Knows what has no order, and what leaves an entry in the history."""

    def __init__(self, checked: Checked) -> None:
        self._checked = checked
        self._commanding: dict[Function, bool] = {}

    def of_loop(self, node: ast.AST, reached: Reached) -> Iterator[Finding]:
        iterated: ast.expr
        body: list[ast.stmt] | list[ast.expr]
        match node:
            case ast.For():
                iterated, body = node.iter, [*node.body, *node.orelse]
            case ast.ListComp() | ast.GeneratorExp():
                iterated, body = node.generators[0].iter, [node.elt, *node.generators[0].ifs]
            case ast.DictComp():
                iterated, body = node.generators[0].iter, [node.key, node.value]
            case ast.Call(args=[called, iterated]) if self._checked.resolver.path(node.func) == "builtins.map":
                body = [called]
            case _:
                return
        what = self._without_order(iterated)
        if what is None:
            return
        given = self._checked.resolver.resolve(body[0]) if isinstance(node, ast.Call) else None
        if not (self._makes_steps(given) if isinstance(given, Function) else any(map(self._commands, body))):
            return
        if what == "set":
            because = "texts are hashed anew in every process, so a replay goes through it in another order"
            fix = "go through `sorted(…)` of it"
        else:
            because = "no system promises the order of a directory, and another worker has another directory"
            fix = "list it in a step, `sorted(…)`, and go through what the step returned"
        message = f"steps are made in the order of a {what} {reached.where}"
        yield finding("TERSE214", reached.module, iterated, message, because, fix)

    def _without_order(self, node: ast.AST | None, depth: int = 8) -> str | None:
        """`set` or `directory`, if an expression comes in the order of one."""
        if node is None or depth == 0:
            return None
        match node:
            case ast.Set():
                return None if all(_is_number(each) for each in node.elts) else "set"
            case ast.SetComp():
                return "set"
            case ast.ListComp() | ast.GeneratorExp() | ast.DictComp():
                return self._without_order(node.generators[0].iter, depth - 1)
            case ast.BinOp(op=ast.BitOr() | ast.BitAnd() | ast.BitXor() | ast.Sub()):
                return self._without_order(node.left, depth - 1) or self._without_order(node.right, depth - 1)
            case ast.Name():
                return self._of_name(node, depth)
            case ast.Attribute(value=ast.Name() as base, attr=name):
                return self._of_field(base, name)
            case ast.Starred():
                return self._without_order(node.value, depth - 1)
            case ast.List() | ast.Tuple():
                return next(
                    (
                        found
                        for each in node.elts
                        if isinstance(each, ast.Starred)
                        if (found := self._without_order(each, depth - 1))
                    ),
                    None,
                )
            case ast.Call():
                return self._of_made(node, depth - 1)
        return None

    def _of_made(self, node: ast.Call, depth: int) -> str | None:
        match node.func:
            case ast.Attribute(attr=name, value=base) if name in _SET_METHODS or name in ("items", "keys", "values"):
                return self._without_order(base, depth)
        path = self._checked.resolver.path(node.func)
        if path in ("builtins.set", "builtins.frozenset"):
            return None if node.args and _is_range(node.args[0], self._checked) else "set"
        if path in LISTINGS:
            return "directory"
        if path == "builtins.dict.fromkeys" or path in _KEEPERS:
            given = node.args[1:] if path in ("builtins.filter", "builtins.map") else node.args
            return self._without_order(given[0], depth) if given else None
        return None

    def _of_name(self, node: ast.Name, depth: int) -> str | None:
        scope = scope_of(node).lookup(node.id)
        bindings = scope.bindings[node.id] if scope else []
        if len(bindings) != 1:
            return None
        only = bindings[0]
        if isinstance(only.node, ast.arg):
            return self._of_annotation(only.node.annotation)
        if only.kind != "value":
            return None
        around = parent_of(only.node)
        if isinstance(around, ast.AnnAssign) and "int" in ast.unparse(around.annotation):
            return None
        return self._without_order(only.node, depth - 1)

    def _of_field(self, base: ast.Name, name: str) -> str | None:
        """Return a field of an argument, such as the event, by the class that it is annotated with."""
        scope = scope_of(base).lookup(base.id)
        bindings = scope.bindings[base.id] if scope else []
        if len(bindings) != 1 or not isinstance(bindings[0].node, ast.arg) or bindings[0].node.annotation is None:
            return None
        found = self._checked.resolver.resolve(bindings[0].node.annotation)
        for _ in range(8):  # the class, then its first bases
            if not isinstance(found, Class):
                return None
            for each in found.node.body:
                if isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name) and each.target.id == name:
                    return self._of_annotation(each.annotation)
            bases = found.node.bases
            found = self._checked.resolver.resolve(bases[0]) if bases else None
        return None

    def _of_annotation(self, annotation: ast.expr | None) -> str | None:
        if annotation is None or "int" in ast.unparse(annotation):
            return None
        outer = annotation.value if isinstance(annotation, ast.Subscript) else annotation
        return "set" if self._checked.resolver.path(outer) in _SET_TYPES else None

    def _commands(self, node: ast.AST) -> bool:
        """Return whether something below a node leaves an entry in the history."""
        queue = [node]  # and no recursion: a chain of calls may be as deep as the parser lets it be
        while queue:
            each = queue.pop()
            if isinstance(each, ast.Call) and self._is_command(each):
                return True
            if not isinstance(each, FunctionNode):
                queue.extend(ast.iter_child_nodes(each))
        return False

    def _is_command(self, node: ast.Call) -> bool:
        found = self._checked.resolver.resolve(node.func)
        if isinstance(found, Function):
            return self._makes_steps(found)
        if self._checked.roles.is_durable_call(node):
            return True
        return isinstance(found, Foreign) and found.path.startswith(_COMMANDS)

    def _makes_steps(self, function: Function) -> bool:
        checked = self._checked
        if checked.roles.is_step(function):
            return True
        if function not in self._commanding:
            self._commanding[function] = False  # while it is looked at, for those that call themselves
            self._commanding[function] = checked.roles.transparent(function) and any(
                isinstance(each, ast.Call) and self._is_command(each) for each in function.nodes
            )
        return self._commanding[function]


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float)


def _is_range(node: ast.expr, checked: Checked) -> bool:
    return isinstance(node, ast.Call) and checked.resolver.path(node.func) == "builtins.range"
