"""Where functions of a module change its classes and functions, also by another name than they have at its top.

`C.n += 1` says what it changes. `c = C; c.n += 1` does not, nor does `def bump(kind): kind.n += 1`, which is called
with the class somewhere else. So what a handler can come to name is followed into variables, and into the parameters of
functions. Where a class cannot be followed (it is returned, say, or put into a list), every attribute counts that is
set of something which was not made in the same function.

Not followed is what is given to a library, or to a method of an object of its, as `session.get(Order, 1)` is.
"""

from __future__ import annotations

import ast
import builtins
import dis
import enum
import importlib.util
import inspect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import CodeType, FunctionType, MethodType
from typing import Any, Final, Literal

from ...diagnostics.places import is_users_file
from ..type_tests import is_a
from .module_source import ModuleSource, codes
from .module_values import is_frozen

__all__ = ["Certainty", "changes_of_classes"]

#: What is followed: a class, anything else of the top level, or the module itself as it stands in `sys.modules`, which
#: is not the copy that a run may have.
Kind = Literal["class", "object", "module"]

Certainty = Literal["certain", "perhaps", "in sys.modules"]

_Def = ast.FunctionDef | ast.AsyncFunctionDef

#: Attributes by which what something holds can be changed behind its back.
_INSIDES: Final = frozenset({"__dict__", "__globals__", "__closure__", "__defaults__", "__kwdefaults__"})

_SETTERS: Final = frozenset({"setattr", "delattr", "__setattr__", "__delattr__"})

#: Of `object`, which ask no class whether it lets that be done.
_PAST_THE_CLASS: Final = frozenset({"__setattr__", "__delattr__"})

#: Methods that make an object, or set what it lets be set.
_CONSTRUCTORS: Final = frozenset({"__init__", "__new__", "__post_init__", "__setstate__", *_PAST_THE_CLASS})

#: Names of what hands out modules by their names.
_MODULES: Final = frozenset({"modules", "import_module", "__import__"})

#: Methods that are given the class, without a word.
_OF_CLASSES: Final = frozenset({"__new__", "__init_subclass__", "__class_getitem__"})


#: What a class or function may come through.
_FOLLOWED: Final = (
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef, ast.Import, ast.ImportFrom),
    *(ast.Name, ast.Attribute, ast.Subscript, ast.Call),
)


def changes_of_classes(source: ModuleSource, named: Iterable[ast.Name]) -> Mapping[ast.expr, Certainty]:
    """Return where a handler may change a class or function of the module, and how certain that is.

    Args:
        source: of the module.
        named: where functions name something that is bound at its top.
    """
    follower = _Follower(source, frozenset(named))
    follower.follow_all()
    if follower.is_lost:
        for node in follower.changes_of_anything():
            follower.changes.setdefault(node, "perhaps")
    return follower.changes


