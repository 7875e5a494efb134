"""`python -m benchmarks`: one job on each side, in one interleaved session, as one table.

All Temporal sides share one embedded server with its state on the disk. In each round every side has its turn at every
load, first in one order, then in the other, so that what a busy machine does to one it does to all. Ratios are made
within a round, and their median is shown: they count, for machines differ. Beside each is half of the distance between
its quartiles.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import statistics
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from temporalio.api.workflowservice.v1 import GetSystemInfoRequest
from temporalio.client import Client

from benchmarks.comparison.sides import TEMPORAL_SIDES, Load, Side, Turn, dbos_side, restate_side, temporal_side
from terse_temporal.devserver import DevServer

__all__ = ["LOADS", "QUICK_LOADS", "compare", "print_table"]

#: By the name under which they stand in JSON.
LOADS: Final = {
    "3 steps": Load(steps=3, runs=10, at_once=1),
    "100 steps": Load(steps=100, runs=2, at_once=1),
    "300 jobs of 3 steps, 50 at once": Load(steps=3, runs=300, at_once=50),
}
QUICK_LOADS: Final = {
    "3 steps": Load(steps=3, runs=5, at_once=1),
    "100 steps": Load(steps=100, runs=1, at_once=1),
    "100 jobs of 3 steps, 50 at once": Load(steps=3, runs=100, at_once=50),
}

#: What is compared with what; those that are not there are left out.
_RATIOS: Final = (
    ("ours", "by-hand"),
    ("ours-local", "by-hand-local"),
    ("ours-local", "by-hand-local-bare"),
    ("ours-local", "nothing"),
    ("ours-local", "dbos"),
    ("ours-local", "restate"),
    ("ours-local", "ours"),
    ("ours", "dbos"),
    ("ours", "restate"),
)

_MILLI: Final = 1e3

#: By load and side, the turn of each round.
Rounds = Mapping[str, Mapping[str, Sequence[Turn]]]


@dataclass(frozen=True)
class Column:
    """One number of a turn.

    Attributes:
        load: its place among the loads.
        has_steps: whether a job without steps has none of it.
    """

    title: str
    load: int
    number: Callable[[Load, Turn], float]
    has_steps: bool = False


def _per_step(load: Load, seconds: float) -> float:
    return seconds * _MILLI / load.runs / load.steps


_COLUMNS: Final = (
    Column("3 steps:\nms/step", 0, lambda load, turn: _per_step(load, turn.elapsed), has_steps=True),
    Column("CPU ms\n/step", 0, lambda load, turn: _per_step(load, turn.cpu), has_steps=True),
    Column("100 steps:\nms/step", 1, lambda load, turn: _per_step(load, turn.elapsed), has_steps=True),
    Column("CPU ms\n/step", 1, lambda load, turn: _per_step(load, turn.cpu), has_steps=True),
    Column("300 jobs:\njobs/s", 2, lambda load, turn: load.runs / turn.elapsed),
    Column("p50\nms", 2, lambda _, turn: statistics.median(turn.latencies) * _MILLI),
    Column("p99\nms", 2, lambda _, turn: _hundredths(turn.latencies)[98] * _MILLI),
    Column("CPU ms\n/job", 2, lambda load, turn: turn.cpu * _MILLI / load.runs),
    Column("server\nCPU ms", 2, lambda load, turn: turn.server_cpu * _MILLI / load.runs),
)


async def compare(loads: Mapping[str, Load], *, rounds: int, others: bool, json_file: Path | None) -> None:
    """Measure, print the table, and keep all turns in a file if one is given.

    Args:
        loads: three.
        rounds: how often each side has its turn.
        others: DBOS and Restate too.
        json_file: where to.
    """
    console = Console(width=140, highlight=False)
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="terse-benchmark-")))
        server = await stack.enter_async_context(DevServer(directory / "temporal.sqlite"))
        sides = [
            await stack.enter_async_context(temporal_side(name, server.address, server.pid)) for name in TEMPORAL_SIDES
        ]
        if others:
            sides.append(await stack.enter_async_context(dbos_side(directory)))
            sides.append(await stack.enter_async_context(restate_side(directory)))
        machine = await _machine(server.address)
        console.print(f"{machine}; {rounds} rounds; state on the disk of {directory.parent}")
        measured = await measure(loads, sides, rounds)
    if json_file is not None:
        await asyncio.to_thread(json_file.write_text, json.dumps(_as_json(machine, loads, measured), indent=1) + "\n")
    print_table(console, loads, measured, {side.name: side.title for side in sides}, _RATIOS)


async def measure(loads: Mapping[str, Load], sides: Sequence[Side], rounds: int) -> Rounds:
    """Give each side its turns."""
    for side in sides:  # the first runs import modules, and open connections
        for load in loads.values():
            await side.turn(Load(load.steps, max(load.runs // 6, 1), load.at_once))
    measured: dict[str, dict[str, list[Turn]]] = {name: {side.name: [] for side in sides} for name in loads}
    for number in range(rounds):
        for name, load in loads.items():
            for side in sides if number % 2 == 0 else reversed(sides):
                measured[name][side.name].append(await side.turn(load))
    return measured


def print_table(
    console: Console,
    loads: Mapping[str, Load],
    measured: Rounds,
    titles: Mapping[str, str],
    ratios: Sequence[tuple[str, str]],
) -> None:
    """Print the ratios, and what they are made of."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("")
    names = list(loads)
    for column in _COLUMNS:
        jobs = f"{loads[names[column.load]].runs} jobs"  # fewer where it is to be quick
        table.add_column(column.title.replace("300 jobs", jobs), justify="right")
    for one, other in ratios:
        if one in titles and other in titles:
            table.add_row(
                f"[bold]{_short(titles[one])} / {_short(titles[other])}[/]",
                *(
                    _ratio(loads[load], measured[load], column, one, other)
                    for column in _COLUMNS
                    for load in [names[column.load]]
                ),
            )
    table.add_section()
    for side, title in titles.items():
        table.add_row(
            title,
            *(
                _absolute(loads[load], measured[load], column, side)
                for column in _COLUMNS
                for load in [names[column.load]]
            ),
        )
    console.print(table)


