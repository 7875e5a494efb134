"""What a run says to the workflows that bring it events, of each kind that it waits for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from temporalio import workflow

from ...execution.run_events import EventWait, TriggerWait
from ...serialization.wire_names import EVENTS_EARLY_MARKER
from ..events.messages import MESSAGE_VERSION, events_workflow_id, waits_workflow_id

__all__ = ["Link", "describe"]


class Link:
    """What a run says to the workflow of a key: one message after the other, so that none overtakes another.

    Args:
        name, key: of the events; empty where it is a workflow that this run has never told anything.
        id: of that workflow.
        trigger: of waits by a trigger, what they take.

    Attributes:
        opened: the numbers of the waits that are registered there.
        returned: events that are given back with the next message.
        away: the places of events that were given back, by their ids, until they come again or go to another run.
        gone: runs that have had this run's workflow id, and wait no longer.
        busy: whether a message is on its way.
        again: whether all of its waits are to be registered once more.
    """

    def __init__(self, name: str, key: str, id: str = "", trigger: TriggerWait | None = None) -> None:
        self.name = name
        self.key = key
        self._id = id
        self.trigger = trigger
        self.opened: list[int] = []
        self.returned: list[Any] = []
        self.away: dict[str, tuple[float, float]] = {}
        self.gone: list[str] = []
        self.busy = self.again = False

    @property
    def id(self) -> str:
        """The id of the workflow. In a replay the task queue is another, so that nothing may hang on it."""
        info = workflow.info()
        if self.trigger is not None:
            return waits_workflow_id(info.task_queue, self.trigger.source, info.first_execution_run_id)
        return self._id or events_workflow_id(info.task_queue, self.name, self.key)

    def message(self, unmet: int, new: Sequence[int], began: float) -> dict[str, Any] | None:
        """Return what is to be said now, or `None` where that is nothing; it counts as said.

        Args:
            unmet: how many waits have no event.
            new: numbers for those that are not registered yet.
            began: since when deliveries are for the run.
        """
        opened = list(new)
        self.opened += opened
        closed, self.opened = self.opened[unmet:], self.opened[:unmet]
        if self.again:
            opened, self.again = list(self.opened), False
        returned, self.returned = self.returned, []
        gone, self.gone = self.gone, []
        if not (opened or closed or returned or gone):
            return None
        about: dict[str, Any] = {"name": self.name, "key": self.key} if self.name else {}
        if (wanted := self.trigger) is not None:
            what = {"trigger": dict(wanted.reference), "match": dict(wanted.match)}
            about = {"for": {**what, "since": began, "key": self.key}}
        return {
            "v": MESSAGE_VERSION,
            **about,
            "owner": workflow.info().first_execution_run_id,
            "run": workflow.info().workflow_id,
            "open": opened,
            "close": closed,
            "returned": returned,
            "gone": gone,
        }

    def give_back(self, entry: dict[str, Any]) -> None:
        """Give an event back, with the next message."""
        self.returned.append(entry)
        self.away[entry["id"]] = (entry["at"], entry["n"])

    def is_early(self, entry: dict[str, Any]) -> bool:
        """Return whether an event was sent on its way before earlier ones, given back, had arrived in their place.

        So it is after a reset: those come before there is a wait, and for the next one there still is a wait of the run
        that was reset. An event is given back for that once: then all of them are there.
        """
        place = (entry["at"], entry["n"])
        if entry["id"] in self.away:
            self.away = {away: each for away, each in self.away.items() if each > place}
            return False
        # A history may be older than this rule.
        return any(each < place for each in self.away.values()) and workflow.patched(EVENTS_EARLY_MARKER)


def describe(request: EventWait) -> str:
    """Return what is waited for, in words."""
    if request.trigger is not None:
        match = request.trigger.match
        return request.trigger.text + (f" with match={json.dumps(match, ensure_ascii=False)}" if match else "")
    key = "" if request.key is None else f" with the key {request.key!r}"
    return f"the event {request.name!r}{key}"
