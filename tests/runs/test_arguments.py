"""What a run cannot be started with is refused when the call is made, with what is wrong and the line of the call."""

from __future__ import annotations

import inspect
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from terse_temporal import get_run, list_runs, start_run
from terse_temporal.errors import DurationError, EventError, StartError

from .jobs_runs import Order, count, pay

LONG = "x" * 999


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"key": "a", "id": "b"}, "key='a' and id='b' are both given. A key makes the id, 'runs-count/a'"),
        ({"if_exists": "atach"}, "if_exists='atach' is none of 'attach', 'fail', 'rerun'; did you mean 'attach'?"),
        ({"if_exists": None}, "if_exists=None is none of"),
        ({"key": ""}, "key= is ''; give a string that is not empty, or leave it out"),
        ({"key": 7}, "key= is 7, and not a string"),
        ({"id": "a\nb"}, r"the id, 'a\nb', cannot have '\n' in it"),
        ({"id": "\ud800"}, r"cannot have '\ud800' in it"),
        ({"key": LONG}, "has 1,010 bytes, and the server takes 1,000"),
        ({"id": "ü" * 501}, "has 1,002 bytes"),
        ({"tags": "vip"}, "tags='vip' is no list of strings; write tags=[…]"),
        ({"tags": 7}, "tags=7 is no list of strings"),
        ({"tags": [7]}, "a tag is 7, and not a string"),
        ({"tags": [" "]}, "a tag is ' '; give a string that is not empty"),
        ({"tags": ["a\x00"]}, r"a tag, 'a\x00', cannot have '\x00' in it"),
        ({"tags": ["x" * 101]}, "has 101 characters, and 100 is the most"),
        ({"tags": [f"{number} " + "x" * 90 for number in range(30)]}, "its 30 tags are 2,"),
        ({"task_queue": ""}, "task_queue= is ''"),
    ],
)
def test_an_argument_that_makes_no_sense(options: dict[str, Any], message: str) -> None:
    """A StartError names the job, where it is created, and the argument."""
    for start in (count.start, count.run):
        with pytest.raises(StartError, match=re.escape(message)) as refused:
            start({}, **options)
        assert "the start of the job 'runs-count' (" in str(refused.value)
        assert "jobs_runs.py:" in str(refused.value)
    with pytest.raises(StartError, match=re.escape(message)):
        _ = start_run("runs-count", {}, **options)


@pytest.mark.parametrize("delay", ["soon", 5, datetime(2020, 1, 1, tzinfo=UTC), datetime(2090, 1, 1), timedelta(0)])
def test_a_delay_that_is_none(delay: Any) -> None:
    """It is refused as a sleep of it would be."""
    with pytest.raises(DurationError):
        _ = count.start({}, delay=delay)


def test_an_event_that_does_not_fit() -> None:
    """Every wrong field is named, and the line of the call."""
    line = inspect.currentframe().f_lineno + 2  # type: ignore[union-attr]
    with pytest.raises(EventError) as refused:
        _ = pay.start({"orderId": 7, "amount": "many"})
    assert f"test_arguments.py:{line}" in str(refused.value)
    for text in ("'runs-pay' (", "jobs_runs.py:", "started at ", "order_id: ", "amount: "):
        assert text in str(refused.value)
    with pytest.raises(EventError, match="order_id"):
        _ = start_run("runs-pay", {"amount": 1})


def test_an_event_that_is_too_large() -> None:
    """It is refused here, before the server says so in its words."""
    with pytest.raises(EventError, match=r"is 3,0\d\d,\d{3} bytes, and the server takes 2,097,112 at most\."):
        _ = pay.start(Order(order_id="x" * 3_000_000))
    with pytest.raises(EventError, match="at most"):
        _ = start_run("of-another-program", {"text": "x" * 3_000_000})


@pytest.mark.parametrize("event", [{"a": object()}, {"a": float("nan")}, object()])
def test_an_event_that_is_no_json(event: Any) -> None:
    """Also of a job that is not known here."""
    with pytest.raises(EventError, match=r"the event for the job 'of-another-program' \(started at .*\) is not JSON"):
        _ = start_run("of-another-program", event)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"status": "done"}, "list_runs(): status='done' is none of 'running', 'completed'"),
        ({"limit": 0}, "list_runs(): limit=0 is no number of runs; None is all of them"),
        ({"tag": ""}, "list_runs(): a tag is ''"),
        ({"job": 7}, "list_runs(): the id is 7"),
    ],
)
def test_a_query_that_makes_no_sense(query: dict[str, Any], message: str) -> None:
    """It is refused when the call is made, not when it is iterated."""
    with pytest.raises(StartError, match=re.escape(message)):
        list_runs(**query)


def test_times_and_ids_that_are_none() -> None:
    """A moment without a timezone, a duration that does not parse, an empty id."""
    with pytest.raises(DurationError, match="has no timezone"):
        list_runs(since=datetime(2026, 1, 1))
    with pytest.raises(DurationError, match=r"list_runs\(\): since='yesterday' is neither a duration"):
        list_runs(since="yesterday")
    with pytest.raises(StartError, match=re.escape("get_run(): the id is ''")):
        get_run("")
