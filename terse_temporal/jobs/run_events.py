"""Events: `wait_for_event` in a durable handler, `send_event` to those who wait.

An event is sent to one run, by `Run.send`, or by key, to every run that waits for it under that key. One that nobody
waits for is kept, in order.
"""

from __future__ import annotations

import importlib
from collections.abc import Coroutine, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, overload

from ..diagnostics.text import shorten
from ..durations import to_timedelta
from ..errors import EventError, InPlaceOnlyError
from ..execution.protocol import current_execution, durable_execution
from ..execution.run_events import (
    LONGEST_ID,
    LONGEST_KEY,
    LONGEST_NAME,
    MAX_EVENT_BYTES,
    EventToSend,
    EventWait,
    is_name,
)
from ..serialization.json_text import Json
from ..serialization.serializer import shared_serializer
from ..serialization.value_problems import ValueProblem, too_deep
from ..serialization.wire_names import OWN_WORKFLOWS, PACKAGE
from ..triggers.base import Trigger
from .names import unprintable
from .trigger_waits import trigger_wait, wait_key

if TYPE_CHECKING:
    from temporalio.client import Client
    from typing_extensions import TypeForm

__all__ = ["check_event_id", "check_event_name", "event_data", "send_event", "wait_for_event"]

_T = TypeVar("_T")
_Time: TypeAlias = "str | timedelta | None"

#: How long the id of an event is remembered that a step sends without one, for the step's next attempts.
_REPEATED_WITHIN = timedelta(days=1)


@overload
def wait_for_event(
    name: Trigger[_T], *, match: Mapping[str, str | float | bool | None] | None = None, timeout: _Time = None
) -> Coroutine[Any, Any, _T]: ...


@overload
def wait_for_event(
    name: str, *, key: str | None = None, schema: TypeForm[_T], timeout: _Time = None
) -> Coroutine[Any, Any, _T]: ...


@overload
def wait_for_event(
    name: str, *, key: str | None = None, schema: None = None, timeout: _Time = None
) -> Coroutine[Any, Any, Any]: ...


def wait_for_event(
    name: str | Trigger[Any],
    *,
    key: str | None = None,
    schema: Any = None,
    match: Mapping[str, str | float | bool | None] | None = None,
    timeout: _Time = None,
) -> Coroutine[Any, Any, Any]:
    """Wait for something that happens outside: durably, as `sleep` does.

    An event that was sent before it is waited for has been kept, and is taken at once. One wait takes one event, in the
    order in which they came. Waits may race with steps and sleeps, by `asyncio.timeout` and `asyncio.wait`: one that is
    cancelled is withdrawn, and an event that it has not taken goes to the next wait.

    Args:
        name: the event's, such as `"unsubscribed"`: up to 200 characters. Or a trigger, such as
            `Triggers.stripe.on_event("invoice.paid")`: then it is what a webhook brings to the gateway of the run's
            task queue, since the run began, and arrives as the trigger's model. A run is never given a delivery twice,
            nor the one that has started it.
        key: what it is about, such as a customer's id, up to 500 characters: then it is what is sent by `send_event`
            under that key, to every run that waits. What is sent to this run itself is taken too. Without it, only
            that.
        match: with a trigger: which fields of the body have to be what, by their paths, as in
            `{"data.object.customer": "cus_1"}`. A number stands for a place in a list. Values are strings, numbers,
            True, False and None; 20 paths and 2,000 bytes at most.
        schema: what the event is validated against and arrives as: a pydantic model, a dataclass, or anything that
            pydantic's `TypeAdapter` takes. Without it an object is an `Event`, and all else plain JSON.
        timeout: how long to wait; without it for as long as it takes.

    Returns:
        What to await for the event's data.

    Raises:
        DurableOnlyError: called anywhere but in the handler of a durable job. Raised by the call, as the next three.
        EventError: the name, key or match can be none, nothing can be validated against the schema, or no gateway
            brings the events of the trigger. And when awaited: the event does not fit the schema or the trigger's
            model, with every wrong field; it is taken all the same.
        DurationError: the timeout is none.
        EventTimeoutError: when awaited: the event did not come in that time. It is also a `TimeoutError`.

    Costs one history event for the event, two for showing what is waited for, two for a timeout, and under a key or by
    a trigger about ten more; nothing where the event is there already. A delivery arrives within a second or two where
    the wait is new, and else at once. A run has at most 1,000 waits with a key or by a trigger at a time.
    """
    execution = durable_execution("wait_for_event()")
    limit = None if timeout is None else to_timedelta(timeout)
    if isinstance(name, Trigger):
        if key is not None or schema is not None:
            given, instead = ("key", "match={…}") if key is not None else ("schema", "model= of Triggers….on_event()")
            raise EventError(
                f"wait_for_event(Triggers.{name.describe()}): {given}= goes with the name of an event. With a trigger,"
                f" use {instead}"
            )
        wait = trigger_wait(name, match)
        return execution.wait_for_event(EventWait(name.name, wait_key(wait), name.event_model, limit, wait))
    if match is not None:
        raise EventError("wait_for_event(): match= goes with a trigger. With the name of an event, use key=")
    check_event_name(name, "wait_for_event()")
    if key is not None:
        _check(key, "key", LONGEST_KEY, "wait_for_event()")
    return execution.wait_for_event(EventWait(name, key, schema, limit))


