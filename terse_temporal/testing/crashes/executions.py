"""What the worker processes of a test have run, counted in the test's own process."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from .points import ActivityMark, Ending

__all__ = ["Execution", "Executions"]


@dataclass
class Execution:
    """One activity: a step, a tool, a turn of a model, an access to the state, or a job that is not durable.

    Attributes:
        name: of it.
        workflow_id: of its run.
        activity_id: of it in its run.
        occurrence: which one of that name it is among those that these processes met, from 1.
        begun: the attempts whose function began.
        ended: the attempts whose function ended, whether anybody heard of it or not.
        keys: the idempotency keys that its attempts had. More than one must never be.
        calls: for each time that it has begun, the keys of the calls that it made in place, by name.
    """

    name: str
    workflow_id: str
    activity_id: str
    occurrence: int
    begun: list[int] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    calls: dict[int, dict[str, list[str]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))

    @property
    def changed_keys(self) -> list[str]:
        """Names of what it did under one key in one attempt and under another in the next. The other side would take
        that for two things.
        """
        changed = [self.name] if len(self.keys) > 1 else []
        attempts = [self.calls[attempt] for attempt in sorted(self.calls)]
        for before, after in pairwise(attempts):
            # One may make fewer calls than the other. Calls that went away while others came are the same ones.
            changed += [
                name
                for name in before.keys() & after.keys()
                if set(before[name]) - set(after[name]) and set(after[name]) - set(before[name])
            ]
        return sorted(set(changed))


class Executions:
    """All of them, in the order in which they were first met."""

    def __init__(self) -> None:
        self._all: dict[tuple[str, str, str], Execution] = {}

    def __iter__(self) -> Iterator[Execution]:
        return iter(self._all.values())

    def of(self, mark: ActivityMark) -> Execution:
        """Return that of an attempt."""
        which = (mark.workflow_id, mark.run_id, mark.activity_id)
        if which not in self._all:
            occurrence = 1 + sum(each.name == mark.name for each in self._all.values())
            self._all[which] = Execution(mark.name, mark.workflow_id, mark.activity_id, occurrence)
        found = self._all[which]
        if mark.key:
            found.keys.add(mark.key)
        return found

    def begun(self, mark: ActivityMark) -> None:
        """Note that its function begins."""
        self.of(mark).begun.append(mark.attempt)

    def ended(self, mark: ActivityMark, ending: Ending) -> None:
        """Note that its function has ended, or goes on and begins no more."""
        found = self.of(mark)
        if ending == "handed over":
            found.begun.remove(mark.attempt)
        elif ending != "cancelled":
            found.ended.append(mark.attempt)

    def called(self, mark: ActivityMark, name: str, key: str) -> None:
        """Note that it makes a call, perhaps its own."""
        found = self.of(mark)
        # Not by the attempt: a local step that is lost with its workflow task begins with the first again.
        found.calls[len(found.begun)][name].append(key)
