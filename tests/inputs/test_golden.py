"""A run that asks people does, as the code is now, what its history of before says."""

from __future__ import annotations

from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from terse_temporal.plugin import TersePlugin

from .jobs_golden import golden_default, golden_inputs
from .record_golden import DEFAULT_FILE, FILE


def _history(file: Path) -> WorkflowHistory:
    return WorkflowHistory.from_json(file.stem, file.read_text())


@pytest.mark.parametrize("file", [FILE, DEFAULT_FILE], ids=["inputs", "default"])
async def test_a_golden_history_is_replayed(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of questions of every kind, with ways that ask, remind and say that they are over; and with that of a worker."""
    monkeypatch.delenv("TERSE_ASK_BY", raising=False)
    history = _history(file)
    result = await Replayer(workflows=[], plugins=[TersePlugin([golden_inputs, golden_default])]).replay_workflow(
        history
    )
    assert result.replay_failure is None
