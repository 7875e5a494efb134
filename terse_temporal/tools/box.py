"""`toolbox`: registering tools, and calling them by name."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final, Literal, TypeVar

from .._keys import fold
from ..direct import execution_for_call
from ..durations import to_timedelta
from ..errors import JobDefinitionError, StepInputError, UnknownToolError
from ..jobs import is_collecting, module_name
from ..places import place_of
from ..steps import DEFAULT_TIMEOUT, Retry, interrupt_rule, rule_of
from .tool import Tool, nearest

__all__ = ["Toolbox", "toolbox"]

_F = TypeVar("_F", bound=Callable[..., Any])

_BUILT_IN: Final = f"{__package__}.builtin"

#: Toolboxes that are built in, each a module of that name.
BUILT_IN: Final = ("email", "http", "slack")

_NAME: Final = re.compile(r"[A-Za-z]\w*(\.[A-Za-z]\w*)+", re.ASCII)


class Toolbox:
    """Tools by name. There is one, `terse_temporal.toolbox`.

    `await toolbox.slack.send_message(channel_id="C1", message="Hi")` calls the tool `slack.send_message`. In a durable
    handler that is a step, of the tool's name; in a step, in a job that is not durable and outside a run it is called
    in place. `toolbox.slack.sendMessage(channelId="C1", …)` is the same call.
    """

    def __init__(self) -> None:
        self._tools: dict[str, Tool] = {}
        self._built_in: dict[str, Tool] = {}

    def tool(
        self,
        name: str,
        *,
        read_only: bool = False,
        idempotent: bool = False,
        retry: Retry | None = None,
        timeout: str | timedelta = DEFAULT_TIMEOUT,
        on_interrupt: Literal["retry", "fail"] = "retry",
        description: str | None = None,
    ) -> Callable[[_F], _F]:
        """Make a module-level function a tool, whatever its signature.

        Args:
            name: `toolbox.tool`, such as `"crm.find_customer"`: the activity type of its calls on Temporal.
            read_only: it changes nothing. A connection that fails, 429 and 5xx are then retried, five times in all,
                and not before the time that a `Retry-After` asks for. So they are with
            idempotent: twice is as good as once, because it passes on `current_step().idempotency_key`, or by nature.
                A tool that is neither is tried again only if the request was never sent.
            retry: when an exception is retried, instead of these rules.
            timeout: how long one attempt may take.
            on_interrupt: what happens when the worker is lost during a call, as in `job_step`.
            description: what it does, for models; without it the docstring.

        Returns:
            The function as it is: calling it by its own name is no step.

        Raises:
            JobDefinitionError: the name is taken or cannot be one, or the function is not at module level.

        A call costs three history events, as every step.
        """

        def register(function: _F) -> _F:
            if not inspect.isfunction(function):
                raise JobDefinitionError(f"@toolbox.tool({name!r}) goes over a function, not {function!r}")
            where = place_of(function)
            if "<locals>" in function.__qualname__ or "." in function.__qualname__:
                raise JobDefinitionError(
                    f"@toolbox.tool({name!r}) over {function.__qualname__!r} ({where}): a tool is a function at module"
                    " level, where every worker has it. Move it there."
                )
            self.add(
                Tool(
                    name=_checked(name, where),
                    function=function,
                    origin=module_name(function.__module__),
                    where=where,
                    description=inspect.cleandoc(description or function.__doc__ or ""),
                    read_only=read_only,
                    idempotent=idempotent,
                    retry=rule_of(retry),
                    timeout=to_timedelta(timeout),
                    on_interrupt=interrupt_rule(on_interrupt),
                )
            )
            return function

        return register

    def add(self, tool: Tool) -> None:
        """Register a tool. One written in the same place replaces it, as a module is executed more than once.

        Raises:
            JobDefinitionError: the name is another's.
        """
        if tool.function.__module__.startswith(_BUILT_IN):
            self._built_in[tool.name] = replace(tool, origin="built in")
            return
        if is_collecting():
            return
        before = self._tools.get(tool.name)
        if before is not None and _identity(before) != _identity(tool):
            raise JobDefinitionError(
                f"the tool {tool.name!r} is registered twice: at {before.where} and at {tool.where}. Give one of them"
                " another name."
            )
        self._tools[tool.name] = tool

    def call(self, name: str, arguments: Mapping[str, Any] | None = None, /) -> Coroutine[Any, Any, Any]:
        """Call a tool whose name is known only at run time.

        Args:
            name: `toolbox.tool`.
            arguments: by name.

        Raises:
            UnknownToolError: there is none of that name; raised by the call, before it is awaited.
            StepInputError: an argument is missing, unknown, or does not fit; likewise.
            StepError: when awaited: the tool raised.
        """
        if arguments is not None and not isinstance(arguments, Mapping):
            raise StepInputError(f"tool {name!r}: its arguments are {arguments!r}; give a dict, by name")
        return execution_for_call().call(self.find(name).request(arguments or {}))

    def find(self, name: str) -> Tool:
        """The tool of a name, in either spelling. One that is registered comes before one that is built in.

        Raises:
            UnknownToolError: there is none; the message has the nearest names.
        """
        if (found := self._tools.get(name)) is not None:
            return found
        self._load_built_in(name.partition(".")[0])
        tools = {**self._built_in, **self._tools}
        if (found := tools.get(name)) is not None:
            return found
        # `sendMessage` for `send_message`.
        folded = [tool for tool in tools.values() if _folded(tool.name) == _folded(name)]
        if len(folded) == 1:
            return folded[0]
        raise UnknownToolError(self._unknown(name))

    def tools(self) -> list[Tool]:
        """Every tool that is registered or built in, in the order of their names."""
        for name in BUILT_IN:
            self._load_built_in(name)
        tools = {**self._built_in, **self._tools}
        return [tools[name] for name in sorted(tools)]

    def toolboxes(self) -> set[str]:
        """The names of all toolboxes that there are, whether their tools are known yet or not."""
        return {*BUILT_IN, *(tool.toolbox for tool in self._tools.values())}

    def _load_built_in(self, toolbox: str) -> None:
        """Have the built-in tools of a toolbox, whose modules import nothing that is an extra."""
        if toolbox in BUILT_IN:
            importlib.import_module(f"{_BUILT_IN}.{toolbox}")

    def _unknown(self, name: str) -> str:
        toolbox, _, _ = name.rpartition(".")
        tools = self.tools()
        inside = {tool.name for tool in tools if tool.toolbox == toolbox}
        if inside:
            return f"there is no tool {name!r}{nearest(name, inside)} (the toolbox {toolbox!r} has {_list(inside)})"
        boxes = {tool.toolbox for tool in tools}
        return (
            f"there is no toolbox {toolbox!r} for the tool {name!r}{nearest(toolbox, boxes)} (there are"
            f" {_list(boxes) or 'none'}). Register a tool with @toolbox.tool({name!r}), and import its module."
        )

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return ToolPath(self, name)

    def __repr__(self) -> str:
        return f"<toolbox: {_list(self._tools) or 'no tools'}>"


class ToolPath:
    """The name of a toolbox or a tool on its way to a call."""

    __slots__ = ("_box", "_name")

    def __init__(self, box: Toolbox, name: str) -> None:
        self._box = box
        self._name = name

    def __getattr__(self, name: str) -> ToolPath:
        if name.startswith("_"):
            raise AttributeError(name)
        return ToolPath(self._box, f"{self._name}.{name}")

    def __call__(self, *positional: Any, **arguments: Any) -> Coroutine[Any, Any, Any]:
        if positional:
            raise StepInputError(
                f"toolbox.{self._name}({positional[0]!r}, …): arguments of tools are given by name,"
                f" toolbox.{self._name}(name=value)"
            )
        return self._box.call(self._name, arguments)

    def __repr__(self) -> str:
        return f"<toolbox.{self._name}>"


def _checked(name: str, where: str) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name) or len(name) > 200:
        raise JobDefinitionError(
            f"@toolbox.tool({name!r}) ({where}): the name of a tool is that of its toolbox, a dot and its own, such as"
            ' "slack.send_message"'
        )
    if name.partition(".")[0] in vars(Toolbox):
        raise JobDefinitionError(
            f"@toolbox.tool({name!r}) ({where}): toolbox.{name.partition('.')[0]} is something else; give the toolbox"
            " another name"
        )
    return name


def _folded(name: str) -> str:
    return ".".join(fold(part) for part in name.split("."))


def _identity(tool: Tool) -> tuple[str, str]:
    return tool.origin, getattr(tool.function, "__qualname__", "")


def _list(names: Any) -> str:
    return ", ".join(sorted(names))


toolbox: Final = Toolbox()
