"""The replay of a journal in slices, with a local activity between two of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from temporalio.api.common.v1 import Payload
from temporalio.bridge.proto.workflow_activation import DoUpdate, WorkflowActivation, WorkflowActivationJob
from temporalio.bridge.proto.workflow_commands import ScheduleLocalActivity

from ...serialization.wire_names import JOURNAL_REPLAY, SDK_REFERENCE
from ..wire.calls import StepCall
from ..wire.journal import Journal, read_entries

__all__ = ["SLICE", "Slices"]

#: Entries that are replayed at a time. Written into the manifest, as a replay has to do likewise. An entry takes half a
#: millisecond, and took three on a machine where others had the processors: of the SDK's two seconds this leaves most.
SLICE: Final = 100

#: So many commands and jobs of an entry count as one more: a handler may begin a thousand steps in one entry.
_HEAVY: Final = 10

#: Numbers of the activities between slices: the SDK's own begin with 1.
_FIRST_NUMBER: Final = 1 << 30


class Slices:
    """What is left of a journal, and what has come to the run while it is replayed.

    Args:
        journal: what the runs before carry.
        workflow_type: of the run.
    """

    def __init__(self, journal: Journal, workflow_type: str) -> None:
        self.journal = journal
        self._workflow_type = workflow_type
        self._entries = read_entries(journal)
        self._pauses = 0
        #: What has come meanwhile, in its order.
        self.came: list[WorkflowActivationJob] = []
        #: Whether all entries have been given out.
        self.is_over = False

    def receive(self, act: WorkflowActivation) -> tuple[bool, list[DoUpdate]]:
        """Put aside what has come; return whether the next slice is due, and the updates that have come."""
        is_due = False
        updates = []
        for job in act.jobs:
            if job.HasField("initialize_workflow") or job.resolve_activity.seq >= _FIRST_NUMBER:
                is_due = True
                continue
            kept = WorkflowActivationJob()
            kept.CopyFrom(job)
            self.came.append(kept)
            if job.HasField("do_update"):
                updates.append(kept.do_update)
        return is_due, updates

    def next_slice(self) -> Iterator[dict[str, Any]]:
        """Return the entries of the next slice."""
        left = self.journal.manifest.slice or SLICE
        while left > 0:
            entry = next(self._entries, None)
            if entry is None:
                self.is_over = True
                return
            yield entry
            left -= _weight(entry)

    def pause(self, act: WorkflowActivation) -> ScheduleLocalActivity:
        """Return the activity after which the next slice is replayed."""
        number = _FIRST_NUMBER + self._pauses
        self._pauses += 1
        call = StepCall(f"{SDK_REFERENCE}{JOURNAL_REPLAY}", self._workflow_type, f"{JOURNAL_REPLAY}.{number}", 10.0)
        pause = ScheduleLocalActivity(seq=number, activity_id=str(number), activity_type=JOURNAL_REPLAY, attempt=1)
        pause.arguments.append(Payload(metadata={"encoding": b"json/plain"}, data=json.dumps(call.to_wire()).encode()))
        pause.original_schedule_time.CopyFrom(act.timestamp)
        pause.start_to_close_timeout.FromSeconds(10)
        pause.retry_policy.initial_interval.FromMilliseconds(100)
        pause.retry_policy.backoff_coefficient = 1.0
        return pause


def _weight(entry: dict[str, Any]) -> int:
    """Return how many entries of a slice an entry stands for, by what is recorded of it alone."""
    return 1 + (len(entry.get("c", ())) + len(entry.get("j", ()))) // _HEAVY
