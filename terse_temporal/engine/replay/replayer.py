"""Replaying histories against the jobs of this process, and saying what does not fit.

The SDK's replayer does the work. It was made for tests that ought to pass, and three things about it are not for
histories of which some will not. It keeps only the engine's last words of what went wrong, not what the code did. A
history that is not whole makes it wait for ever (`replayable.py`). And one job whose module cannot be executed afresh
stops all the others. So histories are looked at before they are handed to it, one at a time, and what the code did is
taken from the run when the engine drops it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Iterable,
    Sequence,
)
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from dataclasses import dataclass
from typing import Final

from temporalio.api.history.v1 import HistoryEvent
from temporalio.bridge.proto.workflow_activation import RemoveFromCache
from temporalio.client import WorkflowHistory
from temporalio.converter import DataConverter
from temporalio.runtime import Runtime
from temporalio.worker import Replayer, WorkflowReplayResult
from temporalio.workflow import Info, NondeterminismError

from ...converter import with_environment
from ...diagnostics.text import did_you_mean, one_line, shorten
from ...encryption.converting import reading_converter
from ...errors import TerseError, UnknownJobError
from ...jobs.job import Job
from ...jobs.registry import registered_jobs
from ...serialization.wire_names import OWN_WORKFLOW_TYPES
from ..plugin import OWN_WORKFLOWS, TersePlugin
from ..wire.continued import read_history
from ..wire.history import RunHistory
from ..workflow.commands import PendingCommand
from ..workflow.definitions import RunContext
from ..workflow.nondeterminism import first_difference, place_of_difference, recorded_calls, side_by_side, summarize
from ..workflow.runner import JobRunner
from ..workflow.sandbox import JobSource
from .replayable import completed_events, incomplete, missing_data, missing_key, unknown_encoding

__all__ = ["BEFORE_THAT", "Replayed", "replay"]

#: How the engine names the event that does not fit.
_EVENT: Final = re.compile(r"HistoryEvent(?:\(id:| \{ event_id:) (\d+)")

_ENGINES_PREFIX: Final = "[TMPRL1100] Nondeterminism error: "

#: What comes after it in a `failure` may be another for every run: an error may quote an event.
BEFORE_THAT: Final = ": before that it "

#: Nobody sees it. By itself the SDK hashes the bytecode of all modules, in a third of a second for each process.
_BUILD_ID: Final = "replay"

#: Characters of an error's message. One of pydantic has a line for each field.
_SHORT: Final = 300


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of replaying one history.

    Attributes:
        workflow_id, run_id: whose history it is; empty where it does not say.
        job: the workflow type.
        failure: `None` if it fits, else why not, in a sentence.
        table: what was recorded beside what the code does now, where there is that to show.
        at: the step, or sleep, at which it breaks: `step 'send_welcome'`.
        waits: whether the run waits already: its last workflow task was given up because the history did not fit.
        cure: what to change, where the code only calls a step by another name than was recorded.
        unreadable: whether it could not be replayed at all, and `failure` says why. Nothing is known of such a one.
    """

    workflow_id: str
    run_id: str
    job: str
    failure: str | None
    table: str | None = None
    at: str | None = None
    waits: bool = False
    unreadable: bool = False
    cure: str | None = None


async def replay(
    jobs: Iterable[Job] | None,
    histories: AsyncIterable[WorkflowHistory] | Iterable[WorkflowHistory],
    *,
    data_converter: DataConverter | None = None,
    namespace: str | None = None,
    runtime: Runtime | None = None,
) -> AsyncGenerator[Replayed, None]:
    """Replay histories, one after the other, and say of each whether it fits the jobs.

    Nothing is executed but handlers: no step, no tool, and no server is asked. A run that is still open is replayed as
    far as its last workflow task that was completed.

    Args:
        jobs: the jobs; `None` is every registered one.
        histories: of runs of jobs, and of the state of jobs, whatever has become of the runs.
        data_converter: the one of the workers, where their data are encoded in a way of their own; what the environment
            asks for (`with_environment`) is added.
        namespace: what handlers see as theirs. It makes no difference to whether a history fits.
        runtime: of the SDK; its default one logs to standard error.

    Raises:
        UnknownJobError: two of the jobs have one name.

    Costs some 10 ms for a small history. Most of it is the job's module, which is executed afresh for each, and once
    more for the first.
    """
    chosen = list(registered_jobs() if jobs is None else jobs)
    if twice := sorted(name for name, count in Counter(job.name for job in chosen).items() if count > 1):
        raise UnknownJobError(f"jobs=[…] has two of the same name: {', '.join(map(repr, twice))}")
    async with _Replays(chosen, with_environment(data_converter), namespace or "default", runtime) as replays:
        async for history in _each(histories):
            yield await replays.replayed(history)


class _EvictedRun:
    """Keeps what the code did in the run that left the cache last."""

    def __init__(self) -> None:
        self.context: RunContext | None = None
        self.ended: str | None = None

    def evicted(self, info: Info, why: RemoveFromCache, context: RunContext, caught_up: bool) -> None:
        # As it is now: a handler that is waiting is ended next, by an error that is thrown into it.
        self.context, self.ended = context, context.ended


