"""What a run waits for, or how it has ended: `terse-temporal runs why`, and the column of `runs list`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from temporalio.client import Client
from temporalio.service import RPCError

from ..engine.wire.records import moment
from .endings import Ending, ending_sentence, read_ending
from .facts import Facts, Polls, gather_facts
from .finding_waits import find_waits
from .memo import read_began
from .task_queues import is_gone
from .wait_texts import sentence
from .waits import Wait

__all__ = ["Why", "why", "why_of_facts"]

#: Runs that a run waits for, of which it is told what they wait for.
_MOST_CHILDREN: Final = 3


@dataclass(frozen=True)
class Why:
    """Why a run is where it is.

    Attributes:
        id, run_id: of the run.
        job: the job's name.
        now: the run's own time, in UTC.
        started_at: when it was started.
        waits: what it waits for, if it has not ended.
        ending: how it has ended, if it has.
        notes: what else is worth knowing, as sentences.
    """

    id: str
    run_id: str
    job: str
    now: datetime
    started_at: datetime
    waits: tuple[Wait, ...] = ()
    ending: Ending | None = None
    notes: tuple[str, ...] = ()

    @property
    def sentences(self) -> list[str]:
        """What is to be said, most important first."""
        said = [sentence(each, self.now) for each in self.waits]
        if self.ending is not None:
            said.append(ending_sentence(self.ending, self.now))
        return [*said, *self.notes]

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON; times as ISO 8601, durations in seconds."""
        found: dict[str, Any] = {
            "id": self.id,
            "run_id": self.run_id,
            "job": self.job,
            "status": "running" if self.ending is None else self.ending.status,
            "started_at": self.started_at.isoformat(),
            "why": self.sentences,
        }
        if self.ending is None:
            found["waits_for"] = [each.to_json() for each in self.waits]
        else:
            found["ended"] = self.ending.to_json()
        return found


async def why(client: Client, id: str, run_id: str = "") -> Why:
    """Return what a run waits for, or how it has ended.

    It costs a description of the run and of the runs that it waits for, the last events of their histories (5,000 each
    at most), and a description of each task queue that they wait at.

    Args:
        client: of the server.
        id: its workflow id.
        run_id: its run id; empty for the newest run of that id.

    Raises:
        RPCError: the server does not know the run, or refuses.
    """
    polls = Polls(client)
    facts = await gather_facts(client, id, run_id, polls)
    return await why_of_facts(client, facts, polls)


async def why_of_facts(client: Client, facts: Facts, polls: Polls) -> Why:
    """Return the same for a run of which that much is known already."""
    info = facts.described.workflow_execution_info
    found = Why(
        info.execution.workflow_id,
        info.execution.run_id,
        info.type.name,
        facts.now,
        await read_began(client, info.memo.fields, moment(info.start_time)),
    )
    if not facts.is_running:
        return replace(found, ending=await read_ending(client, facts.described))
    waits = find_waits(facts)
    asked = [each for each in waits if each.kind == "run"][:_MOST_CHILDREN]
    explained = [
        replace(each, why=await _why_of_child(client, each, polls)) if each in asked else each for each in waits
    ]
    return replace(found, waits=tuple(explained), notes=tuple(_notes(facts, explained)))


async def _why_of_child(client: Client, wait: Wait, polls: Polls) -> tuple[Wait, ...]:
    """Return what another run waits for; of what that waits for no more is asked."""
    try:
        facts = await gather_facts(client, wait.id, "", polls)
    except RPCError:  # it is gone, or was never there
        return ()
    return tuple(find_waits(facts)) if facts.is_running else ()


def _notes(facts: Facts, waits: list[Wait]) -> list[str]:
    notes = []
    if facts.described.workflow_extended_info.cancel_requested:
        notes.append("It was asked to cancel.")
    if facts.history.on_failure_task:
        notes.append("Its handler has ended, and its on_failure is under way.")
    if not facts.is_memo_read:
        notes.append(
            "Which events and answers it waits for stands in its memo, and this client cannot read that: its workers"
            " have a codec that it lacks."
        )
    needs_worker = any(each.kind in ("worker", "queued", "blocked", "paused") for each in waits)
    queue = (facts.task_queue, False)
    if not needs_worker and queue in facts.polls and is_gone(facts.polls[queue]):
        notes.append(f"No worker polls its task queue {facts.task_queue!r} now, and it goes on only when one does.")
    if not facts.is_whole:
        read, there = len(facts.events), facts.history.last_event_id
        notes.append(
            f"Of the {there:,} events of its history only the last {read:,} were read: older timers are not told."
        )
    return notes
