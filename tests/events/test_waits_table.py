"""The table of the waits for deliveries knows who waits and for what, tells waits apart, and has bounds."""

from __future__ import annotations

import json
from typing import Any

import pytest

from terse_temporal.engine.events import waits_table as module
from terse_temporal.engine.events.messages import source_of_waits, waits_workflow_id
from terse_temporal.engine.events.waits_table import WaitsTable

FOR = {"trigger": {"trigger": "stripe.on_event", "arguments": {}}, "match": {"a": 1}, "since": 5.0, "key": "k"}


def said(owner: Any = "owner", **fields: Any) -> dict[str, Any]:
    return {"v": 1, "owner": owner, "run": "run", "for": FOR, **fields}


def numbers(table: WaitsTable) -> list[tuple[str, int, float]]:
    return [(each["owner"], each["number"], each["n"]) for each in table.waits()]


def test_waits_come_and_go() -> None:
    """By their numbers; one that is opened again is another; a run that is gone has none."""
    table = WaitsTable()
    assert table.apply(said(open=[1, 2]), 10.0)
    assert table.apply(said("other", open=[1]), 11.0)
    assert table.waits()[0] == {"owner": "owner", "run": "run", "number": 1, "n": 1, "at": 10.0, **FOR}
    assert table.apply(said(close=[1], open=[3]), 12.0)
    assert numbers(table) == [("owner", 2, 1), ("other", 1, 2), ("owner", 3, 3)]
    assert table.apply(said(open=[2]), 13.0)
    assert numbers(table) == [("other", 1, 2), ("owner", 3, 3), ("owner", 2, 4)]
    assert table.apply({"spent": [["other", 1, 1], ["owner", 3, 3], ["owner", 9, 9], [[], {}, 1], 5]}, 13.0)
    assert numbers(table) == [("other", 1, 2), ("owner", 2, 4)]
    kept = json.loads(json.dumps(table.to_wire()))
    assert WaitsTable(kept).to_wire() == kept
    assert table.apply(said("other", close=[1], gone=["owner"]), 14.0)
    assert table.is_empty


@pytest.mark.parametrize(
    "message",
    [
        {},
        said(1, open=[1]),
        said(open=[1], run=""),
        {**said(open=[1]), "for": {}},
        {**said(open=[1]), "for": {**FOR, "match": 1}},
        {**said(open=[1]), "for": {**FOR, "since": "now"}},
        {**said(open=[1]), "for": {**FOR, "match": {"a": "x" * 10_000}}},
        said(open="x", close={}, gone=3),
        said(open=[True, -1, 2**60], gone=[None, "x"]),
    ],
)
def test_what_is_of_another_shape(message: dict[str, Any]) -> None:
    """Is left out, whoever has sent it."""
    table = WaitsTable()
    table.apply(message, 1.0)
    assert table.is_empty
    assert WaitsTable({"waits": [message, None], "next": "x"}).to_wire() == {"v": 1, "next": 0, "waits": []}


def test_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """What there is no room for is refused, and there is room again when others go."""
    monkeypatch.setattr(module, "MAX_BYTES", 400)
    table = WaitsTable()
    assert [table.apply(said(str(each), open=[1]), 1.0) for each in range(4)] == [True, True, False, False]
    table.apply(said("0", close=[1]), 2.0)
    assert table.apply(said("3", open=[1]), 3.0)


@pytest.mark.parametrize("queue", ["terse", "a:b%", "long" * 100])
def test_ids(queue: str) -> None:
    """The id tells the source, of its own task queue alone."""
    id = waits_workflow_id(queue, "stripe", "a run")  # noqa: A001
    assert len(id) < 255
    assert source_of_waits(id, queue) == "stripe"
    assert source_of_waits(id, "another") is None
