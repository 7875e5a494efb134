"""Telling the server that a step is running, without the author's help.

Beats are sent from the worker's event loop, so they go on while a `def` step blocks its thread. An `async def` step
that calls something blocking stops that loop, and with it the beats of every step: the server would take the worker for
dead and give its steps to another one, while they are still running here. Measured: a step that blocks for 12 seconds
was repeated for ever. So a thread watches the loop, and while it stands still sends the beats itself, and says which
line is in the way. When that thread stands still too, all it can do is say so afterwards.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from types import FrameType

from temporalio import activity
from temporalio.api.common.v1 import Payload
from temporalio.worker import ActivityInboundInterceptor, ActivityOutboundInterceptor, Interceptor, Worker

from ...diagnostics.logs import logger_of
from ...diagnostics.places import is_users, place
from ...durations import format_duration
from ..limits import HEARTBEAT_EVERY, HEARTBEAT_TIMEOUT
from ..sdk_private import record_heartbeat

__all__ = ["Heartbeats"]

_logger = logger_of("worker")

_EVERY = HEARTBEAT_EVERY.total_seconds()


class Heartbeats(Interceptor):
    """The beats of the steps that run on one worker.

    It is an interceptor of that worker, for functions that send beats of their own: each replaces the details of the
    one before it, and those that say that a step has begun have to stay.
    """

    def __init__(self) -> None:
        self._running: dict[bytes, _Running] = {}
        self._worker: Worker | None = None
        self._last_beat = time.monotonic()
        self._stopped = threading.Event()

    @property
    def steps(self) -> list[str]:
        """The names of the steps that are running, quoted. May be asked on any thread."""
        return [repr(running.step) for running in self._running.copy().values()]

    def beating(self, step: str, details: Sequence[Payload] = ()) -> AbstractContextManager[None]:
        """Send beats for the activity that this is called in, until the block ends; with details, where there are."""
        return _Beating(self, _Running(step, details))

    def drop_pending_details(self, token: bytes) -> None:
        """Have the SDK's core forget the details of a beat that it keeps back until the activity ends."""
        assert self._worker is not None
        _beat_from_outside(self._worker, token)

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:
        return _Inbound(next, self)

    @contextmanager
    def watching(self, worker: Worker) -> Iterator[None]:
        """Within the block, which is entered on the worker's loop, keep the beats going when that loop stands still."""
        self._worker = worker
        thread = threading.Thread(
            target=self._watch, args=(worker, threading.get_ident()), name="terse-heartbeats", daemon=True
        )
        thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            thread.join(timeout=_EVERY)

    def _watch(self, worker: Worker, watched: int) -> None:
        said: set[str] = set()
        while True:
            asleep_since = time.monotonic()
            if self._stopped.wait(_EVERY):
                return
            asleep_for = time.monotonic() - asleep_since
            still_for = time.monotonic() - self._last_beat
            running = self._running.copy()
            if not running:
                continue
            if asleep_for > 3 * _EVERY:
                _warn_of_standstill(asleep_for, running)
            elif still_for > 2 * _EVERY:
                where = _users_line(sys._current_frames().get(watched))
                if where not in said:
                    said.add(where)
                    _warn_of_blocked_loop(still_for, where, running)
            else:
                continue
            for token, each in running.items():
                _beat_from_outside(worker, token, each.details)


@dataclass(frozen=True, slots=True)
class _Running:
    """A step that is running, and what its beats say."""

    step: str
    details: Sequence[Payload]


class _Inbound(ActivityInboundInterceptor):
    def __init__(self, next: ActivityInboundInterceptor, heartbeats: Heartbeats) -> None:
        super().__init__(next)
        self._heartbeats = heartbeats

    def init(self, outbound: ActivityOutboundInterceptor) -> None:
        super().init(_Outbound(outbound, self._heartbeats))


class _Outbound(ActivityOutboundInterceptor):
    def __init__(self, next: ActivityOutboundInterceptor, heartbeats: Heartbeats) -> None:
        super().__init__(next)
        self._heartbeats = heartbeats

    def heartbeat(self, *details: object) -> None:
        token = self.info().task_token
        running = self._heartbeats._running.get(token)
        worker = self._heartbeats._worker
        if running is not None and running.details and worker is not None:
            # As they were encoded once: the user's codec may fail, and the SDK would cancel the step for it.
            _beat_from_outside(worker, token, running.details)
        else:
            super().heartbeat(*details)


class _Beating(AbstractContextManager[None]):
    # No generator: that sets the traceback of what is raised within the block, whose class may not let it.
    def __init__(self, heartbeats: Heartbeats, running: _Running) -> None:
        self._heartbeats = heartbeats
        self._running = running
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> None:
        info = activity.info()
        self._loop = asyncio.get_running_loop()
        self._token = info.task_token
        self._heartbeats._last_beat = time.monotonic()
        self._heartbeats._running[self._token] = self._running
        if info.is_local:  # part of a workflow task, whose worker the server watches by that
            self._timer = None
            return
        # A worker with too much to do comes to a step late, and the server has been counting since it gave it out.
        waited = time.time() - info.started_time.timestamp()
        self._timer = self._loop.call_later(_EVERY - min(max(waited, 0), _EVERY), self._beat)

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
        del self._heartbeats._running[self._token]

    def _beat(self) -> None:
        self._heartbeats._last_beat = time.monotonic()
        worker = self._heartbeats._worker
        if worker is None:
            activity.heartbeat()
        else:
            # The SDK's own does nothing from when the function has returned, and what it returned may take long to
            # store.
            _beat_from_outside(worker, self._token, self._running.details)
        self._timer = self._loop.call_later(_EVERY, self._beat)


def _beat_from_outside(worker: Worker, token: bytes, details: Sequence[Payload] = ()) -> None:
    """Send a beat without the worker's loop, and with details as they are."""
    with suppress(Exception):  # the step has ended meanwhile, or the worker
        record_heartbeat(worker, token, details)


def _warn_of_blocked_loop(seconds: float, where: str, running: Mapping[bytes, _Running]) -> None:
    _logger.warning(
        "the event loop of this worker has stood still for %.0f seconds at %s, in or beside the steps %s. Beats are"
        " sent from another thread meanwhile, so nothing runs twice, but no other step goes on: make the function a"
        " plain `def`, or call it with `await asyncio.to_thread(…)`.",
        seconds,
        where,
        _quote(running),
    )


def _warn_of_standstill(seconds: float, running: Mapping[bytes, _Running]) -> None:
    _logger.warning(
        "this worker as a whole has stood still for %.0f seconds, in or beside the steps %s: it was suspended, or one"
        " call kept all threads of Python waiting (into C; a regular expression that backtracks, say). After %s of that"
        " the server takes a worker for dead, and its steps run again, with the same key. Make such a call in a process"
        " of its own.",
        seconds,
        _quote(running),
        format_duration(HEARTBEAT_TIMEOUT),
    )


def _quote(running: Mapping[bytes, _Running]) -> str:
    return ", ".join(sorted({repr(each.step) for each in running.values()}))


def _users_line(frame: FrameType | None) -> str:
    """Return the line of the user's that a thread is at, or the innermost one where none is."""
    innermost = frame
    while frame is not None:
        if is_users(frame):
            return place(frame.f_code.co_filename, frame.f_lineno)
        frame = frame.f_back
    return place(innermost.f_code.co_filename, innermost.f_lineno) if innermost else "an unknown line"
