"""What a name in the source stands for, found without running it.

A name is followed through imports, plain assignments and annotations to a function or class of the user's own, or to
the dotted name of something else: `time.sleep`, `terse_temporal.job_step`, and with `()` for what a call of it gives,
`httpx.AsyncClient().get`. Where there are two answers there is none: what is not known is not reported.
"""

from __future__ import annotations

import ast
import builtins
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import terse_temporal

from .scopes import Binding, Class, Function, Scope, parent_of, scope_of

if TYPE_CHECKING:
    from .project import Project
    from .source import Module

__all__ = ["Foreign", "Instance", "ModuleSymbol", "Resolver", "Symbol"]


@dataclass(frozen=True, slots=True)
class Foreign:
    """Something that is not the user's own, by its dotted name."""

    path: str


@dataclass(frozen=True, slots=True)
class Instance:
    """An object of a class of the user's own."""

    class_: Class


@dataclass(frozen=True, slots=True)
class ModuleSymbol:
    """A module of the user's own."""

    module: Module


Symbol = Foreign | Function | Class | Instance | ModuleSymbol

#: How far a name is followed.
_DEPTH: Final = 12

#: Modules of this package that hold what it exports: the parts of a dotted name that say nothing.
_PRIVATE_MODULES: Final = frozenset(
    [
        *("agent", "agents", "clock", "current_run", "execution", "handle", "in_place", "job", "jobs", "registry"),
        *("runs", "schema", "state", "steps", "tools"),
    ]
)

_PATH: Final = "pathlib.Path()"

#: What gives another path, or the same.
_PATHS_OF_PATHS: Final = frozenset(
    f"{_PATH}.{name}{call}"
    for names, call in (
        ("absolute expanduser joinpath resolve relative_to with_name with_stem with_suffix", "()"),
        ("parent", ""),
    )
    for name in names.split()
)


