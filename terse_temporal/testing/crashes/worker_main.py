"""The worker process of a crash test: asks its parent before and after every activity, and is killed at one of them.

It is tied to its parent by a socket, whose end is its own: a test that is killed cannot tidy up. On Linux the kernel is
asked for the same, which helps where a step holds Python's lock. Heartbeats and timeouts are those of production.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final, NoReturn

from temporalio import activity
from temporalio.api.common.v1 import Payloads
from temporalio.api.failure.v1 import Failure
from temporalio.client import Client
from temporalio.converter import DataConverter
from temporalio.exceptions import ApplicationError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from ...client import connect
from ...engine.activity.at_most_once import is_interrupted
from ...engine.plugin import on_blocked
from ...engine.wire.calls import JobCall, StepCall, read_call
from ...errors import TerseError
from ...execution.test_doubles import CallDoubles, FunctionCall, use_doubles
from ...serialization.wire_names import HANDED_OVER_FAILURE, JOB_REFERENCE
from ...worker import build_worker
from ..served import list_again
from .call_coordinator import offer_call
from .channel import HEADER, Channel
from .model_coordinator import offered_model
from .modules import load_places, loaded_jobs
from .pickling import unpickle_value
from .points import ActivityMark, Ending
from .setup import Setup

__all__ = ["read_message", "run_worker"]

#: How long running steps may take to end when the test is over and asks the process to. Nothing depends on them.
_GRACE: Final = timedelta(seconds=1)

#: What the worker says that it is of. By itself the SDK hashes the bytecode of all modules, in a third of a second for
#: each process.
_BUILD_ID: Final = "crash test"


def run_worker(tie: socket.socket) -> NoReturn:
    """Be that process, to its end, with a socket to its parent."""
    logging.basicConfig(
        level=logging.INFO, stream=sys.stdout, format="%(asctime)s  %(message)s", datefmt="%H:%M:%S", force=True
    )
    for name in ("temporalio", "httpx", "httpcore", "openai", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)
    setup: Setup = unpickle_value(read_message(tie))
    status = asyncio.run(_main(tie, setup))
    sys.stdout.flush()
    sys.stderr.flush()
    # Not waited for: threads of steps that were cut off.
    os._exit(status)


def read_message(tie: socket.socket) -> bytes:
    """Return the next message of the parent. Where there is none any more, nor is there this process."""
    return _exactly(tie, HEADER.unpack(_exactly(tie, HEADER.size))[0])


def _exactly(tie: socket.socket, size: int) -> bytes:
    parts = []
    while size:
        part = tie.recv(min(size, 1 << 20))
        if not part:
            os._exit(1)
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


async def _main(tie: socket.socket, setup: Setup) -> int:
    channel = Channel(tie.sendall, {}, asyncio.get_running_loop())

    def listen() -> None:
        while True:
            channel.receive(read_message(tie))

    threading.Thread(target=listen, name="terse-parent", daemon=True).start()
    try:
        load_places(setup.modules)
        list_again(setup.served)
        jobs = loaded_jobs(setup.jobs)
        client = await connect(**setup.connection, identity=f"{os.getpid()}@crash test")
        options: dict[str, Any] = {"graceful_shutdown_timeout": _GRACE, **setup.options}
        if options.get("deployment_config") is None:
            options.setdefault("build_id", _BUILD_ID)
        options["interceptors"] = [*options.get("interceptors", ()), _CoordinatedWorker(channel, client.data_converter)]
        with _call_or_double(channel, setup):
            worker = build_worker(client, jobs=jobs, task_queue=setup.task_queue, **options)
            # At once: the parent would wait for code that fits until it lost patience.
            on_blocked(worker, functools.partial(channel.tell, "blocked"))
            await _run(worker, client, channel)
    except Exception as err:
        # What is wrong with a module shows in its own lines; an error of ours says it all.
        cause = err.__cause__ if isinstance(err, TerseError) else err
        if cause is not None:
            traceback.print_exception(cause)
        await channel.ask("failed", str(err) if isinstance(err, TerseError) else f"{type(err).__name__}: {err}")
        return 1
    return 0


async def _run(worker: Any, client: Client, channel: Channel) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    running = asyncio.ensure_future(worker.run())
    stopping = asyncio.ensure_future(stop.wait())
    while not (worker.is_running or running.done() or stop.is_set()):  # noqa: ASYNC110  the SDK has no event for it
        await asyncio.sleep(0.005)
    if worker.is_running:
        channel.tell("ready", client.identity)
    await asyncio.wait([running, stopping], return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        await running
    elif worker.is_running:
        await worker.shutdown()


@contextlib.contextmanager
def _call_or_double(channel: Channel, setup: Setup) -> Iterator[None]:
    async def call(made: FunctionCall) -> Any:
        if made.reference.startswith(JOB_REFERENCE) and made.job not in setup.doubled_jobs:
            return await made.proceed()
        channel.tell("called", _mark(activity.info(), ""), made.name, made.key)
        return await (offer_call(channel, made) if setup.offers else made.proceed())

    def model(name: str | None) -> Any:
        return offered_model(channel, name) if setup.offers else None

    def job(name: str, run_id: str, event: Any) -> bool:
        return name in setup.doubled_jobs

    with use_doubles(CallDoubles(call, model, job, frozenset(setup.served), lambda: setup.doubled_jobs)):
        yield


class _CoordinatedWorker(Interceptor):
    """Asks before and after each activity."""

    def __init__(self, channel: Channel, converter: DataConverter) -> None:
        self._channel = channel
        self._converter = converter

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _CoordinatedInbound(next, self._channel, self._converter)


class _CoordinatedInbound(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, channel: Channel, converter: DataConverter) -> None:
        super().__init__(next)
        self._channel = channel
        self._converter = converter

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:
        info, call = activity.info(), _call(input)
        if call is not None and is_interrupted(call, info):
            return await super().execute_activity(input)  # it is not run, only told to be over
        mark = _mark(info, call.key if call is not None else "")
        await self._channel.ask("before", mark)
        try:
            result = await super().execute_activity(input)
        except asyncio.CancelledError:
            self._channel.tell("after", mark, "cancelled", b"")
            raise
        except ApplicationError as err:
            if err.type == HANDED_OVER_FAILURE:
                await self._channel.ask("after", mark, "handed over", b"")
                raise
            failure = Failure()
            await self._converter.encode_failure(err, failure)
            ending: Ending = "failed" if err.non_retryable else "tried again"
            await self._channel.ask("after", mark, ending, failure.SerializeToString())
            raise
        payloads = Payloads(payloads=await self._converter.encode([result]))
        await self._channel.ask("after", mark, "returned", payloads.SerializeToString())
        return result


def _mark(info: activity.Info, key: str) -> ActivityMark:
    return ActivityMark(
        workflow_id=info.workflow_id or "",
        run_id=info.workflow_run_id or "",
        activity_id=info.activity_id,
        name=info.activity_type,
        attempt=info.attempt,
        key=key,
        is_local=info.is_local,
    )


def _call(input: ExecuteActivityInput) -> StepCall | JobCall | None:
    try:
        ((raw,),) = input.args  # a dynamic activity has one argument, the list of those that it is given
        return read_call(activity.payload_converter().from_payload(raw.payload))
    except Exception:  # refused, and told, where it is read to be run
        return None
