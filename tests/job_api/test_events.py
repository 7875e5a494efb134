"""Events: untyped payloads that read like objects, and the base of typed ones."""

from __future__ import annotations

import copy
import json
import pickle
import pprint
from typing import Any

import pytest
from pydantic import BaseModel, Field, TypeAdapter
from pydantic_core import to_json, to_jsonable_python

from terse_temporal.events import Event, EventModel

PAYLOAD: dict[str, Any] = {
    "type": "lead.created",
    "customer": {"email": "ada@example.com", "tags": [{"name": "vip"}]},
    "pullRequest": {"html_url": "https://example.com/1"},
}

# Every method of dict that a payload could have a field named like.
COLLIDING: dict[str, Any] = {
    "keys": ["k1"],
    "values": {"a": 1},
    "get": "g",
    "copy": True,
    "update": None,
    "pop": 3,
    "popitem": 4,
    "clear": [],
    "setdefault": 0,
}


class Part(EventModel):
    size: int | None = None


class OrderPlaced(EventModel):
    order_id: str
    note: str | None = None
    parts: list[Part] = Field(default_factory=list)


def test_fields_read_as_attributes_and_as_items() -> None:
    """A field reads as an attribute and as an item, nested and inside lists."""
    event = Event(PAYLOAD)
    assert event.customer.email == event["customer"]["email"] == "ada@example.com"
    assert event.customer.tags[0].name == event["customer"]["tags"][0]["name"] == "vip"


def test_either_spelling_finds_a_field() -> None:
    """snake_case finds camelCase and the other way round, as attribute, as item, in `get` and in `in`."""
    event = Event(PAYLOAD)
    assert event.pull_request.htmlUrl == event["pull_request"]["htmlUrl"] == "https://example.com/1"
    assert event.get("pull_request") is event.pullRequest
    assert "pull_request" in event
    assert "pull_requests" not in event
    assert event.get("nothing") is None
    assert event.get("nothing", 5) == 5


def test_the_exact_key_wins() -> None:
    """Where a payload has both spellings, each reads its own."""
    event = Event({"userId": 1, "user_id": 2})
    assert (event.userId, event.user_id, event["userId"], event["user_id"]) == (1, 2, 1, 2)


def test_leading_underscores_count() -> None:
    """`_links` is another field than `links`."""
    event = Event({"_links": {"self": "x"}, "__typename": "Repo"})
    assert event._links.self == "x"
    assert event.__typename == "Repo"
    with pytest.raises(AttributeError):
        event.links  # noqa: B018


def test_a_missing_field_names_those_there_are() -> None:
    """A missing field is an AttributeError, or as an item a KeyError, with the nearest and the present fields."""
    event = Event(PAYLOAD)
    with pytest.raises(AttributeError, match=r'no field "custmer"; did you mean "customer"\?') as raised:
        event.custmer  # noqa: B018
    for key in PAYLOAD:
        assert f'"{key}"' in str(raised.value)
    with pytest.raises(KeyError, match=r"custmer.*did you mean"):
        event["custmer"]
    with pytest.raises(AttributeError, match=r"\(it has no fields\)"):
        Event().anything  # noqa: B018


def test_an_attribute_cannot_be_set() -> None:
    """Setting an attribute is refused with the way that works, because it would not be part of the event."""
    event = Event(PAYLOAD)
    with pytest.raises(AttributeError, match=r'event\["plan"\] = '):
        event.plan = "pro"
    event["plan"] = {"name": "pro"}
    assert event.plan.name == "pro"
    event.update(seats={"count": 3})
    assert event.seats.count == 3


@pytest.mark.parametrize("items", [{"data": [{"price": {"id": "p1"}}]}, [{"sku": 1}], [], {}, 3, None, "text"])
def test_fields_named_like_methods_of_dict(items: Any) -> None:
    """A field named like a method of dict is what the attribute gives, and everything that takes a dict still works."""
    payload = {**COLLIDING, "items": items}
    event: Any = Event(payload)
    for key, value in COLLIDING.items():
        assert getattr(event, key) == event[key] == value
    assert event["items"] == items
    if isinstance(items, dict | list):
        assert event.items == items

    assert json.loads(json.dumps(event)) == payload
    assert json.loads(json.dumps(event, sort_keys=True, indent=2)) == payload
    assert json.loads(json.dumps({"nested": [event]})) == {"nested": [payload]}
    assert to_jsonable_python(event) == payload
    assert json.loads(to_json(event)) == payload
    assert dict(event) == {**event} == ({} | event) == payload
    assert "'popitem': 4" in pprint.pformat(event)
    for copied in (copy.copy(event), copy.deepcopy(event), pickle.loads(pickle.dumps(event)), Event(event)):
        assert type(copied) is Event
        assert dict(copied) == payload


