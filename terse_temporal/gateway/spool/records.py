"""What is put into the spool, and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple, TypeAlias

from ...triggers.deliveries import Delivery

__all__ = ["Pending", "Put", "State", "Target", "TargetRow"]

#: How a delivery stands with a job: to be started, started, or never to be, with why.
State: TypeAlias = Literal["waiting", "started", "refused"]


@dataclass(frozen=True, slots=True)
class Target:
    """A job that a delivery is for.

    Attributes:
        job: its name.
        run_id: the workflow id of the run that is started.
        problem: why none is; `None` where there is nothing in the way.
    """

    job: str
    run_id: str
    problem: str | None = None


class Put(NamedTuple):
    """What became of a delivery that was put into the spool.

    Attributes:
        is_new: whether it was not known; else it was sent again.
        targets: the jobs that it is for. Of one that was sent again: as it stands with them now.
    """

    is_new: bool
    targets: tuple[Target, ...]


@dataclass(frozen=True, slots=True)
class Pending:
    """A delivery that something is still to be done with.

    Attributes:
        number: of the delivery in this spool; they count up as deliveries come.
        delivery: it.
        target: the job that is to be started; `None` where it is to be offered to the runs that wait.
        attempts: how many have failed.
    """

    number: int
    delivery: Delivery
    target: Target | None = None
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class TargetRow:
    """How a delivery stands with one job, for a list.

    Attributes:
        job, run_id: as of the target.
        state: how it stands.
        reason: why it was refused, or what the last attempt failed with; else empty.
        attempts: how many have failed.
        retry_at: when the next one is due, in UTC, where one has failed.
        changed_at: when that was so, in UTC.
    """

    job: str
    run_id: str
    state: State
    reason: str
    attempts: int
    retry_at: datetime | None
    changed_at: datetime
