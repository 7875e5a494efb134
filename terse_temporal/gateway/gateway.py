"""The life of a gateway: its spool, and what hands deliveries from there to Temporal."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from temporalio.client import Client

from ..client import connect as connect_by_environment
from ..diagnostics.logs import logger_of
from ..errors import SpoolError
from ..jobs.job import Job
from ..triggers.webhook import WebhookTrigger
from .addresses import Addresses
from .delivery_log import log_unexpected
from .draining import Drain
from .intake import Intake
from .job_events import event_problem
from .operator_tokens import Operators
from .presence import Connect, Presence
from .requests import RequestReader
from .retention import warn_of_short_retention
from .secrets import VENDOR_SECRETS, GatewaySecrets
from .settings import GatewaySettings
from .spool import Spool
from .waking import Waking

__all__ = ["Gateway"]

_logger = logger_of("gateway")

#: Seconds after which what has failed in an unexpected way is begun again.
_PAUSE: Final = 5.0

#: Seconds for which it is believed that the spool can be written.
_CHECK_EVERY: Final = 1.0


class Gateway:
    """Takes deliveries into a spool, and hands them on from there.

    Args:
        jobs: those that deliveries may start.
        settings: where the spool is, the limits, the task queue.
        secrets: instead of those in the environment.
        client: of the server that runs are started on.
        connect: makes one, where none is given; it is tried until it succeeds.

    Attributes:
        addresses: those of jobs of their own.
        operators: who may see and answer every question.
        reader: checks signatures.

    Raises:
        GatewaySecretError: a secret in the environment cannot be one.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        settings: GatewaySettings,
        *,
        secrets: GatewaySecrets | None = None,
        client: Client | None = None,
        connect: Connect | None = None,
    ) -> None:
        self.jobs = jobs
        self.settings = settings
        webhooks = {job.name: each for job in jobs for each in job.triggers if isinstance(each, WebhookTrigger)}
        self._webhooks = frozenset(webhooks)
        for job in jobs:
            if any(each.source in (*VENDOR_SECRETS, "webhook") for each in job.triggers) and (
                problem := event_problem(job)
            ):
                _logger.error("what is delivered for the job %s is refused: %s", job.name, problem)
        self.secrets = GatewaySecrets.read(triggers=webhooks.values()) if secrets is None else secrets
        for problem in self.secrets.weak.values():
            _logger.warning("%s", problem)
        self.addresses = Addresses.of(self.secrets)
        self.operators = Operators.of(self.secrets)
        self.reader = RequestReader(self.secrets, webhooks)
        self._connect = _given(client) if client is not None else connect or connect_by_environment
        self._opening: asyncio.Task[_Open] | None = None

    def has_address(self, job: str, token: str) -> bool:
        """Return whether there is such a job with an address of its own, and this is its token."""
        # The token first, so that how long it takes says nothing about which jobs there are.
        return self.addresses.accepts(job, token) and job in self._webhooks

    async def start(self) -> Intake:
        """Open the spool, and begin to hand on what is in it, if that has not begun; return what takes deliveries in.

        Raises:
            SpoolError: the spool cannot be used, or another gateway uses it.
        """
        if self._opening is None:
            self._opening = asyncio.create_task(self._open())
        return (await asyncio.shield(self._opening)).intake

    async def stop(self) -> None:
        """Hand on what waits, for as long as the settings say and Temporal answers, and close the spool."""
        opening, self._opening = self._opening, None
        if opening is None:
            return
        opened = await opening
        try:
            if opened.problem is None:
                with suppress(TimeoutError, SpoolError):
                    async with asyncio.timeout(self.settings.limits.drain_seconds):
                        await opened.drain.until_empty()
        finally:
            opened.life.cancel()
            with suppress(asyncio.CancelledError):
                await opened.life

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run for the length of a block: as the lifespan of an app, or a part of one."""
        await self.start()
        try:
            yield
        finally:
            await self.stop()

    async def drained(self) -> None:
        """Wait until all that was taken in has been handed on, or refused, and runs that wait for it were told."""
        if self._opening is not None:
            await (await self._opening).drain.until_empty()

    async def look_for_waits(self, run: str) -> int:
        """Look once more which runs wait, and give them what came for them; return how many waits of a run are known.

        The list of what waits follows what happens by some tenths of a second.
        """
        await self.start()
        assert self._opening is not None
        waking = (await self._opening).waking
        await waking.settled()
        return waking.waits_of(run)

    async def client(self) -> Client:
        """Return the client of the Temporal server.

        Raises:
            ServerUnavailableError: the server does not answer now. It is asked together with all who want to know.
            SpoolError: the gateway cannot begin.
        """
        await self.start()
        assert self._opening is not None
        return await (await self._opening).presence.client_now()

    async def check(self) -> str | None:
        """Return why Temporal cannot be asked, or `None` if it can.

        Raises:
            SpoolError: nothing can be taken in.
        """
        await self.start()
        assert self._opening is not None
        opened = await self._opening
        await opened.check_spool()
        return opened.problem

    async def _open(self) -> _Open:
        try:
            # Made on the loop that uses it: an app may be served, ended, and served again.
            spool = Spool(self.settings.spool, max_bytes=self.settings.spool_bytes, keep=self.settings.keep)
            await spool.open()
        except BaseException:
            self._opening = None
            raise
        return _Open(self, spool)


class _Open:
    """A gateway whose spool is open.

    Attributes:
        presence: the client, and whether its server answers.
        life: what goes on meanwhile. The end of the event loop cancels it, which closes the spool.
    """

    def __init__(self, gateway: Gateway, spool: Spool) -> None:
        self._gateway = gateway
        self.presence = Presence(gateway._connect)
        self.spool = spool
        self.intake = Intake(gateway.jobs, gateway.reader, spool)
        task_queue = gateway.settings.task_queue
        self.waking = Waking(spool, self.presence.client, task_queue)
        self.drain = Drain(
            spool,
            gateway.jobs,
            self.presence.client,
            task_queue,
            self.waking,
            open_requests=lambda: self.intake.under_way,
        )
        self._is_connected = False
        self._checked_at = -_CHECK_EVERY
        self.life = asyncio.create_task(self._live())

    @property
    def problem(self) -> str | None:
        """Why Temporal cannot be asked."""
        return self.drain.problem if self._is_connected else self.presence.problem or "not connected yet"

    async def check_spool(self) -> None:
        """Write to the spool, unless that was done just now: anybody may ask, as often as they like."""
        now = time.monotonic()
        if now >= self._checked_at + _CHECK_EVERY:
            await self.spool.check()
            self._checked_at = now

    async def _live(self) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(_keep_running("handing deliveries to Temporal", self.drain.run))
                tasks.create_task(_keep_running("waking runs that wait for deliveries", self.waking.run))
                tasks.create_task(_keep_running("the check of the namespace", self._greet))
        finally:
            self.presence.stop_asking()
            self._gateway._opening = None
            self.intake.close()
            await self.spool.close()

    async def _greet(self) -> None:
        client = await self.presence.client()
        self._is_connected = True
        if self._gateway.settings.checks_retention:
            await warn_of_short_retention(client)


def _given(client: Client) -> Connect:
    async def given() -> Client:
        return client

    return given


async def _keep_running(what: str, run: Callable[[], Awaitable[Any]]) -> None:
    """Run it to its end, and begin again when it fails: a mistake of ours must not stop deliveries for good."""
    while True:
        try:
            await run()
            return
        except Exception as error:
            log_unexpected(_logger, f"{what} failed unexpectedly, and is begun again", error)
            await asyncio.sleep(_PAUSE)
