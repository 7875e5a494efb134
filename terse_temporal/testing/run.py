"""One run of a job in a test."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

from temporalio.client import (
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from ..diagnostics.text import shorten
from ..durations import format_duration
from ..engine.replay.replayer import replay
from ..errors import JobTestError
from ..jobs.job import Job
from ..jobs.runs import get_run
from ..runs.clocks import fast_forward
from ..runs.inputs import answer_question, refused_answer
from ..runs.memo import question_text, wait_text
from ..runs.timeline import Entry, State
from ..serialization.wire_names import INPUT_UPDATE
from .endings import describe_failure, is_of
from .loop_thread import LoopThread
from .questions import Inputs, Question
from .run_reader import RunReader
from .snapshot import RunSnapshot, Sleep, take_snapshot

__all__ = ["Run", "asked_text"]

_T = TypeVar("_T")

#: Seconds between two looks at a run: while events come in, and at most, since not all that changes leaves an event.
_SNAPSHOT_EVERY: Final = 0.02
_SNAPSHOT_AT_LEAST_EVERY: Final = 0.1

#: Seconds without anything under way after which a run that asks a person is said to wait for that.
_QUIET_AFTER: Final = 0.1

#: Seconds after which a run that waits for nothing is said to wait for ever.
_STUCK_AFTER: Final = 2.0

#: Seconds after which a task of the workflow that fails again and again is said to. One may fail for want of time.
_BLOCKED_AFTER: Final = 5.0

#: Seconds without anything new that a step is waited for after time was skipped, where the test may hold it up, or it
#: waits for its next attempt: one that was due in that time is about to be made.
_SETTLED_AFTER: Final = 1.0

#: Seconds after which it is not waited for any longer that the gateway of the test knows what a run waits for.
_HEARD_WITHIN: Final = 5.0

#: A step that is due this long before the end of a skip may end with it.
_TOGETHER: Final = timedelta(seconds=1)

#: How a run that has ended stands in the timeline of another.
_STATES: Final[Mapping[WorkflowExecutionStatus, State]] = {
    WorkflowExecutionStatus.COMPLETED: "done",
    WorkflowExecutionStatus.FAILED: "failed",
    WorkflowExecutionStatus.TERMINATED: "failed",
    WorkflowExecutionStatus.TIMED_OUT: "failed",
    WorkflowExecutionStatus.CANCELED: "cancelled",
}


class Run:
    """A run that a test has started, with `jobs.start`.

    Its clock is that on the wall until time is skipped, by `jobs.skip`, or by `result`.
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
        child: Callable[[str, str, str], Run | None] = lambda job, workflow_id, run_id: None,
        look_for_waits: Callable[[Job], Callable[[str], Awaitable[int]] | None] = lambda job: None,
    ) -> None:
        self._loop_thread = loop_thread
        self._handle = handle
        self._inputs = inputs
        self._timeout = timeout
        self._trouble = trouble
        self._held = held
        self._child = child
        self._look_for_waits = look_for_waits
        self._answers = True
        self._answers_when_idle = False
        self._refused: str | None = None
        self._answering: set[str] = set()
        self._known_children: dict[str, Run | None] = {}
        self._reader = RunReader(loop_thread.client, handle, job.timeout)
        self.job = job

    @property
    def id(self) -> str:
        """The workflow's id."""
        return self._handle.id

    @property
    def steps(self) -> list[Entry]:
        """The steps so far, in the order in which the handler made them: `.name`, `.state`, `.attempt` and more."""
        return [entry for entry in self._snapshot_now().timeline.entries if entry.kind == "step"]

    @property
    def children(self) -> list[Run]:
        """The runs that it has started, in the order in which its handler did: with their own steps, status and result.

        One that was there already, to which it was attached, is none of them.
        """
        return self._loop_thread.wait(self._children())

    @property
    def status(self) -> str:
        """`"running"`, `"completed"`, `"failed"`, `"cancelled"`, `"terminated"` or `"timed_out"`."""
        return self._snapshot_now().status_text

    def now(self) -> datetime:
        """Return the run's own time."""
        return self._snapshot_now().clock

    def timeline(self) -> str:
        """Return the steps and sleeps as a table.

        It says when each began, counted from the start of the run, and how long it took. Runs that it has started, and
        that go on by themselves after its end, stand as they do now.
        """
        return self._loop_thread.wait(self._timeline())

    def save_history(self, path: str | Path) -> Path:
        """Write the history so far to a file, for `terse-temporal replay --history`. Its directory is made."""
        file = Path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(self._snapshot_now().history.to_json() + "\n")
        return file

    async def result(self) -> Any:
        """Let the run come to its end, without waiting for its sleeps, and return its result.

        Raises:
            temporalio.client.WorkflowFailureError: the run failed; its `cause` tells with what.
            AssertionError: it does not end, and why: it waits for a person, or its history does not fit the code.
        """
        __tracebackhide__ = True
        return await self._loop_thread.run(self._result())

    async def failed_with(self, error: type[BaseException] | str, *, match: str | None = None) -> ApplicationError:
        """Let the run come to its end, and assert that it failed with an error.

        Args:
            error: its class, or one that it derives from, or its name.
            match: a regular expression that its message contains.

        Returns:
            The failure: `.type`, `.message`.

        Raises:
            AssertionError: it ended otherwise.
        """
        __tracebackhide__ = True
        return await self._loop_thread.run(self._assert_failed_with(error, match))

    async def sleeping(self) -> Sleep:
        """Wait until the run sleeps, and nothing of it is under way. Returns the sleep that ends first.

        Raises:
            AssertionError: it ends instead, or waits for something else.
        """
        __tracebackhide__ = True
        return await self._loop_thread.run(
            self._until(lambda snapshot: min(snapshot.sleeps, key=lambda each: each.until, default=None), "sleep")
        )

    async def waiting_for_input(self) -> Question:
        """Wait until the run waits for a person, and nothing of it is under way. Returns what it asks first.

        Raises:
            AssertionError: it ends instead, or waits for something else.
        """
        __tracebackhide__ = True
        return await self._loop_thread.run(
            self._until(lambda snapshot: next(iter(snapshot.questions), None), "wait for input")
        )

    async def approve(self, *, id: str | None = None, by: str = "", reason: str = "") -> None:
        """Approve what the run asks, as `terse-temporal approve` does.

        Args:
            id: of the question, where there are several.
            by, reason: for the record.
        """
        __tracebackhide__ = True
        await self._loop_thread.run(self._decide({"approved": True, "by": by, "reason": reason}, id))

    async def deny(self, *, id: str | None = None, by: str = "", reason: str = "") -> None:
        """Deny what the run asks, as `terse-temporal deny` does."""
        __tracebackhide__ = True
        await self._loop_thread.run(self._decide({"approved": False, "by": by, "reason": reason}, id))

    async def answer(
        self,
        *,
        id: str | None = None,
        choice: str | None = None,
        text: str = "",
        data: Any = None,
        by: str = "a test",
    ) -> None:
        """Answer what the run asks, as `terse-temporal inputs answer` does.

        Args:
            id: of the question, where there are several.
            choice: the id of an option.
            text: what goes with it, or is the answer.
            data: of a form: JSON by the names of its fields.
            by: who answers.

        Raises:
            AnswerRefusedError: the run does not take it: `.kind`, `.fields`.
        """
        __tracebackhide__ = True
        answering = answer_question(self._loop_thread.client, self.id, id, choice=choice, text=text, data=data, by=by)
        await self._loop_thread.run(answering)

    async def send(self, name: str, data: Any = None, *, id: str | None = None) -> None:
        """Send an event to the run, as `Run.send` of a script does.

        Raises:
            EventError: the name or id can be none, or the data are no JSON.
            RunEndedError: the run has ended.
        """
        __tracebackhide__ = True
        sending = get_run(self.id, client=self._loop_thread.client)
        await self._loop_thread.run(sending.send(name, data, id=id))

    async def waiting_for_event(self) -> str:
        """Wait until the run waits for an event, and nothing of it is under way. Returns the name of the first.

        Raises:
            AssertionError: it ends instead, or waits for something else.
        """
        __tracebackhide__ = True
        return await self._loop_thread.run(self._until(_first_wait, "wait for an event"))

    async def cancel(self) -> None:
        """Ask the run to end, as `temporal workflow cancel` does."""
        __tracebackhide__ = True
        await self._loop_thread.run(self._handle.cancel())

    def __repr__(self) -> str:
        return f"<Run {self.id!r}>"

    def _snapshot_now(self) -> RunSnapshot:
        return self._loop_thread.wait(self._snapshot())

    async def _snapshot(self) -> RunSnapshot:
        snapshot = await take_snapshot(self._loop_thread.client, self._handle, self._reader)
        answers_now = self._answers and not (self._answers_when_idle and snapshot.has_pending_work)
        questions = [each for each in snapshot.questions if answers_now and each.id not in self._answering]
        answers = [answer for each in questions if (answer := self._inputs._answer_to(each)) is not None]
        for answer in answers:
            await self._give(answer)
        # What has been answered is no longer asked.
        return await take_snapshot(self._loop_thread.client, self._handle, self._reader) if answers else snapshot

    async def _give(self, answer: dict[str, Any]) -> None:
        """Give an answer of `jobs.inputs`, once: it is looked for at several places at a time."""
        __tracebackhide__ = True
        self._answering.add(answer["id"])
        try:
            await self._handle.execute_update(INPUT_UPDATE, answer)
        except WorkflowUpdateFailedError as failed:
            refused = refused_answer(failed)
            # It may have been answered by somebody else since the look.
            if refused.kind in ("wrong", "not_allowed"):
                # For whoever waits for the run: this may be a task of its own that lets time pass.
                self._answers = False
                self._refused = f"it refuses the answer that jobs.inputs has to its question {answer['id']}: {refused}"
        except (RPCError, WorkflowUpdateRPCTimeoutOrCancelledError):  # the run may have ended
            pass
        finally:
            self._answering.discard(answer["id"])

    async def _timeline(self) -> str:
        snapshot = await self._snapshot()
        if not snapshot.is_open:
            # Its history tells no more of them.
            entries = [entry for entry in snapshot.timeline.entries if entry.kind == "run"]
            for entry, record in zip(entries, snapshot.timeline.history.children, strict=False):
                if record.run_id and record.ended is None:
                    entry.state, entry.ended = await self._end_of(record.workflow_id, record.run_id)
        return snapshot.table()

    async def _end_of(self, id: str, run_id: str) -> tuple[State, datetime | None]:
        """Return how a run that this one has started stands, and when it ended."""
        try:
            described = await self._loop_thread.client.get_workflow_handle(id, run_id=run_id).describe()
        except RPCError:  # it is kept no longer
            return "running", None
        state = _STATES.get(described.status) if described.status is not None else None
        return ("running", None) if state is None else (state, described.close_time)

    async def _answered_snapshot(self) -> RunSnapshot:
        """Return how it stands, with what is asked by the runs that it has started answered too."""
        snapshot = await self._snapshot()
        if snapshot.has_children and self._inputs._any:
            await asyncio.gather(*(child._answered_snapshot() for child in await self._open_children()))
        return snapshot

    async def _children(self) -> list[Run]:
        await self._snapshot()
        return self._read_children()

    def _read_children(self, *, only_open: bool = False) -> list[Run]:
        """Return them as far as the history has been read."""
        recorded = self._reader.timeline.history.children
        for record in recorded:
            if record.run_id and record.run_id not in self._known_children:
                self._known_children[record.run_id] = self._child(record.name, record.workflow_id, record.run_id)
        told = {each.run_id for each in recorded if each.ended is not None} if only_open else ()
        return [run for run_id, run in self._known_children.items() if run is not None and run_id not in told]

    async def _open_children(self) -> list[Run]:
        """Return those of them that are open; one that has ended is no longer once this run has been told."""
        began = time.monotonic()
        while True:
            await self._snapshot()
            open_ones = self._read_children(only_open=True)
            snapshots = await asyncio.gather(*(run._snapshot() for run in open_ones))
            if all(each.is_open for each in snapshots) or time.monotonic() - began > self._timeout:
                return open_ones
            await self._moment()

    async def _result(self) -> Any:
        __tracebackhide__ = True
        skipping = asyncio.create_task(self._skip_to_the_end())

        def ended(snapshot: RunSnapshot) -> bool | None:
            __tracebackhide__ = True
            if (
                snapshot.sleeps
                and not snapshot.has_pending_work
                and skipping.done()
                and (said := skipping.result()) is not None
            ):
                rest = min(each.until for each in snapshot.sleeps) - snapshot.clock
                if rest.total_seconds() > self._timeout:
                    raise self._skipping_error(said)
            return None if snapshot.is_open else True

        try:
            await self._until(ended, "end", at_end=True)
        finally:
            skipping.cancel()
            with suppress(asyncio.CancelledError):
                await skipping
        try:
            return await self._handle.result()
        except WorkflowFailureError as failed:
            # The SDK's words are "Workflow execution failed", after forty lines of its own.
            failed.args = (f"the run {self.id} failed with {describe_failure(failed.cause)}",)
            raise failed.with_traceback(None) from failed.cause

    async def _skip_to_the_end(self) -> str | None:
        """Skip what is left; why the server does not, if so: one of the user's may keep to the clock on the wall."""
        if self._look_for_waits(self.job) is not None or self._inputs._any:
            await self._skip_from_wait_to_wait()
            return None
        # The server skips no time of a run while one that it has started is open.
        own = asyncio.ensure_future(fast_forward(self._loop_thread.skipper, self._handle))
        others: dict[Run, asyncio.Future[str | None]] = {}
        try:
            await self._snapshot()
            while not own.done():
                for child in self._read_children(only_open=True):
                    if child not in others:
                        others[child] = asyncio.ensure_future(child._skip_to_the_end())
                await asyncio.wait([own], timeout=_SNAPSHOT_AT_LEAST_EVERY)
                if not own.done() and _is_asking(await self._snapshot()):
                    # Nobody answers, however often people are reminded. The server goes on until it is told otherwise.
                    await fast_forward(self._loop_thread.skipper, self._handle, timedelta(milliseconds=1))
                    return None
            await own
        except RPCError as err:
            return err.message
        finally:
            own.cancel()
            for each in others.values():
                each.cancel()
            await asyncio.gather(own, *others.values(), return_exceptions=True)
        return None

    async def _skip_from_wait_to_wait(self) -> None:
        """Skip what is left one sleep or timeout after the other, so that what was delivered comes before its end."""
        while (snapshot := await self._hear()).is_open:
            if (
                not snapshot.has_pending_work
                and not _is_asking(snapshot)
                and (wake := await self._next_wake()) is not None
            ):
                await self._skip(max(wake, timedelta(milliseconds=1)))
            else:
                await self._moment()

    async def _hear(self) -> RunSnapshot:
        """Let what was delivered reach the run, if it waits for that by now, and return how it stands then."""
        snapshot = await self._snapshot()
        look = self._look_for_waits(self.job)
        began = time.monotonic()
        while look is not None and snapshot.delivery_waits and time.monotonic() - began < _HEARD_WITHIN:
            known = await look(self.id)
            await self._settle()
            snapshot = await self._snapshot()
            if known >= snapshot.delivery_waits:
                break
            await self._moment()
        return snapshot

    def _skipping_error(self, said: str) -> JobTestError:
        return JobTestError(
            f"the server at {self._loop_thread.address} does not skip time: {said.rstrip('.')}. Start it with"
            " --dynamic-config-value frontend.WorkflowTimeSkippingEnabled=true, or leave --terse-address out."
        )

    async def _assert_failed_with(self, error: type[BaseException] | str, match: str | None) -> ApplicationError:
        __tracebackhide__ = True
        wanted = error if isinstance(error, str) else error.__name__
        try:
            result = await self._result()
        except WorkflowFailureError as failed:
            cause = failed.cause
            if not isinstance(cause, ApplicationError) or not is_of(cause, error):
                raise AssertionError(
                    f"the run {self.id} did not fail with {wanted}, but with {describe_failure(cause)}"
                ) from None
            if match is not None and not re.search(match, cause.message):
                raise AssertionError(
                    f"the run {self.id} failed with {wanted}, with another message:\n  expected: {match}\n"
                    f"  was:      {cause.message}"
                ) from None
            return cause
        raise AssertionError(f"the run {self.id} did not fail with {wanted}; it completed, with the result {result!r}")

    async def _skip(self, duration: timedelta) -> None:
        """Let the clock go on by a time, and the run with it: to the end of one sleep after the other.

        Not in one go: the server jumps over the whole of a sleep that begins within the millisecond in which the time
        that is skipped ends, which where a step or a sleep ends with it is one time in twenty. Nor with a stop while a
        step waits for its next attempt, unless that is due then: at a stop the server makes it.
        """
        __tracebackhide__ = True
        snapshot = await self._snapshot()
        end = snapshot.clock + duration
        if snapshot.has_pending_work and snapshot.next_attempt is None:  # on its way to a sleep
            await self._settle()
            snapshot = await self._snapshot()
        while (snapshot := await self._hear()).is_open and snapshot.clock < end:
            if children := await self._open_children():
                end -= await self._skip_children(children, end - snapshot.clock)
                continue
            ends = [*(each.until for each in snapshot.sleeps), *snapshot.limits]
            if snapshot.next_attempt is not None:
                ends = [snapshot.next_attempt] if snapshot.next_attempt > end - _TOGETHER else []
            ahead = [each for each in ends if snapshot.clock < each < end]
            await self._jump(min(ahead, default=end) - snapshot.clock)
            if self._trouble() is not None:
                return

    async def _skip_children(self, children: Sequence[Run], longest: timedelta) -> timedelta:
        """Let the clocks of the runs that it has started go on to where the first of them wakes, and return how far.

        The server skips no time of a run while one that it has started is open, so its own clock stays where it is.
        """
        __tracebackhide__ = True
        before = await self._snapshot()
        wakes = await asyncio.gather(*(child._next_wake() for child in children))
        duration = max(min([longest, *(each for each in wakes if each is not None)]), timedelta(milliseconds=1))
        due = [each for each in before.sleeps if each.until - before.clock <= duration]
        if due:
            # One may be about to end, having just been cancelled.
            await asyncio.gather(*(child._settle() for child in children))
            children = await self._open_children()
            if not children:
                return timedelta()
            raise JobTestError(
                f"time cannot be skipped for the run {self.id} to the end of its sleep of"
                f" {format_duration(due[0].duration)}: the server skips none while a run that it has started is open,"
                f" and {', '.join(each.id for each in children)} is. Let that come to its end first: await"
                " run.children[0].result(), or .cancel()."
            )
        await asyncio.gather(*(child._skip(duration) for child in children))
        await self._settle()
        return duration

    async def _next_wake(self) -> timedelta | None:
        """Return how long until the next of its sleeps ends, or of those of the runs that it has started."""
        snapshot = await self._snapshot()
        ends = [*(each.until for each in snapshot.sleeps), *snapshot.limits]
        if snapshot.next_attempt is not None:
            ends.append(snapshot.next_attempt)
        inner = [await child._next_wake() for child in await self._open_children()]
        return min(
            [*(each - snapshot.clock for each in ends), *(each for each in inner if each is not None)], default=None
        )

    async def _jump(self, duration: timedelta) -> None:
        """Let the clock go on by a time in which nothing ends before its end."""
        __tracebackhide__ = True
        skipping = asyncio.create_task(fast_forward(self._loop_thread.skipper, self._handle, duration))
        try:
            await self._until(
                lambda _: skipping.done() or None,
                "come to the end of the time that is skipped",
                at_end=True,
                may_rest=True,
            )
            await skipping
        except RPCError as err:
            raise self._skipping_error(err.message) from None
        finally:
            skipping.cancel()
        await self._settle()

    async def _settle(self) -> None:
        """Wait until nothing is under way; a step that the test itself holds up is not waited for."""
        __tracebackhide__ = True
        seen: object = None
        since = began = time.monotonic()
        while (snapshot := await self._snapshot()).has_pending_work and self._trouble() is None:
            now = time.monotonic()
            what = len(snapshot.history.events), snapshot.next_attempt
            if what != seen:
                seen, since = what, now
            elif now - since > _SETTLED_AFTER and (
                snapshot.next_attempt is not None or snapshot.blocked or self._held()
            ):
                return
            if now - began > self._timeout:
                raise AssertionError(
                    f"the run {self.id} is not idle after the time that was skipped, in {self._timeout:g} s:"
                    f" a step takes that long in truth.\n{snapshot.table()}"
                )
            await self._moment()

    async def _decide(self, answer: dict[str, Any], id: str | None) -> None:
        __tracebackhide__ = True
        try:
            await self._handle.execute_update(INPUT_UPDATE, answer if id is None else {"id": id, **answer})
        except WorkflowUpdateFailedError as failed:
            raise JobTestError(
                f"the run {self.id} was not answered: {getattr(failed.cause, 'message', failed)}"
            ) from None
        except RPCError as err:
            raise JobTestError(f"the run {self.id} was not answered: {err.message}") from None

    async def _until(
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
        limit = self._timeout
        began = quiet_since = time.monotonic()
        while True:
            snapshot = await self._answered_snapshot()
            is_idle = not snapshot.has_pending_work or snapshot.next_attempt is not None
            if (at_end or is_idle) and (found := wanted(snapshot)) is not None:
                return found
            now = time.monotonic()
            # It may be answered by another task, one that lets time pass.
            is_being_answered = any(each.id in self._answering for each in snapshot.questions)
            if snapshot.has_pending_work or snapshot.sleeps or snapshot.has_children or may_rest or is_being_answered:
                quiet_since = now
            if (trouble := self._trouble() or self._refused) is not None:
                raise AssertionError(f"the run {self.id} does not {what}: {trouble}")
            if not snapshot.is_open and not at_end:
                raise AssertionError(
                    f"the run {self.id} does not {what}, it has ended: {await self._describe_end(snapshot)}"
                )
            if not snapshot.is_open and now - began <= limit:
                await self._moment()
                continue
            if snapshot.blocked and (snapshot.is_nondeterminism or now - began > _BLOCKED_AFTER):
                raise AssertionError(f"the run {self.id} does not {what}: {await self._describe_block(snapshot)}")
            if (
                _is_asking(snapshot)
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
            await self._moment()

    async def _moment(self) -> None:
        """Wait until there may be something new to see."""
        await asyncio.sleep(_SNAPSHOT_EVERY)
        await self._reader.wait(_SNAPSHOT_AT_LEAST_EVERY - _SNAPSHOT_EVERY)

    async def _describe_end(self, snapshot: RunSnapshot) -> str:
        try:
            result = await self._handle.result()
        except WorkflowFailureError as failed:
            return f"it failed with {describe_failure(failed.cause)}\n{snapshot.table()}"
        return f"it completed, with the result {result!r}\n{snapshot.table()}"

    async def _describe_block(self, snapshot: RunSnapshot) -> str:
        async for each in replay([self.job], [snapshot.history], runtime=self._loop_thread.runtime):
            if each.failure is not None:
                what = "its history does not fit the code." if snapshot.is_nondeterminism else "its code cannot be run:"
                return f"{what} {each.failure}\n{each.table or ''}"
        return f"its code cannot be run: {snapshot.blocked}"


def _is_asking(snapshot: RunSnapshot) -> bool:
    """Return whether it asks people something that no time ends, and does not sleep beside that."""
    return any(each.until is None for each in snapshot.questions) and not snapshot.sleeps


def asked_text(questions: Sequence[Question]) -> str:
    """Return what is to be answered, and how a test does that."""
    tools = " and ".join(question_text(vars(each)) for each in questions if each.tool)
    others = " and ".join(repr(shorten(each.prompt, 100)) for each in questions if not each.tool)
    said = []
    if tools:
        said.append(
            f"waits for somebody to approve {tools}. Do it in the test, await run.approve(), or before it asks,"
            " jobs.inputs.approves(…)."
        )
    if others:
        said.append(
            f"waits for somebody to answer {others}. Do it in the test, await run.answer(…), or before it asks,"
            " jobs.inputs.answers(…)."
        )
    return " It ".join(said)


def _first_wait(snapshot: RunSnapshot) -> str | None:
    return next((str(each["event"]) for each in snapshot.waits), None)


def _stuck_text(snapshot: RunSnapshot) -> str:
    if not snapshot.waits:
        return "nothing is under way"
    waits = " and ".join(map(wait_text, snapshot.waits))
    if snapshot.delivery_waits == len(snapshot.waits):
        return f'it waits for {waits}. Deliver it in the test, await jobs.deliver("…", payload)'
    sending = 'jobs.send_event("…", key="…")' if any("key" in each for each in snapshot.waits) else 'run.send("…")'
    return f"it waits for {waits}. Send it in the test, await {sending}"
