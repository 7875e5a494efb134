"""Running a worker until a signal, and not for longer than it says.

A step may do anything: swallow its cancellation, block the event loop, hold a thread. So the signals are taken by
Python's own handlers, which run where a blocked loop does not, and what ends a worker that does not end by itself is a
thread.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any, Final

from temporalio.worker import Worker

from ..diagnostics.logs import logger_of
from ..engine.plugin import running_steps
from ..errors import ServerUnavailableError

__all__ = ["run_until_signal"]

_logger = logger_of("worker")

_POLL_EVERY: Final = 0.01  # seconds; whether the worker has begun

#: Seconds that a worker has, after the grace of its steps, to say goodbye to its server.
_LEEWAY: Final = 5.0

#: Seconds for the last line of the log, which another thread may keep from being written.
_LOG_TIMEOUT: Final = 1.0

_FAILED: Final = 1


async def run_until_signal(worker: Worker, on_ready: Callable[[], None], *, leeway: float = _LEEWAY) -> None:
    """Run a worker until SIGTERM or SIGINT, and let its steps end, for as long as its grace.

    After the grace and `leeway` seconds the process is ended with status 1, whatever its steps do, and at once with the
    second signal. To be called on the main thread; the handlers stay, to the end of the process.

    Raises:
        ServerUnavailableError: the server will have no more of this worker.
    """
    stop = asyncio.Event()
    _install_handlers(worker, asyncio.get_running_loop(), stop, leeway)
    running = asyncio.create_task(worker.run())
    stopping = asyncio.create_task(stop.wait())
    # Before it takes work it connects its MCP servers, which may take a while, or fail.
    while not (worker.is_running or running.done() or stop.is_set()):  # noqa: ASYNC110  the SDK has no event for it
        await asyncio.sleep(_POLL_EVERY)
    if worker.is_running:
        on_ready()
    await asyncio.wait([running, stopping], return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not running.done():
        if worker.is_running:
            await worker.shutdown()
        else:
            running.cancel()  # it is still connecting its MCP servers
    try:
        await running
    except asyncio.CancelledError:
        pass
    except RuntimeError as err:
        # How the SDK says that the server will have no more of this worker: its namespace is gone, or its rights.
        raise ServerUnavailableError(f"the worker cannot go on, and has stopped: {err}") from err
    _logger.info("stopped")


def _install_handlers(worker: Worker, loop: asyncio.AbstractEventLoop, stop: asyncio.Event, leeway: float) -> None:
    received: list[str] = []
    seconds = worker.config()["graceful_shutdown_timeout"].total_seconds() + leeway

    def give_up() -> None:
        _log_and_exit(
            f"{received[0]} was {seconds:.0f} seconds ago, and {_describe_running(worker)} not ended: leaving without"
            " waiting any longer. Steps that were running run again elsewhere"
        )

    # Nothing is logged in here: the line that the signal interrupted may hold the lock of the log.
    def on_signal(number: int, frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        received.append(name)
        if len(received) > 1:
            again = f"{name} again: leaving at once; steps that were running run again elsewhere"
            threading.Thread(target=_log_and_exit, args=[again], daemon=True).start()
            return
        watchdog = threading.Timer(seconds, give_up)
        watchdog.daemon = True
        watchdog.start()
        loop.call_soon_threadsafe(announce, name)

    def announce(name: str) -> None:
        _logger.info("%s: taking no more work, and waiting for running steps", name)
        stop.set()

    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, on_signal)


def _log_and_exit(message: str) -> None:
    at_the_latest = threading.Timer(_LOG_TIMEOUT, os._exit, [_FAILED])
    at_the_latest.daemon = True
    at_the_latest.start()
    with suppress(Exception):
        _logger.warning("%s", message)
    os._exit(_FAILED)


def _describe_running(worker: Any) -> str:
    steps = sorted(set(running_steps(worker)))
    if not steps:
        return "the worker has"
    return f"the step {steps[0]} has" if len(steps) == 1 else f"the steps {', '.join(steps)} have"
