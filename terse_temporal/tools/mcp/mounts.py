"""What is mounted in this process, and which workers have it.

Nothing here needs the `mcp` library, which is an extra: it is imported when a server is first to be connected.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

from ...diagnostics.places import caller_frame, place
from ...durations import to_timedelta
from ...errors import JobDefinitionError, MissingExtraError, UnknownToolError
from ...execution.protocol import current_execution
from ...execution.test_doubles import has_double
from ...jobs.job import module_name
from ...jobs.options import DEFAULT_TIMEOUT, interrupt_rule
from ...jobs.registry import is_collecting
from ...jobs.steps import current_step
from ...serialization.wire_names import MOUNT_REFUSED_MARKER
from ..tool import Tool
from .mount import Mount, Secret, canonical
from .mounted import recorded

__all__ = ["START_TIMEOUT", "Mounts", "mounts", "open_sessions"]

#: How long a server may take to start and to list its tools. `npx` and `uvx` download it the first time.
START_TIMEOUT: Final = "1m"

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class Mounts:
    """What is mounted in this process, and which of it the workers that run in it have."""

    def __init__(self) -> None:
        self._mounts: dict[str, Mount] = {}
        self._workers: list[frozenset[str]] = []

    def __iter__(self) -> Any:
        return iter([self._mounts[name] for name in sorted(self._mounts)])

    def mount(
        self,
        name: str,
        *,
        command: Sequence[str] | None,
        url: str | None,
        env: Mapping[str, Secret] | None,
        headers: Mapping[str, Secret] | None,
        cwd: str | None,
        timeout: str | timedelta = DEFAULT_TIMEOUT,
        start_timeout: str | timedelta = START_TIMEOUT,
        on_interrupt: str = "retry",
    ) -> None:
        """`Toolbox.mount`."""
        frame = caller_frame()
        where = place(frame.f_code.co_filename, frame.f_lineno)
        if current_execution() is not None:
            raise JobDefinitionError(
                f"toolbox.mount({name!r}) was called at {where} during a run. Servers are connected when a worker"
                " starts: make the call at the top level of the job's module."
            )
        _check(name, where, command, url, env, headers, cwd)
        mount = Mount(
            name=canonical(name),
            command=None if command is None else tuple(map(str, command)),
            url=url,
            env=dict(env or {}),
            headers=dict(headers or {}),
            cwd=cwd,
            timeout=to_timedelta(timeout),
            start_timeout=to_timedelta(start_timeout),
            on_interrupt=interrupt_rule(on_interrupt),
            request=_request,
            modules={module_name(str(frame.f_globals.get("__name__", "")))},
            file=frame.f_code.co_filename,
            line=frame.f_lineno,
            code=frame.f_code,
        )
        if not is_collecting():
            self._add(mount)

    def _add(self, mount: Mount) -> None:
        before = self._mounts.get(mount.name)
        # A reload: the same file again, as another code object.
        moved = before is not None and before.file == mount.file and before.code is not mount.code
        if before is None or (moved and before.settings != mount.settings):
            self._mounts[mount.name] = mount
        elif before.settings != mount.settings:
            raise JobDefinitionError(
                f"the toolbox {mount.name!r} is mounted twice, with different settings: at {before.where} and at"
                f" {mount.where}. Give one of them another name, or mount it in a module that both import."
            )
        else:
            # Kept, as it may be connected.
            before.modules |= mount.modules
            if moved:
                before.line, before.code = mount.line, mount.code

    def get(self, name: str) -> Mount | None:
        """Return what is mounted under a toolbox's name, in either spelling."""
        return self._mounts.get(canonical(name))

    def find(self, name: str) -> Tool | None:
        """Return the tool of a full name, `toolbox.tool`, if its toolbox is mounted.

        Raises:
            UnknownToolError: the server does not have it, or the mount belongs to no worker of this process.
        """
        toolbox, _, tool = name.partition(".")
        mount = self.get(toolbox)
        if mount is None or not tool:
            return None
        # Where no worker runs (a script, a replay) every mount is at hand.
        missing = bool(self._workers) and not any(map(mount.in_modules, self._workers))
        if recorded(MOUNT_REFUSED_MARKER, missing):
            module = min(mount.modules)
            raise UnknownToolError(
                f"the toolbox {mount.name!r} is mounted in the module {module!r} ({mount.where}), which this worker"
                f" does not have. Load it with the worker, as in `terse-worker jobs.py {module}` where it has a job,"
                " or import it in the module of the job."
            )
        return mount.tool(tool)

    def tools(self) -> list[Tool]:
        """Return every tool of the servers that are connected."""
        return [tool for mount in self for tool in (mount.tools or {}).values()]

    @asynccontextmanager
    async def serving(self, modules: Iterable[str]) -> AsyncIterator[None]:
        """Within the block a worker of these modules runs, and has their mounts connected.

        Raises:
            MountError: a server cannot be started or reached; the message has each of them.
            MissingExtraError: there are mounts, and the extra `mcp` is not installed.
        """
        covered = frozenset(modules)
        own = [mount for mount in self if mount.in_modules(covered) and not has_double(mount.name)]
        if not own:
            # It counts all the same: what others mount is not this worker's.
            with _in(self._workers, covered):
                yield
            return
        async with open_sessions().holding(own):
            with _in(self._workers, covered):
                yield


