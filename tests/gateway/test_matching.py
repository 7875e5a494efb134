"""A delivery is found to be for the waits whose trigger accepts it and whose fields are equal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from terse_temporal.gateway.matching import MISSING, WaitIndex, value_at
from terse_temporal.gateway.registered_waits import RegisteredWait, read_waits
from terse_temporal.triggers.deliveries import Delivery

CREATED = {"trigger": "stripe.on_customer_created", "arguments": {}}
BODY = {"id": "evt_1", "data": {"object": {"customer": "cus_1", "live": True, "n": 1, "lines": [{"teamId": None}]}}}


def wait(match: dict[str, Any], *, number: int = 1, reference: Any = CREATED, **fields: Any) -> RegisteredWait:
    entry = {"owner": "o", "run": "job-1", "n": number, "at": 1.0, "since": 100.0, "key": "k"}
    answer = {"v": 1, "waits": [{**entry, "number": number, "trigger": reference, "match": match, **fields}]}
    (found,) = read_waits("registry", answer)
    return found


def delivery(body: Any = BODY, *, at: float = 200.0, kind: str = "customer.created") -> Delivery:
    moment = datetime.fromtimestamp(at, UTC)
    return Delivery(source="stripe", id="evt_1", kind=kind, body=body, received_at=moment)


@pytest.mark.parametrize(
    ("match", "is_found"),
    [
        ({}, True),
        ({"data.object.customer": "cus_1", "id": "evt_1"}, True),
        ({"data.object.customer": "cus_1", "id": "evt_2"}, False),
        ({"data.object.lines.0.teamId": None}, True),
        ({"data.object.lines.0.team_id": None}, True),
        ({"data.object.lines.1.teamId": None}, False),
        ({"data.object.lines.-1.teamId": None}, False),
        ({"data.object.nothing": None}, False),
        ({"data.object.live": True}, True),
        ({"data.object.live": 1}, False),
        ({"data.object.n": 1.0}, True),
        ({"data.object.n": True}, False),
        ({"data.object.n": "1"}, False),
        ({"data.object": None}, False),
        ({"data.object.customer.length": 5}, False),
    ],
)
def test_fields(match: dict[str, Any], is_found: bool) -> None:
    """Scalars of JSON, by paths through objects and lists: of the same type, and there."""
    assert len(WaitIndex([wait(match)]).find(delivery())) == is_found


def test_numbers_that_no_float_can_be() -> None:
    """JSON has them, and they are equal or not like others."""
    large = 10**400
    index = WaitIndex([wait({"n": large}), wait({"n": 1}, number=2), wait({"n": large + 1}, number=3)])
    assert [each.number for each in index.find(delivery({"n": large}))] == [1]


def test_what_stands_at_a_path() -> None:
    """Whatever the body is."""
    assert value_at(BODY, "data.object.lines.0") == {"teamId": None}
    bodies: list[Any] = [None, 1, "x", [], {}]
    for body in bodies:
        assert value_at(body, "0.a") is MISSING


def test_not_from_before_and_not_its_own() -> None:
    """What came before the run, what has started it, and what is of another kind is not for it."""
    index = WaitIndex([wait({}), wait({}, number=2, run="job/stripe:evt_1"), wait({}, number=3, since=200.5)])
    assert [each.number for each in index.find(delivery())] == [1]
    assert index.find(delivery(at=99.9)) == []
    assert index.find(delivery(kind="customer.deleted")) == []


def test_in_order_and_removed() -> None:
    """Those that were opened first come first; nothing is left of one that is removed."""
    waits = [wait({"id": "evt_1"} if number % 2 else {}, number=number) for number in (3, 1, 2)]
    index = WaitIndex(waits)
    assert [each.number for each in index.find(delivery())] == [1, 2, 3]
    for each in waits:
        index.remove(each)
        index.remove(each)
    assert (len(index), index.find(delivery())) == (0, [])


def test_what_registries_answer() -> None:
    """Anybody can start a workflow: what is of another shape, or of a trigger that is not here, is left out."""
    good = {"owner": "o", "run": "r", "number": 1, "n": 1, "at": 1, "since": 1, "key": "k", "match": {}}
    wrong = [None, {}, good, {**good, "trigger": {}}, {**good, "trigger": CREATED, "match": {"a": [1]}}]
    assert list(read_waits("x", {"v": 1, "waits": wrong})) == []
    answers: list[Any] = [None, [], {"v": 2, "waits": []}, {"v": 1, "waits": {}}]
    for answer in answers:
        assert list(read_waits("x", answer)) == []


def test_the_log_says_it_once(caplog: pytest.LogCaptureFixture) -> None:
    """What a gateway asks for every second, and does not know, it does not tell every second."""
    entry = {"owner": "o", "run": "r", "number": 1, "n": 1, "at": 1, "since": 1, "key": "k", "match": {}}
    told: set[str] = set()
    for name in ("stripe.on_newer", "stripe.on_newer", "stripe.on_newest"):
        trigger: dict[str, Any] = {"trigger": name, "arguments": {}}
        assert list(read_waits("x", {"v": 1, "waits": [{**entry, "trigger": trigger}]}, told)) == []
    assert [("on_newer'" in each, "on_newest'" in each) for each in caplog.messages] == [(True, False), (False, True)]
