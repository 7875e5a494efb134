"""`terse-worker`: a process that runs jobs."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from typing import Annotated, Any

import typer
from temporalio.worker import Worker

from ..client import connect
from ..errors import TerseError
from ..jobs import Job
from ..loading import load_jobs
from ..worker import DEFAULT_TASK_QUEUE, build_worker
from .output import configure_logging, console, fail, job_table

__all__ = ["main", "run_worker"]

_logger = logging.getLogger("terse_temporal.worker")


def main() -> None:
    """The entry point."""
    typer.run(_command)


def _command(
    targets: Annotated[list[str], typer.Argument(metavar="MODULE|FILE|PACKAGE...", help="Where the jobs are.")],
    task_queue: Annotated[str, typer.Option("--task-queue", "-q", help="Take work from here.")] = DEFAULT_TASK_QUEUE,
    address: Annotated[str | None, typer.Option(help="host:port of the server, over TEMPORAL_ADDRESS.")] = None,
    namespace: Annotated[str | None, typer.Option("--namespace", "-n", help="Over TEMPORAL_NAMESPACE.")] = None,
    debug: Annotated[bool, typer.Option(help="Show tracebacks and the engine's own log.")] = False,
) -> None:
    """Run the jobs of some modules, until SIGTERM or SIGINT.

    The server is found as the Temporal CLI finds it: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY,
    TEMPORAL_TLS…, or a profile file.
    """
    configure_logging(debug)
    overrides: dict[str, Any] = {"target_host": address, "namespace": namespace}
    try:
        jobs = load_jobs(targets)
        asyncio.run(run_worker(jobs, task_queue, {key: value for key, value in overrides.items() if value}))
    except TerseError as err:
        fail(err, debug=debug)
    except Exception as err:
        # A mistake of ours or of the SDK's: without its traceback nobody could tell us.
        fail(err, status=1, debug=True)
    _leave()


async def run_worker(jobs: list[Job], task_queue: str, overrides: dict[str, Any]) -> None:
    """Connect, say what is run and where, and run it until a signal."""
    client = await connect(**overrides)
    worker = build_worker(client, jobs=jobs, task_queue=task_queue)
    console.print(
        f"server [bold]{client.service_client.config.target_host}[/]  namespace [bold]{client.namespace}[/]"
        f"  task queue [bold]{task_queue}[/]"
    )
    console.print(job_table(jobs))
    await _until_signal(worker)


async def _until_signal(worker: Worker) -> None:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def on_signal(received: signal.Signals) -> None:
        if stop.is_set():
            _logger.warning("%s again: leaving at once; steps that were running run again elsewhere", received.name)
            os._exit(1)
        _logger.info("%s: taking no more work, and waiting for running steps", received.name)
        stop.set()

    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, on_signal, each)
    running = asyncio.create_task(worker.run())
    stopping = asyncio.create_task(stop.wait())
    _logger.info("ready")
    await asyncio.wait([running, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not running.done():
        await worker.shutdown()
    await running
    _logger.info("stopped")


def _leave() -> None:
    """End the process, also when a plain function of a step that was cut off still has its thread."""
    if any(thread.name.startswith("terse-step") for thread in threading.enumerate()):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
