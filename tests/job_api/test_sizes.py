"""What comes from outside is read in a time that grows with its size: a workflow task has two seconds for it all."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel, Field
from typing_extensions import TypeAliasType

from terse_temporal import Retry, job_step, sleep
from terse_temporal.durations import parse_duration
from terse_temporal.engine.wire.calls import read_call
from terse_temporal.errors import DurationError, EventError, JobDefinitionError, UnreadableCallError
from terse_temporal.events import Event, EventModel
from terse_temporal.jobs.event_input import read_event
from terse_temporal.serialization.annotations import type_adapter
from terse_temporal.serialization.codec import Codec
from terse_temporal.serialization.keys import respell

MILLION = 1_000_000


class Order(EventModel):
    lines: list[BaseModel] = Field(default_factory=list)
    at: datetime | None = None
    within: timedelta | None = None
    total: Decimal | None = None
    count: int | None = None
    ratio: float | None = None


def deep(levels: int, inner: Any) -> Any:
    for _ in range(levels):
        inner = [inner]
    return inner


def in_little_time(call: Callable[[], Any], raises: type[Exception] | None = None) -> Any:
    started = time.process_time()
    if raises is None:
        result = call()
    else:
        with pytest.raises(raises) as caught:
            call()
        result = str(caught.value)
        assert len(result) < 2_000
    assert time.process_time() - started < 5  # what grows with the square would take minutes
    return result


@pytest.mark.parametrize(
    "text",
    ["9" * MILLION + "!", "9" * MILLION, "1." * MILLION, " " * MILLION + "!", "1" + " " * MILLION, "1" * 101],
    ids=["digits and a mark", "digits", "points", "spaces", "number and spaces", "one too many"],
)
def test_durations(text: str) -> None:
    """A duration has 100 characters at most, wherever one is given; a longer one is shown by its beginning."""

    async def step() -> None:
        """Never run."""

    places: list[Callable[[], Any]] = [
        lambda: parse_duration(text),
        lambda: Retry(initial=text),
        lambda: Retry(max_delay=text),
        lambda: sleep(text),
        lambda: job_step(run=step, timeout=text),
    ]
    for place in places[:3]:
        assert "characters" in in_little_time(place, DurationError)
    # Outside of a run the call itself is not allowed, and what is wrong with it is of no interest.
    for place in places[3:]:
        in_little_time(place, Exception)
    assert parse_duration("1" * 9 + "." + "1" * 85 + " ms") > timedelta(days=1)


@pytest.mark.parametrize("multiplier", [float("nan"), float("inf"), 10**400, 0.5, "2"])
def test_multipliers(multiplier: Any) -> None:
    """A multiplier that is no number of 1 or more is refused where the `Retry` is made."""
    with pytest.raises(JobDefinitionError, match="multiplier"):
        Retry(multiplier=multiplier)


@pytest.mark.parametrize("field", ["at", "within", "count"])
@pytest.mark.parametrize("text", ["1" * MILLION, "P" + "1" * MILLION + "D", "2026-01-01T" + "0" * MILLION])
def test_typed_fields(field: str, text: str) -> None:
    """A million characters where a number or a date is wanted are refused with a short message."""
    in_little_time(lambda: read_event({field: text}, Order, job="sizes"), EventError)


def test_numbers_without_a_limit() -> None:
    """A decimal and a float may be written with a million digits."""
    event = in_little_time(lambda: read_event({"total": "1" * MILLION, "ratio": "1" * MILLION}, Order, job="sizes"))
    assert event.total.adjusted() == MILLION - 1


def test_many_wrong_fields() -> None:
    """A few wrong fields are named each; of a quarter of a million it is told how many there are."""
    told = in_little_time(lambda: read_event({"lines": [1] * 250_000}, Order, job="sizes"), EventError)
    assert "250,000 values in it are wrong" in told
    with pytest.raises(EventError, match=r"lines\.999: "):
        read_event({"lines": [1] * 1_000}, Order, job="sizes")


@pytest.mark.parametrize("levels", [0, 200])
def test_texts_for_prompts_and_logs(levels: int) -> None:
    """An event becomes a prompt or a line of a log, however much is in it and however deep."""
    event = Event({"rows": deep(levels, [1] * 50_000)})
    prompt = in_little_time(event.format_for_agent)
    assert prompt.count("1") >= 50_000
    assert len(prompt) < 3_000_000
    assert in_little_time(event.debug_log).endswith("…")


def test_prompts_indent_twenty_levels() -> None:
    """What is nested deeper than twenty levels stands in a prompt as JSON on one line."""
    lines = Event({"rows": deep(22, "é")}).format_for_agent().splitlines()
    assert lines[1:3] == ["rows:", "  " + "- " * 19 + '[[["é"]]]']


def test_hints() -> None:
    """A name that is not there is compared with no more than a thousand keys, and none of a million characters."""
    event = Event({"ab" * (MILLION // 2): 1, **{f"key{number}": 1 for number in range(100_000)}})
    started = time.process_time()
    with pytest.raises(KeyError, match="has no field"):
        event["ba" * (MILLION // 2)]
    with pytest.raises(AttributeError, match='did you mean "key1'):
        _ = event.key1x
    assert time.process_time() - started < 5


Nested = TypeAliasType("Nested", "list[Nested] | tuple[Nested, ...] | int")


def test_unions_of_lists() -> None:
    """A union of two kinds of list, nested, is told apart without trying every combination."""
    schema = type_adapter(Nested).core_schema
    assert in_little_time(lambda: respell(deep(40, 1), schema)) == deep(40, 1)


class Line(BaseModel):
    name: str
    cents: int
    note: str | None = None


@dataclass(eq=False)
class Row:
    cents: int
    note: str | None = None


@pytest.mark.parametrize(
    ("type_", "value", "times"),
    [
        (list[Line], [Line(name="a", cents=n) for n in range(10_000)], 60),
        (Any, [Line(name="a", cents=n) for n in range(10_000)], 80),
        (Any, [(n, "a", None, 1.5) for n in range(10_000)], 80),
        (list[Row], [Row(n) for n in range(10_000)], 240),
    ],
    ids=["models", "models as data", "tuples", "objects without equality"],
)
def test_reading_back(type_: Any, value: Any, times: int) -> None:
    """To record a large value, which is read back from its JSON, takes some times what it takes to write that.

    With their square it would be thousands of times.
    """
    codec = Codec(type_)

    def fastest(call: Callable[[], Any]) -> float:
        took = []
        for _ in range(3):
            started = time.process_time()
            call()
            took.append(time.process_time() - started)
        return min(took)

    data = codec.record(value).data
    assert fastest(lambda: codec.record(value)) < times * fastest(lambda: json.dumps(data))


@pytest.mark.parametrize("timeout", [float("nan"), float("inf"), 10**400, "9" * 5_000, None, 0, -1])
def test_timeouts_on_the_wire(timeout: Any) -> None:
    """A call whose timeout is no number of seconds is no call."""
    with pytest.raises(UnreadableCallError):
        read_call({"v": 1, "step": "jobs:charge", "job": "pay", "key": "k", "timeout": timeout})
