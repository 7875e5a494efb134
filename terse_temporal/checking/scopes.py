"""The names of a module: where each is bound, and by what.

This is what Python's compiler works out before it makes code, kept with the syntax tree, so that a name can be followed
to what it stands for, and a nested function asked which variables of the functions around it reads. The compiler's
own answer (`symtable`) has no way back to the tree: two lambdas on one line are one to it.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

__all__ = ["Binding", "Class", "Function", "FunctionNode", "Names", "Scope", "ancestors", "parent_of", "scope_of"]

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

#: Nodes that Python's parser shares between all places where they stand.
_WORDS: Final = (ast.expr_context, ast.operator, ast.unaryop, ast.boolop, ast.cmpop)

_COMPREHENSIONS: Final = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True, slots=True)
class Binding:
    """One of the places where a name gets its value.

    Attributes:
        kind: how. `value` is an assignment of one name, `context` what a `with` gives; `other` cannot be followed.
        node: the statement, definition or argument; for `value` and `context` the expression.
        class_: for the first argument of a method, its class.
    """

    kind: Literal["import", "from", "function", "class", "argument", "value", "context", "other"]
    node: ast.AST
    class_: Class | None = None


@dataclass(eq=False, slots=True)
class Scope:
    """A region of names: a module, a class, a function or a comprehension."""

    kind: Literal["module", "class", "function", "comprehension"]
    parent: Scope | None
    bindings: defaultdict[str, list[Binding]] = field(default_factory=lambda: defaultdict(list))
    reads: set[str] = field(default_factory=set)
    declared_global: set[str] = field(default_factory=set)
    declared_nonlocal: set[str] = field(default_factory=set)
    children: list[Scope] = field(default_factory=list)

    def lookup(self, name: str) -> Scope | None:
        """Return the scope that a name read here belongs to; `None` for a builtin."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.declared_global:
                return scope.module()
            # What a class binds is seen in its body, and not in the functions there.
            seen = scope is self or scope.kind != "class"
            if seen and name in scope.bindings and name not in scope.declared_nonlocal:
                return scope
            scope = scope.parent
        return None

    def module(self) -> Scope:
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope

    def free_names(self) -> set[str]:
        """Return what a function reads of the functions around it: `co_freevars` of its code."""
        outside = set(_chain(self.parent))
        free: set[str] = set()
        for scope in self._inner():
            for name in scope.reads | scope.declared_nonlocal:
                found = scope.lookup(name)
                if found in outside and found.kind in ("function", "comprehension"):
                    free.add(name)
        return free

    def _inner(self) -> Iterator[Scope]:
        yield self
        for child in self.children:
            yield from child._inner()


@dataclass(eq=False, slots=True)
class Function:
    """A function or lambda.

    Attributes:
        scope: of its body.
        outer: the function that it is written in, if any.
        class_: the class that it is a method of, if any.
        nodes: everything in its body, what is nested in further functions excepted.
    """

    node: FunctionNode
    scope: Scope
    outer: Function | None
    class_: Class | None
    qualname: str
    names: Names
    nodes: list[ast.AST] = field(default_factory=list)

    @property
    def name(self) -> str:
        return "<lambda>" if isinstance(self.node, ast.Lambda) else self.node.name

    @property
    def decorators(self) -> list[ast.expr]:
        return [] if isinstance(self.node, ast.Lambda) else self.node.decorator_list

    @property
    def is_nested(self) -> bool:
        return self.outer is not None


@dataclass(eq=False, slots=True)
class Class:
    """A class with its methods."""

    node: ast.ClassDef
    scope: Scope
    names: Names
    is_nested: bool
    methods: dict[str, Function] = field(default_factory=dict)


