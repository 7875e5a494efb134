"""No payload makes a trigger or a model raise anything but its own refusal: what vendors send comes from outside."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from terse_temporal.errors import EventError
from terse_temporal.events import EventModel
from terse_temporal.jobs.event_input import read_event
from terse_temporal.triggers import Trigger, Triggers

from ..webhooks import OURS, label, payloads, read
from .deliveries import delivered
from .test_references import TRIGGERS as PLAIN

#: With every filter, too.
TRIGGERS: list[Trigger] = [
    *PLAIN,
    Triggers.github.on_push("acme/shop", branch="*a*/*b*/*"),
    Triggers.github.on_pr_merged("acme/shop"),
    Triggers.slack.on_message("#shop"),
    Triggers.slack.on_reaction("eyes"),
    Triggers.linear.on_event("Comment", "SHOP"),
]
MODELS = list(dict.fromkeys(trigger.event_model for trigger in TRIGGERS))
PAYLOADS = [path for path in payloads("*/*") if path.is_relative_to(OURS)]
KEYS = sorted({key for path in PAYLOADS for key in json.loads(path.read_text(), object_pairs_hook=dict)} | {"event"})


def nested(depth: int) -> Any:
    value: Any = {}
    for number in range(depth):
        value = {"event" if number % 4 == 1 else "data": value} if number % 2 else [value]
    return value


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.sampled_from([10**400, -(10**18), 1e308, "\ud800", "refs/heads/", "0001-01-01T00:00:00+14:00", "a/" * 5000])
)
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=8), inner, max_size=5)
    ),
    max_leaves=20,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a payload."""
    yield path
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(item, (*path, key))


@st.composite
def spoilt(draw: st.DrawFn) -> Any:
    """A payload with something else in one to three of its places."""
    body: Any = copy.deepcopy(read(draw(st.sampled_from(PAYLOADS))))
    for _ in range(draw(st.integers(1, 3))):
        *above, last = draw(st.sampled_from([place for place in places(body) if place]))
        part = body
        for key in above:
            part = part[key]
        part[last] = draw(JSON)
    return body


def check(body: Any) -> None:
    for trigger in TRIGGERS:
        assert isinstance(trigger.accepts(delivered(trigger.kinds[0], body, source=trigger.source)), bool)
        trigger.event(delivered(trigger.kinds[0], body, source=trigger.source))
    for model in MODELS:
        try:
            event = read_event(body, model, job="onboard")
        except EventError:
            continue
        assert isinstance(event, EventModel)
        assert event.format_for_agent()
        assert len(event.debug_log()) <= 200
        json.loads(event.model_dump_json())


@given(spoilt() | JSON)
@settings(max_examples=150, deadline=None)
def test_anything(body: Any) -> None:
    """Whatever stands where."""
    check(body)


@pytest.mark.parametrize("depth", [150, 250, 900, 100_000])
def test_deep(depth: int) -> None:
    """However deep."""
    check(nested(depth))


@pytest.mark.parametrize("depth", [190, 5_000])
@pytest.mark.parametrize("path", PAYLOADS, ids=label)
def test_deep_in_a_payload(depth: int, path: Any) -> None:
    """A payload that has something deep in every place of its top, and of the event in it."""
    body = read(path)
    for part in (body, body.get("event", {}), body.get("data", {})):
        for key in list(part):
            if not isinstance(part[key], dict):
                part[key] = nested(depth)
    check(body)


def test_large() -> None:
    """A body of many parts is read in no more time than it has."""
    check({"commits": [{"id": "a", "author": None}] * 2_000, "authorizations": [{}] * 2_000, "x" * 1_000_000: "y"})


@pytest.mark.parametrize("path", payloads("*/*"), ids=label)
def test_what_was_read_can_be_read_again(path: Any) -> None:
    """An event that is handed to a step is JSON in between, and comes out as the same."""
    for model in MODELS:
        try:
            event = read_event(read(path), model, job="onboard")
        except EventError:
            continue
        assert read_event(json.loads(event.model_dump_json()), model, job="onboard") == event
