"""Reading the history of a run as it grows, so that a test that looks often asks the server for what is new alone."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Any

from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowHandle, WorkflowHistory

from ..engine.wire.history import TOLD_EARLY
from ..runs.reading import take_in
from ..runs.timeline import Timeline

__all__ = ["RunReader"]


class RunReader:
    """The history of a run, kept up to date by a request that the server answers when there is something new.

    Args:
        client: of the server.
        handle: of the run. What continues it (a new run under the same id) is read in its place.
        timeout: of its job.

    It belongs to the event loop that it is first used on.
    """

    def __init__(self, client: Client, handle: WorkflowHandle[Any, Any], timeout: timedelta | None = None) -> None:
        self._client = client
        self._handle = handle
        self._run_id = ""
        self._events: list[HistoryEvent] = []
        self._timeout = timeout
        self._timeline = Timeline(timeout=timeout)
        self._news = asyncio.Event()
        self._reading: asyncio.Task[None] | None = None

    @property
    def timeline(self) -> Timeline:
        """What has been read."""
        return self._timeline

    @property
    def history(self) -> WorkflowHistory:
        """What has been read, as it is."""
        return WorkflowHistory(self._handle.id, list(self._events))

    async def read(self, run_id: str, length: int) -> bool:
        """Read at least so many events, and say whether no others are recorded.

        Args:
            run_id: of the run that is open under the workflow's id, or was last.
            length: how many events the server says that it has.
        """
        if run_id != self._run_id or self._reading is None:
            self.close()
            self._run_id, self._events = run_id, []
            self._timeline = Timeline(timeout=self._timeout)
            self._reading = asyncio.create_task(self._read())
        while len(self._events) < length:
            if self._reading.done():
                self._reading.result()  # which may have failed
                return False
            await self.wait(1.0)
        # Nothing takes back what is never recorded: it stands here until the next event comes.
        return all(event.event_type in TOLD_EARLY for event in self._events[length:])

    async def wait(self, longest: float) -> None:
        """Wait until something new has been read since the last time, or so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(longest):
                await self._news.wait()
        self._news.clear()

    def close(self) -> None:
        """Stop reading."""
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    async def _read(self) -> None:
        handle = self._client.get_workflow_handle(self._handle.id, run_id=self._run_id)
        try:
            async for event in handle.fetch_history_events(wait_new_event=True):
                # In the place of what was told early, which is nothing to a timeline.
                self._events[event.event_id - 1 :] = [event]
                await take_in(self._timeline, event, self._client)
                self._news.set()
        finally:
            self._news.set()