class Names:
    """The scopes and functions of a module's syntax tree.

    Every node is given its parent and its scope on the way, see `parent_of` and `scope_of`.

    Attributes:
        top: the module's own scope.
        nodes: everything outside functions.
        functions: every function and lambda, in the order in which they stand.
        function_of: they, by their nodes.
        stars: modules that everything is imported from.
    """

    def __init__(self, tree: ast.Module) -> None:
        self.top = Scope("module", None)
        self.nodes: list[ast.AST] = []
        self.functions: list[Function] = []
        self.function_of: dict[ast.AST, Function] = {}
        self.class_of: dict[ast.AST, Class] = {}
        self.stars: list[ast.ImportFrom] = []
        self._future_annotations = any(
            isinstance(node, ast.ImportFrom)
            and node.module == "__future__"
            and any(alias.name == "annotations" for alias in node.names)
            for node in tree.body
        )
        for statement in tree.body:
            self._visit(statement, tree, self.top, None, None)

    def is_for_type_checkers(self, name: str) -> bool:
        """Return whether the module has a name under `if TYPE_CHECKING:` alone."""
        bindings = self.top.bindings.get(name, [])
        return bool(bindings) and all(_is_for_type_checkers(each.node) for each in bindings)

    def _visit(
        self, node: ast.AST, parent: ast.AST, scope: Scope, owner: Function | None, class_: Class | None
    ) -> None:
        vars(node).update(_parent=parent, _scope=scope)
        (self.nodes if owner is None else owner.nodes).append(node)
        if isinstance(node, ast.Name):
            if isinstance(node.ctx, ast.Load):
                scope.reads.add(node.id)
            elif not _simple_target(node):
                self._bind(scope, node.id, Binding("other", node))
            return
        if isinstance(node, FunctionNode):
            self._visit_function(node, scope, owner, class_)
        elif isinstance(node, ast.ClassDef):
            self._visit_class(node, scope, owner, class_)
        elif isinstance(node, _COMPREHENSIONS):
            self._visit_comprehension(node, scope, owner, class_)
        else:
            self._bind_statement(node, scope)
            for name, value in ast.iter_fields(node):
                if name == "annotation" and isinstance(value, ast.AST):
                    self._visit_annotation(value, node, scope, owner, class_)
                else:
                    self._visit_all(value, node, scope, owner, class_)

    def _visit_all(
        self, value: object, parent: ast.AST, scope: Scope, owner: Function | None, class_: Class | None
    ) -> None:
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, ast.AST) and not isinstance(each, _WORDS):
                self._visit(each, parent, scope, owner, class_)

    def _visit_annotation(
        self, node: ast.AST, parent: ast.AST, scope: Scope, owner: Function | None, class_: Class | None
    ) -> None:
        """Visit an annotation; one that is not evaluated goes to a scope that nothing asks for its reads."""
        if self._future_annotations:
            scope = Scope("comprehension", scope)
        self._visit(node, parent, scope, owner, class_)

    def _visit_function(self, node: FunctionNode, scope: Scope, owner: Function | None, class_: Class | None) -> None:
        inner = Scope("function", scope)
        scope.children.append(inner)
        is_method = class_ is not None and scope is class_.scope and not isinstance(node, ast.Lambda)
        name = "<lambda>" if isinstance(node, ast.Lambda) else node.name
        function = Function(node, inner, owner, class_ if is_method else None, _qualname(name, owner, class_), self)
        self.functions.append(function)
        self.function_of[node] = function
        arguments = node.args
        for default in (*arguments.defaults, *(each for each in arguments.kw_defaults if each is not None)):
            self._visit(default, node, scope, owner, class_)
        first = [*arguments.posonlyargs, *arguments.args][:1]
        others = [each for each in (arguments.vararg, arguments.kwarg) if each is not None]
        for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *others):
            vars(argument).update(_parent=node, _scope=inner)
            of_class = class_ if is_method and argument in first and not _is_static(node) else None
            inner.bindings[argument.arg].append(Binding("argument", argument, of_class))
            if argument.annotation is not None:
                self._visit_annotation(argument.annotation, argument, scope, owner, class_)
        if isinstance(node, ast.Lambda):
            self._visit(node.body, node, inner, function, None)
            return
        self._bind(scope, node.name, Binding("function", node))
        if is_method and class_ is not None:
            class_.methods[node.name] = function
        self._visit_all(node.decorator_list, node, scope, owner, class_)
        if node.returns is not None:
            self._visit_annotation(node.returns, node, scope, owner, class_)
        for parameter in getattr(node, "type_params", ()):
            inner.bindings[parameter.name].append(Binding("other", parameter))
        self._visit_all(node.body, node, inner, function, None)

    def _visit_class(self, node: ast.ClassDef, scope: Scope, owner: Function | None, class_: Class | None) -> None:
        self._bind(scope, node.name, Binding("class", node))
        self._visit_all([*node.decorator_list, *node.bases, *node.keywords], node, scope, owner, class_)
        inner = Scope("class", scope)
        scope.children.append(inner)
        made = self.class_of[node] = Class(node, inner, self, owner is not None)
        for parameter in getattr(node, "type_params", ()):
            inner.bindings[parameter.name].append(Binding("other", parameter))
        self._visit_all(node.body, node, inner, owner, made)

    def _visit_comprehension(
        self,
        node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp,
        scope: Scope,
        owner: Function | None,
        class_: Class | None,
    ) -> None:
        inner = Scope("comprehension", scope)
        scope.children.append(inner)
        for number, generator in enumerate(node.generators):
            vars(generator).update(_parent=node, _scope=inner)
            # The first is evaluated outside, before there is a scope.
            self._visit(generator.iter, generator, inner if number else scope, owner, class_)
            self._visit(generator.target, generator, inner, owner, class_)
            self._visit_all(generator.ifs, generator, inner, owner, class_)
        parts = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        self._visit_all(parts, node, inner, owner, class_)

    def _bind_statement(self, node: ast.AST, scope: Scope) -> None:
        match node:
            case ast.Import():
                for alias in node.names:
                    self._bind(scope, alias.asname or alias.name.partition(".")[0], Binding("import", alias))
                    vars(alias).update(_parent=node, _scope=scope)
            case ast.ImportFrom():
                for alias in node.names:
                    if alias.name == "*":
                        self.stars.append(node)
                    else:
                        self._bind(scope, alias.asname or alias.name, Binding("from", alias))
                        vars(alias).update(_parent=node, _scope=scope)
            case ast.Global():
                scope.declared_global.update(node.names)
            case ast.Nonlocal():
                scope.declared_nonlocal.update(node.names)
            case _:
                self._bind_value(node, scope)

    def _bind_value(self, node: ast.AST, scope: Scope) -> None:
        match node:
            case ast.Assign():
                for name, value in _assignments(node):
                    self._bind(scope, name.id, Binding("value", value))
            case ast.AnnAssign(target=ast.Name() as name):
                kind: Literal["value", "other"] = "other" if node.value is None else "value"
                self._bind(scope, name.id, Binding(kind, node.value or node))
            case ast.NamedExpr():
                # It binds in the function around a comprehension.
                while scope.kind == "comprehension" and scope.parent is not None:
                    scope = scope.parent
                self._bind(scope, node.target.id, Binding("value", node.value))
            case ast.withitem(optional_vars=ast.Name() as name):
                self._bind(scope, name.id, Binding("context", node.context_expr))
            case ast.ExceptHandler(name=str() as name) | ast.MatchAs(name=str() as name):
                self._bind(scope, name, Binding("other", node))
            case ast.MatchStar(name=str() as name) | ast.MatchMapping(rest=str() as name):
                self._bind(scope, name, Binding("other", node))

    def _bind(self, scope: Scope, name: str, binding: Binding) -> None:
        if name in scope.declared_global:
            scope = scope.module()
        elif name in scope.declared_nonlocal:
            while (scope.parent is not None) and (scope.kind != "function" or name in scope.declared_nonlocal):
                scope = scope.parent
        scope.bindings[name].append(binding)


