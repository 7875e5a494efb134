"""`toolbox`: registering tools, and calling them by name."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from ..diagnostics.places import place_of
from ..diagnostics.text import list_names
from ..durations import to_timedelta
from ..errors import JobDefinitionError, StepInputError
from ..execution.in_place import execution_for_call
from ..jobs.job import module_name
from ..jobs.options import DEFAULT_TIMEOUT, Retry, interrupt_rule, is_local, rule_of
from .mcp.mount import Secret
from .mcp.mounts import START_TIMEOUT, mounts
from .registry import find_tool, is_built_in, register_tool, toolbox_names
from .tool import Tool

if TYPE_CHECKING:
    from .builtin_types import BuiltInToolbox

__all__ = ["ToolPath", "Toolbox", "toolbox"]

_F = TypeVar("_F", bound=Callable[..., Any])

_NAME: Final = re.compile(r"[A-Za-z]\w*(\.[A-Za-z]\w*)+", re.ASCII)


class Toolbox:
    """Tools by name. There is one, `terse_temporal.toolbox`.

    `await toolbox.slack.send_message(channel_id="C1", message="Hi")` calls the tool `slack.send_message`. In a durable
    handler that is a step, of the tool's name; in a step, in a job that is not durable and outside a run it is called
    in place. `toolbox.slack.sendMessage(channelId="C1", …)` is the same call.
    """

    def tool(
        self,
        name: str,
        *,
        read_only: bool = False,
        idempotent: bool = False,
        retry: Retry | None = None,
        timeout: str | timedelta = DEFAULT_TIMEOUT,
        on_interrupt: Literal["retry", "fail"] = "retry",
        local: bool = False,
        description: str | None = None,
        code_only: Iterable[str] = (),
    ) -> Callable[[_F], _F]:
        """Make a module-level function a tool, whatever its signature.

        Args:
            name: `toolbox.tool`, such as `"crm.find_customer"`: the activity type of its calls on Temporal.
            read_only: it changes nothing. A connection that fails, 429 and 5xx are then retried, five times in all,
                and not before the time that a `Retry-After` asks for. So they are with
            idempotent: twice is as good as once, because it passes on `current_step().idempotency_key`, or by nature.
                A tool that is neither is tried again only if the request was never sent.
            retry: when an exception is retried, instead of these rules. `None`, the default, leaves it at them;
                `Retry.never()` is never.
            timeout: how long one attempt may take.
            on_interrupt: what happens when the worker is lost during a call, as in `job_step`.
            local: whether calls are recorded with the run's workflow task, as in `job_step`: for what only reads.
            description: what it does, for models; without it the docstring.
            code_only: names of arguments that are for code alone: a model is not shown them, and cannot give them.

        Returns:
            The function as it is: calling it by its own name is no step.

        Raises:
            JobDefinitionError: the name is taken or cannot be one, the function is not at module level, or two options
                do not go together.

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
            register_tool(
                Tool(
                    name=_check(name, where),
                    function=function,
                    origin=module_name(function.__module__),
                    where=where,
                    description=inspect.cleandoc(description or function.__doc__ or ""),
                    read_only=read_only,
                    idempotent=idempotent,
                    retry=rule_of(retry),
                    timeout=to_timedelta(timeout),
                    on_interrupt=interrupt_rule(on_interrupt),
                    local=is_local(local, on_interrupt, f"the tool {name!r}", function),
                    code_only=_arguments_of(function, code_only, name, where),
                    one_request=is_built_in(function),
                )
            )
            return function

        return register

    def mount(
        self,
        name: str,
        *,
        command: Sequence[str] | None = None,
        url: str | None = None,
        env: Mapping[str, Secret] | None = None,
        headers: Mapping[str, Secret] | None = None,
        cwd: str | None = None,
        timeout: str | timedelta = DEFAULT_TIMEOUT,
        start_timeout: str | timedelta = START_TIMEOUT,
        on_interrupt: Literal["retry", "fail"] = "retry",
    ) -> None:
        """Make an MCP server a toolbox, at the top level of a job's module. It needs the extra `mcp`.

        `toolbox.mount("github", command=["npx", "-y", "…"], env={"TOKEN": "${GITHUB_TOKEN}"})` is called as
        `toolbox.github.create_issue(…)`, whether the server says `createIssue`, `create-issue` or `create_issue`.

        Args:
            name: of the toolbox.
            command: the words of a command that starts the server, which is talked to over its standard input and
                output. A worker starts it once, for all of its steps; it ends with the worker.
            url: or where a server listens, for streamable HTTP.
            env: variables for the command, beside `PATH`, `HOME` and the few others it gets from here. In a string
                `${NAME}` is the variable `NAME` of the worker's own environment, read when the server is started; a
                function is called for the value. No value reaches a history, a log or a message.
            headers: likewise for a url; read with every request.
            cwd: where the command runs.
            timeout: how long one attempt of a call may take; after it the request is cancelled.
            start_timeout: how long the server may take to start and to list its tools.
            on_interrupt: what happens when the worker is lost during a call, as in `job_step`.

        Raises:
            JobDefinitionError: the options make no sense, or the name is mounted elsewhere with others.

        Nothing is connected yet. A worker connects its mounts before it takes work, and does not start without them;
        outside a worker the first call does it. The tools are listed then, and not again while the session lasts.
        """
        _not_reserved(f"toolbox.mount({name!r})", name)
        mounts.mount(
            name,
            command=command,
            url=url,
            env=env,
            headers=headers,
            cwd=cwd,
            timeout=timeout,
            start_timeout=start_timeout,
            on_interrupt=on_interrupt,
        )

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
        return execution_for_call().call(find_tool(name).request(arguments or {}))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return ToolPath("toolbox", self.call, name)

    def __repr__(self) -> str:
        return f"<toolbox: {list_names(toolbox_names())}>"