def send_event(
    name: str,
    data: Any = None,
    *,
    key: str,
    id: str | None = None,
    keep: str | timedelta = "7d",
    client: Client | None = None,
    task_queue: str | None = None,
) -> Coroutine[Any, Any, None]:
    """Send an event to every run that waits for it under a key: `wait_for_event(name, key=key)`.

    It may be called anywhere. Where no run waits, the event is kept for the first wait that comes.

    Args:
        name: the event's.
        data: JSON data, a pydantic model or a dataclass: 1 MiB at most.
        key: what it is about, such as a customer's id.
        id: the event's own id: given again with the same name and key, it is the same event, and dropped. It is
            remembered for as long as events are kept. In a step without an id, one is made of the step's idempotency
            key, so that a repeated attempt of the step sends nothing twice; that is remembered for a day.
        keep: for how long it is kept where nobody takes it. A thousand events or 1 MiB are kept for one name and key.
        client: of the server. Without it: in a step that of the worker that runs it, else that of a worker in this
            process, else one that `connect()` makes, once for each event loop.
        task_queue: of the runs that wait. Without it: in a run that of the run itself, else `terse`.

    Returns:
        What to await; then the server has the event, and no worker need have been there for it.

    Raises:
        EventError: the name, key or id can be none, or the data are no JSON, or too large; nothing is sent. Raised by
            the call, as the next two.
        DurationError: `keep` is no duration.
        InPlaceOnlyError: a client is given in a durable handler.
        ServerUnavailableError: when awaited: no server answers.

    In the handler of a durable job it is recorded, and costs about six history events.
    """
    call = "send_event()"
    check_event_name(name, call)
    _check(key, "key", LONGEST_KEY, call)
    if id is not None:
        check_event_id(id, call)
    if task_queue is not None:
        _check(task_queue, "task_queue", 1000, call)
    written, kept = event_data(name, data, call), to_timedelta(keep)
    execution = current_execution()
    made = execution.event_id(name, key) if id is None and execution is not None else None
    remember = kept if made is None else min(kept, _REPEATED_WITHIN)
    event = EventToSend(name, key, written, kept, id or made, remember, task_queue)
    recorded = None if execution is None else execution.send_event(event)
    if recorded is None:
        # By its name: it stands above this, as it needs the SDK, which whoever only defines jobs does not import.
        sent: Coroutine[Any, Any, None] = importlib.import_module(f"{PACKAGE}.runs.events").send_by_key(event, client)
        return sent
    if client is not None:
        recorded.close()
        raise InPlaceOnlyError(
            "client= was given to send_event() in the handler of a durable job, which is recorded and has no"
            " connection. Leave it out, or make the call in a step."
        )
    return recorded


def check_event_name(name: Any, call: str) -> None:
    """Refuse what cannot be the name of an event.

    Raises:
        EventError: with what is wrong.
    """
    _check(name, "name", LONGEST_NAME, call)
    if name.startswith(OWN_WORKFLOWS):
        raise EventError(f"{call}: names that begin with {OWN_WORKFLOWS!r} are this package's own, and {name!r} does")


def check_event_id(id: Any, call: str) -> None:
    """Refuse what cannot be the id of an event.

    Raises:
        EventError: with what is wrong.
    """
    _check(id, "id", LONGEST_ID, call)


def event_data(name: str, data: Any, call: str) -> Json:
    """Return the data of an event as it is sent.

    Raises:
        EventError: JSON cannot hold it, or it is too large.
    """
    try:
        written = shared_serializer.codec(Any).record(data)
    except ValueProblem as problem:
        raise EventError(f"{call}: the data of the event {name!r} are not JSON: {problem}") from None
    if (path := too_deep(written.data)) is not None:
        raise EventError(f"{call}: the data of the event {name!r}, at {path} …, are nested more than 200 levels deep")
    if (size := len(written.text)) > MAX_EVENT_BYTES:
        raise EventError(
            f"{call}: the data of the event {name!r} are {size:,} bytes, and {MAX_EVENT_BYTES:,} is the most. Store"
            " them, and send where they are."
        )
    return written


def _check(value: Any, what: str, most: int, call: str) -> None:
    if is_name(value, most):
        return
    if not isinstance(value, str):
        raise EventError(f"{call}: {what} is {shorten(repr(value), 60)}, and not a string")
    if not value.strip():
        raise EventError(f"{call}: {what} is {value!r}; give a string that is not empty")
    if (wrong := unprintable(value)) is not None:
        raise EventError(f"{call}: {what}, {shorten(value, 60)!r}, cannot have {wrong} in it")
    raise EventError(f"{call}: {what}, {shorten(value, 60)!r}, has {len(value):,} characters, and {most} is the most")
