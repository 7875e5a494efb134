"""All that is told of one run by `terse-temporal runs show`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from temporalio.client import Client

from ..engine.wire.records import moment
from ..execution.token_usage import Tokens
from .facts import Facts, Polls, gather_facts
from .first_event import started_with
from .history_tail import Tail, read_tail
from .memo import read_memo
from .reading import take_in
from .received import Received, instead_of_value, read_received
from .timeline import Entry, Timeline
from .why import Why, why_of_facts

__all__ = ["RunDetails", "read_details"]


@dataclass(frozen=True)
class RunDetails:
    """A run, as it stands.

    Attributes:
        why: its ids and its job, and what it waits for or how it has ended.
        task_queue: where its handler waits for workers.
        event: what it was started with, as JSON.
        result: what it returned, as JSON; of a run that has completed.
        tags: what it can be found by.
        parent: the ids of the run that started it.
        first_run_id: of the first run of a chain that this one is the last of.
        reset_at: when a reset made it of another run.
        timeline: its steps, sleeps and runs, as many as were read.
        received: the events that it was sent, the last fifty.
        is_whole: whether these are all.
    """

    why: Why
    task_queue: str
    event: Any
    result: Any
    tags: tuple[str, ...]
    parent: tuple[str, str] | None
    first_run_id: str
    reset_at: datetime | None
    timeline: Timeline
    received: tuple[Received, ...]
    is_whole: bool

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON; times as ISO 8601."""
        found = self.why.to_json() | {"task_queue": self.task_queue, "event": self.event, "tags": list(self.tags)}
        if self.why.ending is not None and self.why.ending.status == "completed":
            found["result"] = self.result
        if self.parent is not None:
            found["parent"] = {"id": self.parent[0], "run_id": self.parent[1]}
        if self.first_run_id != self.why.run_id:
            found["first_run_id"] = self.first_run_id
        if self.reset_at is not None:
            found["reset_at"] = self.reset_at.isoformat()
        if (tokens := self.timeline.tokens) is not None:
            found["tokens"] = _tokens_json(tokens)
        if self.received:
            found["events"] = [each.to_json() for each in self.received]
        found["timeline"] = [_entry_json(each) for each in self.timeline.entries]
        found["timeline_is_whole"] = self.is_whole
        return found


async def read_details(client: Client, id: str, run_id: str = "") -> RunDetails:
    """Read all that is told of a run: at most 5,000 events of its history, its last ones.

    Args:
        client: of its server.
        id: its workflow id.
        run_id: its run id; empty for the newest run of that id.

    Raises:
        RPCError: the server does not know the run, or refuses.
    """
    polls = Polls(client)
    facts = await gather_facts(client, id, run_id, polls)
    info = facts.described.workflow_execution_info
    tail = facts.tail or await read_tail(client, info.execution.workflow_id, info.execution.run_id, with_carried=True)
    found = await why_of_facts(client, facts, polls)
    started = tail.history.started or await started_with(client, info.execution.workflow_id, info.execution.run_id)
    parent = info.parent_execution
    extended = facts.described.workflow_extended_info
    return RunDetails(
        why=found,
        task_queue=facts.task_queue,
        event=await _value(client, started.input.payloads),
        result=await _value(client, [found.ending.result] if found.ending and found.ending.result else ()),
        tags=tuple(facts.tags),
        parent=(parent.workflow_id, parent.run_id) if parent.workflow_id else None,
        first_run_id=info.first_run_id or info.execution.run_id,
        reset_at=moment(extended.last_reset_time) if extended.HasField("last_reset_time") else None,
        timeline=await _timeline(client, facts, tail),
        received=tuple(await read_received(client, tail.events)),
        is_whole=tail.is_whole,
    )


async def _timeline(client: Client, facts: Facts, tail: Tail) -> Timeline:
    timeline = Timeline()
    for event in tail.events:
        await take_in(timeline, event, client)
    if timeline.history.began is None:
        timeline.history.began = moment(facts.described.workflow_execution_info.start_time)
    timeline.apply_pending(facts.described.pending_activities)
    if not facts.is_running:
        timeline.end()
    timeline.tokens, _ = await read_memo(client, facts.described.workflow_execution_info.memo.fields)
    return timeline


async def _value(client: Client, payloads: Any) -> Any:
    """Return what payloads hold; where there are several, as a list."""
    if not payloads:
        return None
    try:
        values = await client.data_converter.decode(list(payloads))
    except Exception as error:  # of whatever converter
        return instead_of_value(error)
    return values[0] if len(values) == 1 else values


def _tokens_json(tokens: Tokens) -> dict[str, int]:
    return {"requests": tokens.requests, "input": tokens.input, "output": tokens.output}


def _entry_json(entry: Entry) -> dict[str, Any]:
    known: dict[str, Any] = {
        "kind": entry.kind,
        "name": entry.name,
        "label": entry.label,
        "id": entry.id,
        "state": entry.state,
        "began": entry.begun.isoformat(),
        "ended": entry.ended.isoformat() if entry.ended else None,
        "attempt": entry.attempt,
        "failure": entry.trouble,
        "answer": entry.answer,
    }
    return {name: value for name, value in known.items() if value not in ("", 0, None)}
