"""A run that has come past a call comes past it again, whatever the server lists by then.

What a server lists decides whether a call is refused, and it may change under a run. So a refusal is in the history.
"""

from __future__ import annotations

import json

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from terse_temporal.plugin import TersePlugin
from terse_temporal.tools.mcp.mounts import mounts
from terse_temporal.tools.mcp.sessions import sessions

from ..bench import Bench, Run, cache_on, scheduled
from . import jobs_mcp as jobs


async def replayed(run: Run) -> Exception | None:
    """What keeps the history of a run from being replayed."""
    history = WorkflowHistory(run.id, (await run.fetch_history()).events)
    result = await Replayer(workflows=[], plugins=[TersePlugin([jobs.durable, jobs.corrected])]).replay_workflow(
        history
    )
    return result.replay_failure


async def markers(run: Run) -> list[str]:
    """The ids of the markers in the history of a run."""
    recorded = [
        each.marker_recorded_event_attributes.details["patch-data"].payloads[0].data
        for each in (await run.fetch_history()).events
        if each.HasField("marker_recorded_event_attributes")
    ]
    return [json.loads(data)["id"] for data in recorded]


async def test_a_refused_call_is_refused_again(bench: Bench) -> None:
    """A handler that was told what is wrong and did something else does so again, where no server is connected too."""
    async with bench.worker(jobs.corrected):
        run = await bench.start(jobs.corrected)
        told, total = await bench.result(run)
    assert "first: 'two' is not of type 'integer'" in told[0]
    assert "has no tool 'subtract_numbers'" in told[1]
    assert total == 3
    assert await scheduled(run) == ["tracker.add_numbers"]
    assert await markers(run) == ["terse.refused.arguments.v1.0", "terse.refused.name.v1.1"]
    assert await replayed(run) is None


@cache_on
@pytest.mark.parametrize("change", ["gone", "changed"])
async def test_a_call_that_was_made_is_made_again(
    bench: Bench, change: str, monkeypatch: pytest.MonkeyPatch, closed: None
) -> None:
    """Its result is taken from the history, though the server has lost the tool since, or wants other arguments."""
    async with bench.worker(jobs.durable, jobs.corrected):
        run = await bench.start(jobs.durable)
        await bench.result(run)
        refused = await bench.start(jobs.corrected)
        await bench.result(refused)
    monkeypatch.setenv("TRACKER_VARIANT", change)
    mount = mounts.get("tracker")
    assert mount is not None
    await sessions.connect(mount)
    assert mount.tools is not None
    assert ("create_issue" in mount.tools) == (change != "gone")
    assert await replayed(run) is None
    assert await replayed(refused) is None
