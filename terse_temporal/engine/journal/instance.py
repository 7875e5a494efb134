"""A run that continues as new by itself, and is one run to its handler.

The SDK's workflow instance is handed, one by one, what came to the handler in the runs before (`entries.py`), and what
it asks for meanwhile is compared with what is recorded and thrown away. So the handler comes to where it was, by the
way on which it came there: the order in which steps ended, the clock, ids, random numbers and keys are as they were,
and nothing below this place knows of it. Then what is open is asked for anew (`open_commands.py`), and the run goes on.

A run continues between two messages to the server: where all that it has told it of has ended, it does not tell it what
comes next, and has the next run tell that.

A long journal is replayed in slices of a fixed number of entries, with a local activity between two of them, so that
neither the SDK takes the run for one that stands still nor the server for one whose worker is lost. What comes to the
run meanwhile waits until that is over.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, timedelta
from typing import Any, Final, Protocol

from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.common.v1 import Payload
from temporalio.bridge.proto.workflow_activation import (
    DoUpdate,
    InitializeWorkflow,
    WorkflowActivation,
    WorkflowActivationJob,
)
from temporalio.bridge.proto.workflow_commands import ScheduleLocalActivity, WorkflowCommand
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails
from temporalio.workflow import Info

from ...errors import JournalError
from ...serialization.wire_names import (
    BEGAN_MEMO,
    CHILD_ENDED_MARKER,
    CONTINUED_MARKER,
    HELD_MARKER,
    JOURNAL_REPLAY,
    OVER_MARKER,
    SDK_REFERENCE,
)
from ..wire.calls import StepCall
from ..wire.journal import Journal, Manifest, payload_to_wire, read_entries, read_journal, wire_to_payload
from .bounds import Bounds, Length, task_seconds
from .entries import COMPARED, activation_of, described, is_eviction, is_query
from .followed_children import FollowedChildren
from .open_commands import OpenCommands, is_end
from .recording import Recorder

__all__ = ["Host", "JournaledInstance"]

#: Entries that are replayed at a time. Written into the manifest, as a replay has to do likewise. An entry takes half a
#: millisecond, and took three on a machine where others had the processors: of the SDK's two seconds this leaves most.
_SLICE: Final = 100

#: So many commands and jobs of an entry count as one more: a handler may begin a thousand steps in one entry.
_HEAVY: Final = 10

#: Things in flight that are named.
_SHOWN: Final = 5

#: Numbers of the activities between slices: the SDK's own begin with 1.
_SLICE_NUMBER: Final = 1 << 30

#: What stays of the commands with which a run continues: what is said of it, and markers, without which a replay of
#: this history would go another way.
_SAID: Final = (
    "modify_workflow_properties",
    "upsert_workflow_search_attributes",
    "set_patch_marker",
    "update_response",
    "respond_to_query",
)


class Host(Protocol):
    """What stands around a run."""

    bounds: Bounds

    def make(self, details: WorkflowInstanceDetails) -> WorkflowInstance:
        """Make the SDK's instance of the workflow."""
        ...

    def begin(self, act: WorkflowActivation) -> None:
        """Prepare for the handler's being advanced by what has come."""
        ...

    @property
    def is_blocked(self) -> bool:
        """Whether the run stands still, as its history does not fit the code."""
        ...

    def block(self, step: str, problem: str) -> None:
        """Have it stand still."""
        ...

    def fail(self, command: WorkflowCommand, error: JournalError) -> None:
        """Make a command with which the run ends, as it cannot go on."""
        ...

    def hold(self, events: int, until: str) -> None:
        """Say that nothing new is begun until something has ended, so that the run can continue.

        Args:
            events: of its history.
            until: what has to end; empty where that is nothing but local steps.
        """
        ...

    def cannot_carry(self, events: int, size: int, most: int) -> None:
        """Say that the run cannot continue in a new history, and ends with this one.

        Args:
            events: of its history.
            size: bytes that it would have to carry.
            most: bytes that it can.
        """
        ...

    def largest_journal(self) -> int | None:
        """Return how many bytes a run can carry; `None` where that has no bound, as there is a storage."""
        ...


