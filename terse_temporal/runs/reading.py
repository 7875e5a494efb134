"""Reading the history of a run as it stands, through all runs of its chain."""

from __future__ import annotations

from temporalio.client import Client, WorkflowExecutionDescription

from ..encryption.reading import readable, readable_steps
from ..execution.run_timeline import RunTimeline, TimelineEntry
from .memo import read_label
from .timeline import Timeline

__all__ = ["public_timeline", "read_timeline"]


async def read_timeline(client: Client, described: WorkflowExecutionDescription) -> Timeline:
    """Return the timeline of a run as it stands.

    Args:
        client: of its server.
        described: the last run of its chain.

    Raises:
        RPCError: the server does not answer, or has the run no more.
    """
    info = described.raw_description.workflow_execution_info
    timeline = Timeline()
    run_id: str | None = info.first_run_id or described.run_id
    is_last = False
    while run_id is not None and not is_last:
        is_last, before = run_id == described.run_id, len(timeline.entries)
        handle = client.get_workflow_handle(described.id, run_id=run_id)
        async for event in handle.fetch_history_events():
            timeline.apply(await readable(event, client.data_converter), await read_label(client, event))
        run_id = timeline.history.next_run_id or None
        if run_id is None and not is_last:
            # It was reset. The run that was made of it has its history up to there, and the chain goes on with that.
            del timeline.entries[before:]
            extended = (await handle.describe()).raw_description.workflow_extended_info
            run_id = extended.reset_run_id or described.run_id
    await readable_steps(described.raw_description, client.data_converter)
    timeline.apply_pending(described.raw_description.pending_activities)
    return timeline


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
        )
        for each in timeline.entries
    )
    return RunTimeline(tuple(entries), timeline.started)
