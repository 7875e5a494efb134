"""A run whose workflow task failed is taken to stand still, unless the server asks for that task again by itself."""

from __future__ import annotations

import pytest
from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.api.failure.v1 import Failure
from temporalio.api.history.v1 import HistoryEvent, WorkflowTaskFailedEventAttributes

from terse_temporal.engine.wire.history import RunHistory


@pytest.mark.parametrize(
    ("cause", "found"),
    [
        ("UNHANDLED_COMMAND", (None, False)),  # something came in while it was being done
        ("RESET_WORKFLOW", (None, False)),  # somebody wants it so
        ("NON_DETERMINISTIC_ERROR", ("words", True)),
        ("WORKFLOW_WORKER_UNHANDLED_FAILURE", ("words", False)),
    ],
)
def test_causes(cause: str, found: tuple[str | None, bool]) -> None:
    event = HistoryEvent(
        event_type=EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED,
        workflow_task_failed_event_attributes=WorkflowTaskFailedEventAttributes(
            cause=WorkflowTaskFailedCause.Value(f"WORKFLOW_TASK_FAILED_CAUSE_{cause}"),
            failure=Failure(message="words"),
        ),
    )
    history = RunHistory([event])
    assert (history.blocked, history.nondeterminism is not None) == found
