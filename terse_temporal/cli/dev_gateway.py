"""The gateway of `dev`: in the worker's process, on a socket of the parent's.

It needs what the worker has, its jobs and its client, and is to be new whenever they are: so it lives where they do,
and a reload is one reload. The socket is bound by the parent, which outlives the workers. What is sent while one gives
way to the next waits in the socket's queue, and is taken in a second later.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import Final

from temporalio.client import Client

from ..errors import TerseError
from ..gateway.addresses import local_key
from ..gateway.endpoints import Endpoint, endpoints, missing_secrets
from ..gateway.extra import has_extra
from ..gateway.secrets import GATEWAY_KEY, VENDOR_SECRETS
from ..gateway.settings import DEFAULT_PORT, GatewaySettings, Limits
from ..inputs.default_way import ASK_BY
from ..inputs.links import GATEWAY_URL
from ..jobs.job import Job
from .dev_questions import print_open_questions
from .exiting import CommandError
from .gateway.urls import endpoint_table
from .output import console, errors
from .ports import claim
from .users_files import asks_people

__all__ = ["GatewayPlace"]

_IP: Final = "127.0.0.1"

#: Where the triggers that a gateway is for come from.
_SOURCES: Final = frozenset([*VENDOR_SECRETS, "webhook"])

#: What the code of a function that waits for a webhook names.
_WAITING: Final = frozenset(["wait_for_event", "Triggers"])

#: A reload is not held up by deliveries that cannot be handed on: they stay in the spool.
_LIMITS: Final = Limits(drain_seconds=1.0)


@dataclass(frozen=True)
class GatewayPlace:
    """Where the gateway of `dev` is.

    Attributes:
        state: the directory in which `dev` keeps what it has; the gateway's spool and key among it.
        bound: the socket that it listens on; `None` without the extra.
    """

    state: Path
    bound: socket.socket | None

    @classmethod
    def bind(cls, claims: ExitStack, state: Path, *, asked_for: int | None, before: int) -> GatewayPlace:
        """Take a port, on which nobody listens yet.

        Args:
            claims: holds the port, and lets go of it when it is closed.
            state: as above.
            asked_for: by `--gateway-port`; otherwise it is that of `before`, or the usual one, or any.
            before: the port of the last time, or 0.

        Raises:
            CommandError: the port that was asked for is taken.
        """
        return cls(state, _bind(claims, asked_for, before) if has_extra() else None)

    @property
    def port(self) -> int:
        """The port; 0 without the extra."""
        return int(self.bound.getsockname()[1]) if self.bound is not None else 0

    @property
    def url(self) -> str:
        """Where it is reached on this machine."""
        return f"http://{_IP}:{self.port}"

    def to_argument(self) -> str:
        """Return the argument by which a child process finds it, which inherits the socket."""
        return json.dumps([str(self.state), self.bound.fileno() if self.bound is not None else None])

    @classmethod
    def from_argument(cls, text: str) -> GatewayPlace:
        """Find it, in that process."""
        state, descriptor = json.loads(text)
        bound = None if descriptor is None else socket.socket(fileno=descriptor)
        if bound is not None:
            bound.set_inheritable(False)  # not into processes that steps start: they would keep the port
        return cls(Path(state), bound)

    def environment(self) -> dict[str, str]:
        """Return what the environment of the worker needs for it, and for links to it, where that is not set.

        Raises:
            CommandError: the key, which is kept in `state`, can be neither read nor kept.
        """
        found = {ASK_BY: "page"}
        if self.bound is not None:
            found[GATEWAY_URL] = self.url
        try:
            if not os.environ.get(GATEWAY_KEY):
                found[GATEWAY_KEY] = local_key(self.state)
        except OSError as err:
            raise CommandError(f"cannot keep the gateway's key in {str(self.state)!r}: {err}") from err
        return {name: value for name, value in found.items() if not os.environ.get(name)}

    def prepare(self, jobs: Sequence[Job]) -> None:
        """Import what `run` needs: when the jobs are loaded the server is still about to start."""
        if self.bound is not None and (_has_webhooks(jobs) or asks_people()):
            from ..gateway import app, server  # noqa: F401, PLC0415  an extra

    @asynccontextmanager
    async def run(self, client: Client, jobs: Sequence[Job], task_queue: str) -> AsyncIterator[None]:
        """Run the gateway for the length of a block, where a job has a trigger or a wait for it, or the code asks;
        print its addresses.

        What keeps it from running is printed, and the worker runs without it.
        """
        has_webhooks, asks = _has_webhooks(jobs), asks_people()
        if not (has_webhooks or asks):
            yield
            return
        if self.bound is None:
            what = "hear of webhooks; dev takes them in" if has_webhooks else "ask people; dev has pages for that"
            console.print(f"\njobs here {what} with the extra: pip install 'terse-temporal[gateway]'", markup=False)
            yield
            return
        from ..gateway.app import app_of  # noqa: PLC0415  an extra
        from ..gateway.gateway import Gateway  # noqa: PLC0415  likewise
        from ..gateway.server import GatewayServer  # noqa: PLC0415  likewise

        settings = GatewaySettings(
            spool=self.state / "spool", task_queue=task_queue, limits=_LIMITS, checks_retention=False
        )
        try:
            gateway = Gateway(jobs, settings, client=client)
            await gateway.start()
        except TerseError as error:
            errors.print("[yellow]no gateway runs:[/] ", end="")
            errors.print(str(error), markup=False)
            yield
            return
        if has_webhooks:
            _print_addresses(endpoints(jobs, gateway.secrets, self.url), self.url)
        if asks:
            console.print("\nwhat runs ask people is answered on a page: its link is printed here", markup=False)
            await print_open_questions(client)
        server = GatewayServer(app_of(gateway), settings.limits, on_ready=lambda: None)
        serving = asyncio.create_task(server.serve([self.bound]))
        try:
            yield
        finally:
            server.stop()
            await serving
            await gateway.stop()


def _has_webhooks(jobs: Sequence[Job]) -> bool:
    return any(trigger.source in _SOURCES for job in jobs for trigger in job.triggers) or any(map(_waits, jobs))


def _waits(job: Job) -> bool:
    """Return whether a handler, or what it calls in its module, waits for what a trigger takes."""
    handler = inspect.unwrap(job.handler)
    looked_at = {handler}
    left = [handler] if inspect.isfunction(handler) else []
    while left:
        function = left.pop()
        names = set(_names(function.__code__))
        if names >= _WAITING:
            return True
        for called in map(function.__globals__.get, names):
            if inspect.isfunction(called) and called.__module__ == handler.__module__ and called not in looked_at:
                looked_at.add(called)
                left.append(called)
    return False


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names(inner)


def _print_addresses(found: Sequence[Endpoint], url: str) -> None:
    console.print()
    if found:
        console.print(endpoint_table(found))
    else:
        console.print(f"gateway, for runs that wait: {url}/webhooks/github, stripe, slack and linear", markup=False)
    for missing in missing_secrets(found).values():
        errors.print(missing, style="yellow", markup=False)


def _bind(claims: ExitStack, asked_for: int | None, before: int) -> socket.socket:
    for port in [asked_for] if asked_for is not None else [*([before] if before else []), DEFAULT_PORT, 0, 0, 0]:
        bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        # The port of a `dev` that has just ended is free. So is one that another has bound and does not listen on yet,
        # as Linux has it: hence the claim.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((_IP, port))
            if claim(claims, bound.getsockname()[1]):
                return claims.enter_context(bound)
        except OSError:
            pass
        bound.close()
    raise CommandError(f"port {asked_for} is taken: give another --gateway-port, or none")
