"""One run of a job in a test."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from temporalio.client import (
    WorkflowExecutionStatus,
    WorkflowFailureError,
    WorkflowUpdateFailedError,
)
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from ..errors import JobTestError
from ..jobs.job import Job
from ..jobs.runs import get_run
from ..runs.inputs import answer_question
from ..runs.timeline import Entry, State
from ..serialization.wire_names import INPUT_UPDATE
from .endings import describe_failure, is_of
from .questions import Question
from .skipping import skip_to_the_end, skipping_error
from .snapshot import RunSnapshot, Sleep
from .watched_run import WatchedRun

__all__ = ["Run"]

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

    def __init__(self, watched: WatchedRun) -> None:
        self._watched = watched
        self._loop_thread = watched.loop_thread
        self._handle = watched.handle
        self._of_children: dict[WatchedRun, Run] = {}
        self.job: Job = watched.job

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
        children = self._loop_thread.wait(self._watched.children())
        return [self._of_children.setdefault(each, Run(each)) for each in children]

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
        return await self._loop_thread.run(self._watched.until(_first_sleep, "sleep"))

    async def waiting_for_input(self) -> Question:
        """Wait until the run waits for a person, and nothing of it is under way. Returns what it asks first.

        Raises:
            AssertionError: it ends instead, or waits for something else.
        """
        __tracebackhide__ = True
        return await self._loop_thread.run(self._watched.until(_first_question, "wait for input"))

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
        return await self._loop_thread.run(self._watched.until(_first_wait, "wait for an event"))

    async def cancel(self) -> None:
        """Ask the run to end, as `temporal workflow cancel` does."""
        __tracebackhide__ = True
        await self._loop_thread.run(self._handle.cancel())

    def __repr__(self) -> str:
        return f"<Run {self.id!r}>"

    def _snapshot_now(self) -> RunSnapshot:
        return self._loop_thread.wait(self._watched.snapshot())

    async def _timeline(self) -> str:
        snapshot = await self._watched.snapshot()
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

    async def _result(self) -> Any:
        __tracebackhide__ = True
        skipping = asyncio.create_task(skip_to_the_end(self._watched))

        def ended(snapshot: RunSnapshot) -> bool | None:
            __tracebackhide__ = True
            if (
                snapshot.sleeps
                and not snapshot.has_pending_work
                and skipping.done()
                and (said := skipping.result()) is not None
            ):
                rest = min(each.until for each in snapshot.sleeps) - snapshot.clock
                if rest.total_seconds() > self._watched.timeout:
                    raise skipping_error(self._watched, said)
            return None if snapshot.is_open else True

        try:
            await self._watched.until(ended, "end", at_end=True)
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


def _first_sleep(snapshot: RunSnapshot) -> Sleep | None:
    return min(snapshot.sleeps, key=lambda each: each.until, default=None)


def _first_question(snapshot: RunSnapshot) -> Question | None:
    return next(iter(snapshot.questions), None)


def _first_wait(snapshot: RunSnapshot) -> str | None:
    return next((str(each["event"]) for each in snapshot.waits), None)
