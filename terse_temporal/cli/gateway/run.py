"""`terse-temporal gateway MODULE…`: a process that takes webhooks in."""

from __future__ import annotations

import asyncio
import io
import ipaddress
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.markup import escape
from temporalio.client import Client

from ...client import connect
from ...diagnostics.logs import logger_of
from ...diagnostics.places import shown_path
from ...gateway.endpoints import endpoints, missing_secrets
from ...gateway.extra import require_extra
from ...gateway.secrets import GATEWAY_KEY
from ...gateway.settings import DEFAULT_HOST, DEFAULT_PORT, DEFAULT_SPOOL, MIB, GatewaySettings, Limits
from ...jobs.job import Job
from ...jobs.loading import load_jobs
from ...runs.starting import DEFAULT_TASK_QUEUE
from ..engine_log import EngineLog, ServerWatch, quiet_runtime
from ..exiting import FAILED, CommandError
from ..options import Address, Debug, Namespace, Targets, TaskQueue
from ..output import configure_logging, console
from ..users_files import asks_people
from .urls import endpoint_table

if TYPE_CHECKING:
    from ...gateway.gateway import Gateway

__all__ = ["run"]

_logger = logger_of("gateway")

_DEFAULTS: Final = Limits()

#: Seconds to end, above those that requests and deliveries have.
_LEEWAY: Final = 5.0


def run(
    targets: Targets,
    *,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="The address of this machine that it listens at; 0.0.0.0 is all.")
    ] = DEFAULT_HOST,
    port: Annotated[int, typer.Option(metavar="PORT", min=0, max=65535, help="0 is any that is free.")] = DEFAULT_PORT,
    spool: Annotated[
        Path,
        typer.Option(
            metavar="DIRECTORY", help="Where deliveries are kept until Temporal has them: one gateway at a time."
        ),
    ] = DEFAULT_SPOOL,
    spool_size: Annotated[
        int, typer.Option(metavar="MIB", min=8, help="How large the spool may become; then deliveries get 503.")
    ] = 1024,
    keep_hours: Annotated[
        float,
        typer.Option(metavar="HOURS", min=0, max=24 * 366, help="How long deliveries that were handed on are kept."),
    ] = 24.0,
    task_queue: TaskQueue = DEFAULT_TASK_QUEUE,
    address: Address = None,
    namespace: Namespace = None,
    root_path: Annotated[
        str, typer.Option(metavar="PATH", help="The path under which a proxy has the gateway, such as /hooks.")
    ] = "",
    forwarded_allow_ips: Annotated[
        str,
        typer.Option(
            metavar="ADDRESSES",
            help="The proxies whose X-Forwarded-For and -Proto are believed: addresses and networks, with commas"
            " between them.",
            show_default=False,
        ),
    ] = "",
    max_body: Annotated[
        float, typer.Option(metavar="MIB", min=0, max=1024, help="The largest body, but for GitHub's.")
    ] = _DEFAULTS.body / MIB,
    max_github_body: Annotated[
        float, typer.Option(metavar="MIB", min=0, max=1024, help="The largest body of GitHub's.")
    ] = _DEFAULTS.github_body / MIB,
    body_timeout: Annotated[
        float, typer.Option(metavar="SECONDS", min=0.1, max=3600, help="How long a body may take to arrive.")
    ] = _DEFAULTS.body_seconds,
    header_timeout: Annotated[
        float, typer.Option(metavar="SECONDS", min=0.1, max=3600, help="How long the headers of a request may take.")
    ] = _DEFAULTS.header_seconds,
    max_requests: Annotated[
        int, typer.Option(metavar="NUMBER", min=1, help="Requests that are answered at once; one more gets 503.")
    ] = _DEFAULTS.requests,
    max_address_requests: Annotated[
        int, typer.Option(metavar="NUMBER", min=1, help="The same of one address.")
    ] = _DEFAULTS.address_requests,
    max_connections: Annotated[
        int, typer.Option(metavar="NUMBER", min=1, help="Connections that are open at once; idle ones make room.")
    ] = _DEFAULTS.connections,
    rate: Annotated[
        float,
        typer.Option(metavar="NUMBER", min=0.01, help="Requests a second from one address; one more gets 429."),
    ] = _DEFAULTS.rate,
    drain_timeout: Annotated[
        float,
        typer.Option(
            metavar="SECONDS", min=0, max=3600, help="How long it goes on handing deliveries on when it is ended."
        ),
    ] = _DEFAULTS.drain_seconds,
    debug: Debug = False,
) -> int:
    """Run the gateway: `gateway MODULE…` is short for `gateway run MODULE…`.

    It takes deliveries at /webhooks/github, stripe, slack and linear, and requests at the addresses of jobs of their
    own, which `terse-temporal gateway urls` prints. Each is written into the spool before it is answered, and handed
    on to Temporal from there; so Temporal may be away meanwhile.

    Secrets are read from GITHUB_WEBHOOK_SECRET, STRIPE_WEBHOOK_SECRET, SLACK_SIGNING_SECRET, LINEAR_WEBHOOK_SECRET and
    TERSE_WEBHOOK_SECRET. TERSE_GATEWAY_KEY is what the addresses of jobs are made with, and the links to questions.
    Temporal is found as the worker finds it.

    Questions that jobs ask people are answered on pages below /inputs; with TERSE_OPERATOR_TOKEN that itself is a list
    of them all, and /api/inputs the same for programs.

    SIGTERM and Ctrl-C let requests end, then hand on what waits for some seconds. What is left stays in the spool.
    """
    require_extra("terse-temporal gateway")
    _check_proxies(forwarded_allow_ips)
    if any(each in root_path for each in ":?#"):
        raise CommandError(f"--root-path {root_path!r} is more than a path: write it as /hooks, without the host")
    settings = GatewaySettings(
        spool=spool,
        spool_bytes=spool_size * MIB,
        keep=timedelta(hours=keep_hours),
        task_queue=task_queue,
        root_path=root_path,
        limits=Limits(
            body=int(max_body * MIB),
            github_body=int(max_github_body * MIB),
            body_seconds=body_timeout,
            header_seconds=header_timeout,
            requests=max_requests,
            address_requests=max_address_requests,
            connections=max_connections,
            # Room for some of the largest.
            memory=max(_DEFAULTS.memory, int(4 * max(max_body, max_github_body) * MIB)),
            rate=rate,
            drain_seconds=drain_timeout,
        ),
    )
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    # It is not attached to a client: whether the server answers, what hands deliveries on says by itself.
    configure_logging(None if debug else EngineLog(ServerWatch()))
    console.print(f"loading [bold]{escape(', '.join(targets))}[/]")
    jobs = load_jobs(targets)
    overrides: dict[str, Any] = {} if debug else {"runtime": quiet_runtime()}

    async def connected() -> Client:
        return await connect(target_host=address, namespace=namespace, **overrides)

    asyncio.run(_serve(jobs, settings, connected, (host, port), forwarded_allow_ips))
    return 0