def test_an_items_field_is_plain_data_wherever_it_goes() -> None:
    """What `event.items` gives can be read, walked, serialised and copied like any other part of the event."""
    event: Any = Event({"items": {"data": [{"price": {"id": "p1"}}]}})
    assert event.items.data[0].price.id == "p1"
    assert json.dumps({"again": event.items}) == '{"again": {"data": [{"price": {"id": "p1"}}]}}'
    assert type(copy.deepcopy(event.items)) is Event
    lines: Any = Event({"items": [{"sku": 1}, {"sku": 2}]}).items
    assert [line.sku for line in lines] == [1, 2]
    assert type(pickle.loads(pickle.dumps(lines))) is list


def test_an_event_without_such_fields_is_an_ordinary_dict() -> None:
    """Methods of dict are there where no field has their name."""
    event = Event(PAYLOAD)
    assert list(event.keys()) == list(PAYLOAD)
    assert list(event.items()) == list(PAYLOAD.items())
    assert isinstance(event.copy().customer, Event)
    assert event.pop("type") == "lead.created"
    assert event == {key: value for key, value in PAYLOAD.items() if key != "type"}
    with pytest.raises(TypeError, match="unhashable"):
        hash(event)


def test_an_event_is_a_type_for_pydantic() -> None:
    """An Event can be a field of a model, and the argument or result of a step."""

    class Wrapper(BaseModel):
        event: Event

    assert Wrapper(event={"items": {"a": {"b": 1}}}).event["items"].a.b == 1  # type: ignore[arg-type]
    adapter = TypeAdapter(Event)
    assert type(adapter.validate_python(PAYLOAD)) is Event
    assert json.loads(adapter.dump_json(Event(PAYLOAD))) == PAYLOAD
    with pytest.raises(ValueError, match="valid dictionary"):
        adapter.validate_python([1])


def test_models_read_both_spellings() -> None:
    """An EventModel takes snake_case and camelCase keys without further configuration."""
    assert OrderPlaced.model_validate({"orderId": "o1"}) == OrderPlaced.model_validate({"order_id": "o1"})
    with pytest.raises(ValueError, match="order_id"):
        OrderPlaced.model_validate({})


def test_models_keep_what_they_do_not_declare() -> None:
    """Undeclared fields read as attributes, nested, in either spelling; a missing one names those there are."""
    event: Any = OrderPlaced.model_validate({"orderId": "o1", "shipTo": {"zipCode": "8000"}, "parts": [{"kind": "x"}]})
    assert event.shipTo.zip_code == event.ship_to.zipCode == "8000"
    assert event.parts[0].kind == "x"
    assert event.orderId == "o1"
    assert event.model_dump()["shipTo"] == {"zipCode": "8000"}
    with pytest.raises(AttributeError, match=r'OrderPlaced has no field "ship_too"; did you mean "shipTo"\?'):
        event.ship_too  # noqa: B018
    assert copy.deepcopy(event) == pickle.loads(pickle.dumps(event)) == event


def test_format_for_agent_says_what_it_is_and_what_is_in_it() -> None:
    """The text for prompts names the event, then every field with a value, and is the same every time."""
    event = Event(
        {
            "type": "lead.created",
            "customer": {"email": "ada@example.com", "phone": None, "tags": []},
            "lines": [{"sku": "a", "count": 2}, {"sku": "b", "gift": False}],
            "words": ["x", "y"],
            "note": "first\nsecond",
            "score": 0,
        }
    )
    assert event.format_for_agent() == (
        'Event "lead.created"\n'
        "type: lead.created\n"
        "customer:\n"
        "  email: ada@example.com\n"
        "lines:\n"
        "  - sku: a\n"
        "    count: 2\n"
        "  - sku: b\n"
        "    gift: false\n"
        "words:\n"
        "  - x\n"
        "  - y\n"
        "note: |\n"
        "  first\n"
        "  second\n"
        "score: 0"
    )
    assert Event().format_for_agent() == "Event\n(no fields)"


def test_format_for_agent_of_a_model_shows_what_it_declares() -> None:
    """A model's text has the fields that the model declares, and not the rest of a raw payload."""
    event = OrderPlaced.model_validate({"orderId": "o1", "parts": [{"size": 3}], "self_url": "https://example.com"})
    assert event.format_for_agent() == "Order placed\norder_id: o1\nparts:\n  - size: 3"


def test_debug_log_is_one_short_line() -> None:
    """The text for logs is one line of at most 200 characters, whatever is in the event."""
    assert Event(PAYLOAD).debug_log() == (
        "Event type='lead.created' customer.email='ada@example.com' customer.tags.0.name='vip'"
        " pullRequest.html_url='https://example.com/1'"
    )
    assert OrderPlaced(order_id="o1").debug_log() == "OrderPlaced order_id='o1'"
    long = Event({f"field{number}": "several\nlines\u2028" * 50 for number in range(50)}).debug_log()
    assert len(long) == 200
    assert len(long.splitlines()) == 1
    assert "field2=" in long
