"""What a run waits for, in sentences, for `runs why`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

from temporalio.common import WorkerDeploymentVersion

from ..diagnostics.redaction import redact
from ..diagnostics.text import one_line, shorten
from ..engine.deployments import not_current_text
from ..serialization.wire_names import TAGS_ATTRIBUTE
from .task_queues import is_gone
from .times import moment_text, rough
from .waits import Kind, Wait

__all__ = ["fit_text", "not_current_sentence", "sentence"]

#: Characters of a failure or a question that are shown, and of a name.
_LONGEST_TEXT: Final = 1_000
_LONGEST_NAME: Final = 200


def sentence(wait: Wait, now: datetime, subject: str = "It") -> str:
    """Return a sentence, or two, that say what a run waits for.

    Args:
        wait: one of the things that it waits for.
        now: the run's own time.
        subject: the run.
    """
    text = _SENTENCES[wait.kind](wait, now, subject)
    if not wait.more:
        return text
    if wait.kind in ("sleep", "timer", "timeout"):
        return f"{text} Of its timers {wait.more} more {'is' if wait.more == 1 else 'are'} open."
    if wait.kind == "event":
        return f"{text} It waits for {wait.more} more event{'' if wait.more == 1 else 's'}."
    if wait.kind == "run":
        return f"{text} It waits for {wait.more} more of that job."
    return f"{text} The same holds for {wait.more} more of that name."


def fit_text(text: str, most: int = _LONGEST_TEXT) -> str:
    """Return what others have written as it may be shown within a sentence: in one line, and without secrets."""
    lines = (each.strip() for each in redact(text, most).splitlines())
    return shorten(one_line(" ".join(filter(None, lines))), most).rstrip(".")


def not_current_sentence(task_queue: str, version: WorkerDeploymentVersion, current: str) -> str:
    """Return that those who poll a task queue are given nothing, because their version is not the current one."""
    subject = f"one polls the task queue {_name(task_queue)} that is"
    return one_line(redact(not_current_text(subject, version, current), _LONGEST_TEXT))


def _start(wait: Wait, now: datetime, subject: str) -> str:
    return f"{subject} has not begun: its start is delayed until {_until(wait, now)}."


def _paused(wait: Wait, now: datetime, subject: str) -> str:
    what, failed, because = subject, "", ""
    if wait.name:
        what, failed = f"The step {_name(wait.name)}", _after(wait)
    elif wait.failure:
        because = f": {fit_text(wait.failure)}"
    by = f" by {_name(wait.worker)}" if wait.worker and not wait.name else ""
    return f"{what} was paused{by} at {_since(wait, now)}{because}{failed}. It waits until somebody unpauses it."


def _blocked(wait: Wait, now: datetime, subject: str) -> str:
    why = fit_text(wait.failure)
    if wait.fits:
        problem = f"a worker cannot advance its handler: {why}. That is tried again and again."
        if TAGS_ATTRIBUTE in wait.failure:  # of what a handler asks for the server refuses all, and tells it nothing
            problem += (
                " It starts a run with tags. Create the search attribute with `terse-temporal setup`: then it goes on"
                " by itself."
            )
    else:
        problem = (
            f"its history does not fit the code of the worker: {why}. It goes on by itself when a worker with code that"
            " fits is there; the log of the worker has more of both."
        )
    no_worker = f" Now no worker is there: {_no_worker(wait)}" if wait.is_asked and is_gone(wait.polled_at) else ""
    return f"{subject} is blocked since {_since(wait, now)}, {problem}{no_worker}"


def _no_job(wait: Wait, now: datetime, subject: str) -> str:
    return f"{subject} waits for a worker that has its job since {_since(wait, now)}: {fit_text(wait.failure)}."


def _worker(wait: Wait, now: datetime, subject: str) -> str:
    return f"{subject} waits for a worker since {_since(wait, now)}: {_no_worker(wait)}"


def _handler(wait: Wait, now: datetime, subject: str) -> str:
    said = f"{subject} is being advanced by a worker since {_since(wait, now)}"
    if wait.attempt <= 1:
        return f"{said}."
    return (
        f"{said}, for the {_nth(wait.attempt)} time: before, no answer came in time. That worker was ended, or"
        " something in it, the handler or a step, holds Python's lock for that long."
    )


def _held(wait: Wait, now: datetime, subject: str) -> str:
    return (
        f"{subject} begins nothing new since {_since(wait, now)}: its history has grown long, and it continues in a new"
        " one as soon as the steps and runs that it waits for have ended."
    )


def _step(wait: Wait, now: datetime, subject: str) -> str:
    on = f" on the worker {_name(wait.worker)}" if wait.worker else ""
    most = f", of {rough(wait.until - wait.since)} at most" if wait.until is not None and wait.since is not None else ""
    since = f"{moment_text(wait.since, now)} ({rough(now - wait.since)}{most})" if wait.since is not None else "a while"
    before = f"; the attempt before: {fit_text(wait.failure)}" if wait.failure else ""
    return f"{_attempt(wait, subject)} runs since {since}{on}{before}."


def _retry(wait: Wait, now: datetime, subject: str) -> str:
    return f"{_attempt(wait, subject)} begins {_in(wait.until, now)}{_after(wait)}."


def _queued(wait: Wait, now: datetime, subject: str) -> str:
    return f"{_attempt(wait, subject)} waits for a worker since {_since(wait, now)}{_after(wait)}: {_no_worker(wait)}"


def _run(wait: Wait, now: datetime, subject: str) -> str:
    job = f" of the job {_name(wait.name)}" if wait.name else ""
    why = " ".join(sentence(each, now, "That run") for each in wait.why)
    run = f"the run {_name(wait.id)}{job}" if wait.id else "another run"
    return f"{subject} waits for {run}. {why}".rstrip()


def _question(wait: Wait, now: datetime, subject: str) -> str:
    until = f", until {_until(wait, now)}" if wait.until is not None else ""
    return (
        f"{subject} waits for the answer to question {wait.id}{_since_when(wait, now)}{until}: {fit_text(wait.text)}."
    )


def _event(wait: Wait, now: datetime, subject: str) -> str:
    key = f" of the key {_name(wait.key)}" if wait.key else ""
    name = fit_text(wait.name) if wait.is_delivery else _name(wait.name)
    if wait.match:
        key += f" with {fit_text(wait.match)}"
    until = f", until {_until(wait, now)}" if wait.until is not None else ""
    return f"{subject} waits for the event {name}{key}{_since_when(wait, now)}{until}."


def _sleep(wait: Wait, now: datetime, subject: str) -> str:
    return f"{subject} is asleep until {_until(wait, now)}."


def _timer(wait: Wait, now: datetime, subject: str) -> str:
    until = _until(wait, now)
    return f"{subject} waits for a timer of its handler (a timeout, or asyncio.sleep) that ends at {until}."


def _timeout(wait: Wait, now: datetime, subject: str) -> str:
    return f"A timeout of its handler, or an asyncio.sleep, ends at {_until(wait, now)}."


def _unknown(wait: Wait, now: datetime, subject: str) -> str:
    return (
        f"{subject} waits for something that the server does not know of: a future or a condition of its handler's"
        " own, or a signal."
    )


_SENTENCES: Final[Mapping[Kind, Callable[[Wait, datetime, str], str]]] = {
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
    "timeout": _timeout,
    "unknown": _unknown,
}


def _attempt(wait: Wait, subject: str) -> str:
    if not wait.name:
        return subject
    label = f" ({fit_text(wait.label, _LONGEST_NAME)})" if wait.label else ""
    step = f"step {_name(wait.name)}{label}"
    if wait.attempt <= 1:
        return f"The {step}"
    of = f" of {wait.attempts}" if wait.attempts else ""
    return f"Attempt {wait.attempt}{of} of the {step}"


def _no_worker(wait: Wait) -> str:
    queue = _name(wait.task_queue)
    if not wait.is_asked:
        return f"the server does not tell whether one polls the task queue {queue}."
    if wait.polled_at is not None and not is_gone(wait.polled_at):
        if wait.build_id:
            version = WorkerDeploymentVersion(wait.deployment, wait.build_id)
            return not_current_sentence(wait.task_queue, version, wait.current_build_id)
        ago = rough(datetime.now(UTC) - wait.polled_at)
        return f"one has polled the task queue {queue} {ago} ago, so it is busy, or has just ended."
    start = f"Start one: terse-worker MODULE --task-queue {wait.task_queue}"
    if wait.polled_at is None:
        return f"none polls the task queue {queue}. {start}"
    return f"none has polled the task queue {queue} for {rough(datetime.now(UTC) - wait.polled_at)}. {start}"


def _after(wait: Wait) -> str:
    return f", after {fit_text(wait.failure)}" if wait.failure else ""


def _since_when(wait: Wait, now: datetime) -> str:
    return f" since {_since(wait, now)}" if wait.since is not None else ""


def _since(wait: Wait, now: datetime) -> str:
    if wait.since is None:
        return "an unknown time"
    return f"{moment_text(wait.since, now)} ({rough(now - wait.since)})"


def _until(wait: Wait, now: datetime) -> str:
    return f"{moment_text(wait.until, now)} ({_in(wait.until, now)})" if wait.until is not None else "an unknown time"


def _in(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return "at an unknown time"
    return f"in {rough(moment - now)}" if moment > now else "now"


def _name(name: str) -> str:
    return repr(shorten(redact(name, _LONGEST_NAME), _LONGEST_NAME, escape=False))


def _nth(number: int) -> str:
    return {2: "second", 3: "third"}.get(number, f"{number}th")
