"""The table of docs/scaling.md has what each kind of call costs, in events of its run and actions of Temporal Cloud."""

from __future__ import annotations

import re
import uuid
from pathlib import Path

import pytest
from pydantic_ai.models.test import TestModel
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

from terse_temporal.execution.test_doubles import CallDoubles, use_doubles

from ..bench import Bench, Run, cache_on
from ..inputs.asking import answer, asked, idle
from ..waiting import until
from .jobs_costs import child, costs, plain

PAGE = Path(__file__).parents[2] / "docs" / "scaling.md"

#: A row: the call, events and actions.
ROW = re.compile(r"^\| ([^|]+?) +\| +(\d+) +\| +(\d+) +\|", re.MULTILINE)


def table() -> dict[str, tuple[int, int]]:
    """The events and actions of each kind of call, as the page has them."""
    rows = ROW.findall(PAGE.read_text())
    return {call.replace("`", ""): (int(events), int(actions)) for call, events, actions in rows}


def actions_of(events: list[HistoryEvent]) -> int:
    """Count by https://docs.temporal.io/cloud/actions what stands in a history. Heartbeats and schedules do not."""
    found = 0
    recorded = False
    for event in events:
        match event.event_type:
            case EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
                recorded = False
            case EventType.EVENT_TYPE_MARKER_RECORDED:
                # All markers of one workflow task are one.
                found += not recorded
                recorded = True
            case EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED:
                found += event.activity_task_started_event_attributes.attempt
            case (
                EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED
                | EventType.EVENT_TYPE_TIMER_STARTED
                | EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED
                | EventType.EVENT_TYPE_SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED
                | EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED
            ):
                found += 1
            case EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED:
                # Of the two that a child costs, one is its own start, counted in its own history.
                found += 1
            case EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:
                names = event.upsert_workflow_search_attributes_event_attributes.search_attributes.indexed_fields
                found += set(names) != {"TemporalChangeVersion"}
    return found


CALLS = list(table())


@cache_on
@pytest.mark.parametrize("call", CALLS)
async def test_what_a_call_costs(bench: Bench, call: str) -> None:
    """It is what a run with the call has more than one without, and the run itself is what that has."""
    doubles = CallDoubles(call=lambda asked: asked.proceed(), model=lambda _: TestModel())
    with use_doubles(doubles):
        async with bench.worker(costs, child, plain):
            events, actions = await _counted(bench, call)
    if call not in ("a run", "a job that is not durable"):
        alone = table()["a run"]
        events, actions = events - alone[0], actions - alone[1]
    assert (events, actions) == table()[call]


def test_every_call_has_a_row() -> None:
    """What the job can be asked for stands in the table."""
    source = (Path(__file__).parent / "jobs_costs.py").read_text()
    assert set(re.findall(r'case "(.+)":', source)) <= set(CALLS)


async def _counted(bench: Bench, call: str) -> tuple[int, int]:
    child_id = f"costs-child-{uuid.uuid4()}"
    job = plain if call == "a job that is not durable" else costs
    run = await bench.start_on_the_wall_clock(job, call=call, child=child_id)
    if call.startswith("wait_for_input"):
        await asked(run)
        await idle(run)
        await answer(run, choice="yes")
    elif call.startswith("wait_for_event"):
        await _send(run, 4, to=run)
    elif call.startswith("job.run"):
        await _send(run, 9, to=bench.env.client.get_workflow_handle(child_id))
    await bench.result(run)
    if call.startswith("job.start"):
        await bench.env.client.get_workflow_handle(child_id).terminate()
    events = [event async for event in run.fetch_history_events()]
    return len(events), actions_of(events)


async def _send(run: Run, events: int, *, to: Run) -> None:
    """Send an event when the run has come so far and has nothing to do."""

    async def has_come() -> bool:
        return (await run.describe()).history_length >= events

    await until(has_come, "it waits")
    await idle(run)
    await to.signal("go", {})
