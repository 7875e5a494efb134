"""Signals that are none of this package's, or of another shape, never stop a run nor the workflow of a key."""

from __future__ import annotations

import json
from typing import Any

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.common import RawValue

from terse_temporal.engine.events.messages import events_workflow_id
from terse_temporal.serialization.wire_names import EVENTS_SEND_SIGNAL, EVENTS_WAIT_SIGNAL, EVENTS_WORKFLOW

from ..bench import Bench, Run
from .jobs_waits import takes
from .test_waits import waits

ENCRYPTED = RawValue(Payload(metadata={"encoding": b"binary/encrypted"}, data=b"\x00\xff"))
NOT_JSON = RawValue(Payload(metadata={"encoding": b"json/plain"}, data=b'{"a": '))
DEEP = RawValue(Payload(metadata={"encoding": b"json/plain"}, data=b"[" * 5_000 + b"]" * 5_000))
ENTRY = {"id": "x", "data": 1, "at": 1.0, "until": 2.0, "n": 1}
DELIVERY = {"v": 1, "from": "terse-events:q:a:k", "owner": "o", "wait": 1, "name": "a", "key": "k", "event": ENTRY}

#: What JSON can hold and nothing else: half a pair of surrogates.
UNWRITABLE: list[dict[str, Any]] = [
    {**DELIVERY, **wrong}
    for wrong in (
        {"from": "terse-events:\ud800"},
        {"owner": "\ud800"},
        {"owner": "RUN", "name": "\ud800"},
        {"owner": "RUN", "key": "\ud800"},
    )
]

TO_RUNS: list[tuple[str, list[Any]]] = [
    *(("a", [each]) for each in (ENCRYPTED, NOT_JSON, DEEP)),
    *(("a", arguments) for arguments in ([1, 2], [1, {"id": 2}], [1, {"id": ""}], [1, {}, 3])),
    *(("terse.event", [each]) for each in (1, {}, {**DELIVERY, "from": "x"}, {**DELIVERY, "event": {}}, DELIVERY)),
    *(("terse.event", [{**DELIVERY, field: None}]) for field in DELIVERY),
    *((name, []) for name in ("terse.event", "terse.other", "x" * 300, "line\nbreak", " ")),
]


async def test_to_a_run(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """Each is left out, with a line in the log; the run gets what was sent to it."""
    run = await bench.start_on_the_wall_clock(takes, count=2, key="k")
    for name, arguments in TO_RUNS:
        await run.signal(name, args=arguments)
    async with bench.worker(takes):
        await waits(bench, run)
        for name, arguments in TO_RUNS:
            await run.signal(name, args=arguments)
        run_id = (await run.describe()).run_id
        for each in UNWRITABLE:
            await run.signal(
                "terse.event", _unwritable({**each, "owner": run_id if each["owner"] == "RUN" else each["owner"]})
            )
        await run.signal("a", 1)
        await run.signal("a", args=[2, {"id": "x", "more": 1}])
        assert await bench.result(run) == [1, 2]
    assert 'has not taken the event "a": its data are no JSON' in caplog.text
    assert "line\nbreak" not in caplog.text
    assert not await _failed_tasks(run)


async def test_to_the_workflow_of_a_key(bench: Bench, task_queue: str) -> None:
    """It goes on, started by somebody with an input that is none."""
    keys = bench.env.client
    workflow_id = events_workflow_id(task_queue, "a", "k")
    message = {"v": 1, "name": "a", "key": "k", "keep": 86400, "data": "there"}
    run = await bench.start_on_the_wall_clock(takes, count=1, key="k")
    events = await keys.start_workflow(
        EVENTS_WORKFLOW, args=[{"kept": 1, "inbox": [1, ["x", 2]]}], id=workflow_id, task_queue=task_queue
    )
    for name in (EVENTS_SEND_SIGNAL, EVENTS_WAIT_SIGNAL, "other"):
        wrong: tuple[list[Any], ...] = (
            [],
            [1],
            [1, 2],
            [ENCRYPTED],
            [NOT_JSON],
            [DEEP],
            [{}],
            [{"v": 2}],
            [{"v": 1, "data": 1}],
        )
        for arguments in wrong:
            await events.signal(name, args=arguments)
    wait = {"v": 1, "owner": 1, "run": 2, "open": "x", "close": {}, "returned": [1, {}, ENTRY], "gone": [[]]}
    await events.signal(EVENTS_WAIT_SIGNAL, wait)
    await events.signal(EVENTS_SEND_SIGNAL, message)
    async with bench.worker(takes):
        assert await bench.result(run) == ["there"]
    assert not await _failed_tasks(events)


def _unwritable(data: dict[str, Any]) -> RawValue:
    return RawValue(Payload(metadata={"encoding": b"json/plain"}, data=json.dumps(data).encode()))


async def _failed_tasks(run: Run) -> list[str]:
    found = [each async for each in run.fetch_history_events()]
    return [
        each.workflow_task_failed_event_attributes.failure.message
        for each in found
        if each.HasField("workflow_task_failed_event_attributes")
    ]
