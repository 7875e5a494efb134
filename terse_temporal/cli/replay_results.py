"""The output of `terse-temporal replay`: which runs would break and where, and how many of each job fit.

A step that was renamed breaks every run that has it behind it, in the same way. So runs that break alike are told of
together: one table, and who they are.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, Final

from rich.table import Table
from rich.text import Text

from ..engine.replay.replayer import BEFORE_THAT, Replayed
from .output import console, errors

__all__ = ["ReplayResults"]

#: Runs that are named of those that break alike. `--json` has them all.
_NAMED: Final = 5

_NUMBER: Final = re.compile(r"\d+")

_FITS: Final = "fits"
_BREAKS: Final = "would break"
_UNREADABLE: Final = "not looked at"


class ReplayResults:
    """Counts what came of histories, and keeps those that do not fit."""

    def __init__(self) -> None:
        self._by_job: dict[str, Counter[str]] = {}
        self._failures: list[Replayed] = []
        self._files: list[str] = []
        self._go_on = 0
        self.looked_at = 0

    def add(self, replayed: Replayed) -> None:
        """Add what came of one history."""
        fits = replayed.failure is None
        kind = _UNREADABLE if replayed.unreadable else _FITS if fits else _BREAKS
        self._by_job.setdefault(replayed.job, Counter())[kind] += 1
        self._go_on += fits and replayed.waits
        if not fits:
            self._failures.append(replayed)
        self.looked_at += 1

    def add_unreadable(self, why: str) -> None:
        """Add a file that holds no history."""
        self._files.append(why)
        self.looked_at += 1

    @property
    def breaking(self) -> int:
        """The number of runs that would break."""
        return sum(counts[_BREAKS] for counts in self._by_job.values())

    @property
    def unreadable(self) -> int:
        """The number of those that could not be replayed."""
        return sum(counts[_UNREADABLE] for counts in self._by_job.values()) + len(self._files)

    def data(self) -> dict[str, Any]:
        """Return all of it, for programs."""
        jobs = {name: {kind.replace(" ", "_"): counts[kind] for kind in _KINDS} for name, counts in self._sort_jobs()}
        runs = [
            {
                "workflow_id": each.workflow_id,
                "run_id": each.run_id,
                "job": each.job,
                "result": (_UNREADABLE if each.unreadable else _BREAKS).replace(" ", "_"),
                "at": each.at,
                "failure": each.failure,
                "table": each.table,
                "cure": each.cure,
                "waits_already": each.waits,
            }
            for each in self._failures
        ]
        return {"replayed": self.looked_at, "jobs": jobs, "runs": runs, "unreadable_files": self._files}

    def show(self) -> None:
        """Print all of it, for people."""
        for group in self._group():
            self._print_group(group)
        for why in self._files:
            errors.print("[bold red]error:[/] ", end="")
            errors.print(why, markup=False)
        table = Table(box=None, pad_edge=False, header_style="dim")
        table.add_column("job", overflow="fold")
        for kind in _KINDS:
            table.add_column(kind, justify="right")
        for name, counts in self._sort_jobs():
            table.add_row(Text(name or "?"), *(str(counts[kind]) for kind in _KINDS))
        if self._by_job:
            console.print(table)
        if self._go_on:
            waiting = "that waits now" if self._go_on == 1 else "that wait now"
            console.print(f"\n{_runs(self._go_on)} {waiting} would go on with this code", markup=False)
        if self.breaking:
            console.print(
                f"\n{_runs(self.breaking)} of {self.looked_at} would wait for code that fits. Steps that a run has"
                " behind it cannot be changed,\nmoved or taken away; what comes after them can. To change a job all the"
                " same, give the new one another name, and let\nold runs end with the old code.",
                markup=False,
            )

    def _sort_jobs(self) -> list[tuple[str, Counter[str]]]:
        return sorted(self._by_job.items())

    def _group(self) -> list[list[Replayed]]:
        groups: dict[tuple[str, str | None, str | None], list[Replayed]] = {}
        for each in self._failures:
            # The engine's words have numbers of events in them, which differ where a step was tried again.
            group = each.failure and _NUMBER.sub("", each.failure.partition(BEFORE_THAT)[0])
            groups.setdefault((each.job, each.at, group), []).append(each)
        return list(groups.values())

    def _print_group(self, group: list[Replayed]) -> None:
        first = group[0]
        what = _UNREADABLE if first.unreadable else _BREAKS
        console.print(f"[bold red]{what}[/]  ", end="")
        at = f", at {first.at}" if first.at else ""
        console.print(f"{first.job or '?'}: {_runs(len(group))}{at}", markup=False)
        console.print(f"  {first.failure}", markup=False)
        if first.table:
            console.print(first.table, markup=False)
        if first.cure:
            console.print(f"  {first.cure}", markup=False)
        for each in group[:_NAMED]:
            waits = "  (waits already: it did not fit the code of its worker)" if each.waits else ""
            console.print(f"  {each.workflow_id}  run id {each.run_id or '?'}{waits}", markup=False)
        if len(group) > _NAMED:
            waiting = sum(each.waits for each in group[_NAMED:])
            also = f", {waiting} of which wait already" if waiting else ""
            console.print(f"  and {len(group) - _NAMED} more{also} (--json names them all)", markup=False)
        console.print()


_KINDS: Final = (_FITS, _BREAKS, _UNREADABLE)


def _runs(count: int) -> str:
    return f"{count:,} run" if count == 1 else f"{count:,} runs"
