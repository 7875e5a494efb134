"""A worker goes on when an activity is to be cancelled that has just ended, also where warnings are errors."""

from __future__ import annotations

from typing import Any

import pytest
from temporalio.bridge.proto.activity_task import ActivityTask, Cancel

from ..bench import Bench, cache_on
from .jobs_functions import kinds


@cache_on
async def test_of_an_activity_that_has_ended(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK's core sends such a cancellation when a run is evicted; the SDK warns, and a warning is an error here."""
    async with bench.worker(kinds) as worker:
        core: Any = worker._bridge_worker
        late = [ActivityTask(task_token=b"local_act_gone", cancel=Cancel())] * 2
        poll = core.poll_activity_task

        async def poll_late() -> ActivityTask:
            return late.pop() if late else await poll()

        monkeypatch.setattr(core, "poll_activity_task", poll_late)
        assert (await bench.result(await bench.start(kinds)))[0] == "coroutine"
    assert not late