class _in:  # noqa: N801  # reads as the statement it stands in
    def __init__(self, members: list[frozenset[str]], member: frozenset[str]) -> None:
        self._members = members
        self._member = member

    def __enter__(self) -> None:
        self._members.append(self._member)

    def __exit__(self, *error: object) -> None:
        self._members.remove(self._member)


async def _request(mount: Mount, name: str, arguments: Mapping[str, Any]) -> Any:
    return await open_sessions().call(mount, name, arguments, current_step().idempotency_key)


def open_sessions() -> Any:
    """Return the sessions of this process (`sessions.py`).

    Raises:
        MissingExtraError: the extra `mcp` is not installed.
    """
    try:
        from .sessions import sessions  # noqa: PLC0415  # it needs an extra
    except ModuleNotFoundError as err:
        if (err.name or "").partition(".")[0] not in ("mcp", "mcp_types", "jsonschema", "httpx2", "anyio"):
            raise
        where = ", ".join(f"{mount.name!r} ({mount.where})" for mount in mounts)
        raise MissingExtraError(
            f"the MCP library is not installed, and there are toolboxes that need it: {where}. Install it with"
            " pip install 'terse-temporal[mcp]'"
        ) from None
    return sessions


def _check(
    name: str,
    where: str,
    command: Sequence[str] | None,
    url: str | None,
    env: Mapping[str, Secret] | None,
    headers: Mapping[str, Secret] | None,
    cwd: str | None,
) -> None:
    call = f"toolbox.mount({name!r}) ({where})"
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise JobDefinitionError(
            f'{call}: the name of a toolbox is letters, digits and "_", such as "github": tools are called as'
            " toolbox.github.create_issue(…)"
        )
    if (command is None) == (url is None):
        raise JobDefinitionError(
            f'{call}: give either command=["npx", …], which starts a server, or url="https://…", where one listens'
        )
    if isinstance(command, str):
        raise JobDefinitionError(f"{call}: command is a string; give the words, command={shlex.split(command)!r}")
    if command is not None and not (command and all(isinstance(word, str) and word for word in command)):
        raise JobDefinitionError(f'{call}: command is not a list of words, such as ["npx", "-y", "some-mcp-server"]')
    if url is not None and not (isinstance(url, str) and url.startswith(("http://", "https://", "${"))):
        raise JobDefinitionError(f"{call}: url is no address; give one that begins with https:// (or http://)")
    if url is not None and (env or cwd):
        raise JobDefinitionError(
            f"{call}: env= and cwd= are for a server that command= starts; for a url give headers="
        )
    if command is not None and headers:
        raise JobDefinitionError(f"{call}: headers= is for a server at a url; for a command give env=")
    for option, values in (("env", env), ("headers", headers)):
        for key, value in (values or {}).items():
            if not isinstance(key, str) or not (isinstance(value, str) or callable(value)):
                # Not the value itself, which is secret.
                raise JobDefinitionError(
                    f"{call}: {option}[{key!r}] is a {type(value).__name__}; give a string, in which ${{NAME}}"
                    " stands for a variable of the environment, or a function that returns one"
                )


mounts: Final = Mounts()
