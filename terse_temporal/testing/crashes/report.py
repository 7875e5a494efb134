"""What became of a job that was crashed at each of its boundaries."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ...diagnostics.text import shorten
from .points import CrashPoint

__all__ = ["Boundary", "CrashReport", "Outcome", "Repeat"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended.

    Attributes:
        result: what it returned.
        failure: the type of what it failed with; empty where it did not fail.
        message: of that.
    """

    result: Any = None
    failure: str = ""
    message: str = ""

    def __str__(self) -> str:
        return f"{self.failure}: {self.message}" if self.failure else repr(self.result)


@dataclass(frozen=True, slots=True)
class Repeat:
    """A step whose function began again, other than it did in the run without a crash.

    Attributes:
        name: of the step.
        times: how many times more.
        keys: the idempotency keys that it had. One for each step of that name, if all is well.
        one_key: whether it, and each call that it makes in place, came again under the same key.
        after_record: whether it ran again after its result was in the history. That must never be.
    """

    name: str
    times: int
    keys: Sequence[str]
    one_key: bool
    after_record: bool

    def __str__(self) -> str:
        key = "with the same key" if self.one_key else "WITH ANOTHER KEY"
        return f"{self.name!r} {_times(self.times)} more, {key}" + (
            ", AFTER IT WAS RECORDED" if self.after_record else ""
        )


@dataclass(frozen=True, slots=True)
class Boundary:
    """One run, crashed at one point.

    Attributes:
        point: where.
        what: the step's name, or how long the sleep is.
        crashed: whether the run came there.
        outcome: how it ended; `None` if it did not.
        same: whether that is how the run without a crash ended.
        steps: the names of its steps, as its history has them.
        same_steps: whether they are those of the run without a crash, in the same order. Where branches race they may
            not be.
        repeats: steps that ran more often.
        problem: why it did not end, with what its workers printed last; else empty.
        seconds: it took.
    """

    point: CrashPoint
    what: str
    crashed: bool
    outcome: Outcome | None
    same: bool
    steps: Sequence[str]
    same_steps: bool
    repeats: Sequence[Repeat]
    problem: str
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether the run came there, ended as without a crash, and repeated nothing that must not be."""
        sound = all(repeat.one_key and not repeat.after_record for repeat in self.repeats)
        return self.crashed and self.same and sound and not self.problem

    def __str__(self) -> str:
        if self.point.moment != "asleep":
            return str(self.point)
        return f"asleep for {self.what}" + (f" ({self.point.occurrence})" if self.point.occurrence > 1 else "")


@dataclass(frozen=True, slots=True)
class CrashReport:
    """What `survive` found. As text it is a table with a row for each boundary.

    Attributes:
        job: the job's name.
        uncrashed: how the run without a crash ended.
        boundaries: in the order of its history.
        durable: whether the job is. One that is not fails when it is interrupted.
    """

    job: str
    uncrashed: Outcome
    boundaries: Sequence[Boundary]
    durable: bool = True

    @property
    def repeated(self) -> Mapping[str, int]:
        """The steps that ran more often than without a crash, with how many times more, over all runs.

        A worker that dies between the effect of a step and its record leaves a step that happened and happens again.
        No journal closes that window: the idempotency key does, where the other side takes one.
        """
        total: Counter[str] = Counter()
        for boundary in self.boundaries:
            total.update({repeat.name: repeat.times for repeat in boundary.repeats if repeat.times})
        return dict(total)

    @property
    def same_result(self) -> bool:
        """Whether every run ended as the one without a crash."""
        return all(boundary.same for boundary in self.boundaries)

    @property
    def passed(self) -> bool:
        """Whether every run ended, as the one without a crash; nothing recorded ran again; and no step had two keys.

        A step that ran twice under one key is no failure: see `repeated`.
        """
        return all(boundary.passed for boundary in self.boundaries)

    def __str__(self) -> str:
        good = sum(boundary.passed for boundary in self.boundaries)
        bad = len(self.boundaries) - good
        parts = [
            f"the job {self.job!r}, its worker killed once in each of {good + bad} runs: {good} passed, {bad} failed",
            f"without a crash: {shorten(str(self.uncrashed), 300)}",
        ]
        if not self.durable:
            parts.append("It is not durable, so an interruption fails it, and it is not run again.")
        parts.append(_draw(self._table()))
        if self.repeated:
            listed = ", ".join(f"{name!r} {_times(times)}" for name, times in self.repeated.items())
            parts.append(
                f"Ran again, over all runs: {listed}. Between an effect and its record lies a window that no journal"
                " closes; what was sent with current_step().idempotency_key, the other side can tell apart."
            )
        parts += [f"{boundary}: {boundary.problem}" for boundary in self.boundaries if boundary.problem]
        return "\n".join(parts)

    def _table(self) -> Table:
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for column in ("", "killed", "result", "ran again"):
            table.add_column(column, overflow="fold")
        for boundary in self.boundaries:
            table.add_row(
                "ok" if boundary.passed else "FAIL",
                Text(str(boundary)),
                Text(_result(boundary)),
                Text("; ".join(map(str, boundary.repeats))),
            )
        return table


def _result(boundary: Boundary) -> str:
    if boundary.outcome is None:
        return "did not end"
    said = "the same" if boundary.same else f"another: {shorten(str(boundary.outcome), 300)}"
    if not boundary.crashed:
        said = f"never came there; {said}"
    if not boundary.same_steps:
        said = f"{said}, by other steps: {shorten(', '.join(map(repr, boundary.steps)), 300)}"
    return said


def _draw(table: Table) -> str:
    file = io.StringIO()
    Console(file=file, width=120, color_system=None).print(table)
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines())


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
