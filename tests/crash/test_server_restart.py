"""The server is killed in the middle of a run, and comes back on its database."""

from __future__ import annotations

import os
import signal
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from terse_temporal.client import connect
from terse_temporal.devserver import DevServer

from .processes import Case, at_once, result

pytestmark = pytest.mark.server


async def server_comes_back(directory: Path, *, step_ends_without_it: bool) -> None:
    """Kill the server while a step runs, and start it again, before or after the step has ended."""
    database = directory / "server.db"
    async with AsyncExitStack() as stays:
        async with DevServer(database) as server:
            port = int(server.address.rpartition(":")[2])
            case = Case(await connect(target_host=server.address), directory)
            worker = await stays.enter_async_context(case.worker())
            run = await case.start_one_step()
            await case.began("work")
            os.kill(server.pid, signal.SIGKILL)
        if step_ends_without_it:
            case.go.touch()
            await case.mark("effect", "work")
        async with DevServer(database, port=port):
            case.go.touch()
            assert await result(run) == "work"
            worker.stop()
            assert await worker.ended() == 0
    # While it was away it heard no heartbeat. If that was for longer than a worker may be silent, the step runs again.
    work = case.marks.count("began").pop("work")
    assert case.marks.count("began") == {"before": 1, "work": work, "after": 1}
    assert case.marks.one_key_for_each_step()


async def test_run_goes_on_after_the_server_was_killed(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A run goes on when its server was killed and is back: finished steps are not repeated, nor is the worker gone."""
    new_directory = tmp_path_factory.mktemp
    await at_once(
        {
            "in the middle of a step": server_comes_back(new_directory("step"), step_ends_without_it=False),
            "over the end of a step": server_comes_back(new_directory("end"), step_ends_without_it=True),
        }
    )
