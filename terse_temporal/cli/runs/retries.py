"""What `runs retry` has found of the runs, and what has come of each."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ...diagnostics.text import one_line, shorten
from ...runs.failed_runs import FailedRun, Refused
from ..output import console
from ..replay_results import ReplayResults

__all__ = ["Retries"]

#: Characters of a failure that are shown.
_LONGEST: Final = 160


class Retries:
    """Runs that are to be retried.

    Attributes:
        going_on: those that can go on, and have not been retried yet.
        breaking: those that would not fit the code that is here, or could not be looked at.
        refused: those that are not retried for another reason.
        retried: those that were, with the run id that each goes on under.
    """

    def __init__(self) -> None:
        self.going_on: list[FailedRun] = []
        self.breaking: list[FailedRun] = []
        self.refused: list[Refused] = []
        self.retried: list[tuple[FailedRun, str]] = []
        self._alike: defaultdict[tuple[str, str, str], list[FailedRun]] = defaultdict(list)

    def add(self, found: FailedRun | Refused) -> None:
        """Take in what was found of a run."""
        if isinstance(found, Refused):
            self.refused.append(found)
            return
        (self.going_on if found.fits else self.breaking).append(found)
        self._alike[(found.run.job, found.kind, found.why.where or found.why.step)].append(found)

    def retry(self, run: FailedRun, new_run_id: str) -> None:
        """Note that a run goes on."""
        self.going_on.remove(run)
        self.retried.append((run, new_run_id))

    def refuse(self, run: FailedRun, why: str) -> None:
        """Note that a run is not retried."""
        self.going_on.remove(run)
        self.refused.append(Refused(run.run.id, run.run.run_id, why))

    def refuse_rest(self, why: str) -> None:
        """Note that those are not retried that have not been yet."""
        for each in list(self.going_on):
            self.refuse(each, why)

    @property
    def is_empty(self) -> bool:
        """Whether there was no run at all."""
        return not (self._alike or self.refused)

    def show_groups(self, on: Console) -> None:
        """Print what the runs failed with: those of one class at one line together, the most first."""
        if not self._alike:
            return
        table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
        table.add_column("runs", justify="right", no_wrap=True)
        for heading in ("job", "failed with", "at", "in the step"):
            table.add_column(heading, overflow="fold")
        for group in self._groups():
            first = group[0]
            others = "" if len({each.why.what for each in group}) == 1 else ", and other messages"
            text = shorten(one_line(first.why.what), _LONGEST) + others
            cells = (first.run.job, text, first.why.where, first.why.step)
            table.add_row(f"{len(group):,}", *map(Text, cells))
        on.print(table)

    def show_breaking(self) -> None:
        """Print which of the runs are left out, as `terse-temporal replay` does."""
        results = ReplayResults()
        for each in self.breaking:
            assert each.replayed is not None
            results.add(each.replayed)
        results.show()
        count = len(self.breaking)
        console.print(f"{'it is' if count == 1 else 'they are'} left as {'it is' if count == 1 else 'they are'}\n")

    def show_refused(self, on: Console) -> None:
        """Print which runs are not retried, and why."""
        for each in self.refused:
            on.print(f"{each.id}  not retried: {each.why}", style="yellow", markup=False)

    def data(self) -> dict[str, Any]:
        """Return all of it, for programs."""
        groups = [
            {
                "job": group[0].run.job,
                "failure": group[0].why.what,
                "where": group[0].why.where,
                "step": group[0].why.step,
                "runs": [each.run.id for each in group],
            }
            for group in self._groups()
        ]
        rows = [_row(each.run.id, each.run.run_id, "retried", new_run_id=new) for each, new in self.retried]
        for each in self.breaking:
            assert each.replayed is not None
            result = "not_looked_at" if each.replayed.unreadable else "would_break"
            rows.append(_row(each.run.id, each.run.run_id, result, why=each.replayed.failure or ""))
        rows += [_row(each.id, each.run_id, "not_retried", why=each.why) for each in self.refused]
        return {"groups": groups, "runs": rows}

    def _groups(self) -> list[list[FailedRun]]:
        return sorted(self._alike.values(), key=len, reverse=True)


def _row(id: str, run_id: str, result: str, **more: str) -> dict[str, str]:
    return {"id": id, "run_id": run_id, "result": result, **more}
