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
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, timedelta
from typing import Any, Protocol

from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.api.common.v1 import Payload
from temporalio.bridge.proto.workflow_activation import (
    DoUpdate,
    InitializeWorkflow,
    WorkflowActivation,
    WorkflowActivationJob,
)
from temporalio.bridge.proto.workflow_commands import WorkflowCommand
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails
from temporalio.workflow import Info

from ...errors import JournalError
from ...serialization.wire_names import (
    BEGAN_MEMO,
    CHILD_ENDED_MARKER,
    CONTINUED_MARKER,
    HELD_MARKER,
    OVER_MARKER,
)
from ..wire.journal import Manifest, payload_to_wire, read_journal, wire_to_payload
from .bounds import Bounds, Length, task_seconds
from .completions import empty, marker, put, said
from .entries import activation_of, described, is_eviction, is_query
from .followed_children import FollowedChildren
from .open_commands import OpenCommands, is_end
from .problems import difference, too_large, too_long, words_of_open
from .recording import Recorder
from .slices import SLICE, Slices

__all__ = ["Host", "JournaledInstance"]


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
        self._slices: Slices | None = None
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
        if self._slices is not None:
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
                before.append(marker(CHILD_ENDED_MARKER, f"{run_id}.{outcome}"))
        if not is_told:
            return []
        kept = [WorkflowActivationJob.FromString(job.SerializeToString()) for job in jobs]
        del act.jobs[:]
        act.jobs.extend(kept)
        return [*before, *self._followed.ask()]

    def _begin(self, act: WorkflowActivation, start: InitializeWorkflow) -> None:
        self._start = start
        self._inputs = len(start.arguments)
        journal = read_journal(start.arguments)
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
        self._slices = Slices(journal, self._details.info.workflow_type)

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
            slice=SLICE,
        )

    def _replay_slice(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        assert self._slices is not None
        is_due, updates = self._slices.receive(act)
        if is_due:
            for entry in self._slices.next_slice():
                if (problem := self._replay(entry, act.run_id)) is not None:
                    return problem
            if self._slices.is_over:
                return self._take_up(act)
        completion = empty()
        for update in updates:
            self._accept(completion, update)
        if is_due:
            completion.successful.commands.add().schedule_local_activity.CopyFrom(self._slices.pause(act))
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
        assert self._slices is not None
        recorded = activation_of(entry, run_id, self._start, self._slices.journal.large)
        self._open.answered(recorded)
        completion = self._advance(recorded)
        if completion.HasField("failed") or self._host.is_blocked:
            return completion
        now = described(completion.successful.commands)
        if self._is_cut_off:  # for taking too long, in the middle of what the handler does
            return completion
        if (problem := difference(entry.get("c", []), now)) is not None:
            self._host.block(*problem)
            return completion
        self._open.replayed(completion.successful.commands, entry["t"])
        return None

    def _take_up(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        """Go on where the runs before have ended."""
        assert self._slices is not None
        came, self._slices = self._slices.came, None
        self._followed = FollowedChildren(self.inner.get_info())
        taken_up = self._open.take_up(act.timestamp.ToNanoseconds(), self._followed)
        taken_up += self._followed.ask()
        del act.jobs[:]
        act.jobs.extend(came)
        completion = self._go_on(act, taken_up)
        if self._accepted and completion.HasField("successful"):
            put(completion, [each for each in completion.successful.commands if not self._is_said(each)])
        return completion

    def _is_said(self, command: WorkflowCommand) -> bool:
        """Return whether the server has been told of this already: that an update is accepted."""
        response = command.update_response
        return response.HasField("accepted") and response.protocol_instance_id in self._accepted

    def _go_on(self, act: WorkflowActivation, before: list[WorkflowCommand]) -> WorkflowActivationCompletion:
        self._open.answered(act)
        self._count(act)
        completion = self._advance(act) if act.jobs else empty()
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
            put(completion, [*before, *successful.commands])
            return completion
        # What has come with the task is answered first.
        may_continue = not before and not any(job.HasField("do_update") for job in act.jobs)
        if may_continue and self._open.at_rest and self._decides(act, CONTINUED_MARKER, self._is_due):
            return self._continue(act, completion)
        if not self._is_holding and self._decides(act, HELD_MARKER, self._is_urgent):
            self._is_holding = True
            before.append(marker(HELD_MARKER, self._came))
            if not act.is_replaying:
                self._host.hold(act.history_length, words_of_open(self._open))
        if self._decides(act, OVER_MARKER, self._is_over):
            command = WorkflowCommand()
            most = self._host.largest_journal() or 0
            problem = (
                too_large(self._size(act), most, self._next_manifest(act))
                if self._too_much
                else too_long(act, words_of_open(self._open))
            )
            self._host.fail(command, problem)
            put(completion, [*said(completion), marker(OVER_MARKER, self._came), command])
            return completion
        sent = self._open.asked(successful.commands, self._is_holding)
        if before or sent is not None:
            put(completion, [*before, *(successful.commands if sent is None else sent)])
        return completion

    def _decides(self, act: WorkflowActivation, name: str, now: Callable[[WorkflowActivation], bool]) -> bool:
        """Return what is decided now, or was when the run came here first: then a marker says it.

        Not what a history has is counted again on a replay: another worker, or a newer one, may have other bounds.
        """
        return f"{name}.{self._came}" in self._markers if act.is_replaying else now(act)

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
        kept = said(completion)
        size = self._size(act)
        command = WorkflowCommand()
        most = self._host.largest_journal()
        if most is not None and size > most:
            self._host.fail(command, too_large(size, most, manifest))
            put(completion, [*kept, marker(CONTINUED_MARKER, self._came), command])
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
        put(completion, [*kept, marker(CONTINUED_MARKER, self._came), command])
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


def _began(manifest: Manifest) -> Payload:
    """Return when the run began, for whoever lists runs."""
    began = Timestamp()
    began.FromNanoseconds(manifest.started)
    text = began.ToDatetime().replace(tzinfo=UTC).isoformat()
    return Payload(metadata={"encoding": b"json/plain"}, data=json.dumps(text).encode())
