"""The workflows behind events by key do, as they are now, what histories of before say."""

from __future__ import annotations

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from terse_temporal.plugin import TersePlugin

from ..engine.jobs_golden import events
from .jobs_waits import takes_deliveries
from .record_golden import DIRECTORY


@pytest.mark.parametrize("name", ["key", "post", "delivered", "waits"])
async def test_a_golden_history_is_replayed(name: str) -> None:
    """Of the workflow of a key, of one that has told it something, and of a run that takes deliveries."""
    history = WorkflowHistory.from_json(name, (DIRECTORY / f"{name}.json").read_text())
    result = await Replayer(workflows=[], plugins=[TersePlugin([events, takes_deliveries])]).replay_workflow(history)
    assert result.replay_failure is None
