"""What at the top level of a module of jobs could be left behind by one run for another, or differ between them.

Where there is nothing, all runs may share the module that the process has. Where there is something, or where it cannot
be told, each run gets a copy of its own (`sandbox.py`). So this errs on the side of a copy. Counted are:

- a global that some function writes, and a handler can see;
- a list, dict or other object that can be changed, made by the module itself, which a handler can see and some
  function does more with than read it;
- what the top level takes from the clock or from randomness.

What only steps see does not count: they run with the process's own module in any case. Nor does what other modules have
made, which a copy would share as well. The source is read only if it is, to the letter, the code that is in memory.
"""

from __future__ import annotations

import ast
import enum
import inspect
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType, FunctionType, ModuleType
from typing import Any, Final, get_args

from ...diagnostics.places import place
from ..determinism.module_proxy import deterministic, is_clock, proxies
from ..type_tests import is_a
from .bytecode import global_names
from .module_aliases import changes_of_classes
from .module_source import Function, ModuleSource, codes, executed, source_tree
from .module_values import depth_of, is_frozen, is_known_state

__all__ = ["Reason", "reasons_for_a_copy"]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a module needs a copy for each run.

    Attributes:
        what: for a person, beginning with the place.
        certain: whether runs would see each other, rather than it being unknown.
        is_cured: whether they would not, with a copy.
    """

    what: str
    certain: bool = True
    is_cured: bool = True


def reasons_for_a_copy(module: ModuleType, code: CodeType | None) -> list[Reason]:
    """Return why runs cannot share a module; empty if they can.

    Args:
        code: what was executed to make it, if that is at hand.
    """
    file = str(module.__file__)
    tree = source_tree(module, code)
    if code is None or tree is None:
        return [Reason(f"{place(file, 1)}: its source is not at hand, or not that of the code that is in memory")]
    try:
        return list(dict.fromkeys(_Reader(module, code, tree).reasons()))
    except Exception as err:  # of an object there which does not let itself be looked at
        return [Reason(f"{place(file, 1)}: something at its top level cannot be looked at: {err!r}")]


#: What may be done with a container without changing it.
_READING: Final = frozenset(
    {"get", "items", "keys", "values", "copy", "index", "count", "union", "intersection", "difference"}
    | {"symmetric_difference", "issubset", "issuperset", "isdisjoint"}
)
#: These give nothing of what is in it.
_COUNTERS: Final = frozenset({"len", "str", "repr", "bool", "any", "all", "isinstance", "print"})
_READERS: Final = _COUNTERS | {
    *("sorted", "list", "tuple", "set", "dict", "frozenset", "sum", "min", "max", "enumerate", "zip", "reversed"),
    *("map", "filter", "range", "iter"),
}


class _Reader(ModuleSource):
    """Reads one module."""

    def reasons(self) -> Iterator[Reason]:
        yield from self._clocks_at_the_top()
        yield from self._late_imports()
        uses, written, unseen = self._uses()
        imported = self.imported()
        for name, line in unseen.items():
            yield self._reason(line, f"{name!r} is used in a way that cannot be read from the source")
        for name, nodes in uses.items():
            seen = [node for node in nodes if self.in_a_handler(node)]
            if name in ("globals", "exec", "eval") and name not in self.globals and seen:
                yield self._reason(seen[0].lineno, f"{name}() may write any global")
            elif name in written and seen:
                yield self._reason(seen[0].lineno, f"the global {name!r} is written by a function")
            elif seen and name in self.globals and name not in imported:
                yield from self._of_value(name, self.globals[name], nodes)
        yield from self._class_attributes()
        yield from self._default_arguments()
        for node, certainty in changes_of_classes(self, [node for nodes in uses.values() for node in nodes]).items():
            what = f"{place(self.file, node.lineno)}: {ast.unparse(node)!r} may change what all runs have"
            yield Reason(what, certain=certainty != "perhaps", is_cured=certainty != "in sys.modules")

    def _reason(self, line: int, what: str, certain: bool = True) -> Reason:
        return Reason(f"{place(self.file, line)}: {what}", certain)

    # What functions do with globals

    def _uses(self) -> tuple[dict[str, list[ast.Name]], set[str], dict[str, int]]:
        """Return where functions name globals, which they write, and which are named where the source has no name."""
        uses: dict[str, list[ast.Name]] = {}
        written: set[str] = set()
        unseen: dict[str, int] = {}
        for code in codes(self.code):
            for each in global_names(code):
                if each.name.startswith("@"):
                    continue
                node = self.names_at.get((each.line, each.column))
                if each.is_written:
                    written.add(each.name)
                if node is not None and node.id == each.name:
                    if self.function_around(node) is not None:
                        uses.setdefault(node.id, []).append(node)
                elif each.name in self.globals and not is_frozen(self.globals[each.name]):
                    unseen[each.name] = each.line or code.co_firstlineno
        return uses, written, unseen

    def _of_value(self, name: str, value: Any, nodes: list[ast.Name]) -> Iterator[Reason]:
        if value is self.module:
            yield self._reason(nodes[0].lineno, f"{name!r} is this module itself, whose globals it gives")
        elif is_a(value, type | FunctionType) and is_frozen(value):
            for node in nodes:
                changed = self._changed_attribute(node, value)
                if changed is not None:
                    yield self._reason(node.lineno, f"{changed!r} is changed by a function")
        elif not is_frozen(value):
            for node in nodes:
                if not (self._is_read(node, depth_of(value)) if depth_of(value) else self._is_looked_at(node, value)):
                    kind = f"an object of {type(value).__name__!r}"
                    parent = self.parents[node]
                    is_set = isinstance(parent, ast.Attribute) and not isinstance(parent.ctx, ast.Load)
                    certain = is_set or is_known_state(value)
                    yield self._reason(node.lineno, f"{name!r}, {kind}, may be changed here", certain)
                    return

    def _changed_attribute(self, node: ast.expr, value: Any) -> str | None:
        """Return the attribute of a class or function that is set, or whose value is changed."""
        parent = self.parents[node]
        if isinstance(parent, ast.Call) and node in parent.args[:1] and self._is_called(parent, "setattr", "delattr"):
            return ast.unparse(node)
        if not isinstance(parent, ast.Attribute):
            return None
        if not isinstance(parent.ctx, ast.Load):
            return ast.unparse(parent)
        inner = inspect.getattr_static(value, parent.attr, None)
        if depth_of(inner):
            return None if self._is_read(parent, depth_of(inner)) else ast.unparse(parent)
        return self._changed_attribute(parent, inner) if is_a(inner, type) else None

    def _is_read(self, node: ast.expr, depth: int) -> bool:  # noqa: PLR0912  # a table of cases
        """Return whether nothing more than reading is done here with a container, or with what it gives.

        Args:
            depth: how many containers lie in each other there. What is in the last one cannot be changed.
        """
        if depth == 0:
            return True
        flat = depth == 1
        parent = self.parents[node]
        match parent:
            case ast.Attribute(attr=method):
                call = self.parents[parent]
                if not (isinstance(call, ast.Call) and call.func is parent and method in _READING):
                    return False
                return flat or method == "keys" or self._is_read(call, depth - (method == "get"))
            case ast.Subscript() if parent.value is node:
                is_slice = isinstance(parent.slice, ast.Slice)
                return isinstance(parent.ctx, ast.Load) and (flat or self._is_read(parent, depth - (not is_slice)))
            case ast.Compare() | ast.FormattedValue() | ast.Expr() | ast.UnaryOp() | ast.Subscript():
                return True
            case ast.If() | ast.While() | ast.Assert():
                return True
            case ast.IfExp() if parent.test is node:
                return True
            case ast.BoolOp() | ast.IfExp():
                return self._is_read(parent, depth)
            case ast.For() | ast.AsyncFor() | ast.comprehension() if parent.iter is node:
                return flat
            case ast.Starred() | ast.keyword(arg=None) | ast.BinOp() | ast.AugAssign():
                return flat
            case ast.Dict():
                unpacked = zip(parent.keys, parent.values, strict=True)
                return flat and any(key is None and each is node for key, each in unpacked)
            case ast.keyword():
                call = self.parents[parent]
                return isinstance(call, ast.Call) and self._is_ours(call)
            case ast.Call() if node in parent.args:
                return (
                    self._is_called(parent, *(_READERS if flat else _COUNTERS))
                    or (isinstance(parent.func, ast.Attribute) and parent.func.attr == "join")
                    or self._is_ours(parent)
                )
        return False

    def _is_looked_at(self, node: ast.expr, value: Any) -> bool:
        """Return whether of an object only attributes that cannot be changed are read here."""
        parent = self.parents[node]
        if isinstance(parent, ast.Compare | ast.FormattedValue | ast.If | ast.Expr | ast.UnaryOp):
            return True
        if isinstance(parent, ast.Call) and self._is_ours(parent):
            return True
        if not isinstance(parent, ast.Attribute) or not isinstance(parent.ctx, ast.Load):
            return False
        missing = object()
        inner = inspect.getattr_static(value, parent.attr, missing)
        if inner is missing or inspect.isroutine(inner) or inspect.isdatadescriptor(inner):
            # A slot or field: what is read is known; a property runs code that is not.
            if type(inner).__name__ != "member_descriptor":
                return False
            inner = getattr(value, parent.attr, missing)
        if is_frozen(inner):
            return True
        return self._is_read(parent, depth_of(inner)) if depth_of(inner) else self._is_looked_at(parent, inner)

    def _is_called(self, call: ast.Call, *names: str) -> bool:
        """Return whether one of these builtins is called."""
        return isinstance(call.func, ast.Name) and call.func.id in names and call.func.id not in self.globals

    def _is_ours(self, call: ast.Call) -> bool:
        """Return whether a function of this package is called, which records what it is given and changes nothing."""
        called = self.resolved(call.func)
        return str(getattr(called, "__module__", "")).startswith("terse_temporal.")

    # Attributes of classes, and default arguments

    def _class_attributes(self) -> Iterator[Reason]:
        """Containers in the bodies of classes, which methods reach by `self` or `cls`."""
        attributes: dict[str, list[ast.Attribute]] = {}
        for node in self.of(ast.Attribute):
            attributes.setdefault(node.attr, []).append(node)
        for body in self.of(ast.ClassDef):
            if self.function_around(body) is None:
                found = self.resolved_class(body)
                for name, value in list(vars(found).items()) if found is not None else ():
                    if not name.startswith("__"):
                        yield from self._class_attribute(body, name, value, attributes.get(name, []))

    def _class_attribute(
        self, body: ast.ClassDef, name: str, value: Any, nodes: list[ast.Attribute]
    ) -> Iterator[Reason]:
        if is_a(value, enum.Enum):
            if not all(is_frozen(each) for each in vars(value).values()):
                yield self._reason(body.lineno, f"{body.name}.{name} holds something that may be changed")
            return
        held = value.__func__ if is_a(value, staticmethod | classmethod) else value
        depth = depth_of(held)
        # Of libraries' objects there are columns and fields, which are no state of their own.
        if not depth and (is_frozen(held) or not is_known_state(held)):
            return
        used = [each for each in nodes if self.function_around(each) is not None]
        if any(map(self.in_a_handler, used)):
            for each in used:
                if not (self._is_read(each, depth) if depth else self._is_looked_at(each, held)):
                    what = f"{body.name}.{name}, which all objects of the class share, may be changed here"
                    yield self._reason(each.lineno, what)
                    return

    def _default_arguments(self) -> Iterator[Reason]:
        for function in self.of(*get_args(Function)):
            if self.function_around(function) is not None:
                continue
            arguments = function.args
            positional = [*arguments.posonlyargs, *arguments.args]
            pairs = [*zip(reversed(positional), reversed(arguments.defaults), strict=False)]
            pairs += [
                (arg, value) for arg, value in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True) if value
            ]
            for argument, default in pairs:
                if self._is_frozen_default(default):
                    continue
                certain = not isinstance(default, ast.Name) or is_known_state(self.resolved(default))
                for node in ast.walk(function):
                    if not isinstance(node, ast.Name) or node.id != argument.arg or not self.in_a_handler(node):
                        continue
                    if not self._is_read(node, 2):
                        what = f"the default of {argument.arg!r} is one for all calls, and may be changed here"
                        yield self._reason(node.lineno, what, certain)
                        break

    def _is_frozen_default(self, default: ast.AST) -> bool:
        if isinstance(default, ast.Name | ast.Attribute):
            return is_frozen(self.resolved(default))
        if isinstance(default, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp):
            return False
        if isinstance(default, ast.GeneratorExp):
            return False
        if not isinstance(default, ast.Call):
            return isinstance(default, ast.Lambda) or all(map(self._is_frozen_default, ast.iter_child_nodes(default)))
        called = self.resolved(default.func)
        return self._is_ours(default) or called in (frozenset, tuple, str, int, float, bytes)

    # What runs when the module is imported

    def _clocks_at_the_top(self) -> Iterator[Reason]:
        done: set[ast.AST] = set()
        pending: list[ast.AST] = [self.tree]
        while pending:
            start = pending.pop()
            if start in done:
                continue
            done.add(start)
            for node in executed(start):
                if isinstance(node, ast.ClassDef):
                    for base in node.bases:
                        found = self.resolved(base)
                        if is_a(found, type) and found.__module__ in ("datetime", "random"):
                            yield self._reason(
                                node.lineno, f"the class {node.name!r} is derived from {found.__name__!r}"
                            )
                if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
                    found = self.resolved(node)
                    if found is not None and is_clock(found) and not self._is_alias(node):
                        yield self._reason(node.lineno, f"{ast.unparse(node)!r} is used at the top level")
                    elif (
                        is_a(found, type | ModuleType)
                        and deterministic(found, self.names) is not found
                        and self._is_kept(node)
                    ):
                        what = f"{ast.unparse(node)!r}, which has a clock or randomness, is kept at the top level"
                        yield self._reason(node.lineno, what, certain=False)
                if isinstance(node, ast.keyword) and (node.arg or "").endswith("factory"):
                    made = () if isinstance(node.value, ast.Lambda) else ast.walk(node.value)
                    # Such as `itertools.count().__next__`, which goes on from run to run.
                    if any(isinstance(each, ast.Call) for each in made):
                        yield self._reason(node.value.lineno, f"{ast.unparse(node)!r} may keep something")
                if isinstance(node, ast.Call):
                    pending += self._called_bodies(self.resolved(node.func))

    def _is_alias(self, node: ast.expr) -> bool:
        """Return whether something is only given another name of the module, by which it is found and replaced."""
        parent = self.parents[node]
        if not isinstance(parent, ast.Assign) or not all(isinstance(each, ast.Name) for each in parent.targets):
            return False
        if self.function_around(node) is not None or self.is_in_a_class(node):
            return False
        value = self.resolved(node)  # once: `datetime.now` is another object each time
        return deterministic(value, self.names) is not value

    def _is_kept(self, node: ast.expr) -> bool:
        """Return whether what a name stands for is put somewhere, not an attribute of it read, or a type made."""
        parent = self.parents[node]
        if isinstance(parent, ast.Assign | ast.AnnAssign | ast.NamedExpr):
            return parent.value is node and not self._is_alias(node)
        if isinstance(parent, ast.arguments):
            return True
        if isinstance(parent, ast.keyword):
            parent = self.parents[parent]
        if isinstance(parent, ast.Call):
            return parent.func is not node and not self._is_ours(parent)
        # `tuple[int, datetime]` is a type.
        above = self.parents.get(parent)
        return isinstance(parent, ast.Dict | ast.List | ast.Tuple | ast.Set) and not isinstance(above, ast.Subscript)

    def _called_bodies(self, called: Any) -> list[ast.AST]:
        """Return the source of a function or class of this module."""
        name = getattr(inspect.unwrap(called) if callable(called) else None, "__qualname__", "").rpartition(".")[2]
        if getattr(called, "__module__", None) != self.module.__name__ or not name:
            return []
        kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        named = [node for node in self.of(*kinds) if node.name == name]
        methods = [each for node in named if isinstance(node, ast.ClassDef) for each in node.body]
        return [each for each in (*named, *methods) if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]

    def _late_imports(self) -> Iterator[Reason]:
        """Find imports in functions, where the originals would come in."""
        for node in self.of(ast.Import, ast.ImportFrom):
            if not self.in_a_handler(node):
                continue
            home = (node.module or "") if isinstance(node, ast.ImportFrom) and not node.level else ""
            for alias in node.names:
                if isinstance(node, ast.Import):
                    value: Any = sys.modules.get(alias.name) if alias.name in proxies() else None
                else:
                    value = getattr(sys.modules.get(home), alias.name, None) if home in proxies() else None
                if value is not None and deterministic(value, self.names) is not value:
                    yield self._reason(node.lineno, f"{ast.unparse(node)!r} stands in a function")