def parent_of(node: ast.AST) -> ast.AST:
    """Return the node around a node."""
    found = vars(node)["_parent"]
    assert isinstance(found, ast.AST)
    return found


def scope_of(node: ast.AST) -> Scope:
    """Return the scope that a node's names are looked up in."""
    found = vars(node)["_scope"]
    assert isinstance(found, Scope)
    return found


def ancestors(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes around a node, from the inside out, up to the function or module."""
    while not isinstance(node := parent_of(node), FunctionNode | ast.Module):
        yield node


def _is_for_type_checkers(node: ast.AST) -> bool:
    inner = node
    for outer in ancestors(node):
        if isinstance(outer, ast.If) and inner in outer.body:
            test = outer.test.attr if isinstance(outer.test, ast.Attribute) else getattr(outer.test, "id", "")
            if test == "TYPE_CHECKING":
                return True
        inner = outer
    return False


def _assignments(node: ast.Assign) -> Iterator[tuple[ast.Name, ast.expr]]:
    """Yield the names of an assignment, each with its value: `a = b = 1`, and `a, b = 1, 2`."""
    for target in node.targets:
        if isinstance(target, ast.Name):
            yield target, node.value
        elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            pairs = list(zip(target.elts, node.value.elts, strict=False))
            if len(target.elts) == len(node.value.elts) and all(isinstance(each, ast.Name) for each, _ in pairs):
                yield from ((name, value) for name, value in pairs if isinstance(name, ast.Name))


def _simple_target(node: ast.Name) -> bool:
    """Return whether the statement around a name that is stored binds it with a value that can be followed."""
    around = parent_of(node)
    if isinstance(around, ast.Tuple):
        around = parent_of(around)
    match around:
        case ast.Assign():
            return any(name is node for name, _ in _assignments(around))
        case ast.NamedExpr():
            return True
        case ast.AnnAssign():
            return around.target is node
        case ast.withitem():
            return around.optional_vars is node
    return False


def _is_static(node: FunctionNode) -> bool:
    return not isinstance(node, ast.Lambda) and any(
        isinstance(each, ast.Name) and each.id == "staticmethod" for each in node.decorator_list
    )


def _qualname(name: str, owner: Function | None, class_: Class | None) -> str:
    if class_ is not None:
        name = f"{class_.node.name}.{name}"
    return f"{owner.qualname}.<locals>.{name}" if owner else name


def _chain(scope: Scope | None) -> Iterator[Scope]:
    while scope is not None:
        yield scope
        scope = scope.parent
