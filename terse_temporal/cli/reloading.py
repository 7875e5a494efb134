"""The worker of `dev`: started anew when a job file is saved, and when it has died.

Nothing of the jobs is loaded into this process: a file that does not import must not end it, and one that does must not
stay in it. What is watched are the directories of the modules that the worker has told it loaded, without those below
them: to watch all below the current one would take seconds where an environment, or a home, is among them. Of the files
saved there only those count that the worker has loaded, and those beside them in a package; where none runs, all, since
a module may have been missing.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Self

from rich.markup import escape

from ..diagnostics.places import shown_path
from ..errors import MissingExtraError
from .dev_gateway import GatewayPlace
from .dev_replays import OpenRuns
from .output import console, errors
from .tasks import race
from .worker_command import WorkerOptions
from .worker_process import Asked, Progress, WorkerChild, local_environment

__all__ = ["ReloadedWorker", "files_of_code", "require_watchfiles"]

#: A worker that dies sooner than this after it was ready will die again, so the next one comes later (seconds).
_SHORT_LIFE: Final = 2.0


def require_watchfiles() -> None:
    """Raise at once what would fail later.

    Raises:
        MissingExtraError: the package that watches files is not installed.
    """
    if find_spec("watchfiles") is None:
        raise MissingExtraError(
            'reloading when a file is saved needs the package `watchfiles`: pip install "terse-temporal[reload]",'
            " or do without: terse-temporal dev --no-reload"
        )


class ReloadedWorker:
    """The worker, over all its lives. Leaving the context ends it.

    Args:
        options: what it runs.
        address: of its server.
        reload: whether saving a file starts it anew.
        ui_address: of the server's Web UI, for `current_run().url`.
        gateway: where the gateway beside it is.
        ask: gets the questions that are to be asked at the terminal; without it there is none.
    """

    def __init__(
        self,
        options: WorkerOptions,
        address: str,
        *,
        reload: bool,
        ui_address: str,
        gateway: GatewayPlace | None,
        ask: Callable[[Asked], None] | None = None,
    ) -> None:
        self._options = options
        self._address = address
        self._ui_address = ui_address
        self._gateway = gateway
        self._ask = ask
        self._reload = reload
        self._saves = _Saves()
        self._open_runs = OpenRuns(options, address)
        self._child: WorkerChild | None = None
        self._directories = {str(Path.cwd())}
        #: Their names, also of those that have been renamed since: their runs may be open.
        self._jobs: set[str] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._saves.end()
        await self.stop()

    async def stop(self) -> None:
        """End it, if there is one. Steps that run may end; but not if this is cancelled."""
        await self._open_runs.end()
        if self._child is not None:
            await self._child.stop()
            self._child = None

    async def start(self) -> None:
        """Start it. It loads its jobs, and waits for `wait_until_ready`."""
        await self._watch()  # before it reads its files, or a save in between would be missed
        environment = local_environment(self._address) | {"TERSE_UI_ADDRESS": self._ui_address}
        if self._gateway is not None:
            environment |= self._gateway.environment()
        self._child = await WorkerChild.start(
            self._options, environment=environment, gateway=self._gateway, ask=self._ask
        )

    async def wait_until_loaded(self) -> bool:
        """Wait until it has loaded its jobs; false if they cannot be, of which it has said why."""
        assert self._child is not None
        progress = await self._child.wait_until_loaded()
        # Added to those known before: a module that fails may not have come as far as its neighbours.
        self._directories.update(progress.directories)
        self._jobs.update(progress.examples)
        await self._watch()
        return bool(progress.examples)

    async def wait_until_ready(self) -> Progress:
        """Wait, now that its server is up, until it takes work or has said what is wrong."""
        assert self._child is not None
        progress = await self._child.wait_until_ready()
        if not progress.ready:
            await self._child.wait()
            self._child = None
        elif self._reload:
            await self._open_runs.check(self._jobs)
        return progress

    async def _watch(self) -> None:
        if self._reload:
            await self._saves.watch(self._directories)

    async def keep_running(self) -> None:
        """Keep one running. It returns when there is none, and nothing that could change that."""
        ready_at = time.monotonic()
        while self._child is not None or self._reload:
            happened = await race(self._saves.next(), self._wait_for_end())
            if isinstance(happened, int):
                errors.print(f"[yellow]the worker was ended ({_describe_status(happened)}); another takes its place[/]")
                self._child = None
                if time.monotonic() - ready_at < _SHORT_LIFE:
                    await asyncio.sleep(_SHORT_LIFE)
            else:
                saved = await self._changed_code(happened)
                if not saved:
                    continue
                console.print(f"\n[bold]{escape(', '.join(sorted(map(shown_path, saved))))}[/] saved: reloading")
                await self.stop()
                self._saves.forget()  # what was saved until now, the next one loads
            await self._restart()
            ready_at = time.monotonic()

    async def _changed_code(self, saved: set[str]) -> set[str]:
        """Return those of some files that are of the worker's code; all, where that is not known."""
        loaded = await self._child.loaded_files() if self._child is not None else ()
        return files_of_code(saved, loaded) if loaded else saved

    async def _wait_for_end(self) -> int:
        """Wait for the end of the worker, and return its status. Where there is none, wait for ever."""
        if self._child is None:
            await asyncio.Event().wait()
        assert self._child is not None
        return await self._child.wait()

    async def _restart(self) -> None:
        await self.start()
        await self.wait_until_loaded()
        if (await self.wait_until_ready()).ready:
            console.print("[bold]ready[/]\n")
        elif self._reload:
            errors.print("[yellow]no worker runs; waiting for the next save[/]")


