"""Reading the history of a run as it stands, through all runs of its chain."""

from __future__ import annotations

from temporalio.api.common.v1 import Memo
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowExecutionDescription, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from ..encryption.reading import readable_steps
from ..engine.wire.continued import as_events, carried_journal, may_carry
from ..engine.wire.records import moment
from ..execution.run_timeline import RunTimeline, TimelineEntry
from .first_event import first_event
from .memo import read_label
from .questions import asked_questions, past_questions
from .timeline import Entry, Timeline

__all__ = ["public_timeline", "read_timeline", "take_in"]


async def read_timeline(client: Client, described: WorkflowExecutionDescription) -> Timeline:
    """Return the timeline of a run as it stands.

    Args:
        client: of its server.
        described: the last run of its chain.

    Raises:
        RPCError: the server does not answer, or has the run no more.
    """
    timeline = Timeline()
    for run_id in await _runs_to_read(client, described):
        handle = client.get_workflow_handle(described.id, run_id=run_id)
        async for recorded in handle.fetch_history_events():
            await take_in(timeline, recorded, client)
    await readable_steps(described.raw_description, client.data_converter)
    timeline.apply_pending(described.raw_description.pending_activities)
    if described.status is not WorkflowExecutionStatus.RUNNING:
        timeline.end()
    return timeline


async def take_in(timeline: Timeline, event: HistoryEvent, client: Client) -> list[Entry]:
    """Add to a timeline the next event of a history; with the first one what the run carries of the histories before.

    Args:
        timeline: of the run.
        event: as the server has it.
        client: of the server.

    Returns:
        The entries that changed in a way worth telling.
    """
    changed = [
        timeline.apply(each, await read_label(client, each)) for each in await as_events(event, client.data_converter)
    ]
    # What is carried has begun and ended in one event.
    found = list({id(each): each for each in changed if each is not None}.values())
    if (memo := _memo_of(event)) is not None:
        asked, over = await asked_questions(client, memo.fields), await past_questions(client, memo.fields)
        found += timeline.apply_questions(asked, over, moment(event.event_time), is_carried=may_carry(event))
    return found


def _memo_of(event: HistoryEvent) -> Memo | None:
    """Return what an event says that the memo of its run is: as it changes, and as the run continues by itself."""
    if event.HasField("workflow_properties_modified_event_attributes"):
        return event.workflow_properties_modified_event_attributes.upserted_memo
    return event.workflow_execution_started_event_attributes.memo if may_carry(event) else None


async def _runs_to_read(client: Client, described: WorkflowExecutionDescription) -> list[str]:
    """Return the runs of a chain whose histories tell all of it, in their order, as far as the server has them.

    What a run carries that has continued as new by itself stands for the histories before. One that was reset has the
    events of the run that it was made of.
    """
    found, run_id = [described.run_id], described.run_id
    while True:
        try:
            event = await first_event(client, described.id, run_id)
        except RPCError as err:
            if err.status != RPCStatusCode.NOT_FOUND or run_id == described.run_id:
                raise
            # The server keeps it no longer, nor those before.
            return [each for each in reversed(found) if each != run_id]
        before = event.workflow_execution_started_event_attributes.continued_execution_run_id
        journal = await carried_journal(event, client.data_converter)
        if journal is not None and journal.manifest.run != run_id:
            run_id = journal.manifest.run
            continue
        if not before or before in found:
            return list(reversed(found))
        run_id = before
        found.append(run_id)


def public_timeline(timeline: Timeline) -> RunTimeline:
    """Return a timeline as users get it."""
    entries = (
        TimelineEntry(
            kind=each.kind,
            name=each.name,
            state=each.state,
            started_at=each.begun,
            ended_at=each.ended,
            attempt=each.attempt,
            failure=each.trouble,
            label=each.label,
            id=each.id,
            answer=each.answer,
        )
        for each in timeline.entries
    )
    return RunTimeline(tuple(entries), timeline.started)
