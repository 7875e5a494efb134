"""One MCP server that is mounted as a toolbox, and its tools as far as they are known.

The hard part is that a run is replayed where no server is connected. So the name of a mounted tool, and with it the
activity type of its calls, is made of what the caller wrote and never of what the server lists:
`toolbox.github.createIssue` is `github.create_issue`, and the worker that runs the call finds the server's spelling.
What a server lists is held in memory, because a durable handler must not ask it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from types import CodeType
from typing import Any, Final, Literal, TypeAlias

from ...diagnostics.places import place
from ...diagnostics.text import did_you_mean, list_names
from ...errors import UnknownToolError
from ...serialization.wire_names import NAME_REFUSED_MARKER
from .mounted import MountedTool, recorded

__all__ = ["Mount", "Secret", "canonical"]

#: A value of a header or of the environment: a string, in which `${NAME}` stands for a variable, or what gives one.
Secret: TypeAlias = str | Callable[[], str]

_WORD_STARTS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


@functools.lru_cache(maxsize=1024)
def canonical(name: str) -> str:
    """Return the name of a toolbox or a server's tool as calls have it.

    Both `createIssue` and `create-issue` are `create_issue`.
    """
    return re.sub(r"[^A-Za-z0-9]+", "_", _WORD_STARTS.sub("_", name)).strip("_").lower()


@dataclass(eq=False, repr=False)
class Mount:
    """An MCP server that is mounted as a toolbox.

    Attributes:
        name: of the toolbox.
        command: what starts the server, which is talked to over its standard input and output; or
        url: where it listens, for streamable HTTP.
        env, headers: what it is given, which is kept out of every text.
        cwd: where the command runs.
        timeout: of one attempt of a call.
        start_timeout: for starting it and listing its tools.
        on_interrupt: what happens when the worker is lost during a call.
        request: sends a call to the server: the mount, the tool's canonical name, and the arguments.
        modules: those that mount it.
        file, line: where it is mounted.
        tools: what it has listed, by canonical name; `None` while it is not connected.
        clashes: names that several of its tools would have.
    """

    name: str
    command: tuple[str, ...] | None
    url: str | None
    env: Mapping[str, Secret]
    headers: Mapping[str, Secret]
    cwd: str | None
    timeout: timedelta
    start_timeout: timedelta
    on_interrupt: Literal["retry", "fail"]
    request: Callable[[Mount, str, Mapping[str, Any]], Coroutine[Any, Any, Any]]
    modules: set[str]
    file: str
    line: int
    code: CodeType
    tools: Mapping[str, MountedTool] | None = None
    clashes: Mapping[str, Sequence[str]] | None = None

    @property
    def where(self) -> str:
        """`file:line` of it."""
        return place(self.file, self.line)

    def __str__(self) -> str:
        return f"the MCP server {self.name!r} (mounted at {self.where})"

    # Not the dataclass's own, which would show what is secret.
    def __repr__(self) -> str:
        return f"<Mount {self.name!r} at {self.where}>"

    @property
    def settings(self) -> tuple[Any, ...]:
        """What makes two mounts the same."""
        return (
            self.command,
            self.url,
            dict(self.env),
            dict(self.headers),
            self.cwd,
            self.timeout,
            self.start_timeout,
            self.on_interrupt,
        )

    def in_modules(self, modules: Iterable[str]) -> bool:
        """Return whether one of these modules mounts it, or lies in a package that does.

        Its `__init__` has been executed.
        """
        return any(module == ours or module.startswith(f"{ours}.") for module in modules for ours in self.modules)

    def tool(self, name: str) -> MountedTool:
        """Return the tool of a name, without the toolbox; while nothing is listed, any.

        Raises:
            UnknownToolError: the server has none of that name, or several.
        """
        wanted = canonical(name)
        found = self.make_tool(wanted) if self.tools is None else self.tools.get(wanted)
        if not recorded(NAME_REFUSED_MARKER, found is None):
            # On a replay a tool may be gone that was there.
            return found or self.make_tool(wanted)
        if found is not None:
            raise UnknownToolError(f"{self} had no tool {wanted!r} when it was first called")
        if several := (self.clashes or {}).get(wanted):
            raise UnknownToolError(
                f"{self} has several tools that are {self.name}.{wanted} when their names are written as Python has"
                f" them: {list_names(map(repr, several))}. None of them can be called; have the server rename them."
            )
        names = self.tools or ()
        raise UnknownToolError(
            f"{self} has no tool {wanted!r}{did_you_mean(wanted, names)} (it has {list_names(names) or 'none'})"
        )

    def make_tool(self, name: str, **listing: Any) -> MountedTool:
        """Return a tool of this server, by what it lists of it, if it does."""
        return MountedTool(
            name=f"{self.name}.{name}",
            function=self._function(name),
            origin="MCP server",
            one_request=True,
            where=self.where,
            timeout=self.timeout,
            on_interrupt=self.on_interrupt,
            **listing,
        )

    def _function(self, name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        async def call(**arguments: Any) -> Any:
            return await self.request(self, name, arguments)

        call.__name__ = call.__qualname__ = name
        call.__where__ = self.where  # type: ignore[attr-defined]  # read by `place_of`
        return call
