"""A run of a test as it is looked at: how it stands, what it has started, what it asks, and whether it goes on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final, TypeVar

from temporalio.client import (
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.service import RPCError

from ..durations import format_duration
from ..engine.replay.replayer import replay
from ..jobs.job import Job
from ..runs.inputs import refused_answer
from ..runs.memo import wait_text
from ..serialization.wire_names import INPUT_UPDATE
from .endings import describe_failure
from .loop_thread import LoopThread
from .questions import Inputs, asked_text
from .run_reader import RunReader
from .snapshot import RunSnapshot, take_snapshot

__all__ = ["SNAPSHOT_AT_LEAST_EVERY", "WatchedRun"]

_T = TypeVar("_T")

#: Seconds between two looks at a run: while events come in, and at most, since not all that changes leaves an event.
_SNAPSHOT_EVERY: Final = 0.02
SNAPSHOT_AT_LEAST_EVERY: Final = 0.1

#: Seconds without anything under way after which a run that asks a person is said to wait for that.
_QUIET_AFTER: Final = 0.1

#: Seconds after which a run that waits for nothing is said to wait for ever.
_STUCK_AFTER: Final = 2.0

#: Seconds after which a task of the workflow that fails again and again is said to. One may fail for want of time.
_BLOCKED_AFTER: Final = 5.0


class WatchedRun:
    """A run of a test, on the loop of the server's client.

    Args:
        loop_thread: the loop, and the client.
        job: of the run.
        handle: of its workflow.
        inputs: the answers that the test has to what it asks.
        timeout: seconds within which it is to get on.
        trouble: says what has gone wrong that is not the job's.
        held: says whether the test holds up a step.
        child: returns a run that it has started, by its job, workflow id and run id; `None` for one of no job.
        look_for_waits: returns what says how many waits for deliveries are known of a run, by its workflow id; `None`
            where there is no gateway.

    Attributes:
        answers: whether it is given the answers that the test has.
        answers_when_idle: whether that is only while nothing of it is under way.
    """

    def __init__(
        self,
        loop_thread: LoopThread,
        job: Job,
        handle: WorkflowHandle[Any, Any],
        inputs: Inputs,
        *,
        timeout: float,
        trouble: Callable[[], str | None],
        held: Callable[[], bool] = lambda: False,
        child: Callable[[str, str, str], WatchedRun | None] = lambda job, workflow_id, run_id: None,
        look_for_waits: Callable[[Job], Callable[[str], Awaitable[int]] | None] = lambda job: None,
    ) -> None:
        self.job = job
        self.loop_thread = loop_thread
        self.handle = handle
        self.inputs = inputs
        self.timeout = timeout
        self.trouble = trouble
        self.held = held
        self._child = child
        self.look_for_waits = look_for_waits
        self.answers: bool = True
        self.answers_when_idle: bool = False
        self._refused: str | None = None
        self._answering: set[str] = set()
        self._known_children: dict[str, WatchedRun | None] = {}
        self._reader = RunReader(loop_thread.client, handle, job.timeout)

    @property
    def id(self) -> str:
        """The workflow's id."""
        return self.handle.id

    async def snapshot(self) -> RunSnapshot:
        """Return how it stands, when what is asked has been answered as the test says."""
        snapshot = await take_snapshot(self.loop_thread.client, self.handle, self._reader)
        answers_now = self.answers and not (self.answers_when_idle and snapshot.has_pending_work)
        questions = [each for each in snapshot.questions if answers_now and each.id not in self._answering]
        answers = [answer for each in questions if (answer := self.inputs._answer_to(each)) is not None]
        for answer in answers:
            await self._give(answer)
        # What has been answered is no longer asked.
        return await take_snapshot(self.loop_thread.client, self.handle, self._reader) if answers else snapshot

    async def answered_snapshot(self) -> RunSnapshot:
        """Return how it stands, with what is asked by the runs that it has started answered too."""
        snapshot = await self.snapshot()
        if snapshot.has_children and self.inputs._any:
            await asyncio.gather(*(child.answered_snapshot() for child in await self.open_children()))
        return snapshot

    async def children(self) -> list[WatchedRun]:
        """Return the runs that it has started, in the order in which its handler did."""
        await self.snapshot()
        return self.read_children()

    def read_children(self, *, only_open: bool = False) -> list[WatchedRun]:
        """Return them as far as the history has been read."""
        recorded = self._reader.timeline.history.children
        for record in recorded:
            if record.run_id and record.run_id not in self._known_children:
                self._known_children[record.run_id] = self._child(record.name, record.workflow_id, record.run_id)
        told = {each.run_id for each in recorded if each.ended is not None} if only_open else ()
        return [run for run_id, run in self._known_children.items() if run is not None and run_id not in told]

    async def open_children(self) -> list[WatchedRun]:
        """Return those of them that are open; one that has ended is no longer once this run has been told."""
        began = time.monotonic()
        while True:
            await self.snapshot()
            open_ones = self.read_children(only_open=True)
            snapshots = await asyncio.gather(*(run.snapshot() for run in open_ones))
            if all(each.is_open for each in snapshots) or time.monotonic() - began > self.timeout:
                return open_ones
            await self.moment()

    async def until(
        self,
        wanted: Callable[[RunSnapshot], _T | None],
        what: str,
        *,
        at_end: bool = False,
        may_rest: bool = False,
    ) -> _T:
        """Look until there is what is wanted.

        Args:
            what: the run is to do, for messages.
            at_end: whether it may be wanted of a run that has ended, and while something is under way.
            may_rest: whether it may come while the run waits for nothing, or for a person.
        """
        __tracebackhide__ = True
        limit = self.timeout
        began = quiet_since = time.monotonic()
        while True:
            snapshot = await self.answered_snapshot()
            is_idle = not snapshot.has_pending_work or snapshot.next_attempt is not None
            if (at_end or is_idle) and (found := wanted(snapshot)) is not None:
                return found
            now = time.monotonic()
            # It may be answered by another task, one that lets time pass.
            is_being_answered = any(each.id in self._answering for each in snapshot.questions)
            if snapshot.has_pending_work or snapshot.sleeps or snapshot.has_children or may_rest or is_being_answered:
                quiet_since = now
            if (trouble := self.trouble() or self._refused) is not None:
                raise AssertionError(f"the run {self.id} does not {what}: {trouble}")
            if not snapshot.is_open and not at_end:
                raise AssertionError(
                    f"the run {self.id} does not {what}, it has ended: {await self._describe_end(snapshot)}"
                )
            if not snapshot.is_open and now - began <= limit:
                await self.moment()
                continue
            if snapshot.blocked and (snapshot.is_nondeterminism or now - began > _BLOCKED_AFTER):
                raise AssertionError(f"the run {self.id} does not {what}: {await self._describe_block(snapshot)}")
            if (
                snapshot.is_asking
                and not snapshot.has_pending_work
                and not snapshot.sleeps
                and now - quiet_since > _QUIET_AFTER
            ):
                raise AssertionError(f"the run {self.id} does not {what}: it {asked_text(snapshot.questions)}")
            if not snapshot.has_pending_work and not snapshot.sleeps and now - quiet_since > _STUCK_AFTER:
                raise AssertionError(f"the run {self.id} does not {what}: {_stuck_text(snapshot)}.\n{snapshot.table()}")
            if is_idle and not at_end and (ends := [each.until for each in snapshot.sleeps] or snapshot.next_attempt):
                rest = (min(ends) if isinstance(ends, list) else ends) - snapshot.clock
                if rest.total_seconds() > limit - (now - began):
                    does = "it sleeps" if snapshot.sleeps else "a step waits for its next attempt"
                    raise AssertionError(
                        f"the run {self.id} does not {what}: {does}, for another"
                        f" {format_duration(timedelta(seconds=round(rest.total_seconds())))}. Let that pass, await"
                        f" jobs.skip(…).\n{snapshot.table()}"
                    )
            if now - began > limit:
                raise AssertionError(f"the run {self.id} does not {what}, in {limit:g} s.\n{snapshot.table()}")
            await self.moment()

    async def moment(self) -> None:
        """Wait until there may be something new to see."""
        await asyncio.sleep(_SNAPSHOT_EVERY)
        await self._reader.wait(SNAPSHOT_AT_LEAST_EVERY - _SNAPSHOT_EVERY)

    def close(self) -> None:
        """Read no more of its history."""
        self._reader.close()

    async def _give(self, answer: dict[str, Any]) -> None:
        """Give an answer of `jobs.inputs`, once: it is looked for at several places at a time."""
        __tracebackhide__ = True
        self._answering.add(answer["id"])
        try:
            await self.handle.execute_update(INPUT_UPDATE, answer)
        except WorkflowUpdateFailedError as failed:
            refused = refused_answer(failed)
            # It may have been answered by somebody else since the look.
            if refused.kind in ("wrong", "not_allowed"):
                # For whoever waits for the run: this may be a task of its own that lets time pass.
                self.answers = False
                self._refused = f"it refuses the answer that jobs.inputs has to its question {answer['id']}: {refused}"
        except (RPCError, WorkflowUpdateRPCTimeoutOrCancelledError):  # the run may have ended
            pass
        finally:
            self._answering.discard(answer["id"])

    async def _describe_end(self, snapshot: RunSnapshot) -> str:
        try:
            result = await self.handle.result()
        except WorkflowFailureError as failed:
            return f"it failed with {describe_failure(failed.cause)}\n{snapshot.table()}"
        return f"it completed, with the result {result!r}\n{snapshot.table()}"

    async def _describe_block(self, snapshot: RunSnapshot) -> str:
        async for each in replay([self.job], [snapshot.history], runtime=self.loop_thread.runtime):
            if each.failure is not None:
                what = "its history does not fit the code." if snapshot.is_nondeterminism else "its code cannot be run:"
                return f"{what} {each.failure}\n{each.table or ''}"
        return f"its code cannot be run: {snapshot.blocked}"


def _stuck_text(snapshot: RunSnapshot) -> str:
    if not snapshot.waits:
        return "nothing is under way"
    waits = " and ".join(map(wait_text, snapshot.waits))
    if snapshot.delivery_waits == len(snapshot.waits):
        return f'it waits for {waits}. Deliver it in the test, await jobs.deliver("…", payload)'
    sending = 'jobs.send_event("…", key="…")' if any("key" in each for each in snapshot.waits) else 'run.send("…")'
    return f"it waits for {waits}. Send it in the test, await {sending}"