class Resolver:
    """Follows names.

    Args:
        project: finds modules.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._known: dict[ast.AST, Symbol | None] = {}
        #: What arguments are, where the place of the function says so: the `state` of a handler.
        self.arguments: dict[ast.AST, Symbol] = {}

    def resolve(self, node: ast.AST, depth: int = _DEPTH) -> Symbol | None:
        """Return what an expression stands for."""
        if node in self._known:
            return self._known[node]
        if depth == 0:
            return None
        found = self._resolve(node, depth - 1)
        if isinstance(found, Foreign):
            found = Foreign(_canonical(found.path))
        self._known[node] = found
        return found

    def module_of(self, function: Function) -> Module:
        """Return the module that a function is written in."""
        return self._project.module_of(function.scope)

    def module_of_scope(self, scope: Scope) -> Module:
        """Return the module that a scope is in."""
        return self._project.module_of(scope)

    def module_of_node(self, node: ast.AST) -> Module:
        """Return the module that a node stands in."""
        return self._project.module_of(scope_of(node))

    def module_named(self, name: str) -> Module | None:
        """Return a module of the user's own."""
        return self._project.module(name)

    def path(self, node: ast.AST) -> str:
        """Return the dotted name of what an expression stands for, or nothing."""
        found = self.resolve(node)
        return found.path if isinstance(found, Foreign) else ""

    def library_function(self, node: ast.AST) -> Function | None:
        """Return the function of an installed package that an expression names, where its source is at hand."""
        path = self.path(node)
        for _ in range(_DEPTH):
            module_name, _, name = path.rpartition(".")
            if not module_name or not name.isidentifier() or "(" in path:
                return None
            module = self._project.library(module_name)
            bindings = module.names.top.bindings.get(name, []) if module is not None else []
            if module is None or len(bindings) != 1:
                return None
            found = bindings[0].node
            if bindings[0].kind == "function":
                return module.names.function_of.get(found)
            if bindings[0].kind != "from":
                return None
            statement = parent_of(found)
            assert isinstance(found, ast.alias)
            assert isinstance(statement, ast.ImportFrom)
            path = f"{module.absolute(statement)}.{found.name}"
        return None

    def constant(self, node: ast.expr | None) -> ast.expr | None:
        """Return the expression that a name of the module is bound to, if once; any other expression as it is."""
        if not isinstance(node, ast.Name):
            return node
        scope = scope_of(node).lookup(node.id)
        bindings = scope.bindings[node.id] if scope else []
        if len(bindings) == 1 and bindings[0].kind == "value" and isinstance(bindings[0].node, ast.expr):
            return bindings[0].node
        return None

    def member(self, module: Module, name: str, depth: int = _DEPTH) -> Symbol | None:
        """Return what a module has by a name."""
        bindings = module.names.top.bindings.get(name)
        if bindings:
            return self._of_bindings(bindings, depth)
        if module.is_package and (inner := self._project.module(f"{module.name}.{name}")) is not None:
            return ModuleSymbol(inner)
        return self._of_stars(module, name, depth)

    def method(self, class_: Class, name: str, depth: int = _DEPTH) -> Function | None:
        """Return a method, of the class or of one that it derives from."""
        if name in class_.methods:
            return class_.methods[name]
        for base in class_.node.bases if depth else ():
            found = self.resolve(base, depth - 1)
            if isinstance(found, Class) and (inherited := self.method(found, name, depth - 1)) is not None:
                return inherited
        return None

    def _resolve(self, node: ast.AST, depth: int) -> Symbol | None:
        match node:
            case ast.Name():
                return self._of_name(node, depth)
            case ast.Attribute():
                return self._of_attribute(node, depth)
            case ast.Call():
                return self._of_call(node, depth)
            case ast.Await():
                return self.resolve(node.value, depth)
            case ast.BinOp(op=ast.Div()):
                left = self.resolve(node.left, depth)
                return left if left == Foreign(_PATH) else None
            case ast.Lambda() | ast.FunctionDef() | ast.AsyncFunctionDef():
                return self._project.function(node)
        return None

    def _of_name(self, node: ast.Name, depth: int) -> Symbol | None:
        start = scope_of(node)
        scope = start.lookup(node.id)
        if scope is not None:
            return self._of_bindings(scope.bindings[node.id], depth)
        module = self._project.module_of(start)
        found = self._of_stars(module, node.id, depth)
        # Anything may come out of a module that is not known.
        is_known = all(self._is_read(module.absolute(each)) for each in module.names.stars)
        if found is None and is_known and hasattr(builtins, node.id):
            return Foreign(f"builtins.{node.id}")
        return found

    def _is_read(self, name: str) -> bool:
        return name == "terse_temporal" or self._project.module(name) is not None

    def _of_stars(self, module: Module, name: str, depth: int) -> Symbol | None:
        for statement in module.names.stars:
            source = module.absolute(statement)
            own = self._project.module(source)
            if own is not None and depth and not name.startswith("_"):
                if (found := self.member(own, name, depth - 1)) is not None:
                    return found
            elif source == "terse_temporal" and name in terse_temporal.__all__:
                return Foreign(f"{source}.{name}")
        return None

    def _of_bindings(self, bindings: list[Binding], depth: int) -> Symbol | None:
        if depth == 0 or len(bindings) > 4:
            return None
        found = [self._of_binding(each, depth - 1) for each in bindings]
        return found[0] if found and all(each == found[0] for each in found) else None

    def _of_binding(self, binding: Binding, depth: int) -> Symbol | None:
        node = binding.node
        match node:
            case ast.alias() if binding.kind == "import":
                name = node.name if node.asname else node.name.partition(".")[0]
                own = self._project.module(name)
                return ModuleSymbol(own) if own else Foreign(name)
            case ast.alias():
                return self._of_from_import(node, depth)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                return self._project.function(node)
            case ast.ClassDef():
                return self._project.class_(node)
            case ast.arg():
                return self._of_argument(node, binding, depth)
        return self.resolve(node, depth) if binding.kind in ("value", "context") else None

    def _of_from_import(self, alias: ast.alias, depth: int) -> Symbol | None:
        statement = parent_of(alias)
        assert isinstance(statement, ast.ImportFrom)
        source = self._project.module_of(scope_of(alias)).absolute(statement)
        own = self._project.module(source)
        if own is not None:
            return self.member(own, alias.name, depth) or None
        inner = self._project.module(f"{source}.{alias.name}")
        return ModuleSymbol(inner) if inner is not None else Foreign(f"{source}.{alias.name}")

    def _of_argument(self, node: ast.arg, binding: Binding, depth: int) -> Symbol | None:
        if node in self.arguments:
            return self.arguments[node]
        if binding.class_ is not None:
            function = parent_of(node)
            assert isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
            is_class = any(isinstance(each, ast.Name) and each.id == "classmethod" for each in function.decorator_list)
            return binding.class_ if is_class else Instance(binding.class_)
        return self._annotated(node.annotation, depth)

    def _annotated(self, annotation: ast.expr | None, depth: int) -> Symbol | None:
        """Return an object of an annotated type.

        Not of the user's own classes, since it may be of one derived from it.
        """
        if annotation is None:
            return None
        found = self.resolve(annotation, depth)
        return Foreign(f"{found.path}()") if isinstance(found, Foreign) else None

    def _of_attribute(self, node: ast.Attribute, depth: int) -> Symbol | None:
        base = self.resolve(node.value, depth)
        match base:
            case Foreign():
                return self._module_below(base.path, node.attr) or Foreign(f"{base.path}.{node.attr}")
            case ModuleSymbol():
                return self.member(base.module, node.attr, depth)
            case Instance():
                return self.method(base.class_, node.attr, depth)
            case Class():
                return self.method(base, node.attr, depth)
            case Function() if any(self.path(each) == _JOB for each in base.decorators):
                return Foreign(f"{_JOB}.{node.attr}")
        return None

    def _module_below(self, path: str, name: str) -> Symbol | None:
        """`a.b`, where `a` is a namespace package without a file."""
        own = self._project.module(f"{path}.{name}") if "(" not in path else None
        return ModuleSymbol(own) if own else None

    def _of_call(self, node: ast.Call, depth: int) -> Symbol | None:
        called = self.resolve(node.func, depth)
        match called:
            case Foreign():
                return Foreign(f"{called.path}()")
            case Class():
                return Instance(called)
            case Function() if (
                isinstance(called.node, ast.FunctionDef | ast.AsyncFunctionDef) and not called.decorators
            ):
                return self._annotated(called.node.returns, depth)
        return None


