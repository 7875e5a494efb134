"""`terse-temporal dev`: a server and a worker for work on this machine, the worker new after every save."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shlex
import time
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.markup import escape

from ..devserver import DevServer, make_private_directory
from ..diagnostics.places import shown_path
from ..errors import ServerUnavailableError
from ..inputs.default_way import ASK_BY
from ..runs.search_attributes import create_tags_attribute
from ..runs.starting import DEFAULT_TASK_QUEUE
from .dev_gateway import GatewayPlace
from .dev_server_file import DEV_DIRECTORY, DevServerFile
from .dev_terminal import DevTerminal, has_terminal
from .exiting import FAILED, USAGE_ERROR
from .options import Debug, Targets, TaskQueue
from .output import console
from .ports import LAST_PORT, claim_port
from .reloading import ReloadedWorker, require_watchfiles
from .servers import silent_client
from .tasks import Interrupted, race, run_interruptibly
from .web_ui import UI_PORT_ABOVE
from .worker_command import WorkerOptions
from .worker_process import Progress

__all__ = ["dev"]

_PORT: Final = 7233
_IP: Final = "127.0.0.1"

_POLL_EVERY: Final = 2.0  # seconds; whether the server is still there


def dev(
    targets: Targets,
    *,
    task_queue: TaskQueue = DEFAULT_TASK_QUEUE,
    port: Annotated[
        int | None,
        typer.Option(
            metavar="PORT",
            min=1,
            max=LAST_PORT,
            help="The server's port; its Web UI is 1000 above.",
            show_default=False,
        ),
    ] = None,
    state: Annotated[
        Path, typer.Option(metavar="DIRECTORY", help="Where the server keeps its state: one server at a time.")
    ] = DEV_DIRECTORY,
    gateway_port: Annotated[
        int | None,
        typer.Option(
            metavar="PORT",
            min=1,
            max=65535,
            help="The port of the gateway that takes webhooks in: 8088, or one that is free.",
            show_default=False,
        ),
    ] = None,
    reload: Annotated[
        bool, typer.Option("--reload/--no-reload", help="Whether saving a job file starts the worker anew.")
    ] = True,
    debug: Debug = False,
) -> int:
    """Run jobs on this machine: a Temporal server with its Web UI, and a worker that reloads when you save.

    The server listens on this machine only, on the ports that the Temporal CLI expects where they are free, and on the
    same ones at every start. Its state stays in `.terse/`: a run that sleeps now is still there tomorrow. The other
    commands find it from this directory, and from those below it.

    Where a job has a trigger of a vendor's, or an address of its own, a gateway takes webhooks in; where code asks
    people, they answer on its pages, and each question's link is printed. It is new with the worker, and needs the
    extra `gateway`. Vendors reach it through a tunnel. Its secrets are those of the environment.

    Open runs that would break on the code are told at the start and after every save. So that nobody has to wait for
    three days, `terse-temporal runs skip WORKFLOW_ID 3d` lets the clock of a run jump ahead.

    Ctrl-C lets running steps end, for up to 20 seconds, then ends the worker and the server. A second Ctrl-C does not
    wait.
    """
    options = WorkerOptions(targets=targets, task_queue=task_queue, debug=debug)
    if reload:
        require_watchfiles()
    try:
        return run_interruptibly(_run(options, port, gateway_port, state, reload=reload))
    except Interrupted:
        return 0  # it has no other end


async def _run(options: WorkerOptions, port: int | None, gateway_port: int | None, state: Path, *, reload: bool) -> int:
    began = time.monotonic()
    console.print(f"starting a server, and loading [bold]{escape(', '.join(options.targets))}[/]\n")
    _make_state_directory(state)
    before = DevServerFile.read(state)
    with contextlib.ExitStack() as claims:
        chosen = claim_port(claims, *([before.port] if before else []), _PORT) if port is None else port
        server = DevServer(
            state / "temporal.db",
            port=chosen,
            ui_port=chosen + UI_PORT_ABOVE,
            log_file=state / "server.log",
            time_skipping=True,
        )
        ui_address = f"http://{_IP}:{chosen + UI_PORT_ABOVE}"
        gateway = GatewayPlace.bind(claims, state, asked_for=gateway_port, before=before.gateway_port if before else 0)
        by_default = os.environ.get(ASK_BY, "").strip() == "terminal"
        terminal = DevTerminal(server.address, by_default=by_default) if has_terminal() else None
        async with ReloadedWorker(
            options,
            server.address,
            reload=reload,
            ui_address=ui_address,
            gateway=gateway,
            ask=None if terminal is None else terminal.add,
        ) as worker:
            await worker.start()
            async with server:  # which starts while the worker loads its jobs
                try:
                    await _create_tags_attribute(server)
                    if not await worker.wait_until_loaded():
                        return USAGE_ERROR
                    DevServerFile(chosen, os.getpid(), gateway.port).write(state)
                    _print_addresses(server, state, asked_for=port)
                    progress = await worker.wait_until_ready()
                    if not progress.ready:
                        return USAGE_ERROR
                    _print_ready(progress, options, time.monotonic() - began, reload=reload)
                    watching = _watch_server(server)
                    if terminal is not None:
                        watching = race(watching, terminal.run())
                    await race(worker.keep_running(), watching)
                finally:
                    with contextlib.suppress(OSError):  # its directory may have been removed
                        DevServerFile(chosen, 0, gateway.port).write(state)
                    await worker.stop()  # before its server, which it tells what became of its steps
    return FAILED


async def _create_tags_attribute(server: DevServer) -> None:
    """Give the server what runs with tags need, where its state is of a version that did not have it.

    It has it from the start otherwise: the server creates it with its database, and not in one that is there.
    """
    await create_tags_attribute(await silent_client(server.address, server.namespace))


def _make_state_directory(state: Path) -> None:
    try:
        make_private_directory(state)
        (state / ".gitignore").write_text("*\n")  # it is of one machine, and not for a repository
    except OSError as err:
        raise ServerUnavailableError(f"cannot keep the server's state in {str(state)!r}: {err}") from err


async def _watch_server(server: DevServer) -> None:
    """Raise when the server has ended by itself, or by somebody's hand."""
    host, _, port = server.address.rpartition(":")
    while True:
        await asyncio.sleep(_POLL_EVERY)
        try:
            _, writer = await asyncio.open_connection(host, int(port))
        except OSError as err:
            raise ServerUnavailableError(
                f"the embedded Temporal server has ended. Its last words may be in {str(server.log_file)!r}; its state"
                f" is kept: start this command again, and the runs go on."
            ) from err
        writer.close()


