"""Calls that cannot work are refused when they are made, and say what is wrong."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from terse_temporal import get_run, send_event, wait_for_event
from terse_temporal.errors import DurableOnlyError, DurationError, EventError
from terse_temporal.execution.in_place import DirectExecution
from terse_temporal.execution.protocol import StepContext, executing

from ..bench import Bench, cache_on
from .jobs_refused import wrong_calls

NAMES: list[tuple[Any, str]] = [
    (None, "name is None, and not a string"),
    ("", "name is ''"),
    ("  ", "name is '  '"),
    ("a\nb", r"cannot have '\\n' in it"),
    ("x" * 201, "has 201 characters, and 200 is the most"),
    ("terse.event", "names that begin with 'terse.' are this package's own"),
]


@pytest.mark.parametrize(("name", "said"), NAMES)
def test_names(name: Any, said: str) -> None:
    """Of what is sent, to a run or by key; nothing is made that would have to be awaited."""
    with pytest.raises(EventError, match=said):
        _ = send_event(name, key="k")
    with pytest.raises(EventError, match=said):
        _ = get_run("x").send(name)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"a": object()}, r"the value at \$.a is a 'object'"),
        (float("nan"), "the data of the event 'a' are not JSON"),
        ("x" * 1024 * 1024, r"are 1,048,578 bytes, and 1,048,576 is the most\. Store them, and send where they are"),
    ],
)
def test_data(data: Any, said: str) -> None:
    """What JSON cannot hold, and what is too large."""
    with pytest.raises(EventError, match=said):
        _ = send_event("a", data, key="k")
    with pytest.raises(EventError, match=said):
        _ = get_run("x").send("a", data)


def test_other_arguments() -> None:
    """A key, an id and a duration that are none."""
    with pytest.raises(EventError, match="key is ''"):
        _ = send_event("a", key="")
    with pytest.raises(EventError, match="id is ''"):
        _ = send_event("a", key="k", id="")
    with pytest.raises(EventError, match="id is 1, and not a string"):
        _ = get_run("x").send("a", id=1)  # type: ignore[arg-type]
    with pytest.raises(DurationError):
        _ = send_event("a", key="k", keep="soon")


@pytest.mark.parametrize(
    ("execution", "said"),
    [
        (None, "outside a run"),
        (DirectExecution("job", "jobs.py:1"), "is not durable. Add durable=True"),
        (DirectExecution("job", "jobs.py:1", StepContext("step", 1, "key")), "inside the step 'step'"),
    ],
)
def test_only_in_a_durable_handler(execution: DirectExecution | None, said: str) -> None:
    """Raised when called, not when awaited."""
    within = contextlib.nullcontext() if execution is None else executing(execution)
    with within, pytest.raises(DurableOnlyError, match=said):
        _ = wait_for_event("a")


@cache_on
async def test_in_a_handler(bench: Bench) -> None:
    """Names, a key, a duration, a schema, triggers and matches, and a client where none can be used."""
    said = await bench.run(wrong_calls)
    expected = [
        "EventError: wait_for_event(): name is ''",
        "EventError: wait_for_event(): key is ''",
        "DurationError: ",
        "EventError: wait_for_event('a', schema=…) at ",
        "EventError: wait_for_event(Triggers.stripe.on_trial_started()): key= goes with the name",
        "EventError: wait_for_event(Triggers.stripe.on_trial_started()): schema= goes with the name",
        "EventError: wait_for_event(): match= goes with a trigger",
        "EventError: wait_for_event(Triggers.webhook.on_request()): a request to the address of a job starts that job",
        'EventError: wait_for_event(Triggers.schedule.cron("0 9 * * 1", timezone="UTC")): the clock brings no event',
        "EventError: wait_for_event(Triggers.stripe.on_trial_started()): match is 1; give paths",
        "EventError: wait_for_event(Triggers.stripe.on_trial_started()): match has the path 'a..b', which is no fields",
        "EventError: wait_for_event(Triggers.stripe.on_trial_started()): match has [1] at 'a', which is none of JSON's",
        "EventError: wait_for_event(Triggers.stripe.on_trial_started()): match has nan at 'a', which JSON does not",
        "EventError: wait_for_event(Triggers.stripe.on_trial_started()): match has '\\ud800' at 'a', which is no",
        "EventError: wait_for_event(Triggers.stripe.on_trial_started()): match has 21 paths, and 20 is the most",
        "EventError: wait_for_event(Triggers.stripe.on_trial_started()): match is 2,009 bytes as JSON, and 2,000",
        "InPlaceOnlyError: client= was given to send_event()",
    ]
    assert [text[: len(begin)] for text, begin in zip(said, expected, strict=True)] == expected
