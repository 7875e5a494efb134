"""What a run waits for, as data: `runs why` and `runs list` print sentences that are made of it, `--json` is it.

The kinds:

    start     its start was delayed until a time that has not come
    paused    it, or one of its steps, was paused by a person
    blocked   its handler cannot be advanced: what was recorded does not fit the code, or the code of the worker fails
    no_job    the workers of its task queue do not have its job
    worker    its handler is to go on, and no worker has taken that up
    handler   its handler is being advanced
    held      its history is long, and it begins nothing new until what is in flight has ended
    step      a step runs
    retry     a step has failed, and its next attempt is due at a time that has not come
    queued    a step waits for a worker
    run       another run is to end
    question  a person is to answer
    event     an event is to come
    sleep     time is to pass: a `sleep`
    timer     the same: a timeout, or `asyncio.sleep`
    timeout   the same, beside something else that it waits for
    unknown   nothing that the server knows of
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Literal, TypeAlias

__all__ = ["Kind", "Wait"]

Kind: TypeAlias = Literal[
    "start",
    "paused",
    "blocked",
    "no_job",
    "worker",
    "handler",
    "held",
    "step",
    "retry",
    "queued",
    "run",
    "question",
    "event",
    "sleep",
    "timer",
    "timeout",
    "unknown",
]


@dataclass(frozen=True, kw_only=True)
class Wait:
    """One of the things that a run waits for.

    Texts that others have written, names among them, are as they came: whoever shows them makes them fit to be shown.

    Attributes:
        kind: of the list above.
        name: of the step or the event; of the job of another run; empty for a job that is not durable, all of which is
            one step.
        label: what tells the step from others of its name.
        since: when it began; in UTC, as all times here.
        until: when it is over by itself, where that is known: of a step that runs, when its time is up.
        attempt: of the step, the one that runs or is due; of a turn of the handler.
        attempts: how many there are at most, where that is recorded.
        failure: what the attempt before failed with; of `blocked`, why.
        worker: the identity of the worker that runs it, or ran it last.
        task_queue: where it waits for a worker.
        polled_at: when one last asked that task queue for work; `None` where none has for minutes.
        deployment: of the workers that ask it for work, where they are given none as their version is not the current
            one.
        build_id: of these workers.
        current_build_id: of the version that is the current one; empty where there is none.
        is_asked: whether the server has told that; it need not tell everybody.
        id: of another run, its workflow id; of a question, its number.
        key: of the event.
        is_delivery: whether the event is a delivery of a webhook, and the name a trigger, as it is written.
        match: of a delivery, which of its fields have to be what, in words.
        text: of a question, what is to be decided.
        seen_at: the last sign of life of a step that runs.
        fits: whether the history fits the code, as far as it is known; `False` of a run that is blocked by that.
        why: what another run waits for.
        more: how many more there are of the same kind and name, begun later.
    """

    kind: Kind
    name: str = ""
    label: str = ""
    since: datetime | None = None
    until: datetime | None = None
    attempt: int = 0
    attempts: int = 0
    failure: str = ""
    worker: str = ""
    task_queue: str = ""
    polled_at: datetime | None = None
    deployment: str = ""
    build_id: str = ""
    current_build_id: str = ""
    is_asked: bool = True
    id: str = ""
    key: str = ""
    is_delivery: bool = False
    match: str = ""
    text: str = ""
    seen_at: datetime | None = None
    fits: bool = True
    why: tuple[Wait, ...] = ()
    more: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return what of it is known, as plain JSON; times as ISO 8601."""
        known: dict[str, Any] = {"kind": self.kind}
        for field in fields(self):
            value = getattr(self, field.name)
            if value == field.default or value is None:
                continue
            if isinstance(value, datetime):
                value = value.isoformat()
            elif isinstance(value, tuple):
                value = [each.to_json() for each in value]
            known[field.name] = value
        return known
