"""Handing deliveries from the spool to Temporal: starting the runs of the jobs that each is for.

**Order.** Runs are started in the order in which their deliveries came, some at once. A delivery whose start fails
while the server answers waits by itself, a minute at most, and a quarter of an hour after a mistake in somebody's code,
or until the gateway is begun again; those behind it go on: what is stuck for a reason of its own does not hold up the
others. While the server is away nothing is sent but one question at a time
(`presence.py`), and then all go on where they were, in order. Runs that wait are offered the deliveries of a source one
after the other, strictly in order.

**Once.** What was done is recorded after it was done, so it is done again by a gateway that was killed in between. The
server then finds the run by its id, or the run the event by its own, and nothing happens twice.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from ..diagnostics.logs import logger_of
from ..diagnostics.redaction import error_text
from ..errors import (
    EventError,
    JobDefinitionError,
    RunExistsError,
    ServerUnavailableError,
    SpoolError,
    StartError,
    TerseError,
    UnknownJobError,
)
from ..execution.backoff import Backoff
from ..execution.run_operations import RunRequest
from ..jobs.job import Job
from ..jobs.run_requests import run_request
from ..runs.starting import start_run
from ..triggers.deliveries import Delivery
from .delivery_log import log_unexpected
from .job_events import event_for_run, trigger_for
from .presence import Connect, Presence
from .spool import Pending, Spool

__all__ = ["Drain", "OffersDeliveries"]

_logger = logger_of("gateway")

#: Starts that are under way at once, and those that are read ahead. A start takes the server some milliseconds.
_AT_ONCE: Final = 16
_AHEAD: Final = 64

#: Seconds between two starts while senders wait for an answer: both take the same processor.
_WHILE_ANSWERING: Final = 0.01

#: Seconds for one start, and between two attempts at one, at first and at most.
_PATIENCE: Final = 30.0
_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 60.0

#: The same after a mistake in a model or a trigger, which somebody has to mend. Thousands of deliveries may have it,
#: and their attempts take the place of others.
_LONGEST_AFTER_MISTAKE: Final = 900.0

#: Attempts to offer a delivery to the runs that wait, of which the last is some minutes after the first. Those behind
#: it wait, for they are offered in order.
_MOST_OFFERS: Final = 10

#: Seconds after which the spool is looked at without being told: for what is due again, or is asked for by a command.
_LOOK_EVERY: Final = 1.0

#: Characters of a reason in the spool.
_LONGEST_REASON: Final = 4_000


class OffersDeliveries(Protocol):
    """What gives deliveries to the runs that wait for them."""

    async def offer(self, delivery: Delivery) -> None:
        """Give a delivery to all runs that wait for it.

        Raises:
            ServerUnavailableError: that is to be tried again.
        """


class Drain:
    """Hands on what is in a spool.

    Args:
        spool: which is open.
        jobs: those that runs may be started of.
        connect: makes the client, or raises `ServerUnavailableError` to be asked again.
        task_queue: of the workers that have the jobs.
        waking: gives deliveries to the runs that wait; `None`: none do.
        open_requests: how many senders wait for an answer just now. They go first: meanwhile a hundred runs are started
            a second at most.
    """

    def __init__(
        self,
        spool: Spool,
        jobs: Iterable[Job],
        connect: Connect,
        task_queue: str,
        waking: OffersDeliveries | None = None,
        open_requests: Callable[[], int] = lambda: 0,
    ) -> None:
        self._spool = spool
        self._jobs = {job.name: job for job in jobs}
        self._presence = Presence(connect)
        self._task_queue = task_queue
        self._waking = waking
        self._open_requests = open_requests
        self._taking = asyncio.Lock()
        self._ahead: deque[Pending] = deque()
        self._under_way: set[tuple[int, str]] = set()

    @property
    def problem(self) -> str | None:
        """Why nothing is handed on: the server does not answer. `None` while it does, or nobody has asked it."""
        return self._presence.problem

    async def run(self) -> None:
        """Hand on what is there and what comes, until cancelled."""
        self._ahead.clear()
        self._under_way.clear()
        try:
            with self._spool.watch() as changed:
                async with asyncio.TaskGroup() as tasks:
                    for _ in range(_AT_ONCE):
                        tasks.create_task(self._start_runs(changed))
                    tasks.create_task(self._offer_by_source(tasks))
        finally:
            self._presence.stop_asking()

    async def until_empty(self) -> None:
        """Wait until all that is in the spool is handed on or refused, and was offered to the runs that wait."""
        while not await self._spool.is_empty():  # noqa: ASYNC110  # commands change it too, and tell nobody
            await asyncio.sleep(0.02)

    async def _start_runs(self, changed: asyncio.Event) -> None:
        while True:
            try:
                pending = await self._take(changed)
                try:
                    await self._start(pending)
                finally:
                    self._under_way.discard(_key(pending))
            except SpoolError as error:
                _logger.error("deliveries wait: %s", error)
                await asyncio.sleep(_FIRST_PAUSE)

    async def _take(self, changed: asyncio.Event) -> Pending:
        """Return the next start that is due."""
        async with self._taking:
            while True:
                await self._presence.client()
                if self._ahead:
                    if self._open_requests():
                        await asyncio.sleep(_WHILE_ANSWERING)
                    pending = self._ahead.popleft()
                    self._under_way.add(_key(pending))
                    return pending
                changed.clear()
                self._ahead.extend(await self._spool.waiting(_AHEAD, without=self._under_way))
                if not self._ahead:
                    await _wait(changed)

    async def _start(self, pending: Pending) -> None:
        number, target, delivery = pending.number, pending.target, pending.delivery
        assert target is not None
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._start_run(await self._presence.client(), delivery, pending.size, target.job, target.run_id)
        except (EventError, StartError, JobDefinitionError, RunExistsError, UnknownJobError) as error:
            if _may_pass(error):
                await self._failed(pending, error)
            else:
                reason = error_text(error, _LONGEST_REASON)
                said = _for_log(error)
                _logger.warning("the delivery %s of %s starts no run: %s", delivery.id, delivery.source, said)
                await self._spool.refused(number, target.job, reason)
        except (ServerUnavailableError, TimeoutError) as error:
            await self._failed(pending, error)
        except SpoolError:
            raise
        except Exception as error:
            if not pending.attempts:
                log_unexpected(_logger, f"the delivery {delivery.id} of {delivery.source} starts no run yet", error)
            await self._failed(pending, error, _LONGEST_AFTER_MISTAKE)
        else:
            await self._spool.started(number, target.job)

    async def _start_run(self, client: Client, delivery: Delivery, size: int, name: str, run_id: str) -> None:
        job = self._jobs.get(name)
        if job is None:
            raise UnknownJobError(
                f"the gateway has no job {name!r} any more. Start it with the module that has the job, and then this"
                " delivery again: `terse-temporal gateway deliveries retry`"
            )
        trigger = trigger_for(job, delivery)
        if trigger is None:
            raise StartError(
                f"the job {name!r} ({job.where}) has no trigger any more that a {delivery.kind!r} of"
                f" {delivery.source!r} like this one starts"
            )

        def checked() -> RunRequest:
            try:
                event = event_for_run(job, trigger, delivery, size)
                return run_request(job, event, id=run_id, if_exists="attach", where="")
            except SystemExit as error:  # of a validator, where it would end the gateway
                raise RuntimeError("a model would end the process") from error

        await start_run(await asyncio.to_thread(checked), client, task_queue=self._task_queue)

    async def _failed(self, pending: Pending, error: Exception, longest: float = _LONGEST_PAUSE) -> None:
        assert pending.target is not None
        reason = error_text(error, _LONGEST_REASON)
        pause = 0.0
        # A server that is away says nothing about the delivery.
        if await self._presence.answers():
            most = min(_FIRST_PAUSE * 2 ** min(pending.attempts, 10), longest)
            pause = random.uniform(most / 2, most)
            _logger.warning(
                "the delivery %s of %s starts no run yet (attempt %d, the next one in %.0f s): %s",
                pending.delivery.id,
                pending.delivery.source,
                pending.attempts + 1,
                pause,
                _for_log(error),
            )
        retry_at = datetime.now(UTC) + timedelta(seconds=pause)
        await self._spool.failed(pending.number, pending.target.job, reason, retry_at=retry_at)

    async def _offer_by_source(self, tasks: asyncio.TaskGroup) -> None:
        known: set[str] = set()
        with self._spool.watch() as changed:
            while True:
                changed.clear()
                for source in self._spool.sources - known:
                    known.add(source)
                    tasks.create_task(self._offer_all_of(source))
                await _wait(changed)

    async def _offer_all_of(self, source: str) -> None:
        """Offer the deliveries of a source, each when the one before it was offered."""
        with self._spool.watch() as changed:
            while True:
                changed.clear()
                try:
                    found = await self._spool.to_offer(source, _AHEAD)
                    await self._offer(found)
                    await self._spool.offered_to_all([each.number for each in found])
                except SpoolError as error:
                    _logger.error("deliveries are not offered to the runs that wait: %s", error)
                    await asyncio.sleep(_FIRST_PAUSE)
                else:
                    if not found:
                        await _wait(changed)

    async def _offer(self, deliveries: Sequence[Pending]) -> None:
        if self._waking is None:
            return
        for each in deliveries:
            try:
                await self._offer_one(each.delivery, self._waking)
            except SpoolError:
                raise
            except Exception as error:
                what = f"the delivery {each.delivery.id} of {each.delivery.source}"
                log_unexpected(_logger, f"{what} is not offered to the runs that wait for it", error)

    async def _offer_one(self, delivery: Delivery, waking: OffersDeliveries) -> None:
        """Offer one until that succeeds; some times, if the server answers."""
        backoff = Backoff(first=_FIRST_PAUSE, longest=_LONGEST_PAUSE)
        attempts = 0
        while True:
            await self._presence.client()
            try:
                await waking.offer(delivery)
                return
            except ServerUnavailableError:
                if await self._presence.answers():
                    attempts += 1
                    if attempts == _MOST_OFFERS:
                        raise
                    await backoff.wait()


def _key(pending: Pending) -> tuple[int, str]:
    return pending.number, pending.target.job if pending.target is not None else ""


def _for_log(error: Exception) -> str:
    """Return what the log says of a failure. What a model has said may hold values of the body."""
    if isinstance(error, EventError):
        return "its event does not fit. `terse-temporal gateway deliveries show` says what is wrong"
    return error_text(error, _LONGEST_REASON) if isinstance(error, TerseError) else type(error).__name__


def _may_pass(error: Exception) -> bool:
    """Return whether a server refuses something else than what it was sent, as where its namespace is gone."""
    cause = error.__cause__
    return isinstance(cause, RPCError) and cause.status != RPCStatusCode.INVALID_ARGUMENT


async def _wait(changed: asyncio.Event) -> None:
    """Wait until something has changed, or for a second: also others than this process change the spool."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_LOOK_EVERY):
            await changed.wait()
