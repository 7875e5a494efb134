"""What a run is started with, checked before anything is sent.

An event that the job does not take is refused here, with every wrong field, instead of by a run that fails; so is what
the server would refuse in words of its own: an id that is too long, a tag, an event over the limit.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol, get_args

from ..diagnostics.places import caller_frame, is_users, place
from ..diagnostics.text import did_you_mean, shorten
from ..durations import time_until, to_timedelta
from ..errors import EventError, StartError
from ..execution.protocol import current_execution, may_record
from ..execution.run_operations import IfExists, RunRequest
from ..serialization.json_text import Json
from ..serialization.payload_limits import over_limit
from ..serialization.serializer import shared_serializer
from ..serialization.value_problems import ValueProblem
from ..triggers.base import Trigger
from .event_input import event_type, home_namespace, read_event
from .names import unprintable
from .scheduled_events import with_start

__all__ = ["JobToStart", "call_place", "check_id", "check_tag", "event_json", "run_request"]

#: What the server takes of a workflow id, in bytes (`limit.maxIDLength`).
_LONGEST_ID: Final = 1000

#: Characters of a tag, and bytes of all tags of a run as JSON: the server takes 2048 of a search attribute.
_LONGEST_TAG: Final = 100
_LARGEST_TAGS: Final = 2000


#: Bytes of an event: the server takes 2 MiB of an input (`limit.blobSize.error`), with what it is wrapped in.
_LARGEST_EVENT: Final = 2 * 1024 * 1024 - 40


class JobToStart(Protocol):
    """What is read of a job that is to be started."""

    @property
    def name(self) -> str: ...
    @property
    def handler(self) -> Callable[..., Any]: ...
    @property
    def triggers(self) -> Sequence[Trigger]: ...
    @property
    def where(self) -> str: ...
    @property
    def _home(self) -> str: ...


def run_request(
    job: JobToStart | str,
    event: Any = None,
    *,
    key: str | None = None,
    id: str | None = None,
    if_exists: IfExists = "attach",
    delay: str | timedelta | datetime | None = None,
    tags: Iterable[str] = (),
    task_queue: str | None = None,
    waits: bool = False,
    where: str | None = None,
) -> RunRequest:
    """Return a checked start of a run.

    Args:
        job: it, or its name where its module is not at hand: then the run says what is wrong with its event.
        waits: whether the caller waits for the result.
        where: the line of the call, where this is not called within it.
        event, key, id, if_exists, delay, tags, task_queue: as `Job.start` takes them.

    Raises:
        EventError: the event is not JSON, does not fit the job, or is over the server's limit.
        StartError: another argument makes no sense.
        DurationError: the delay does not.
        JobDefinitionError: nothing can be validated against the type that the handler wants.
    """
    name = job if isinstance(job, str) else job.name
    call = f"the start of the job {name!r}" if isinstance(job, str) else f"the start of the job {name!r} ({job.where})"
    if isinstance(job, str):
        _check_text(name, "the name of a job", call)
    if key is not None and id is not None:
        raise StartError(
            f"{call}: key={key!r} and id={id!r} are both given. A key makes the id, {f'{name}/{key}'!r}: give one of"
            " them."
        )
    if if_exists not in get_args(IfExists):
        known = get_args(IfExists)
        raise StartError(
            f"{call}: if_exists={if_exists!r} is none of {', '.join(map(repr, known))}"
            f"{did_you_mean(str(if_exists), known)}"
        )
    if key is not None:
        _check_text(key, "key=", call)
    workflow_id = id if key is None else f"{name}/{key}"
    if workflow_id is not None:
        check_id(workflow_id, call)
    elif (execution := current_execution()) is not None and (made := execution.run_key(name)) is not None:
        # What is there is of an attempt before, and this call's own, whatever `if_exists` says.
        workflow_id, if_exists = f"{name}-{made}", "attach"
    if task_queue is not None:
        _check_text(task_queue, "task_queue=", call)
    where = call_place() if where is None else where
    return RunRequest(
        job=name,
        event=event_json(job, event, f"started at {where}" if where else ""),
        id=workflow_id,
        if_exists=if_exists,
        delay=_delay(delay),
        tags=_tags(tags, call),
        task_queue=task_queue,
        waits=waits,
        where=where,
        handler=None if isinstance(job, str) else job.handler,
    )


def event_json(job: JobToStart | str, event: Any, started: str = "") -> Json | None:
    """Return an event as it is sent, or raise what is wrong with it; `started` says where, for the message."""
    name = job if isinstance(job, str) else job.name
    places = ", ".join(filter(None, ("" if isinstance(job, str) else job.where, started)))
    the_event = f"the event for the job {name!r}{f' ({places})' if places else ''}"
    try:
        data = None if event is None else shared_serializer.codec(Any).record(event)
    except ValueProblem as problem:
        raise EventError(f"{the_event} is not JSON: {problem}") from None
    if data is not None and not may_record(size := len(data.text), _LARGEST_EVENT):
        remedy = "Store the data, and start the job with where it is."
        raise EventError(f"{the_event} is {over_limit(size, remedy, _LARGEST_EVENT)}")
    if not isinstance(job, str):
        namespace = home_namespace(job)
        expected = event_type(job.handler, job.triggers, namespace)
        raw = with_start(None if data is None else data.data, expected, _now())
        read_event(raw, expected, job=name, where=places, namespace=namespace)
    return data


def check_id(id: str, call: str) -> None:
    """Refuse a workflow id that the server would not take.

    Raises:
        StartError: with what is wrong.
    """
    _check_text(id, "the id", call)
    if (size := len(id.encode())) > _LONGEST_ID:
        raise StartError(
            f"{call}: the id {_shown(id)} has {size:,} bytes, and the server takes {_LONGEST_ID:,}. Take a hash"
            " of what makes it so long."
        )


def check_tag(tag: Any, call: str) -> None:
    """Refuse what is no tag.

    Raises:
        StartError: with what is wrong.
    """
    _check_text(tag, "a tag", call)
    if len(tag) > _LONGEST_TAG:
        raise StartError(
            f"{call}: the tag {_shown(tag)} has {len(tag):,} characters, and {_LONGEST_TAG} is the most. Tags"
            " are short words to find runs by; data goes into the event."
        )


def _tags(tags: Iterable[str], call: str) -> tuple[str, ...]:
    if isinstance(tags, str | bytes) or not isinstance(tags, Iterable):
        raise StartError(f"{call}: tags={tags!r} is no list of strings; write tags=[…]")
    found = list(tags)
    for tag in found:
        check_tag(tag, call)
    found = list(dict.fromkeys(found))
    if (size := len(json.dumps(found))) > _LARGEST_TAGS:
        raise StartError(
            f"{call}: its {len(found)} tags are {size:,} bytes as JSON, and the server takes {_LARGEST_TAGS:,}. Tags"
            " are short words to find runs by; data goes into the event."
        )
    return tuple(found)


def _check_text(value: Any, what: str, call: str) -> None:
    if not isinstance(value, str):
        raise StartError(f"{call}: {what} is {shorten(repr(value), 60)}, and not a string")
    if not value.strip():
        raise StartError(f"{call}: {what} is {value!r}; give a string that is not empty, or leave it out")
    if (wrong := unprintable(value)) is not None:
        raise StartError(f"{call}: {what}, {_shown(value)}, cannot have {wrong} in it")


def _shown(text: str) -> str:
    return repr(shorten(text, 60, escape=False))


def _delay(delay: str | timedelta | datetime | None) -> timedelta | None:
    if delay is None:
        return None
    return time_until(delay, _now()) if isinstance(delay, datetime) else to_timedelta(delay)


def _now() -> datetime:
    execution = current_execution()
    return datetime.now(UTC) if execution is None else execution.now()


def call_place() -> str:
    """Return the line of the user's that makes a call; empty where there is none."""
    frame = caller_frame()
    return place(frame.f_code.co_filename, frame.f_lineno) if is_users(frame) else ""