def _check_proxies(text: str) -> None:
    """Refuse what is no list of addresses and networks. uvicorn would take it for names, which no client has."""
    for each in filter(None, (part.strip() for part in text.split(","))):
        try:
            if each != "*":
                ipaddress.ip_network(each)
        except ValueError as error:
            raise CommandError(
                f"--forwarded-allow-ips: {each!r} is no address and no network ({error}). Write them as"
                " 10.0.0.7,192.168.1.0/24; * believes everybody, who may then pretend to have any address"
            ) from None


async def _serve(
    jobs: Sequence[Job], settings: GatewaySettings, connected: Any, where: tuple[str, int], forwarded_allow_ips: str
) -> None:
    # They import what the extra brings.
    from ...gateway.app import app_of  # noqa: PLC0415
    from ...gateway.gateway import Gateway  # noqa: PLC0415
    from ...gateway.server import GatewayServer, listen  # noqa: PLC0415

    gateway = Gateway(jobs, settings, connect=connected)
    listening = listen(*where)
    try:
        await gateway.start()
        _print_served(gateway, f"http://{_host_and_port(listening.getsockname())}")
        server = GatewayServer(
            app_of(gateway),
            settings.limits,
            forwarded_allow_ips=forwarded_allow_ips,
            on_ready=lambda: _logger.info("ready"),
        )
        _stop_on_signals(server.stop, settings.limits)
        await server.serve([listening])
    finally:
        listening.close()
        await gateway.stop()
    _logger.info("stopped")


def _stop_on_signals(stop: Callable[[], None], limits: Limits) -> None:
    """Let SIGTERM and SIGINT end it, and end the process some seconds later whatever a model's own code does."""
    loop = asyncio.get_running_loop()
    seconds = limits.body_seconds + limits.drain_seconds + _LEEWAY

    def on_signal(number: int, frame: FrameType | None) -> None:
        watchdog = threading.Timer(seconds, os._exit, [FAILED])
        watchdog.daemon = True
        watchdog.start()
        loop.call_soon_threadsafe(announce, signal.Signals(number).name)

    # Nothing is logged in the handler: the line that the signal interrupted may hold the lock of the log.
    def announce(name: str) -> None:
        _logger.info("%s: taking no more requests, and ending those there are", name)
        stop()

    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, on_signal)


def _host_and_port(address: tuple[Any, ...]) -> str:
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _print_served(gateway: Gateway, address: str) -> None:
    """Print where it listens, what starts which job, and what is missing for that."""
    settings = gateway.settings
    shown = {
        "gateway": address,
        "spool": shown_path(str(settings.spool)),
        "task queue": settings.task_queue,
    }
    if settings.root_path:
        shown["behind a proxy at"] = settings.root_path
    if gateway.operators:
        shown["list of questions"] = "/inputs"
    console.print("  ".join(f"{name} [bold]{escape(value)}[/]" for name, value in shown.items()))
    # The tokens in addresses may be all that there is of a secret, and what is printed here goes to a log.
    found = endpoints(gateway.jobs, gateway.secrets, with_tokens=False)
    if found:
        console.print(endpoint_table(found))
    else:
        _logger.warning(
            "no job here has a trigger that a webhook fires: what comes starts nothing. Runs that wait get it, and"
            " questions of all runs have their pages here."
        )
    missing = missing_secrets(found)
    if GATEWAY_KEY not in missing and not gateway.secrets.has(GATEWAY_KEY) and asks_people():
        missing[GATEWAY_KEY] = (
            f"{GATEWAY_KEY} is not set: the links of questions cannot be checked here, so nobody can answer by one."
            " Set the key that the workers have."
        )
    for sentence in missing.values():
        _logger.warning("%s", sentence)
