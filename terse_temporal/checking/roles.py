"""Which functions are what: handlers and filters of jobs, steps, tools, methods of workflows.

All rules ask from here. A role is only given where the source says it: a job whose `durable=` is no constant is neither
durable nor not.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from .scopes import Function
from .source import Module
from .symbols import Foreign, Resolver

__all__ = ["DURABLE_CALLS", "Role", "Roles", "StepCall", "keyword"]

#: Calls of this package that give something to await, and leave an entry in the history of a durable run.
DURABLE_CALLS: Final = frozenset(
    f"terse_temporal.{name}"
    for name in (
        "job_step",
        "job_map",
        "sleep",
        "generate_text",
        "wait_for_input",
        "wait_for_event",
        "send_event",
        "start_run",
        "Job().start",
        "Job().run",
        "Job().map",
        "Run().result",
        "Run().cancel",
        "Run().send",
        "toolbox.call",
        "TerseAgent.execute_tool",
        "TerseAgent().execute_tool",
        "TerseAgent().run_and_wait",
        "State().get",
        "State().set",
        "State().update",
        "State().delete",
    )
)

#: What an object is called in a message, by its class.
_VARIABLES: Final = {"State()": "state", "TerseAgent()": "agent", "Job()": "job", "Run()": "run"}

#: What the toolbox itself can do; anything else of two parts is a tool.
_OF_THE_TOOLBOX: Final = frozenset({"add", "call", "find", "mount", "tool", "toolboxes", "tools"})

_WORKFLOW_METHODS: Final = frozenset(
    f"temporalio.workflow.{name}{call}" for name in ("run", "signal", "query", "update", "init") for call in ("", "()")
)

_EVENT_AND_STATE: Final = 2

Kind: TypeAlias = Literal[
    "handler", "failure", "filter", "policy", "plain", "plain failure", "plain filter", "workflow", "step", "tool"
]


@dataclass(frozen=True, slots=True)
class Role:
    """A function that something calls from outside.

    Attributes:
        kind: `handler`, `failure` (its `on_failure`) and `filter` are of a durable job, `plain` and `plain failure` are
            those of one that is not, `plain filter` its filter, which runs in the workflow all the same; so does a
            `policy`, a function in `tool_approvals=`.
        name: of the job or the workflow; a step's or tool's own.
    """

    function: Function
    kind: Kind
    name: str
    module: Module

    @property
    def description(self) -> str:
        """`the handler of the job 'x'`."""
        words = {
            "handler": "the handler of the job",
            "failure": "the on_failure of the job",
            "filter": "the filter of the job",
            "policy": "the function in tool_approvals of",
            "plain": "the handler of the job",
            "plain failure": "the on_failure of the job",
            "plain filter": "the filter of the job",
            "workflow": "the workflow",
            "step": "the step",
            "tool": "the tool",
        }
        return f"{words[self.kind]} {self.name!r}"


@dataclass(frozen=True, slots=True)
class StepCall:
    """A call of `job_step` or `job_map`, or of `state.update`, with the function that runs elsewhere.

    Attributes:
        node: the call.
        run: the expression of the function.
        function: it, where that is known.
        name: the step's name, where that is known.
    """

    node: ast.Call
    run: ast.expr
    function: Function | None
    name: str | None
    is_update: bool

    @property
    def description(self) -> str:
        """`the step 'x'`."""
        return (
            "the function of state.update()" if self.is_update else f"the step {self.name or ast.unparse(self.run)!r}"
        )


class Roles:
    """The roles in some modules.

    Args:
        resolver: follows names.
    """

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self.roles: list[Role] = []
        self.step_calls: dict[ast.Call, StepCall] = {}
        self._decorated: dict[Function, str] = {}

    def read(self, modules: Iterable[Module]) -> None:
        """Find the roles in modules."""
        modules = list(modules)
        for module in modules:
            for function in module.names.functions:
                self._of_decorators(function)
            for node in _calls(module):
                if isinstance(node.func, ast.Call):
                    self._of_create_job(node.func, node.args[0] if node.args else None)
                elif keyword(node, "on_trigger") is not None:
                    self._of_create_job(node, keyword(node, "on_trigger"))
        # Only now is it known which arguments are a `state`, and names are followed once.
        for module in modules:
            for node in _calls(module):
                path = self._resolver.path(node.func)
                if path in ("terse_temporal.job_step", "terse_temporal.job_map"):
                    self._of_step(node)
                elif path == "terse_temporal.State().update":
                    self._of_update(node)
                elif path in ("terse_temporal.generate_text", "terse_temporal.TerseAgent.create"):
                    self._of_approvals(node)

    def is_step(self, function: Function) -> bool:
        """Return whether a function is decorated with `@step`, so that a durable handler that calls it makes a step."""
        return self._decorated.get(function) == "step"

    def is_durable_call(self, node: ast.Call) -> bool:
        """Return whether a call leaves an entry in the history of a durable run, wherever it stands."""
        return self.durable_call(node) is not None

    def durable_call(self, node: ast.Call) -> str | None:
        """Return what a durable call is called, for messages: `job_step()`, `toolbox.slack.send_message()`."""
        path = self._resolver.path(node.func)
        if path in DURABLE_CALLS:
            name = path.removeprefix("terse_temporal.")
            for of, variable in _VARIABLES.items():
                name = name.replace(of, variable)
            return f"{name}()"
        for prefix, description in (
            ("terse_temporal.toolbox.", "toolbox"),
            ("terse_temporal.TerseAgent().tools.", "tools"),
        ):
            rest = path.removeprefix(prefix)
            if rest != path and "." in rest and "(" not in rest and rest.partition(".")[0] not in _OF_THE_TOOLBOX:
                return f"{description}.{rest}()"
        return None

    def transparent(self, function: Function) -> bool:
        """Return whether a call of a function runs its body as it is written, whatever decorates it."""
        return all(self._is_transparent(each) for each in function.decorators)

    def _is_transparent(self, decorator: ast.expr) -> bool:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        path = self._resolver.path(called)
        return path in _TRANSPARENT or f"{path}()" in _WORKFLOW_METHODS or path.endswith((".validator", ".setter"))

    def _of_decorators(self, function: Function) -> None:
        for decorator in function.decorators:
            called = decorator.func if isinstance(decorator, ast.Call) else decorator
            path = self._resolver.path(called)
            if path == "terse_temporal.create_job" and isinstance(decorator, ast.Call):
                self._of_create_job(decorator, function.node)
            elif path == "terse_temporal.step":
                self._decorated[function] = "step"
                self._add(function, "step", _text(_option(decorator, "name")) or function.name)
            elif path == "terse_temporal.toolbox.tool" and isinstance(decorator, ast.Call):
                name = decorator.args[0] if decorator.args else _option(decorator, "name")
                self._add(function, "tool", _text(name) or function.name)
            elif path in _WORKFLOW_METHODS or (function.class_ and _is_validator(decorator)):
                self._of_workflow(function)

    def _of_workflow(self, function: Function) -> None:
        if (class_ := function.class_) is None:
            return
        self._add(function, "workflow", class_.node.name)
        started = class_.methods.get("__init__")
        if started is not None and not any(role.function is started for role in self.roles):
            self._add(started, "workflow", class_.node.name)

    def _of_create_job(self, call: ast.Call, handler: ast.AST | None) -> None:
        if self._resolver.path(call.func) != "terse_temporal.create_job":
            return
        durable = self._truth(_option(call, "durable"))
        name = _text(self._resolver.constant(_option(call, "name"))) or ""
        if durable is not None and handler is not None:
            function = self._function(handler)
            if function is not None:
                self._add(function, "handler" if durable else "plain", name or function.name, state=True)
                name = name or function.name
        if (given := keyword(call, "filter")) is not None and (function := self._function(given)) is not None:
            self._add(function, "filter" if durable else "plain filter", name, state=True)
        given = keyword(call, "on_failure")
        if durable is not None and given is not None and (function := self._function(given)) is not None:
            self._add(function, "failure" if durable else "plain failure", name)

    def _of_step(self, node: ast.Call) -> None:
        run = keyword(node, "run")
        if run is None:
            return
        function, given = self._function(run), keyword(node, "name")
        name = _text(self._resolver.constant(given)) if given is not None else None
        if given is None and function is not None:
            name = function.name
        self.step_calls[node] = StepCall(node, run, function, name, False)
        if function is not None and not self.is_step(function):
            self._add(function, "step", name or function.name)

    def _of_update(self, node: ast.Call) -> None:
        run = node.args[1] if len(node.args) > 1 else keyword(node, "function")
        if run is None or isinstance(run, ast.Starred):
            return
        function = self._function(run)
        self.step_calls[node] = StepCall(node, run, function, "state.update", True)
        if function is not None:
            self._add(function, "step", "state.update")

    def _of_approvals(self, node: ast.Call) -> None:
        given = self._resolver.constant(keyword(node, "tool_approvals"))
        for name, policy in zip(given.keys, given.values, strict=True) if isinstance(given, ast.Dict) else ():
            if (function := self._function(policy)) is not None:
                self._add(function, "policy", _text(name) or function.name)

    def _function(self, node: ast.AST) -> Function | None:
        found = self._resolver.resolve(node)
        return found if isinstance(found, Function) else None

    def _add(
        self,
        function: Function,
        kind: Kind,
        name: str,
        *,
        state: bool = False,
    ) -> None:
        home = self._resolver.module_of(function)
        self.roles.append(Role(function, kind, name, home))
        arguments = [*function.node.args.posonlyargs, *function.node.args.args]
        if state and len(arguments) == _EVENT_AND_STATE:
            self._resolver.arguments[arguments[1]] = Foreign("terse_temporal.State()")

    def _truth(self, node: ast.expr | None) -> bool | None:
        found = self._resolver.constant(node)
        if node is None:
            return False
        return found.value if isinstance(found, ast.Constant) and isinstance(found.value, bool) else None


_TRANSPARENT: Final = frozenset(
    [
        "builtins.classmethod",
        "builtins.property",
        "builtins.staticmethod",
        "contextlib.asynccontextmanager",
        "contextlib.contextmanager",
        "functools.cache",
        "functools.cached_property",
        "functools.lru_cache",
        "functools.wraps",
        "temporalio.activity.defn",
        "terse_temporal.create_job",
        "terse_temporal.toolbox.tool",
        "typing.final",
        "typing.no_type_check",
        "typing.override",
        "typing_extensions.override",
    ]
)


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    """Return the value of a keyword argument."""
    return next((each.value for each in call.keywords if each.arg == name), None)


def _option(decorator: ast.expr, name: str) -> ast.expr | None:
    if not isinstance(decorator, ast.Call):
        return None
    found = keyword(decorator, name)
    if found is None and any(each.arg is None for each in decorator.keywords):
        return _UNKNOWN
    return found


#: What `**options` may hold.
_UNKNOWN: Final = ast.Tuple([], ast.Load())


def _text(node: ast.expr | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _is_validator(decorator: ast.expr) -> bool:
    return isinstance(decorator, ast.Attribute) and decorator.attr == "validator"


def _calls(module: Module) -> Iterator[ast.Call]:
    for nodes in (module.names.nodes, *(function.nodes for function in module.names.functions)):
        for node in nodes:
            if isinstance(node, ast.Call):
                yield node