class _Next:
    """The histories of a replayer: the one that is put here."""

    history: WorkflowHistory | None = None

    def __aiter__(self) -> _Next:
        return self

    async def __anext__(self) -> WorkflowHistory:
        if self.history is None:
            raise StopAsyncIteration
        return self.history


class _Replays:
    """A replayer that is made when it is first needed, and again when it has broken down."""

    def __init__(self, jobs: Sequence[Job], converter: DataConverter, namespace: str, runtime: Runtime | None) -> None:
        self._jobs = {job.name: job for job in jobs}
        self._all = jobs
        self._converter = converter
        self._namespace = namespace
        self._runtime = runtime
        self._problems: dict[str, str | None] = {}
        self._kept = _EvictedRun()
        self._next = _Next()
        self._opened = AsyncExitStack()
        self._results: AsyncIterator[WorkflowReplayResult] | None = None

    async def __aenter__(self) -> _Replays:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._close()

    async def _close(self) -> None:
        self._next.history = None
        results, self._results = self._results, None
        if results is not None:
            await anext(results, None)  # there is no next one, so that it comes to its end
        await self._opened.aclose()

    async def replayed(self, history: WorkflowHistory) -> Replayed:
        """Return what comes of one."""
        of = _HistoryInfo(history)
        if of.problem is not None:
            return of.unreadable(of.problem)
        if (why := self._problem(of.job)) is not None:
            return of.broken(
                why, cure=None if of.job in self._jobs else await _where_else(of.recorded, self._converter)
            )
        events = completed_events(history.events)
        if not events:
            # No worker has completed a workflow task of it, so there is nothing that could differ.
            return of.broken(None)
        return await self._compare(of, events)

    async def _compare(self, of: _HistoryInfo, events: Sequence[HistoryEvent]) -> Replayed:
        self._kept.context = self._kept.ended = None
        try:
            error = await self._error_of(WorkflowHistory(of.workflow_id, events))
        except Exception as err:
            await self._close()
            return of.unreadable(f"the engine broke down over this history: {type(err).__name__}: {err}")
        if error is None:
            return of.broken(None)
        if (why := missing_key(events, self._converter)) is not None:
            return of.unreadable(why)
        if (why := await missing_data(events, self._converter)) is not None:
            return of.unreadable(why)
        if (encoding := unknown_encoding(events, self._converter)) is not None:
            return of.unreadable(
                f"its data are encoded as {encoding!r}, which cannot be read here. Where workers have a payload codec,"
                " a replay needs it too: Replayer(workflows=[], plugins=[TersePlugin()], data_converter=…) in a test"
            )
        history = await read_history(events, self._converter)
        recorded = recorded_calls(history)
        blocked = self._kept.context.execution.blocked if self._kept.context is not None else None
        if blocked is not None:
            assert self._kept.context is not None
            made = self._kept.context.execution.commands
            table = side_by_side(recorded, made, place_of_difference(history, made, blocked.index))
            return of.broken(str(blocked), at=f"step {blocked.step!r}", table=table)
        said = summarize(str(error)).removeprefix(_ENGINES_PREFIX)
        now = self._kept.context.execution.commands if self._kept.context is not None else None
        if now is None:
            return of.broken(said)
        at, why = _difference(recorded, now, self._kept.ended)
        if why is None:
            return of.broken(said, at=_call_at(said, recorded))
        # Where it is something else, such as a handler that does not yield, the columns only say how far it came.
        why = why if isinstance(error, NondeterminismError) else said
        return of.broken(why, at=at, table=side_by_side(recorded, now), cure=_advice(recorded, now, of.job))

    async def _error_of(self, history: WorkflowHistory) -> Exception | None:
        results = self._results
        if results is None:
            results = self._results = await self._opened.enter_async_context(self._replayer())
        self._next.history = history
        return (await anext(results)).replay_failure

    def _replayer(self) -> AbstractAsyncContextManager[AsyncIterator[WorkflowReplayResult]]:
        # Not waited for: the thread of a handler that does not yield may never come back.
        threads = ThreadPoolExecutor(2, thread_name_prefix="terse-replay")
        self._opened.callback(threads.shutdown, wait=False)
        usable = [job for job in self._all if _source(job) is not None]
        replayer = Replayer(
            workflows=[] if usable else OWN_WORKFLOWS,
            plugins=[TersePlugin(usable)] if usable else [],
            workflow_task_executor=threads,
            data_converter=reading_converter(self._converter),
            namespace=self._namespace,
            runtime=self._runtime,
            build_id=_BUILD_ID,
        )
        runner = replayer.config(active_config=True)["unsandboxed_workflow_runner"]
        if isinstance(runner, JobRunner):
            runner.reporter = self._kept
            # Each is executed when a history is the first of it: one that cannot be must not stop the others.
            runner.prepared.update(job._home for job in usable)
        return replayer.workflow_replay_iterator(self._next)

    def _problem(self, name: str) -> str | None:
        """Return why no run of a job could be replayed."""
        if name in OWN_WORKFLOW_TYPES:
            return None
        job = self._jobs.get(name)
        if job is None:
            return _unknown(name, self._jobs)
        module = job._home
        if module not in self._problems:
            self._problems[module] = _cannot_be_executed(job)
        return self._problems[module]