class _Saves:
    """The Python files that are saved in some directories."""

    def __init__(self) -> None:
        self._files: set[str] = set()
        self._some = asyncio.Event()
        self._directories: frozenset[str] = frozenset()
        self._watching: asyncio.Task[None] | None = None

    async def watch(self, directories: Collection[str]) -> None:
        """Watch these, and no longer those before."""
        wanted = frozenset(filter(os.path.isdir, directories))
        if wanted != self._directories:
            self._directories, before = wanted, self._watching
            self._watching = asyncio.create_task(self._collect(wanted))
            await asyncio.sleep(0)  # it is in place when this returns, before the other one ends
            await _cancel(before)

    async def next(self) -> set[str]:
        """Wait until files have been saved, and return them."""
        await self._some.wait()
        files = self._files.copy()
        self.forget()
        return files

    def forget(self) -> None:
        """Forget what has been saved until now."""
        self._files.clear()
        self._some.clear()

    async def end(self) -> None:
        """Watch nothing."""
        await _cancel(self._watching)

    async def _collect(self, directories: Collection[str]) -> None:
        from watchfiles import awatch  # noqa: PLC0415  an extra, which `dev --no-reload` does without

        try:
            async for changes in awatch(*directories, watch_filter=_is_python, recursive=False):
                self._files.update(path for _, path in changes)
                self._some.set()
        except (OSError, RuntimeError) as err:  # too many watches on this machine, for one
            errors.print(f"[yellow]files cannot be watched, so saving one reloads nothing:[/] {escape(str(err))}")


def files_of_code(files: Collection[str], loaded: Collection[str]) -> set[str]:
    """Return those of some files that have been loaded, or stand in a package that has: a module may be new there."""
    known = set(map(os.path.realpath, loaded))
    beside = {each: str(Path(os.path.realpath(each)).with_name("__init__.py")) for each in files}
    return {each for each, package in beside.items() if os.path.realpath(each) in known or package in known}


def _is_python(_: object, path: str) -> bool:
    return path.endswith(".py")


def _describe_status(status: int) -> str:
    return signal.Signals(-status).name if status < 0 else f"status {status}"


async def _cancel(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
