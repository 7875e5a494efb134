"""What is put into the spool, and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple, TypeAlias

from ...triggers.deliveries import Delivery

__all__ = ["DeliveryRow", "Pending", "Put", "State", "Target", "TargetRow"]

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
        size: bytes of the body.
    """

    number: int
    delivery: Delivery
    size: int
    target: Target | None = None
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class TargetRow:
    """How a delivery stands with one job, for a list.

    Attributes:
        job: its name.
        run_id: the workflow id of the run.
        state: how it stands.
        reason: why it was refused, or what the last attempt failed with; else empty.
        attempts: how many have failed.
        retry_at: when the next one is due, in UTC, where one has failed.
        changed_at: since when it stands so, in UTC.
    """

    job: str
    run_id: str
    state: State
    reason: str
    attempts: int
    retry_at: datetime | None
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """A delivery in the spool, for a list.

    Attributes:
        number: in this spool.
        source, id, kind, job, received_at: as of the delivery.
        size: bytes of its body.
        has_body: whether that is still kept.
        offered_to: how many waits of runs it was given to.
        targets: the jobs that it is for.
    """

    number: int
    source: str
    id: str
    kind: str
    job: str | None
    received_at: datetime
    size: int
    has_body: bool
    offered_to: int
    targets: tuple[TargetRow, ...]