def _print_addresses(server: DevServer, state: Path, *, asked_for: int | None) -> None:
    console.print(f"Temporal server  [bold]{server.address}[/]  (state in {shown_path(str(server.db_file))})")
    console.print(f"Web UI           [bold]{server.ui_url}[/]")
    set_here = os.environ.get("TEMPORAL_ADDRESS")
    if server.address != (set_here or f"{_IP}:{_PORT}"):
        taken = asked_for is None and server.address != f"{_IP}:{_PORT}"
        why = f"Port {_PORT} or {_PORT + UI_PORT_ABOVE} is taken, or was, so these are others. " if taken else ""
        # The commands look for it in the usual place only, and where nothing else is set.
        found = set_here is None and state.resolve() == DEV_DIRECTORY.resolve()
        whom = "For the Temporal CLI and terse-worker" if found else "In other terminals"
        console.print(f"{why}{whom}, first:\n\n  export TEMPORAL_ADDRESS={server.address}")
    console.print()


def _print_ready(progress: Progress, options: WorkerOptions, seconds: float, *, reload: bool) -> None:
    job, event = next(iter(progress.examples.items()))
    command = ["terse-temporal", "trigger", job]
    if event:
        command += ["--event", json.dumps(event, ensure_ascii=False)]
    if options.task_queue != DEFAULT_TASK_QUEUE:
        command += ["--task-queue", options.task_queue]
    console.print(f"\n[bold]ready[/] after {seconds:.1f} s. Start a run from another terminal:\n")
    console.print(f"  {shlex.join([*command, '--wait'])}\n", markup=False)
    reloads = "Saving a job file reloads the worker. " if reload else ""
    console.print("To let the time of a run that sleeps pass: terse-temporal runs skip WORKFLOW_ID 3d", markup=False)
    console.print(f"{reloads}Ctrl-C ends the worker and the server.\n")
