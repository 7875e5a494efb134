"""What a handler has asked for, as its history tells it: a step, a timer, or another run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, TypeAlias

from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure

from ...serialization.wire_names import LOCAL_ID_PREFIX

__all__ = ["LOCAL_FLUSH", "ChildRecord", "Outcome", "Record", "StepRecord", "TimerRecord", "moment"]

#: How something that a handler asked for stands, by what is recorded.
Outcome = Literal["open", "completed", "failed", "cancelled"]

#: A timer of this length ends a workflow task, so that what local steps have come to is recorded.
LOCAL_FLUSH: Final = timedelta(milliseconds=1)


@dataclass(kw_only=True)
class _Record:
    """Something that a handler asked for.

    Attributes:
        event_id: of the event that it began with, by which later ones name it.
        began, ended: when, on the clock of the run.
        summary: what it says of itself, encoded.
        outcome: what has become of it.
        ended_by: the event that it ended with, or 0.
    """

    event_id: int
    began: datetime
    summary: Payload | None = None
    ended: datetime | None = None
    ended_by: int = 0
    outcome: Outcome = "open"

    @property
    def is_carried(self) -> bool:
        """Whether it was begun before the run continued as new by itself: its event is of no history that is there."""
        return self.event_id < 0


@dataclass(kw_only=True)
class StepRecord(_Record):
    """A step, a call of the SDK, or a job that is not durable: an activity, or what is recorded as a local one.

    Attributes:
        activity_id: by which the server tells of it while it is open.
        name: the activity type.
        input: its arguments, encoded.
        attempt: how often it has been started. A history tells when the last attempt has ended; until then it is 0.
        failure: of the whole, or of the attempt before the last.
        result: of one that is completed, encoded.
        was_begun: whether a worker had taken it. That is known of one that has ended.
        is_local: it is recorded with the workflow task, once it has ended, and its arguments are not.
    """

    activity_id: str
    name: str
    input: Sequence[Payload] = ()
    attempt: int = 0
    failure: Failure | None = None
    result: Sequence[Payload] = ()
    was_begun: bool = False
    is_local: bool = False

    @property
    def local_number(self) -> int:
        """Of a local step: which of its run it is, counted as the handler asked for them."""
        number = self.activity_id.removeprefix(LOCAL_ID_PREFIX)
        return int(number) if number.isdecimal() else 0

    @property
    def is_recorded_in_task(self) -> bool:
        """Whether its end was recorded with the workflow task in which it was asked for."""
        return self.is_local and self.ended_by == self.event_id


@dataclass(kw_only=True)
class TimerRecord(_Record):
    """A sleep, or another timer.

    Attributes:
        timer_id: by which the server knows it.
        duration: of the whole of it.
        retries: the local step that is tried again when it fires.
    """

    timer_id: str
    duration: timedelta
    retries: StepRecord | None = None

    @property
    def is_internal(self) -> bool:
        """Whether it says nothing to people: a part of a local step, or what ends the workflow task of many."""
        return self.retries is not None or (self.duration == LOCAL_FLUSH and not self.is_sleep)

    @property
    def is_sleep(self) -> bool:
        """Whether it is a `sleep`. Ours say what they are; a timer of `asyncio.sleep`, or of a timeout, does not."""
        return self.summary is not None

    @property
    def until(self) -> datetime:
        """When it fires."""
        return self.began + self.duration


@dataclass(kw_only=True)
class ChildRecord(_Record):
    """A run that the handler has started: a child workflow.

    Attributes:
        name: the job's name, which is its workflow type.
        workflow_id: its id.
        run_id: of the run that was started; empty until it is.
        input: the event, encoded.
        failure: what it has failed with.
        was_there: whether nothing was started, as a run of that id was there.
    """

    name: str
    workflow_id: str
    run_id: str = ""
    input: Sequence[Payload] = ()
    failure: Failure | None = None
    was_there: bool = False


#: What a handler asks for, and is in the columns of a comparison.
Record: TypeAlias = StepRecord | TimerRecord | ChildRecord


def moment(timestamp: Timestamp) -> datetime:
    """Return a time that the server tells."""
    return timestamp.ToDatetime(tzinfo=UTC)
