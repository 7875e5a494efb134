"""Requests for schedules, and what is said where a server does not have them, or does not let this client."""

from __future__ import annotations

import asyncio
import builtins
import random
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final, TypeVar

from temporalio.api.schedule.v1 import Schedule, ScheduleListEntry, SchedulePatch
from temporalio.api.workflowservice.v1 import (
    CreateScheduleRequest,
    DeleteScheduleRequest,
    DescribeScheduleRequest,
    DescribeScheduleResponse,
    ListScheduleMatchingTimesRequest,
    ListSchedulesRequest,
    PatchScheduleRequest,
    UpdateScheduleRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from ..errors import ScheduleError, SetupError
from ..runs.requests import request, request_error
from .markers import memo_of, schedule_memo

__all__ = ["ScheduleServer"]

_T = TypeVar("_T")

_NOT_ALLOWED: Final = frozenset({RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNAUTHENTICATED})

#: What is told here, and not as of any request.
_TOLD: Final = frozenset(
    {RPCStatusCode.INVALID_ARGUMENT, RPCStatusCode.UNIMPLEMENTED, RPCStatusCode.RESOURCE_EXHAUSTED, *_NOT_ALLOWED}
)

#: Seconds for which a server that is busy is asked again, and between two requests. It answers one question about a
#: schedule at a time and refuses further ones, as those of ten workers that start at once; the SDK's own repeats, which
#: begin at a hundredth of that, do not get through.
_PATIENCE: Final = 30.0
_PAUSE: Final = (0.05, 0.5)

#: Schedules that are asked for at once.
_PAGE: Final = 200


class ScheduleServer:
    """The schedules of a namespace.

    The requests are those of the API, not of the SDK's client: that one sends no conflict token, so that an update
    would undo what an operator has changed since the schedule was read.
    """

    def __init__(self, client: Client) -> None:
        self.client = client
        self._namespace = client.namespace

    async def describe(self, id: str) -> DescribeScheduleResponse | None:
        """Return a schedule, or None where there is none of that id."""
        call = partial(
            self.client.workflow_service.describe_schedule,
            DescribeScheduleRequest(namespace=self._namespace, schedule_id=id),
        )
        try:
            return await self._ask(call, f"the schedule {id!r} cannot be read", RPCStatusCode.NOT_FOUND)
        except RPCError:
            return None

    async def create(self, id: str, job: str, schedule: Schedule) -> bool:
        """Make a schedule that is marked as ours, and return whether it was not there."""
        call = partial(
            self.client.workflow_service.create_schedule,
            CreateScheduleRequest(
                namespace=self._namespace,
                schedule_id=id,
                schedule=schedule,
                memo=await memo_of(self.client, schedule_memo(job)),
                identity=self.client.identity,
                request_id=str(uuid.uuid4()),
            ),
        )
        try:
            await self._ask(call, f"the schedule {id!r} cannot be made", RPCStatusCode.ALREADY_EXISTS)
        except RPCError:
            return False
        return True

    async def update(self, id: str, schedule: Schedule, token: bytes) -> None:
        """Change a schedule, if it is still the one that was read with that token; else nothing is done, or is gone.

        Servers answer before they have looked at the token, and do not tell: who has to know reads it again.
        """
        call = partial(
            self.client.workflow_service.update_schedule,
            UpdateScheduleRequest(
                namespace=self._namespace,
                schedule_id=id,
                schedule=schedule,
                conflict_token=token,
                identity=self.client.identity,
                request_id=str(uuid.uuid4()),
            ),
        )
        what = f"the schedule {id!r} cannot be changed"
        try:
            await self._ask(call, what, RPCStatusCode.NOT_FOUND, RPCStatusCode.FAILED_PRECONDITION)
        except RPCError:
            return

    async def delete(self, id: str) -> None:
        """Remove a schedule; runs of it go on. One that is gone is removed."""
        call = partial(
            self.client.workflow_service.delete_schedule,
            DeleteScheduleRequest(namespace=self._namespace, schedule_id=id, identity=self.client.identity),
        )
        try:
            await self._ask(call, f"the schedule {id!r} cannot be removed", RPCStatusCode.NOT_FOUND)
        except RPCError:
            return

    async def patch(self, id: str, patch: SchedulePatch, what: str) -> None:
        """Have a schedule do something: `what` it is that cannot be done, for a message."""
        call = partial(
            self.client.workflow_service.patch_schedule,
            PatchScheduleRequest(
                namespace=self._namespace,
                schedule_id=id,
                patch=patch,
                identity=self.client.identity,
                request_id=str(uuid.uuid4()),
            ),
        )
        await self._ask(call, what)

    async def matching_times(self, id: str, start: datetime, end: datetime) -> builtins.list[datetime]:
        """Return the moments of a schedule from a start to an end, both included, in UTC; a thousand or so at most."""
        request = ListScheduleMatchingTimesRequest(namespace=self._namespace, schedule_id=id)
        # A server leaves out the very start.
        request.start_time.FromDatetime(start.astimezone(UTC) - timedelta(milliseconds=1))
        request.end_time.FromDatetime(end.astimezone(UTC))
        call = partial(self.client.workflow_service.list_schedule_matching_times, request)
        found = await self._ask(call, f"the moments of the schedule {id!r} cannot be read")
        return [each.ToDatetime(tzinfo=UTC) for each in found.start_time]

    async def list(self) -> AsyncIterator[ScheduleListEntry]:
        """Return the schedules of the namespace, anybody's. The list is behind by some tenths of a second."""
        token = b""
        while True:
            call = partial(
                self.client.workflow_service.list_schedules,
                ListSchedulesRequest(namespace=self._namespace, maximum_page_size=_PAGE, next_page_token=token),
            )
            page = await self._ask(call, "the schedules cannot be listed")
            for each in page.schedules:
                yield each
            token = page.next_page_token
            if not token:
                return

    async def _ask(self, call: Callable[[], Awaitable[_T]], what: str, *answers: RPCStatusCode) -> _T:
        """Make a request; an RPCError is one of the `answers`."""
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                return await request(call(), what, self.client, answers=(*answers, *_TOLD))
            except RPCError as error:
                if error.status in answers:
                    raise
                if error.status != RPCStatusCode.RESOURCE_EXHAUSTED or time.monotonic() > until:
                    raise self._refusal(error, what) from error
            await asyncio.sleep(random.uniform(*_PAUSE))

    def _refusal(self, error: RPCError, what: str) -> Exception:
        namespace = f"namespace {self.client.namespace!r}"
        if error.status == RPCStatusCode.UNIMPLEMENTED:
            return SetupError(
                f"{what}: the server has no schedules ({error.message}). They need Temporal 1.20 or newer: upgrade it,"
                " or start the runs by a cron of your own (`terse-temporal trigger JOB`)."
            )
        if error.status in _NOT_ALLOWED:
            return SetupError(
                f"{what}: the server does not let this client ({error.message}). In the {namespace} it needs to read"
                " and write schedules: give its key or certificate that permission, or let somebody who has it run"
                " `terse-temporal schedules sync`."
            )
        if error.status == RPCStatusCode.INVALID_ARGUMENT:
            return ScheduleError(f"{what}: the server refuses it ({error.message})")
        return request_error(error, what, self.client)
