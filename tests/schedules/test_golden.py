"""The history of a run that a schedule started is replayed by the code as it is now."""

from __future__ import annotations

import json
from typing import Any

from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from terse_temporal.plugin import TersePlugin

from .jobs_golden import scheduled
from .record_golden import FILE, RUN


async def test_a_golden_history_is_replayed() -> None:
    """What the event says is found in the history: in the search attributes and the memo, and is the same for ever."""
    history = WorkflowHistory.from_json(RUN, FILE.read_text())
    result = await Replayer(workflows=[], plugins=[TersePlugin([scheduled])]).replay_workflow(history)
    assert result.replay_failure is None
    started: dict[str, Any] = json.loads(FILE.read_text())["events"][0]["workflowExecutionStartedEventAttributes"]
    assert list(started["memo"]["fields"]) == ["terse.schedule.v1"]
    assert "TemporalScheduledStartTime" in started["searchAttributes"]["indexedFields"]
