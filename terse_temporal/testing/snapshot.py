"""How a run stands, as the server tells it: what it has done, what it waits for, and whether anything is under way."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from rich.console import Console
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle, WorkflowHistory

from ..encryption.reading import readable_steps
from ..inputs.questions import read_question
from ..runs.clocks import clock_of, next_attempt_of
from ..runs.memo import read_memo, wait_text
from ..runs.timeline import Entry, Timeline
from ..runs.timeline_table import timeline_table
from .questions import Question, question_of
from .run_reader import RunReader

__all__ = ["RunSnapshot", "Sleep", "take_snapshot"]


@dataclass(frozen=True)
class Sleep:
    """A sleep that a run is in.

    Attributes:
        duration: of the whole of it.
        until: on the run's own clock.
    """

    duration: timedelta
    until: datetime


@dataclass(frozen=True)
class RunSnapshot:
    """How a run stands.

    Attributes:
        history: of the run, so far.
        timeline: what is in it.
        status: open, or how it ended.
        sleeps: those that it is in; empty when it has ended.
        questions: those that are open, likewise.
        waits: those for events, as its memo shows them, likewise.
        limits: when the time of one is up, and other timers while it waits for events or people.
        has_pending_work: whether the handler or a step has something to do, or a timer is due.
        has_children: whether runs that it has started are open. It may wait for them, or not.
        clock: the run's own time.
        next_attempt: when a step is tried again, if that is all that there is to do.
        blocked: why the last task of the workflow failed, if it did: the run waits for other code.
        is_nondeterminism: whether that is because the history does not fit.
    """

    history: WorkflowHistory
    timeline: Timeline
    status: WorkflowExecutionStatus | None
    sleeps: Sequence[Sleep]
    questions: Sequence[Question]
    waits: Sequence[Mapping[str, Any]]
    limits: Sequence[datetime]
    has_pending_work: bool
    clock: datetime
    has_children: bool = False
    next_attempt: datetime | None = None
    blocked: str | None = None
    is_nondeterminism: bool = False

    @property
    def status_text(self) -> str:
        """`"running"`, `"completed"` and so on."""
        if self.status is WorkflowExecutionStatus.CANCELED:
            return "cancelled"
        return "running" if self.status is None else self.status.name.lower()

    @property
    def delivery_waits(self) -> int:
        """How many of the waits are for what a webhook delivers."""
        return sum("trigger" in each for each in self.waits)

    @property
    def is_asking(self) -> bool:
        """Whether it asks people something that no time ends, and does not sleep beside that."""
        return any(each.until is None for each in self.questions) and not self.sleeps

    def table(self) -> str:
        """Return the steps and sleeps: when each began, counted from the start of the run, and how long it took."""
        if not self.timeline.entries:
            return "  (no step and no sleep so far)"
        out = io.StringIO()
        Console(file=out, width=120, color_system=None).print(timeline_table(self.timeline, now=self.clock))
        return "\n".join(f"  {line.rstrip()}" for line in out.getvalue().splitlines() if line.strip())

    @property
    def is_open(self) -> bool:
        return self.status in (WorkflowExecutionStatus.RUNNING, None)


async def take_snapshot(client: Client, handle: WorkflowHandle[Any, Any], reader: RunReader) -> RunSnapshot:
    """Return how a run stands. One request to the server, and again while it moves on.

    Args:
        client: of the server.
        handle: of the run.
        reader: of its history.
    """
    while True:
        described = await handle.describe()
        raw = described.raw_description
        if await reader.read(described.run_id, raw.workflow_execution_info.history_length):
            break
    await readable_steps(raw, client.data_converter)
    reader.timeline.apply_pending(raw.pending_activities)
    history, timeline = reader.history, reader.timeline.as_it_stands()
    is_open = described.status in (WorkflowExecutionStatus.RUNNING, None)
    tokens, waiting = await read_memo(client, raw.workflow_execution_info.memo.fields)
    timeline.tokens = tokens
    if not is_open:
        timeline.end()
    has_pending_work = raw.HasField("pending_workflow_task") or bool(raw.pending_activities)
    # A timer that says nothing of itself may be a time limit of what is under way, or of an answer that is asked for.
    # Where there is nothing of the kind the run waits for it: `asyncio.sleep`, `workflow.wait_condition(…, timeout=…)`.
    open_timers = [timer for timer in timeline.history.timers if timer.outcome == "open"]
    sleeps = [timer for timer in open_timers if timer.is_sleep]
    if not (sleeps or has_pending_work or waiting):
        sleeps = open_timers
    clock = clock_of(raw)
    # The server comes to a timer a moment after its time, which on a busy machine can be seen. Whoever skips time then
    # would skip it in one go with the sleep that comes next.
    is_due = any(timer.until <= clock for timer in open_timers)
    waits = [each for each in (waiting or {}).values() if is_open and "event" in each]
    for each in waits:
        since = datetime.fromisoformat(each["since"])
        timeline.entries.append(Entry("event", wait_text(each).removeprefix("the event "), since, "waiting"))
    return RunSnapshot(
        history=history,
        timeline=timeline,
        status=described.status,
        sleeps=[Sleep(timer.duration, timer.until) for timer in sleeps] if is_open else [],
        questions=[
            question_of(asked)
            for number, each in (waiting or {}).items()
            if is_open and (asked := read_question(each, id=handle.id, number=number)) is not None
        ],
        waits=waits,
        limits=[timer.until for timer in open_timers if is_open and waiting and not timer.is_sleep],
        has_pending_work=is_open and (has_pending_work or is_due),
        has_children=is_open and bool(raw.pending_children),
        clock=clock,
        next_attempt=next_attempt_of(raw) if is_open else None,
        blocked=timeline.history.blocked if is_open else None,
        is_nondeterminism=timeline.history.nondeterminism is not None,
    )