class _HistoryInfo:
    """Whose history it is, and whether it is a whole one."""

    def __init__(self, history: WorkflowHistory) -> None:
        events = history.events
        self.workflow_id, self.job = history.workflow_id, ""
        self.recorded = recorded = RunHistory(events)
        self.waits = recorded.nondeterminism is not None and recorded.ended is None
        self.problem = incomplete(events)
        self.run_id = recorded.run_id
        if recorded.started is not None:
            self.job = recorded.started.workflow_type.name
            self.workflow_id = self.workflow_id or recorded.started.workflow_id

    def broken(
        self, failure: str | None, *, at: str | None = None, table: str | None = None, cure: str | None = None
    ) -> Replayed:
        return Replayed(self.workflow_id, self.run_id, self.job, failure, table, at, self.waits, cure=cure)

    def unreadable(self, failure: str) -> Replayed:
        return Replayed(self.workflow_id, self.run_id, self.job, failure, waits=self.waits, unreadable=True)


def _source(job: Job) -> JobSource | None:
    try:
        return JobSource(job)
    except TerseError:
        return None


def _cannot_be_executed(job: Job) -> str | None:
    try:
        JobSource(job).prepare()
    except TerseError as err:
        return str(err)
    except (Exception, SystemExit) as err:
        return (
            f"the module of the job {job.name!r} ({job.where}) cannot be executed afresh, as every run does it:"
            f" {type(err).__name__}: {err}"
        )
    return None


def _unknown(name: str, jobs: Iterable[str]) -> str:
    known = sorted(jobs)
    return f"there is no job {name!r} here" + (
        did_you_mean(name, known) or f"; there is {', '.join(map(repr, known)) or 'none at all'}"
    )


async def _where_else(history: RunHistory, converter: DataConverter) -> str:
    """Return what to do about a run whose job is not here: the history of a step says which module it was of."""
    home = "the module that has it"
    for step in history.steps:
        with suppress(Exception):  # what is encrypted, or no step of ours, says nothing
            (call,) = await converter.decode(step.input)
            module = call["step"].partition(":")[0]
            if module and not module.startswith("@"):
                home = f"the module {shorten(one_line(module), _SHORT)!r}, which has its steps"
                break
    return f"if it is the job of another file, load {home}, as well; else end the run (temporal workflow terminate)"


def _difference(
    recorded: Sequence[PendingCommand], now: Sequence[PendingCommand], ended: str | None
) -> tuple[str | None, str | None]:
    """Return where the two differ, and how, in words; nothing where the columns are the same."""
    index = first_difference(recorded, now)
    was = recorded[index] if index < len(recorded) else None
    does = now[index] if index < len(now) else None
    if was is not None and does is not None:
        return _describe(was), f"recorded is {_describe(was)}, and the code now makes {_describe(does)} ({does.where})"
    if was is not None:
        return _describe(was), (
            f"recorded is {_describe(was)}, and the code does not come to it now{BEFORE_THAT}"
            f"{shorten(ended or 'waits for something else', _SHORT)}"
        )
    if does is not None:
        return _describe(does), f"the code now makes {_describe(does)} ({does.where}), and nothing of it is recorded"
    return None, None


def _advice(recorded: Sequence[PendingCommand], now: Sequence[PendingCommand], job: str) -> str | None:
    """Return what to write, where one step stands at the place of another that the code has no more: it was renamed."""
    index = first_difference(recorded, now)
    if index >= min(len(recorded), len(now)):
        return None
    was, does = recorded[index], now[index]
    # Names with a dot are those of tools and of state, and a job that is not durable is one step of its name.
    if any(call.kind != "step" or "." in call.name or call.name == job for call in (was, does)):
        return None
    if was.name in {call.name for call in now} or does.name in {call.name for call in recorded}:
        return None  # it was moved, put before it, or taken away
    return (
        f'if {does.where} is that step under a new name, let it keep the old one: name="{was.name}" in its job_step(…)'
        " or @step(…)"
    )


def _describe(call: PendingCommand) -> str:
    return f"sleep of {call.name}" if call.kind == "sleep" else f"{call.kind} {call.name!r}"


def _call_at(said: str, recorded: Sequence[PendingCommand]) -> str | None:
    """Return the last call at or before the event that the engine names."""
    found = _EVENT.search(said)
    if found is None:
        return None
    here = [call for call in recorded if call.where.startswith("event ")]
    before = [call for call in here if int(call.where.removeprefix("event ")) <= int(found[1])]
    return _describe(before[-1]) if before else None


async def _each(
    histories: AsyncIterable[WorkflowHistory] | Iterable[WorkflowHistory],
) -> AsyncIterator[WorkflowHistory]:
    if isinstance(histories, AsyncIterable):
        async for history in histories:
            yield history
    else:
        for history in histories:
            yield history
