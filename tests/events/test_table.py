"""The table of a key keeps what nobody has taken, knows who waits and which ids were there, and has bounds."""

from __future__ import annotations

import json
from typing import Any

import pytest

from terse_temporal.engine.events import table as module
from terse_temporal.engine.events.messages import events_workflow_id
from terse_temporal.engine.events.table import EventsTable, numbers_in


def message(data: Any = None, **fields: Any) -> dict[str, Any]:
    return {"v": 1, "name": "a", "key": "k", "keep": 60, "data": data, **fields}


def sent(table: EventsTable, data: Any, now: float = 1000.0, **fields: Any) -> dict[str, Any]:
    entry = table.accept(message(data, **fields), now)
    assert isinstance(entry, dict)
    return entry


def test_kept_in_order_and_given_back_at_its_place() -> None:
    """The first goes to the first that waits; one that comes back stands where it stood."""
    table = EventsTable()
    for data in (1, 2, 3):
        assert table.keep(sent(table, data))
    assert table.match() is None
    assert table.register("owner", "run", [1, 2])
    found = table.match()
    assert found is not None
    entry, waiting = found
    assert (entry["data"], table.take(waiting)) == (1, 1)
    table.keep(entry)
    assert (table.match() or ({},))[0]["data"] == 1
    assert (table.match() or ({},))[0]["data"] == 2


def test_for_one_run_alone() -> None:
    """What others have had is for the run that has given it back."""
    table = EventsTable()
    table.keep({**sent(table, 1), "only": "late"})
    table.register("early", "run 1", [1])
    assert table.match() is None
    table.register("late", "run 2", [1])
    found = table.match()
    assert found is not None
    assert found[1].owner == "late"


def test_it_ends() -> None:
    """Empty is one in which nothing waits, is kept, or has to be remembered; what is over is forgotten."""
    table = EventsTable()
    assert table.is_empty
    table.keep(sent(table, 1, id="x", remember=90))
    assert table.accept(message(2, id="x"), 1050.0) is None
    assert table.next_expiry == 1060.0
    table.expire(1060.0)
    assert table.next_expiry == 1090.0
    table.expire(1090.0)
    assert table.is_empty
    table.register("owner", "run", [1])
    table.withdraw("owner", [2])
    assert not table.is_empty
    table.withdraw("owner")
    assert table.is_empty


def test_carried_on() -> None:
    """What it says of itself makes the same again."""
    table = EventsTable()
    table.keep(sent(table, {"b": 1, "a": [None]}, id="x"))
    table.register("owner", "run", [3, 1])
    again = EventsTable(json.loads(json.dumps(table.to_wire())))
    assert again.to_wire() == table.to_wire()
    assert (again.name, again.key) == ("a", "k")
    assert sent(again, 2)["n"] == 2


@pytest.mark.parametrize(
    "hostile",
    [
        *(None, 1, "x", [], {"v": 2, "data": 1, "keep": 1}, {"v": 1, "keep": 1}, message(keep=None), message(keep=-1)),
        *(message(keep=1e300), message(keep=True), message(id=1), message(id=""), message(id="x" * 1000)),
    ],
)
def test_what_is_no_event(hostile: Any) -> None:
    """It is refused, in words, and nothing is kept or remembered."""
    table = EventsTable()
    assert isinstance(table.accept(hostile, 1000.0), str)
    assert table.is_empty


def test_hostile_input() -> None:
    """An input that is none leaves an empty table; waits of another shape are none."""
    inputs: list[Any] = [1, [], {"kept": 1, "ids": 2, "waiting": 3, "next": "x"}, {"kept": [1, {}], "ids": [[1, 2]]}]
    assert all(EventsTable(hostile).is_empty for hostile in inputs)
    table = EventsTable()
    assert numbers_in([1, True, "2", None, -1, 10**400, 2]) == [1, 2]
    for owner, run in [(None, "run"), ("owner", 1), ("", ""), ("o" * 300, "run"), ("owner", "r" * 2000)]:
        assert not table.register(owner, run, [1])
    assert table.is_empty


def test_bounds() -> None:
    """As it stands it fits into one payload, whatever comes."""
    table = EventsTable()
    assert all(table.keep(sent(table, 1)) for _ in range(module.MAX_KEPT))
    assert not table.keep(sent(table, 1))
    table = EventsTable()
    assert table.keep(sent(table, "x" * 1024 * 1024))
    assert not table.keep(sent(table, "x" * 1024 * 128))
    for number in range(5_000):
        table.accept(message(id=f"{number} {'y' * 200}"), 1000.0)
        table.register(f"owner {number}", "run" * 100, [1, 2, 3])
    assert not table.register("one more", "run" * 100, [1])
    assert len(json.dumps(table.to_wire())) < 2 * 1024 * 1024 - 4096


def test_ids() -> None:
    """Readable, escaped, and short."""
    assert events_workflow_id("terse", "paid", "cus_1") == "terse-events:terse:paid:cus_1"
    assert events_workflow_id("terse", "a:b", "50%") == "terse-events:terse:a%3Ab:50%25"
    long = events_workflow_id("terse", "a", "x" * 500)
    assert len(long) < 100
    assert long != events_workflow_id("terse", "a", "x" * 499)
