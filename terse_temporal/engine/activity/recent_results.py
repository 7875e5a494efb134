"""What local steps have come to, until that is recorded.

The markers of local steps go to the server with their workflow task. It turns a task away where something came for the
run meanwhile that the task does not know of: a signal, a cancellation, an update. The task is begun again then, and the
SDK's core, which has forgotten what it ended with, runs its local activities again. So a worker keeps the results, and
gives them once more. Those of a worker that dies are lost with it.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from temporalio import activity
from temporalio.common import RawValue

from ..wire.calls import StepCall

__all__ = ["RecentResults", "run_and_key"]

#: Seconds for which one is kept. A task ends within ten seconds, or within sixty that of a long run, and the next one
#: follows at once.
_AGE: Final = 120.0

#: Bytes of all of them, and what each counts for beside its own.
_ROOM: Final = 8 * 1024 * 1024
_EACH: Final = 512


@dataclass(frozen=True, slots=True)
class _Recent:
    result: RawValue
    check: str
    until: float


class RecentResults:
    """The newest results of a worker's local steps, by run and key."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], _Recent] = OrderedDict()
        self._size = 0

    def of(self, call: StepCall, info: activity.Info) -> RawValue | None:
        """Return what a local step has come to, in this very run; `None` where that is not known."""
        found = self._kept.get(run_and_key(call, info))
        return None if found is None or found.check != call.check or found.until < time.monotonic() else found.result

    def keep(self, call: StepCall, info: activity.Info, result: RawValue) -> None:
        """Keep what a local step has come to, for a while."""
        key, now = run_and_key(call, info), time.monotonic()
        self._drop(key)
        self._kept[key] = _Recent(result, call.check, now + _AGE)
        self._size += _size(result)
        while self._kept and (self._size > _ROOM or next(iter(self._kept.values())).until < now):
            self._drop(next(iter(self._kept)))

    def _drop(self, key: tuple[str, str]) -> None:
        dropped = self._kept.pop(key, None)
        if dropped is not None:
            self._size -= _size(dropped.result)


def run_and_key(call: StepCall, info: activity.Info) -> tuple[str, str]:
    """Return what tells a step of one run from all others: the run id and its key."""
    return info.workflow_run_id or "", call.key


def _size(result: RawValue) -> int:
    return len(result.payload.data) + _EACH