class JournaledInstance(WorkflowInstance):
    """The workflow instance of one run, with what the runs before it carry.

    Args:
        host: what stands around it.
        details: of the workflow, as the SDK has given them.
    """

    def __init__(self, host: Host, details: WorkflowInstanceDetails) -> None:
        self._host = host
        self._details = details
        #: The SDK's own instance.
        self.inner = host.make(details)
        self._start = InitializeWorkflow()
        self._second: Payload | None = None
        self._inputs = 0
        self._manifest: Manifest | None = None
        self._recorder = Recorder()
        self._open = OpenCommands()
        self._followed: FollowedChildren | None = None
        self._replaying: Iterator[dict[str, Any]] | None = None
        self._journal: Journal | None = None
        self._waiting: list[WorkflowActivationJob] = []
        self._slices = 0
        #: The updates that the server has been told are accepted, though the handler has not been asked yet.
        self._accepted: set[str] = set()
        self._is_cut_off = False
        self._is_holding = False
        #: Whether the run would have to carry more than it can, and the log has said so.
        self._too_much = False
        self._is_told = False
        #: How much has come to the handler in this history: by it are the places known at which a marker stands.
        self._came = 0
        self._markers: set[str] = set()
        # Local steps that have ended since the history was told of, which it does not count yet.
        self._told_length = self._local = 0

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        if is_eviction(act) or is_query(act):
            return self.inner.activate(act)
        for job in act.jobs:
            if job.HasField("initialize_workflow"):
                self._begin(act, job.initialize_workflow)
            elif job.HasField("notify_has_patch"):
                self._markers.add(job.notify_has_patch.patch_id)
        if self._replaying is not None:
            return self._replay_slice(act)
        return self._go_on(act, self._follow_on(act))

    def _follow_on(self, act: WorkflowActivation) -> list[WorkflowCommand]:
        """Put the ends of children that are followed in the place of what tells of them; return what goes on doing so,
        with a marker for each, by which its end is read in the history.
        """
        if self._followed is None:
            return []
        before: list[WorkflowCommand] = []
        jobs = []
        is_told = False
        for job in act.jobs:
            told = self._followed.answered(job)
            if told is None:
                jobs.append(job)
                continue
            is_told = True
            for end, run_id in told:
                jobs.append(end)
                outcome = end.resolve_child_workflow_execution.result.WhichOneof("status")
                before.append(_marker(CHILD_ENDED_MARKER, f"{run_id}.{outcome}"))
        if not is_told:
            return []
        kept = [WorkflowActivationJob.FromString(job.SerializeToString()) for job in jobs]
        del act.jobs[:]
        act.jobs.extend(kept)
        return [*before, *self._followed.ask()]

    def _begin(self, act: WorkflowActivation, start: InitializeWorkflow) -> None:
        self._start = start
        self._inputs = len(start.arguments)
        self._journal = journal = read_journal(start.arguments)
        if journal is None:
            if self._inputs > 1:  # which the host takes away
                self._second = Payload()
                self._second.CopyFrom(start.arguments[1])
            return
        self._manifest = manifest = journal.manifest
        self._recorder = Recorder(journal)
        self._start = first = InitializeWorkflow()
        first.CopyFrom(start)
        del first.arguments[min(manifest.inputs, 1) :]
        if manifest.carried is not None:
            first.arguments.append(wire_to_payload(manifest.carried, journal.large))
        first.memo.fields.clear()
        for name, each in manifest.memo.items():
            first.memo.fields[name].CopyFrom(wire_to_payload(each, journal.large))
        self.inner = self._host.make(self._details_of_first(manifest))
        self._replaying = read_entries(journal)

    def _details_of_first(self, manifest: Manifest) -> WorkflowInstanceDetails:
        """Return the details of the workflow as the first of its runs had them."""
        info = self._details.info
        started = Timestamp()
        started.FromNanoseconds(manifest.started)
        is_reset = info.original_execution_run_id != info.run_id
        return replace(
            self._details,
            info=replace(
                info,
                original_execution_run_id=manifest.run,
                # By which one is told that was reset.
                run_id=info.run_id if is_reset else manifest.run,
                workflow_start_time=started.ToDatetime().replace(tzinfo=UTC),
                raw_memo=dict(self._start.memo.fields),
            ),
            randomness_seed=manifest.seed,
        )

    def _manifest_of_first(self) -> Manifest:
        """Return what the first run of all hands on of itself."""
        start = self._start
        return Manifest(
            run=self._details.info.original_execution_run_id,
            started=start.start_time.ToNanoseconds(),
            seed=start.randomness_seed,
            inputs=self._inputs,
            carried=None if self._second is None else payload_to_wire(self._second),
            memo={name: payload_to_wire(each) for name, each in start.memo.fields.items()},
            slice=_SLICE,
        )

    def _replay_slice(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        assert self._replaying is not None
        assert self._journal is not None
        is_due = False
        updates = []
        for job in act.jobs:
            if job.HasField("initialize_workflow") or job.resolve_activity.seq >= _SLICE_NUMBER:
                is_due = True
                continue
            kept = WorkflowActivationJob()
            kept.CopyFrom(job)
            self._waiting.append(kept)
            if job.HasField("do_update"):
                updates.append(kept.do_update)
        left = self._journal.manifest.slice or _SLICE if is_due else 0
        while left > 0:
            entry = next(self._replaying, None)
            if entry is None:
                return self._take_up(act)
            problem = self._replay(entry, act.run_id)
            if problem is not None:
                return problem
            left -= _weight(entry)
        completion = WorkflowActivationCompletion()
        completion.successful.SetInParent()
        for update in updates:
            self._accept(completion, update)
        if is_due:
            completion.successful.commands.add().schedule_local_activity.CopyFrom(self._pause(act))
        return completion

    def _accept(self, completion: WorkflowActivationCompletion, update: DoUpdate) -> None:
        """Tell the server that an update is accepted, which otherwise turns it away with the end of the task.

        The handler is asked when it is where it was. What it refuses then has failed.
        """
        response = completion.successful.commands.add().update_response
        response.protocol_instance_id = update.protocol_instance_id
        response.accepted.SetInParent()
        self._accepted.add(update.protocol_instance_id)
        update.run_validator = True

    def _replay(self, entry: dict[str, Any], run_id: str) -> WorkflowActivationCompletion | None:
        """Advance the handler by an entry; return what the SDK is to be told where that does not go on."""
        assert self._journal is not None
        recorded = activation_of(entry, run_id, self._start, self._journal.large)
        self._open.answered(recorded)
        completion = self._advance(recorded)
        if completion.HasField("failed") or self._host.is_blocked:
            return completion
        now = described(completion.successful.commands)
        if self._is_cut_off:  # for taking too long, in the middle of what the handler does
            return completion
        if (problem := _difference(entry.get("c", []), now)) is not None:
            self._host.block(*problem)
            return completion
        self._open.replayed(completion.successful.commands, entry["t"])
        return None

    def _pause(self, act: WorkflowActivation) -> ScheduleLocalActivity:
        """Return the activity after which the next slice is replayed."""
        number = _SLICE_NUMBER + self._slices
        self._slices += 1
        info = self._details.info
        call = StepCall(f"{SDK_REFERENCE}{JOURNAL_REPLAY}", info.workflow_type, f"{JOURNAL_REPLAY}.{number}", 10.0)
        pause = ScheduleLocalActivity(seq=number, activity_id=str(number), activity_type=JOURNAL_REPLAY, attempt=1)
        pause.arguments.append(Payload(metadata={"encoding": b"json/plain"}, data=json.dumps(call.to_wire()).encode()))
        pause.original_schedule_time.CopyFrom(act.timestamp)
        pause.start_to_close_timeout.FromSeconds(10)
        pause.retry_policy.initial_interval.FromMilliseconds(100)
        pause.retry_policy.backoff_coefficient = 1.0
        return pause

    def _take_up(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        """Go on where the runs before have ended."""
        self._replaying = self._journal = None
        self._followed = FollowedChildren(self.inner.get_info())
        taken_up = self._open.take_up(act.timestamp.ToNanoseconds(), self._followed)
        taken_up += self._followed.ask()
        del act.jobs[:]
        act.jobs.extend(self._waiting)
        self._waiting.clear()
        completion = self._go_on(act, taken_up)
        if self._accepted and completion.HasField("successful"):
            _put(completion, [each for each in completion.successful.commands if not self._is_said(each)])
        return completion

    def _is_said(self, command: WorkflowCommand) -> bool:
        """Return whether the server has been told of this already: that an update is accepted."""
        response = command.update_response
        return response.HasField("accepted") and response.protocol_instance_id in self._accepted

    def _go_on(self, act: WorkflowActivation, before: list[WorkflowCommand]) -> WorkflowActivationCompletion:
        self._open.answered(act)
        self._count(act)
        if act.jobs:
            completion = self._advance(act)
        else:
            completion = WorkflowActivationCompletion()
            completion.successful.SetInParent()
        if completion.HasField("failed") or self._host.is_blocked:
            return completion
        successful = completion.successful
        if act.jobs:
            refused = {
                each.update_response.protocol_instance_id
                for each in successful.commands
                if each.update_response.HasField("rejected")
            } - {
                each.update_response.protocol_instance_id
                for each in successful.commands
                if each.update_response.HasField("accepted")
            }
            self._recorder.add(act, successful.used_internal_flags, described(successful.commands), refused)
        if is_end(successful.commands):
            _put(completion, [*before, *successful.commands])
            return completion
        # What has come with the task is answered first.
        may_continue = not before and not any(job.HasField("do_update") for job in act.jobs)
        if may_continue and self._open.at_rest and self._decides(act, CONTINUED_MARKER, self._is_due):
            return self._continue(act, completion)
        if not self._is_holding and self._decides(act, HELD_MARKER, self._is_urgent):
            self._is_holding = True
            before.append(_marker(HELD_MARKER, self._came))
            if not act.is_replaying:
                self._host.hold(act.history_length, _words_of_open(self._open))
        if self._decides(act, OVER_MARKER, self._is_over):
            command = WorkflowCommand()
            most = self._host.largest_journal() or 0
            problem = (
                _too_large(self._size(act), most, self._next_manifest(act))
                if self._too_much
                else _too_long(act, _words_of_open(self._open))
            )
            self._host.fail(command, problem)
            _put(completion, [*_said(completion), _marker(OVER_MARKER, self._came), command])
            return completion
        sent = self._open.asked(successful.commands, self._is_holding)
        if before or sent is not None:
            _put(completion, [*before, *(successful.commands if sent is None else sent)])
        return completion

    def _decides(self, act: WorkflowActivation, marker: str, now: Callable[[WorkflowActivation], bool]) -> bool:
        """Return what is decided now, or was when the run came here first: then a marker says it.

        Not what a history has is counted again on a replay: another worker, or a newer one, may have other bounds.
        """
        return f"{marker}.{self._came}" in self._markers if act.is_replaying else now(act)

    def _is_due(self, act: WorkflowActivation) -> bool:
        return self._host.bounds.is_due(act, self._length()) and self._fits(act)

    def _is_urgent(self, act: WorkflowActivation) -> bool:
        return self._host.bounds.is_urgent(act, self._length()) and self._fits(act)

    def _is_over(self, act: WorkflowActivation) -> bool:
        # What was in flight when it began to hold may have been too much.
        cannot_go_on = self._is_holding and self._open.at_rest and self._too_much
        return cannot_go_on or self._host.bounds.is_over(act)

    def _fits(self, act: WorkflowActivation) -> bool:
        """Return whether the run can carry what it would have to. If not it goes on as long as its history lasts."""
        most = self._host.largest_journal()
        if most is None:
            return not self._too_much
        self._too_much = self._too_much or self._size(act) > most
        # Most such runs end long before it matters to them.
        if self._too_much and not self._is_told and self._host.bounds.is_late(act, self._length()):
            self._is_told = True
            self._host.cannot_carry(act.history_length, self._size(act), most)
        return not self._too_much

    def _length(self) -> Length:
        carried = 0 if self._manifest is None else self._manifest.entries
        return Length(carried, self._came, self._local, all(is_local for _, _, is_local in self._open.in_flight()))

    def _count(self, act: WorkflowActivation) -> None:
        self._came += sum(not job.HasField("notify_has_patch") and not job.HasField("do_update") for job in act.jobs)
        if act.history_length != self._told_length:
            self._told_length, self._local = act.history_length, 0
        self._local += sum(job.resolve_activity.is_local for job in act.jobs if job.HasField("resolve_activity"))

    def _advance(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        self._host.begin(act)
        completion: WorkflowActivationCompletion = self.inner.activate(act)
        return completion

    def _next_manifest(self, act: WorkflowActivation) -> Manifest:
        told = self._manifest or self._manifest_of_first()
        return replace(
            told,
            pages=len(self._recorder.pages()),
            entries=self._recorder.entries,
            events=told.events + act.history_length + self._local,
            size=told.size + act.history_size_bytes,
            times=told.times + 1,
        )

    def _arguments(self, act: WorkflowActivation) -> list[Payload]:
        """Return the inputs of the run that goes on."""
        start = self._start
        event = start.arguments[0] if start.arguments else Payload(metadata={"encoding": b"binary/null"})
        raw = {"encoding": b"binary/plain"}
        carried = [Payload(metadata=raw, data=page) for page in self._recorder.pages()]
        return [event, self._next_manifest(act).to_payload(), *carried, *self._recorder.large]

    def _size(self, act: WorkflowActivation) -> int:
        return sum(each.ByteSize() for each in self._arguments(act))

    def _continue(
        self, act: WorkflowActivation, completion: WorkflowActivationCompletion
    ) -> WorkflowActivationCompletion:
        """Have the next run go on from here, instead of what the handler asks for."""
        start = self._start
        arguments = self._arguments(act)
        manifest = self._next_manifest(act)
        kept = _said(completion)
        size = self._size(act)
        command = WorkflowCommand()
        most = self._host.largest_journal()
        if most is not None and size > most:
            self._host.fail(command, _too_large(size, most, manifest))
            _put(completion, [*kept, _marker(CONTINUED_MARKER, self._came), command])
            return completion
        new = command.continue_as_new_workflow_execution
        new.workflow_type = start.workflow_type
        new.arguments.extend(arguments)
        for name, each in start.headers.items():
            new.headers[name].CopyFrom(each)
        # Without it the next run has what this one was started with.
        for name, each in self.inner.get_info().raw_memo.items():
            new.memo[name].CopyFrom(each)
        new.memo[BEGAN_MEMO].CopyFrom(_began(manifest))
        if start.HasField("workflow_run_timeout"):
            new.workflow_run_timeout.CopyFrom(start.workflow_run_timeout)
        # Long enough that a worker which has lost the run can replay the history that begins here.
        seconds = task_seconds(manifest.entries) if self._host.bounds.every is None else 0.0
        if seconds > start.workflow_task_timeout.ToTimedelta().total_seconds():
            new.workflow_task_timeout.FromTimedelta(timedelta(seconds=seconds))
        else:
            new.workflow_task_timeout.CopyFrom(start.workflow_task_timeout)
        if start.HasField("retry_policy"):
            new.retry_policy.CopyFrom(start.retry_policy)
        _put(completion, [*kept, _marker(CONTINUED_MARKER, self._came), command])
        return completion

    def get_serialization_context(self, command_info: Any) -> Any:
        return self.inner.get_serialization_context(command_info)

    def get_external_store_context(self, command_info: Any) -> Any:
        return self.inner.get_external_store_context(command_info)

    def get_info(self) -> Info:
        """Return what this run is, whatever its handler is told."""
        return self._details.info

    def get_thread_id(self) -> int | None:
        # The SDK asks for it when a task has taken too long, before it raises an exception on that thread.
        self._is_cut_off = True
        return self.inner.get_thread_id()


def _put(completion: WorkflowActivationCompletion, commands: Sequence[WorkflowCommand]) -> None:
    """Replace the commands of a completion."""
    kept = []
    for each in commands:
        copy = WorkflowCommand()
        copy.CopyFrom(each)
        kept.append(copy)
    del completion.successful.commands[:]
    completion.successful.commands.extend(kept)


def _said(completion: WorkflowActivationCompletion) -> list[WorkflowCommand]:
    """Return what stays of the commands of a completion when the run ends with it."""
    return [each for each in completion.successful.commands if each.WhichOneof("variant") in _SAID]


def _words_of_open(open_commands: OpenCommands) -> str:
    """Return what a run waits for before it can continue: nothing of local steps, which are short."""
    names = {"step": "the step {!r}", "run": "the run {!r}"}
    found = [
        names.get(kind, f"a {kind}").format(name) for kind, name, is_local in open_commands.in_flight() if not is_local
    ]
    return ", ".join(found[:_SHOWN]) + (f" and {len(found) - _SHOWN:,} more" if len(found) > _SHOWN else "")


def _too_long(act: WorkflowActivation, until: str) -> JournalError:
    return JournalError(
        f"the run cannot go on: its history has {act.history_length:,} events and {act.history_size_bytes:,} bytes, the"
        " server ends it soon, and it could not continue in a new one, as something was in flight all the time:"
        f" {until or 'an answer, or local steps'}. Start runs that take that long with `.start()`, make long steps"
        " runs, and send this one fewer events meanwhile."
    )


def _too_large(size: int, most: int, manifest: Manifest) -> JournalError:
    return JournalError(
        f"the run cannot go on: in {manifest.events:,} events it has come to a journal of {size:,} bytes, which it has"
        f" to carry along into a new history, and the server takes {most:,}. Set TERSE_STORAGE for the worker, to a"
        " place where it may grow; have steps return less; or end the run, and go on in another."
    )


def _began(manifest: Manifest) -> Payload:
    """Return when the run began, for whoever lists runs."""
    began = Timestamp()
    began.FromNanoseconds(manifest.started)
    text = began.ToDatetime().replace(tzinfo=UTC).isoformat()
    return Payload(metadata={"encoding": b"json/plain"}, data=json.dumps(text).encode())


def _marker(name: str, number: int | str) -> WorkflowCommand:
    command = WorkflowCommand()
    command.set_patch_marker.patch_id = f"{name}.{number}"
    return command


def _weight(entry: dict[str, Any]) -> int:
    """Return how many entries of a slice an entry stands for, by what is recorded of it alone."""
    return 1 + (len(entry.get("c", ())) + len(entry.get("j", ()))) // _HEAVY


def _difference(recorded: Sequence[list[Any]], now: Sequence[list[Any]]) -> tuple[str, str] | None:
    """Return the step at which a handler does something else than is recorded, and what; or `None`."""
    for was, is_ in zip(recorded, now, strict=False):
        places = COMPARED.get(was[0])
        if was[:places] != is_[:places]:
            return _name(was), f"is recorded, and the handler now comes to {_words(is_)}"
    if len(recorded) > len(now):
        return _name(recorded[len(now)]), "is recorded, and the handler does not come to it any more"
    if len(now) > len(recorded):
        return _name(now[len(recorded)]), "is not recorded, and the handler now comes to it"
    return None


def _name(command: Sequence[Any]) -> str:
    return str(command[2]) if command[0] in ("step", "local", "run") else str(command[0])


def _words(command: Sequence[Any]) -> str:
    kind = {"local": "step", "timer": "sleep"}.get(command[0], command[0])
    return f"the {kind} {command[2]!r}" if kind in ("step", "run") else f"a {kind}"