class _Follower:
    """Follows the classes and functions of a module through its functions.

    Attributes:
        changes: where one may be changed, and whether it is certain.
        is_lost: whether a class is where it cannot be followed.
    """

    def __init__(self, source: ModuleSource, named: frozenset[ast.Name]) -> None:
        self.changes: dict[ast.expr, Certainty] = {}
        self.is_lost = False
        self._source = source
        self._named = named
        self._functions: dict[str, list[_Def]] = {}
        self._names: dict[str, list[ast.Name]] = {}
        for node in source.of(ast.FunctionDef, ast.AsyncFunctionDef):
            self._functions.setdefault(node.name, []).append(node)
        for node in source.of(ast.Name):
            if isinstance(node.ctx, ast.Load):
                self._names.setdefault(node.id, []).append(node)
        #: Variables that may be one: the function, the name, and of what kind.
        self._variables: list[tuple[ast.AST, str, Kind]] = []

    def follow_all(self) -> None:
        for node in self._source.of(*_FOLLOWED):
            if isinstance(node, _Def | ast.Lambda):
                self._follow_arguments(node)
            elif isinstance(node, ast.ClassDef) and self._source.function_around(node) is None:
                self.is_lost |= any(map(self._is_an_alias, node.body))
            elif isinstance(node, ast.Import | ast.ImportFrom) and self._source.in_a_handler(node):
                for name in self._imported_from_itself(node):
                    self._into_variable(self._source.function_around(node), name, "module")
            else:
                if isinstance(node, ast.Call) and _called_name(node) in _PAST_THE_CLASS and self._sets_later(node):
                    self.changes.setdefault(node, "perhaps")
                kind = self._named_here(node)
                if kind is not None and self._source.in_a_handler(node):
                    self._follow(node, kind)
        for function, name, kind in self._variables:  # grows meanwhile
            for node in self._names.get(name, ()):
                around = self._source.function_around(node)
                inside = around is function or function in self._source.above(node)
                if inside and self._source.in_a_handler(node):
                    self._follow(node, kind)

    def _follow_arguments(self, function: _Def | ast.Lambda) -> None:
        """Begin with what a function is given without a call that says so: its class, or a default."""
        arguments = function.args
        if isinstance(function, _Def) and self._is_given_its_class(function):
            self._into_variable(function, arguments.args[0].arg, "class")
        elif isinstance(function, _Def) and self._is_of_an_enum(function):
            self._into_variable(function, arguments.args[0].arg, "object")
        positional = [*arguments.posonlyargs, *arguments.args]
        defaults = [
            *zip(reversed(positional), reversed(arguments.defaults), strict=False),
            *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
        ]
        for argument, default in defaults:
            value = None if default is None else self._source.resolved(default)
            if is_a(value, type | FunctionType) and self._is_own(value):
                self._into_variable(function, argument.arg, "class" if is_a(value, type) else "object")

    def _is_an_alias(self, statement: ast.stmt) -> bool:
        """Return whether a class of the module is put into an attribute of another, as `model = Order` does."""
        value = self._source.resolved(statement.value) if isinstance(statement, ast.Assign) else None
        return is_a(value, type) and self._is_own(value)

    def changes_of_anything(self) -> Iterator[ast.expr]:
        """Yield where an attribute is set of what was not made in the same function, and is not its object."""
        for node in self._source.of(ast.Attribute, ast.Call):
            if not self._source.in_a_handler(node):
                continue
            if isinstance(node, ast.Attribute):
                changed = None if isinstance(node.ctx, ast.Load) else node.value
            else:
                changed = node.args[0] if _called_name(node) in _SETTERS and node.args else None
            if changed is not None and not self._is_made_here(changed):
                yield node

    def _named_here(self, node: ast.expr) -> Kind | None:
        """Of what kind is what a node names, if all runs have it."""
        if isinstance(node, ast.Call | ast.Subscript) and self._is_the_module(node):
            return "module"
        if isinstance(node, ast.Call):
            is_type = isinstance(node.func, ast.Name) and node.func.id == "type" and "type" not in self._source.globals
            return "class" if is_type and len(node.args) == 1 else None
        if isinstance(node, ast.Attribute) and node.attr == "__class__":
            return "class"
        value = self._value_at_the_top(node)
        if type(value) in (dict, list, tuple, set, frozenset):
            held = value.values() if type(value) is dict else value
            within = any(is_a(each, type) and self._is_own(each) for each in held)
            self.is_lost |= within and self._source.in_a_handler(node)
        if is_a(value, type | FunctionType):
            return ("class" if is_a(value, type) else "object") if self._is_own(value) else None
        return "object" if self._is_own(type(value)) and is_frozen(value) else None

    def _is_the_module(self, node: ast.Call | ast.Subscript) -> bool:
        """Return whether it is `sys.modules[__name__]`, or asks for the module itself by its name in another way."""
        asked = node.func if isinstance(node, ast.Call) else node.value
        if _MODULES.isdisjoint(_names_in(asked)):
            return False
        given = node.args[:1] if isinstance(node, ast.Call) else [node.slice]
        name = self._source.module.__name__
        return any(
            each.value == name if isinstance(each, ast.Constant) else _names_in(each) == ["__name__"] for each in given
        )

    def _imported_from_itself(self, node: ast.Import | ast.ImportFrom) -> list[str]:
        """Return the variables that hold the module, or something of it, after an import in a function of its."""
        name = self._source.module.__name__
        if isinstance(node, ast.Import):
            return [each.asname or each.name for each in node.names if each.name == name]
        package = self._source.globals.get("__package__") or ""
        try:
            home = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
        except ImportError:
            return []
        return [each.asname or each.name for each in node.names if name in (home, f"{home}.{each.name}")]

    def _value_at_the_top(self, node: ast.expr) -> Any:
        first = node
        while isinstance(first, ast.Attribute):
            first = first.value
        return self._source.resolved(node) if first in self._named else None

    def _is_own(self, value: Any) -> bool:
        return getattr(value, "__module__", None) == self._source.module.__name__

    def _is_given_its_class(self, function: _Def) -> bool:
        body = self._source.parents[function]
        if not function.args.args or not isinstance(body, ast.ClassDef):
            return False
        found = self._source.resolved_class(body)
        return (
            (found is not None and issubclass(found, type))
            or function.name in _OF_CLASSES
            or function.args.args[0].arg == "cls"
            or any(isinstance(each, ast.Name) and each.id == "classmethod" for each in function.decorator_list)
        )

    def _is_of_an_enum(self, function: _Def) -> bool:
        """Return whether it is a method of an enum, whose objects are there once."""
        body = self._source.parents[function]
        found = self._source.resolved_class(body) if isinstance(body, ast.ClassDef) and function.args.args else None
        return found is not None and issubclass(found, enum.Enum) and function.name not in _CONSTRUCTORS

    def _sets_later(self, call: ast.Call) -> bool:
        """Return whether an attribute is set of an object that may be frozen, and is made already."""
        function = self._source.function_around(call)
        return self._source.in_a_handler(call) and getattr(function, "name", "") not in _CONSTRUCTORS

    def _change(self, node: ast.expr, kind: Kind) -> None:
        self.changes[node] = "in sys.modules" if kind == "module" else "certain"

    def _into_variable(self, function: ast.AST | None, name: str, kind: Kind) -> None:
        if function is not None and (function, name, kind) not in self._variables:
            self._variables.append((function, name, kind))

    def _follow(self, node: ast.expr, kind: Kind) -> None:  # noqa: PLR0912  # a table of cases
        """See what is done with a class or function."""
        parent = self._source.parents[node]
        function = self._source.function_around(node)
        match parent:
            case ast.Attribute():
                if not isinstance(parent.ctx, ast.Load) or (parent.attr in _INSIDES and kind != "class"):
                    self._change(parent, kind)
                elif _is_changing(self._value_at_the_top(parent)):
                    self.changes.setdefault(parent, "perhaps")
            case ast.IfExp(test=test) if test is not node:
                self._follow(parent, kind)
            case ast.BoolOp():
                self._follow(parent, kind)
            case ast.NamedExpr():
                self._into_variable(function, parent.target.id, kind)
                self._follow(parent, kind)
            case ast.Assign(targets=targets):
                for each in targets:
                    self._into_target(each, kind)
            case ast.AnnAssign(target=target, value=value) if value is node:
                self._into_target(target, kind)
            case ast.Tuple() | ast.List() | ast.Set():
                above = self._source.parents[parent]
                if isinstance(above, ast.For | ast.comprehension):
                    self._into_target(above.target, kind)
                elif not isinstance(above, ast.ExceptHandler | ast.Subscript | ast.Call):
                    self.is_lost |= kind == "class"
            case ast.Call() if node in parent.args:
                self._into_call(parent, parent.args.index(node), kind)
            case ast.keyword():
                call = self._source.parents[parent]
                assert isinstance(call, ast.Call | ast.ClassDef)
                if isinstance(call, ast.Call):
                    self._into_call(call, parent.arg or "", kind)
            case ast.Return() | ast.Yield() | ast.Dict() | ast.DictComp() | ast.Lambda():
                self.is_lost |= kind == "class"

    def _into_target(self, target: ast.expr, kind: Kind) -> None:
        if isinstance(target, ast.Name):
            self._into_variable(self._source.function_around(target), target.id, kind)
        else:
            self.is_lost |= kind == "class"

    def _into_call(self, call: ast.Call, to: int | str, kind: Kind) -> None:
        """See what a function may do with a class or function that it is given."""
        name = _called_name(call)
        if any(isinstance(each, ast.Name) and each.id in _SETTERS for each in call.args):
            self._change(call, kind)  # `functools.partial(setattr, C, "n")`
            return
        if to == 0 and (name in _SETTERS or (name == "vars" and kind != "class")):
            self._change(call, kind)
            return
        value = self._value_at_the_top(call.func)
        called: Any = inspect.unwrap(getattr(value, "__func__", value)) if callable(value) else None
        if is_a(called, FunctionType) and self._is_own(called):
            functions = [each for each in self._functions.get(called.__name__, ()) if _is_of(called.__code__, each)]
            self._into_parameter(functions, to, int(is_a(value, MethodType)), kind)
        elif is_a(called, FunctionType) and is_users_file(called.__code__.co_filename):
            # Of another module of the user's. What a function does with a function is to call it.
            if kind == "class" and _sets_attributes(called):
                self.changes.setdefault(call, "perhaps")
        elif is_a(called, type):
            self.is_lost |= kind == "class" and self._is_own(called)
        elif isinstance(call.func, ast.Lambda):
            self._into_parameter([call.func], to, 0, kind)
        elif called is None and not hasattr(builtins, name):
            # A function within the one that calls it, or a method of an object, of whatever class has one by this name.
            functions = self._functions.get(name, [])
            self._into_parameter(functions, to, int(isinstance(call.func, ast.Attribute)), kind)
            self.is_lost |= kind == "class" and isinstance(call.func, ast.Name) and not functions

    def _into_parameter(self, functions: Sequence[_Def | ast.Lambda], to: int | str, given: int, kind: Kind) -> None:
        for function in functions:
            positional = [each.arg for each in (*function.args.posonlyargs, *function.args.args)][given:]
            if isinstance(to, str):
                self._into_variable(function, to, kind)
            elif to < len(positional):
                self._into_variable(function, positional[to], kind)
            else:
                self.is_lost |= kind == "class"

    def _is_made_here(self, node: ast.expr) -> bool:
        """Return whether something is made in the function that has it, or is the object that a method is of."""
        function = self._source.function_around(node)
        if not isinstance(node, ast.Name) or not isinstance(function, _Def):
            return False
        if isinstance(self._source.parents[function], ast.ClassDef):
            first = [*function.args.posonlyargs, *function.args.args][:1]
            if [each.arg for each in first] == [node.id]:
                return not self._is_given_its_class(function)
        bound = [
            each
            for each in self._source.of(ast.Name)
            if each.id == node.id and isinstance(each.ctx, ast.Store) and self._source.function_around(each) is function
        ]
        return bool(bound) and all(map(self._is_new, map(self._source.parents.__getitem__, bound)))

    def _is_new(self, statement: ast.AST) -> bool:
        """Return whether what a statement binds is made by it, and no class."""
        value = getattr(statement, "value", None)
        value = value.value if isinstance(value, ast.Await) else value
        if isinstance(value, ast.Call):
            # By a function of the module, or a builtin such as `getattr`, it may be handed a class; else it is made.
            name = _called_name(value)
            is_class = is_a(self._source.resolved(value.func), type)
            return is_class or (name not in self._functions and not hasattr(builtins, name))
        return isinstance(value, ast.Constant | ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp)


def _called_name(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else str(getattr(call.func, "attr", ""))


def _names_in(node: ast.expr) -> list[str]:
    """Return the names in `a.b.c`; those that there are, where it begins with something else."""
    names = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return [*names, node.id] if isinstance(node, ast.Name) else names


def _is_of(code: CodeType, function: _Def) -> bool:
    return code.co_firstlineno in (function.lineno, *(each.lineno for each in function.decorator_list))


def _is_changing(method: Any) -> bool:
    """Return whether it is a class method that another module of the user's has, and that may change its class."""
    function = method.__func__ if is_a(method, MethodType) else None
    if not isinstance(function, FunctionType) or not is_users_file(function.__code__.co_filename):
        return False
    return _sets_attributes(function)


def _sets_attributes(function: FunctionType) -> bool:
    setters = {"setattr", "delattr", "__setattr__", "__dict__"}
    return any(
        not setters.isdisjoint(code.co_names)
        or any(each.opname in ("STORE_ATTR", "DELETE_ATTR") for each in dis.get_instructions(code))
        for code in codes(function.__code__)
    )