def _short(title: str) -> str:
    return title.replace(", no sandbox, eager start", ", bare").replace(" on SQLite, write-ahead log", "")


def _ratio(load: Load, turns: Mapping[str, Sequence[Turn]], column: Column, one: str, other: str) -> str:
    if column.has_steps and "nothing" in (one, other):
        return ""
    found = [
        column.number(load, first) / second_number
        for first, second in zip(turns[one], turns[other], strict=True)
        if (second_number := column.number(load, second))
    ]
    return f"[bold]{statistics.median(found):.2f}[/] {_spread(found)}" if found and any(found) else ""


def _absolute(load: Load, turns: Mapping[str, Sequence[Turn]], column: Column, side: str) -> str:
    if column.has_steps and side == "nothing":
        return ""
    found = [column.number(load, turn) for turn in turns[side]]
    middle = statistics.median(found)
    return f"{middle:.{0 if middle >= 100 else 1}f} {_spread(found)}" if any(found) else ""


def _spread(numbers: Sequence[float]) -> str:
    if len(numbers) < 2:
        return ""
    first, _, third = statistics.quantiles(numbers, n=4, method="inclusive")
    half = (third - first) / 2
    return f"[dim]±{half:.{0 if half >= 10 else 1 if half >= 1 else 2}f}[/]"


def _hundredths(numbers: Sequence[float]) -> list[float]:
    return statistics.quantiles(numbers, n=100, method="inclusive")


async def _machine(address: str) -> str:
    client = await Client.connect(address)
    info = await client.workflow_service.get_system_info(GetSystemInfoRequest())
    return (
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {platform.python_version()},"
        f" Temporal server {info.server_version}"
    )


def _as_json(machine: str, loads: Mapping[str, Load], measured: Rounds) -> dict[str, Any]:
    return {
        "machine": machine,
        "loads": {name: asdict(load) for name, load in loads.items()},
        "turns": {
            name: {side: [asdict(turn) for turn in turns] for side, turns in sides.items()}
            for name, sides in measured.items()
        },
    }