#: A job, however it was made: `create_job(on_trigger=…)`, `create_job()(…)`, or a decorated handler.
_JOB: Final = "terse_temporal.Job()"

_RUN_MAKERS: Final = ("terse_temporal.start_run", "terse_temporal.get_run")

#: Spellings of one thing.
_ALIASES: Final = {
    "terse_temporal.TerseAgent.create()": "terse_temporal.TerseAgent()",
    "terse_temporal.current_state()": "terse_temporal.State()",
    "terse_temporal.create_job()": _JOB,
    f"{_JOB}()": _JOB,
    **{f"{made}()": "terse_temporal.Run()" for made in (f"{_JOB}.start", *_RUN_MAKERS)},
    "pathlib.PosixPath()": _PATH,
    "pathlib.Path.cwd()": _PATH,
    "pathlib.Path.home()": _PATH,
    "asyncio.get_event_loop()": "asyncio.get_running_loop()",
    "asyncio.tasks.as_completed": "asyncio.as_completed",
    "asyncio.tasks.wait": "asyncio.wait",
    "io.open": "builtins.open",
}


def _canonical(path: str) -> str:
    if path in _PATHS_OF_PATHS:
        return _PATH
    if path in _ALIASES:
        return _ALIASES[path]
    head, dot, rest = path.partition(".")
    if head == "terse_temporal" and dot:
        first, dot, others = rest.partition(".")
        if first in _PRIVATE_MODULES and dot:
            return _canonical(f"{head}.{others}")
    return path
