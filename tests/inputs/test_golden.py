"""A run that asks people does, as the code is now, what its history of before says."""

from __future__ import annotations

from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from terse_temporal.plugin import TersePlugin

from .jobs_golden import golden_inputs
from .record_golden import FILE


async def test_a_golden_history_is_replayed() -> None:
    """Of questions of every kind, with ways that ask, remind and say that they are over."""
    history = WorkflowHistory.from_json(FILE.stem, FILE.read_text())
    result = await Replayer(workflows=[], plugins=[TersePlugin([golden_inputs])]).replay_workflow(history)
    assert result.replay_failure is None
