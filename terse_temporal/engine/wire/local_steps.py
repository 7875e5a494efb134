"""Local steps in a history: a marker for each, which the SDK's core writes with the run's workflow task.

What core says of one is JSON that no payload codec sees. Beside its result, or in its failure, stands the key of its
call; what it was given is not recorded. A delay before it is tried again that is long is a timer, and then there is a
marker for what came before it too. One that takes too long, or gives too much, is handed over to an activity of the
same id: its marker says so by the type of its failure.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent
from temporalio.exceptions import ApplicationError

from ...serialization.wire_names import HANDED_OVER_FAILURE, KEY_METADATA

__all__ = ["LocalMarker", "add_key_to_failure", "key_metadata", "key_of", "local_marker"]

#: The name that the SDK's core gives these markers.
_MARKER: Final = "core_local_activity"

#: In the first detail of a failure.
_DETAIL: Final = "key"


@dataclass(frozen=True, slots=True)
class LocalMarker:
    """What a marker says of a local step.

    Attributes:
        id: of the step in its run.
        name: the activity type.
        attempt: how often it had been started.
        scheduled: when it was asked for, by the clock of its worker.
        completed: when it was over, by the clock of the run.
        backoff: how long until it is tried again, where that is a timer.
        result: encoded.
        failure: what it failed with, also before it is tried again.
        task: the event of the workflow task that it was recorded with.
    """

    id: str
    name: str
    attempt: int
    scheduled: datetime
    completed: datetime
    backoff: timedelta | None
    result: Sequence[Payload]
    failure: Failure | None
    task: int

    @property
    def is_handed_over(self) -> bool:
        """Whether it goes on as an activity."""
        return self.failure is not None and self.failure.application_failure_info.type == HANDED_OVER_FAILURE


def local_marker(event: HistoryEvent) -> LocalMarker | None:
    """Return what a marker says, or `None` where it is of something else, or not readable."""
    marker = event.marker_recorded_event_attributes
    if marker.marker_name != _MARKER:
        return None
    try:
        said = json.loads(marker.details["data"].payloads[0].data)
        return LocalMarker(
            id=str(said["activity_id"]),
            name=str(said["activity_type"]),
            attempt=int(said["attempt"]),
            scheduled=_moment(said["original_schedule_time"]),
            completed=_moment(said["complete_time"]),
            backoff=timedelta(seconds=_seconds(said["backoff"])) if said.get("backoff") else None,
            result=marker.details["result"].payloads if "result" in marker.details else (),
            failure=marker.failure if marker.HasField("failure") else None,
            task=marker.workflow_task_completed_event_id,
        )
    except (ValueError, LookupError, TypeError, OverflowError, AttributeError):
        return None


def _seconds(said: Any) -> float:
    return float(int(said["seconds"]) + int(said["nanos"]) / 1e9)


def _moment(said: Any) -> datetime:
    return datetime.fromtimestamp(_seconds(said), UTC)


def key_metadata(key: str) -> dict[str, bytes]:
    """Return what stands beside the result of a local step of its call."""
    return {KEY_METADATA: key.encode("ascii", "replace")}


def add_key_to_failure(failure: ApplicationError, key: str) -> None:
    """Put the key of a call into what a local step fails with."""
    if failure.details and isinstance(failure.details[0], dict):
        failure.details[0][_DETAIL] = key


def key_of(result: Sequence[Payload], failure_details: Sequence[Any]) -> str:
    """Return the key of the call that a local step was, by what it came to, decoded; empty where it does not say."""
    said: Any = failure_details[0].get(_DETAIL) if failure_details and isinstance(failure_details[0], dict) else None
    if result and (found := result[0].metadata.get(KEY_METADATA)):
        return found.decode(errors="replace")
    return said if isinstance(said, str) else ""
