"""The history of a job of tools, models, a question and state, recorded once, is replayed by the code as it is now."""

from __future__ import annotations

from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from terse_temporal.plugin import TersePlugin

from .jobs_golden import golden_sdk
from .record_golden import FILE


async def test_it_is_replayed() -> None:
    """Without a model, a tool or a server, as the code is now, it does what its history says."""
    replayer = Replayer(workflows=[], plugins=[TersePlugin([golden_sdk])])
    result = await replayer.replay_workflow(WorkflowHistory.from_json("golden-sdk", FILE.read_text()))
    assert result.replay_failure is None


def test_it_has_every_kind_of_call() -> None:
    """It holds what it is there for."""
    history = FILE.read_text()
    for kind in ("golden.find", "golden.note", "generate_text", "state.update", "state.get"):
        assert f'"{kind}"' in history
    for word in (
        "terse.tokens.v1",
        "terse.waiting.v1",
        "terse.input",
        "WORKFLOW_EXECUTION_UPDATE_ACCEPTED",
        "TIMER_FIRED",
    ):
        assert word in history
