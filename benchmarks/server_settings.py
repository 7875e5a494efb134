"""What each setting of the embedded server gives: `python -m benchmarks server`.

A server for each setting, with its state on the disk, and a worker of its own; all take turns, and are compared with
the server as it is. A setting is one that `devserver.py` has, taken away, or one more.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console

from benchmarks.comparison.compare import measure, print_table
from benchmarks.comparison.sides import Load, Side, temporal_side
from terse_temporal.devserver import ENVIRONMENT, TUNING, DevServer

__all__ = ["SETTINGS", "measure_server"]

_DYNAMIC: Final = "--dynamic-config-value="
_PRAGMA: Final = "--sqlite-pragma="


@dataclass(frozen=True)
class Setting:
    """A difference to the server as it is.

    Attributes:
        without: parts of the flags, and names in the environment, that are left out.
        flags: that are added.
        environment: that is added.
    """

    without: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()


AS_IT_IS: Final = "as it is"

SETTINGS: Final = {
    AS_IT_IS: Setting(),
    "without GOGC": Setting(without=("GOGC",)),
    "GOGC=200": Setting(environment=(("GOGC", "200"),)),
    "GOGC=400": Setting(environment=(("GOGC", "400"),)),
    "GOGC=800": Setting(environment=(("GOGC", "800"),)),
    "without MaxPollRPS": Setting(without=("MaxPollRPS",)),
    "without one partition": Setting(without=("Partitions",)),
    "without pragmas": Setting(without=(_PRAGMA,)),
    "synchronous=full": Setting(without=("synchronous",), flags=(f"{_PRAGMA}synchronous=full",)),
    "synchronous=off": Setting(without=("synchronous",), flags=(f"{_PRAGMA}synchronous=off",)),
    "64 MiB page cache, mmap": Setting(flags=(f"{_PRAGMA}cache_size=-65536", f"{_PRAGMA}mmap_size=268435456")),
    "wal_autocheckpoint=10000": Setting(flags=(f"{_PRAGMA}wal_autocheckpoint=10000",)),
    "temp_store=memory": Setting(flags=(f"{_PRAGMA}temp_store=memory",)),
    "log-level=error": Setting(flags=("--log-level=error",)),
    "host-level events cache": Setting(flags=(f"{_DYNAMIC}history.enableHostLevelEventsCache=true",)),
    "eager activities off": Setting(flags=(f"{_DYNAMIC}system.enableActivityEagerExecution=false",)),
    "GOGC=400, at most 512 MiB": Setting(environment=(("GOGC", "400"), ("GOMEMLIMIT", "512MiB"))),
    "GOGC=400, checkpoints, page cache": Setting(
        environment=(("GOGC", "400"), ("GOMEMLIMIT", "512MiB")),
        flags=(f"{_PRAGMA}wal_autocheckpoint=10000", f"{_PRAGMA}cache_size=-65536", f"{_PRAGMA}mmap_size=268435456"),
    ),
    "GOMAXPROCS=1": Setting(environment=(("GOMAXPROCS", "1"),)),
}

LOADS: Final = {
    "3 steps": Load(steps=3, runs=5, at_once=1),
    "100 steps": Load(steps=100, runs=1, at_once=1),
    "100 jobs of 3 steps, 50 at once": Load(steps=3, runs=100, at_once=50),
}


class _Server(DevServer):
    def __init__(self, db_file: Path, setting: Setting) -> None:
        super().__init__(db_file)
        self._setting = setting

    def _arguments(self) -> list[str]:
        kept = [each for each in super()._arguments() if not any(part in each for part in self._setting.without)]
        return [*kept, *self._setting.flags]

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in super()._environment().items() if name not in self._setting.without}
        return {**kept, **dict(self._setting.environment)}


async def measure_server(names: Sequence[str], *, rounds: int, side: str) -> None:
    """Measure and print a table, and each server's memory.

    Args:
        names: of `SETTINGS`; none for all.
        rounds: how often each has its turn.
        side: which of the sides of the comparison runs the jobs.
    """
    console = Console(width=140, highlight=False)
    chosen = {name: setting for name, setting in SETTINGS.items() if not names or name in (AS_IT_IS, *names)}
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="terse-benchmark-")))
        servers: dict[str, DevServer] = {}
        sides: list[Side] = []
        for number, (name, setting) in enumerate(chosen.items()):
            server = _Server(directory / f"{number}.sqlite", setting)
            servers[name] = await stack.enter_async_context(server)
            running = temporal_side(side, server.address, server.pid, name)
            sides.append(await stack.enter_async_context(running))
            sides[-1].name = name
        measured = await measure(LOADS, sides, rounds)
        memory = {name: _resident(server.pid) for name, server in servers.items()}
    console.print(f"{rounds} rounds; {len(TUNING)} flags and {len(ENVIRONMENT)} variables as it is; {side}")
    ratios = [(name, AS_IT_IS) for name in chosen if name != AS_IT_IS]
    print_table(console, LOADS, measured, {name: name for name in chosen}, ratios)
    console.print("memory: " + ", ".join(f"{name} {mib} MiB" for name, mib in memory.items()))


def _resident(process: int) -> int:
    """Return the MiB of memory that a process has used at most; 0 where there is no /proc."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except FileNotFoundError:
        return 0
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM:"))) // 1024
