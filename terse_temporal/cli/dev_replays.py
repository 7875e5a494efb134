"""Checks whether the runs that are open on the server of `dev` can go on with the code that was saved.

It is what `terse-temporal replay` finds, in a process of its own: it executes the code that was saved, which the
process of `dev` never does. It is not waited for, and given up at the next save.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Collection
from contextlib import suppress
from typing import Final

from temporalio.service import RPCError

from ..errors import TerseError
from ..processes import ChildProcess
from .exiting import FAILED
from .output import console
from .servers import silent_client
from .worker_command import WorkerOptions
from .worker_process import local_environment

__all__ = ["OpenRuns"]

#: Seconds. A hundred small histories take one, after a second in which the process starts.
_TIME_LIMIT: Final = 60.0


class OpenRuns:
    """The runs that are open on a server.

    Args:
        options: what the worker runs.
        address: of the server.
    """

    def __init__(self, options: WorkerOptions, address: str) -> None:
        self._options = options
        self._address = address
        self._checking: asyncio.Task[None] | None = None

    async def check(self, jobs: Collection[str]) -> None:
        """Begin to replay them on the code as it is now, and print which would break.

        Args:
            jobs: whose runs. On the same server may be those of other files, which this code knows nothing of.
        """
        await self.end()
        self._checking = asyncio.create_task(self._check(jobs))

    async def end(self) -> None:
        """End a check that has not come to its end."""
        checking, self._checking = self._checking, None
        if checking is not None:
            checking.cancel()
            with suppress(asyncio.CancelledError):
                await checking

    async def _check(self, jobs: Collection[str]) -> None:
        # What cannot be looked at now is for `replay` itself to say, to whoever asks it.
        with suppress(TimeoutError, OSError, RPCError, TerseError):
            async with asyncio.timeout(_TIME_LIMIT):
                client = await silent_client(self._address, "default")
                if (await client.count_workflows("ExecutionStatus = 'Running'")).count:
                    await self._replay(jobs)

    async def _replay(self, jobs: Collection[str]) -> None:
        options = self._options
        command = [sys.executable, "-m", "terse_temporal", "replay", *options.targets]
        with tempfile.TemporaryFile() as output:
            child = await ChildProcess.start(
                [*command, "--running", "--task-queue", options.task_queue, *(f"--job={job}" for job in sorted(jobs))],
                environment=local_environment(self._address),
                output=output,
                errors=subprocess.DEVNULL,
                is_bound_to_thread=True,
            )
            try:
                status = await child.wait()
            finally:
                await child.end()
            output.seek(0)
            printed = output.read().decode(errors="replace")
        if status == FAILED:
            console.print("\n[bold]Open runs that this code cannot go on with:[/]\n")
            console.print(printed, markup=False)
