"""A run continues when the server suggests it, the later the more it carries, and before the server would end it."""

from __future__ import annotations

import pytest
from temporalio.api.enums.v1 import SuggestContinueAsNewReason
from temporalio.bridge.proto.workflow_activation import WorkflowActivation

from terse_temporal.engine.journal.bounds import DEFAULT_BOUNDS, Bounds, Length, task_seconds

UPDATES = SuggestContinueAsNewReason.SUGGEST_CONTINUE_AS_NEW_REASON_TOO_MANY_UPDATES


def told(events: int, *reasons: SuggestContinueAsNewReason.ValueType, size: int = 0) -> WorkflowActivation:
    """What the server says; it suggests from 4,096 events on, by default."""
    return WorkflowActivation(
        history_length=events,
        history_size_bytes=size,
        continue_as_new_suggested=events >= 4_096 or bool(reasons),
        suggest_continue_as_new_reasons=reasons,
    )


@pytest.mark.parametrize(
    ("act", "length", "is_due", "is_urgent"),
    [
        (told(4_000), Length(0, 4_000, 0), False, False),
        (told(4_100), Length(0, 700, 0), True, False),
        # Local steps are over soon.
        (told(4_100), Length(0, 4_000, 0, is_local=True), True, True),
        (told(4_100), Length(10_000, 4_100, 0, is_local=True), False, False),
        (told(10_100), Length(10_000, 10_000, 0, is_local=True), True, False),
        # What is replayed in one go has a bound, whatever is carried.
        (told(15_100), Length(90_000, 15_000, 0), True, False),
        (told(29_700), Length(90_000, 5_000, 300), True, False),
        (told(36_000), Length(90_000, 6_000, 0), True, True),
        (told(300, size=31 * 2**20), Length(0, 50, 0), True, True),
        (told(1_800, UPDATES), Length(90_000, 300, 0), True, True),
    ],
)
def test_what_the_server_says(act: WorkflowActivation, length: Length, is_due: bool, is_urgent: bool) -> None:
    assert DEFAULT_BOUNDS.is_due(act, length) is is_due
    assert DEFAULT_BOUNDS.is_urgent(act, length) is is_urgent
    assert not DEFAULT_BOUNDS.is_over(act)


def test_the_last_moment() -> None:
    """A run that cannot continue is failed before the server ends it, at 51,200 events or 50 MiB."""
    assert DEFAULT_BOUNDS.is_over(told(50_000))
    assert DEFAULT_BOUNDS.is_over(told(100, size=48 * 2**20))


def test_a_number_of_events() -> None:
    """A test may say after how many events a run continues, whatever the server suggests."""
    bounds = Bounds(50)
    assert [bounds.is_due(told(events), Length(0, events, 0)) for events in (49, 50)] == [False, True]
    assert [bounds.is_urgent(told(events), Length(0, events, 0)) for events in (99, 100)] == [False, True]


def test_the_time_of_a_task() -> None:
    """It grows with how much there may be to replay in one go, and is not shorter than the server's ten seconds."""
    assert [task_seconds(carried) for carried in (0, 2_000, 5_000, 90_000)] == [10, 10, 20, 60]
