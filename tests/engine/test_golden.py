"""Histories that were recorded once are replayed by the code as it is now, and one of a changed job is not."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from terse_temporal.engine.replay.replayer import replay
from terse_temporal.jobs.registry import collecting
from terse_temporal.plugin import TersePlugin

from .jobs_golden import GOLDEN

DIRECTORY = Path(__file__).parent / "golden"


def history(name: str) -> WorkflowHistory:
    return WorkflowHistory.from_json(name, (DIRECTORY / f"{name}.json").read_text())


def test_every_history_is_of_a_job() -> None:
    """There is a history for each of the jobs, and none without."""
    assert {path.stem for path in DIRECTORY.glob("*.json")} == set(GOLDEN)


@pytest.mark.parametrize("name", GOLDEN)
async def test_a_golden_history_is_replayed(name: str) -> None:
    """The job, as the code is now, does what its history says."""
    replayer = Replayer(workflows=[], plugins=[TersePlugin([job for job, _ in GOLDEN.values()])])
    result = await replayer.replay_workflow(history(name))
    assert result.replay_failure is None


async def test_a_changed_job_is_not_replayed() -> None:
    """A job that does another step first fails with the engine's message, which names both steps."""
    with collecting():
        changed = importlib.import_module("tests.engine.jobs_golden_changed").onboarding
    replayer = Replayer(workflows=[], plugins=[TersePlugin([changed])])
    with pytest.raises(NondeterminismError) as caught:
        await replayer.replay_workflow(history("golden-onboarding"))
    message = str(caught.value)
    assert "'welcome'" in message
    assert "'create order'" in message


async def test_another_child_run() -> None:
    """A job that starts a run of another job is told of with both, and with its line."""
    with collecting():
        changed = importlib.import_module("tests.engine.jobs_golden_changed").parent
    (found,) = [each async for each in replay([changed], [history("golden-parent")])]
    assert found.at == "run 'golden-child'"
    assert found.failure is not None
    assert found.failure.startswith("recorded is run 'golden-child', and the code now makes run 'golden-plain' (")
    assert "jobs_golden_changed.py" in found.failure
    assert re.search(r"> 1 +run +golden-child +\(event \d+\) +run +golden-plain ", found.table or ""), found.table


async def test_another_local_step() -> None:
    """A job that makes another local step is told of with both, though the engine names neither, and with its line."""
    with collecting():
        changed = importlib.import_module("tests.engine.jobs_golden_changed").local
    (found,) = [each async for each in replay([changed], [history("golden-local")])]
    assert found.at == "step 'wait'"
    assert found.failure is not None
    assert found.failure.startswith("recorded is step 'wait', and the code now makes step 'create order' (")
