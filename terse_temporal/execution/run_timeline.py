"""What a run has done and does, as code that asks for it gets it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

__all__ = ["EntryState", "RunTimeline", "TimelineEntry"]

#: How an entry of a timeline stands. `"waiting"`: for a worker, or for the next attempt.
EntryState: TypeAlias = Literal["waiting", "running", "done", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One call of a handler that was recorded, or an event that came.

    Attributes:
        kind: `"step"` (tools, turns of a model and calls of the state too), `"sleep"`, `"run"` for a child run,
            `"event"` for one that was sent to it, `"question"` for one to a person, `"timer"` for what waits beside the
            handler, as `asyncio.timeout()` and the timeout of the job do.
        name: the step's name, how long the sleep is, the child's job, or what is asked.
        state: `"waiting"`, `"running"`, `"done"`, `"failed"` or `"cancelled"`.
        started_at: when the handler asked for it, in UTC.
        ended_at: when it was over, in UTC; `None` until then.
        attempt: how often a step was started; 0 until it is, and of what is no step. Also 0 where a step had timed
            out or was cancelled before the run continued in a new history: what is carried on does not tell it.
        failure: why it failed, or the last attempt of it; empty where none did.
        label: what tells it from others of its name.
        id: the workflow id of a child run, the number of a question; empty of anything else.
        answer: of a question that is over, what the option is called that counts and who has chosen it, as far as
            that is known: `"Approve, by ann@example.com"`. What was written is not told.
    """

    kind: str
    name: str
    state: EntryState
    started_at: datetime
    ended_at: datetime | None = None
    attempt: int = 0
    failure: str = ""
    label: str = ""
    id: str = ""
    answer: str = ""


@dataclass(frozen=True, slots=True)
class RunTimeline:
    """What a run has done and does, as it stood when it was asked for.

    Attributes:
        entries: in the order in which the handler made the calls; through all runs of a chain.
        started_at: when the run began, in UTC; `None` before its first event was read.
    """

    entries: tuple[TimelineEntry, ...]
    started_at: datetime | None = None
