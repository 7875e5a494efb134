"""Saying what is wrong when the history of a run does not fit the code of this worker.

The engine notices it, blocks the run (its workflow task is retried until code that fits is back) and says which event
it met first. What a person needs is what was recorded beside what the code does now, and where that stands. So when a
run is blocked, the worker fetches its history and logs the two side by side, once for each run.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from temporalio.bridge.proto.workflow_activation import RemoveFromCache
from temporalio.client import Client
from temporalio.workflow import Info

from ...diagnostics.logs import Block, logger_of
from ...diagnostics.once import Once
from ...durations import format_duration
from ..wire.continued import read_history
from ..wire.history import RunHistory
from ..wire.records import ChildRecord, Record, StepRecord
from .commands import PendingCommand
from .definitions import RunContext

__all__ = [
    "NondeterminismReporter",
    "Reporter",
    "first_difference",
    "place_of_difference",
    "recorded_calls",
    "side_by_side",
    "summarize",
]

_logger = logger_of("worker")


class Reporter(Protocol):
    """Told what becomes of the runs of jobs."""

    def evicted(self, info: Info, why: RemoveFromCache, context: RunContext, caught_up: bool) -> None:
        """Note that a run leaves the cache of the worker. Called on a thread of the engine's.

        Args:
            caught_up: whether it has come to the end of its history. One that has not may have been given up, though
                the reason is told as another: a cache of no runs is always full.
        """


class NondeterminismReporter:
    """Logs the two columns for runs that this worker cannot replay."""

    def __init__(self) -> None:
        self._client: Client | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._reported = Once()
        self._reports: set[asyncio.Task[None]] = set()
        #: Called with the workflow id of a run that is blocked, and why, with the two columns.
        self.on_blocked: Callable[[str, str], None] = lambda workflow_id, table: None

    def attach(self, client: Client, loop: asyncio.AbstractEventLoop) -> None:
        """Set where to fetch histories, and the loop to do it on."""
        self._client, self._loop = client, loop

    def evicted(self, info: Info, why: RemoveFromCache, context: RunContext, caught_up: bool) -> None:
        """As `Reporter` has it."""
        blocked = context.execution.blocked
        is_given_up = blocked is not None or why.reason == RemoveFromCache.NONDETERMINISM
        if self._client is None or self._loop is None:
            return
        due = is_given_up or (why.reason == RemoveFromCache.CACHE_FULL and not caught_up)
        if due and self._reported.is_new(info.run_id):
            message = str(blocked) if blocked else why.message if is_given_up else None
            now, at = list(context.execution.commands), blocked.index if blocked else None
            self._loop.call_soon_threadsafe(self._start, info, message, now, at)

    def _start(self, info: Info, message: str | None, now: list[PendingCommand], at: int | None) -> None:
        task = asyncio.ensure_future(self._report(info, message, now, at))
        self._reports.add(task)
        task.add_done_callback(self._reports.discard)

    async def _report(self, info: Info, message: str | None, now: list[PendingCommand], at: int | None) -> None:
        assert self._client is not None
        try:
            handle = self._client.get_workflow_handle(info.workflow_id, run_id=info.run_id)
            events = (await handle.fetch_history()).events
            history = await read_history(events, self._client.data_converter)
            message = message or history.nondeterminism
            table = side_by_side(recorded_calls(history), now, place_of_difference(history, now, at))
        except Exception as err:
            table = f"(its history could not be fetched: {err})"
        if message is None:
            # It was only asked something, or its failure is not in the history yet: that is told the next time.
            self._reported.forget(info.run_id)
            return
        _logger.error(
            "run   %s  %s waits: its history does not fit the code of this worker.\n%s\n"
            "  Steps that a run has behind it cannot be changed, moved or taken away; what comes after them can.\n"
            "  The run goes on by itself when a worker with code that fits is back. To give it up instead:"
            " temporal workflow terminate --workflow-id %s\n"
            "  (%s)",
            info.workflow_id,
            info.workflow_type,
            Block(table),
            info.workflow_id,
            summarize(message),
        )
        self.on_blocked(info.workflow_id, f"its history does not fit the code.\n{table}\n  ({summarize(message)})")


def summarize(message: str) -> str:
    """Return the sentence in what the engine says, which is a debug print of a nested structure."""
    found = re.search(r'message: "((?:[^"\\]|\\.)*)"', message)
    return re.sub(r"\\(['\"\\])", r"\1", found[1]) if found else message


def recorded_calls(history: RunHistory) -> list[PendingCommand]:
    """Return the steps, sleeps and child runs in a history, in the order in which the handler made them."""
    calls = []
    # Local steps are recorded as they end. Among each other they are put as they were asked for.
    local = iter(sorted((each for each in history.steps if each.is_local), key=lambda each: each.local_number))
    for each in history.commands:
        record = next(local) if isinstance(each, StepRecord) and each.is_local else each
        if isinstance(record, StepRecord):
            calls.append(PendingCommand("step", record.name, _where(record)))
        elif isinstance(record, ChildRecord):
            calls.append(PendingCommand("run", record.name, _where(record)))
        elif record.is_sleep:  # other timers are not in the other column
            calls.append(PendingCommand("sleep", format_duration(record.duration), _where(record)))
    return calls


def _where(record: Record) -> str:
    return "in an earlier history" if record.is_carried else f"event {record.event_id}"


def place_of_difference(history: RunHistory, now: Sequence[PendingCommand], at: int | None) -> int | None:
    """Return where a run does not fit, by the number of the call; `None` where the columns tell.

    Args:
        history: of the run.
        now: the calls that the handler makes.
        at: where it was noticed. What a run carries is compared when the handler has gone on as far as it can.
    """
    if at is None or not history.is_continued:
        return at
    return min(at, first_difference(recorded_calls(history), now))


def side_by_side(recorded: Sequence[PendingCommand], now: Sequence[PendingCommand], at: int | None = None) -> str:
    """Two columns, recorded and now, up to the first line where they differ (or `at`) and a little beyond."""
    differs = first_difference(recorded, now) if at is None else at
    rows: list[tuple[str, str, str]] = [("", "recorded", "now")]
    for index in range(max(0, differs - 3), min(max(len(recorded), len(now)), differs + 2)):
        left = _cell(recorded, index, "(nothing more)")
        right = _cell(now, index, "(the handler did not come here)")
        rows.append((f"{'>' if index == differs else ' '} {index + 1}", left, right))
    widths = [max(len(str(row[column])) for row in rows) for column in range(3)]
    return "\n".join(
        "  " + "   ".join(str(cell).ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def first_difference(recorded: Sequence[PendingCommand], now: Sequence[PendingCommand]) -> int:
    for index, (was, is_) in enumerate(zip(recorded, now, strict=False)):
        # The engine compares the names of steps and of child runs; the length of a sleep may be changed.
        if was.kind != is_.kind or (was.kind != "sleep" and was.name != is_.name):
            return index
    return min(len(recorded), len(now))


def _cell(calls: Sequence[PendingCommand], index: int, missing: str) -> str:
    if index >= len(calls):
        return missing
    call: Any = calls[index]
    return f"{call.kind:<5} {call.name}  ({call.where})"