class ToolPath:
    """The name of a toolbox or a tool on its way to a call.

    Args:
        root: what it begins with, as one writes it.
        call: takes the tool's name and its arguments.
    """

    __slots__ = ("_call", "_name", "_root")

    def __init__(
        self, root: str, call: Callable[[str, Mapping[str, Any]], Coroutine[Any, Any, Any]], name: str = ""
    ) -> None:
        self._root = root
        self._call = call
        self._name = name

    def __getattr__(self, name: str) -> ToolPath:
        if name.startswith("_"):
            raise AttributeError(name)
        return ToolPath(self._root, self._call, f"{self._name}.{name}" if self._name else name)

    def __call__(self, *positional: Any, **arguments: Any) -> Coroutine[Any, Any, Any]:
        if positional:
            written = f"{self._root}.{self._name}"
            raise StepInputError(
                f"{written}({positional[0]!r}, …): arguments of tools are given by name, {written}(name=value)"
            )
        return self._call(self._name, arguments)

    def __repr__(self) -> str:
        return f"<{self._root}{f'.{self._name}' if self._name else ''}>"


def _check(name: str, where: str) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name) or len(name) > 200:
        raise JobDefinitionError(
            f"@toolbox.tool({name!r}) ({where}): the name of a tool is that of its toolbox, a dot and its own, such as"
            ' "slack.send_message"'
        )
    _not_reserved(f"@toolbox.tool({name!r}) ({where})", name)
    return name


def _arguments_of(function: Callable[..., Any], code_only: Iterable[str], name: str, where: str) -> frozenset[str]:
    parameters = inspect.signature(function).parameters
    for each in parameters.values():
        if each.kind is each.POSITIONAL_ONLY:
            raise JobDefinitionError(
                f"@toolbox.tool({name!r}) ({where}): its argument {each.name!r} can only be given by position, and"
                " arguments of tools are given by name. Take the `/` away."
            )
    if unknown := set(code_only) - set(parameters):
        raise JobDefinitionError(
            f"@toolbox.tool({name!r}) ({where}): code_only names {sorted(unknown)}, which it lacks"
        )
    return frozenset(code_only)


def _not_reserved(call: str, name: str) -> None:
    toolbox = str(name).partition(".")[0]
    # `Skills.all()` is everything.
    if toolbox in vars(Toolbox) or toolbox == "all":
        raise JobDefinitionError(f"{call}: toolbox.{toolbox} is something else; give the toolbox another name")


if TYPE_CHECKING:
    toolbox: Final = BuiltInToolbox()
else:
    toolbox: Final = Toolbox()
