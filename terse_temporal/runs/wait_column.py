"""What a run waits for, in the few words of a column of `runs list`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from ..diagnostics.text import shorten
from .task_queues import is_gone
from .times import rough
from .wait_texts import fit_text
from .waits import Kind, Wait

__all__ = ["column_text"]

#: Characters of a text of others, and how many things are told of one run.
_LONGEST: Final = 60
_MOST: Final = 2


def column_text(waits: Sequence[Wait], now: datetime) -> str:
    """Return a few words for what a run waits for, of the first things that it waits for."""
    waits = [each for each in waits if each.kind != "timeout"]
    told = [_COLUMN[each.kind](each, now) + (f" (+{each.more})" if each.more else "") for each in waits[:_MOST]]
    more = [f"{len(waits) - _MOST} more"] if len(waits) > _MOST else []
    return "; ".join([*told, *more])


def _start(wait: Wait, now: datetime) -> str:
    return f"its start, in {_left(wait, now)}"


def _paused(wait: Wait, now: datetime) -> str:
    return f"{_short(wait.name)}, paused" if wait.name else "paused"


def _blocked(wait: Wait, now: datetime) -> str:
    return f"blocked: {_short(wait.failure)}" if wait.fits else "blocked: its history does not fit the code"


def _no_job(wait: Wait, now: datetime) -> str:
    return "a worker that has its job"


def _worker(wait: Wait, now: datetime) -> str:
    no_worker = wait.is_asked and is_gone(wait.polled_at)
    if wait.build_id and not no_worker:
        return f"a worker: version {_short(wait.build_id)} is not current"
    return f"a worker: none polls {_short(wait.task_queue)}" if no_worker else "a worker"


def _handler(wait: Wait, now: datetime) -> str:
    return "being advanced"


def _held(wait: Wait, now: datetime) -> str:
    return "begins nothing new"


def _step(wait: Wait, now: datetime) -> str:
    attempt = f", attempt {wait.attempt}" if wait.attempt > 1 else ""
    return f"{_short(wait.name) or 'its handler'}{attempt}, runs for {rough(now - wait.since) if wait.since else '?'}"


def _retry(wait: Wait, now: datetime) -> str:
    return f"{_short(wait.name)}, attempt {wait.attempt} in {_left(wait, now)}: {_short(wait.failure)}"


def _queued(wait: Wait, now: datetime) -> str:
    return f"{_short(wait.name) or 'its handler'}, {_worker(wait, now)}"


def _run(wait: Wait, now: datetime) -> str:
    return f"the run {_short(wait.id)}" if wait.id else "another run"


def _question(wait: Wait, now: datetime) -> str:
    return f"an answer: {_short(wait.text)}"


def _event(wait: Wait, now: datetime) -> str:
    return f"the event {_short(wait.name)}" + (f" of {_short(wait.key)}" if wait.key else "")


def _sleep(wait: Wait, now: datetime) -> str:
    return f"asleep for {_left(wait, now)}"


def _timer(wait: Wait, now: datetime) -> str:
    return f"a timer, {_left(wait, now)}"


def _unknown(wait: Wait, now: datetime) -> str:
    return "a condition of its own"


_COLUMN: Final[Mapping[Kind, Callable[[Wait, datetime], str]]] = {
    "start": _start,
    "paused": _paused,
    "blocked": _blocked,
    "no_job": _no_job,
    "worker": _worker,
    "handler": _handler,
    "held": _held,
    "step": _step,
    "retry": _retry,
    "queued": _queued,
    "run": _run,
    "question": _question,
    "event": _event,
    "sleep": _sleep,
    "timer": _timer,
    "timeout": _timer,
    "unknown": _unknown,
}


def _left(wait: Wait, now: datetime) -> str:
    return rough(wait.until - now) if wait.until is not None else "?"


def _short(text: str) -> str:
    return shorten(fit_text(text, _LONGEST), _LONGEST)
