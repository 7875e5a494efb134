"""What a handler has asked for and not heard of: what is in flight when its run continues, and what is asked for anew.

The SDK numbers commands of each kind, and a handler that is replayed gives them the same numbers. So what a run had
open when it continued is asked for again by the next one under its own number: what the server had not been told yet as
it stands, timers with what is left of their time, and whoever follows another run. Child runs that go on by themselves
are followed from then on (`followed_children.py`); those that the run waits for have to end first, for the server would
cancel them with the history that they were started in.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from temporalio.bridge.proto.child_workflow import ParentClosePolicy
from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_commands import WorkflowCommand

from ...serialization.wire_names import OWN_WORKFLOWS, RUN_RESULT, SDK_REFERENCE
from ..limits import SENT_AT_ONCE
from .followed_children import FollowedChildren

__all__ = ["OpenCommands", "is_end"]

_Key = tuple[str, int]

#: What begins something that ends with an answer, and what calls it off: the kind that both are of.
_BEGINS: Final = {
    "start_timer": "timer",
    "schedule_activity": "step",
    "schedule_local_activity": "step",
    "start_child_workflow_execution": "run",
    "signal_external_workflow_execution": "signal",
    "request_cancel_external_workflow_execution": "cancel_other",
    "schedule_nexus_operation": "nexus",
}
_CALLS_OFF: Final = {
    "cancel_timer": "timer",
    "request_cancel_activity": "step",
    "request_cancel_local_activity": "step",
    "cancel_child_workflow_execution": "run",
    "cancel_signal_workflow": "signal",
    "request_cancel_nexus_operation": "nexus",
}
_ANSWERS: Final = {
    "fire_timer": "timer",
    "resolve_activity": "step",
    "resolve_child_workflow_execution": "run",
    "resolve_signal_external_workflow": "signal",
    "resolve_request_cancel_external_workflow": "cancel_other",
    "resolve_nexus_operation": "nexus",
}
_ENDS: Final = frozenset(
    [
        "complete_workflow_execution",
        "fail_workflow_execution",
        "cancel_workflow_execution",
        "continue_as_new_workflow_execution",
    ]
)

#: The least that a timer may take.
_SOON: Final = 1_000_000


def is_end(commands: Iterable[WorkflowCommand]) -> bool:
    """Return whether a run ends with these."""
    return any(command.WhichOneof("variant") in _ENDS for command in commands)


@dataclass(slots=True)
class _Open:
    """What is open.

    Attributes:
        may_go_on: whether the next run may ask for it anew, though the server has been told of it.
        sent: whether the server has been told.
        command: how it is asked for; `None` where that is not needed any more.
        called_off: how it is called off, where that has been asked for.
        until: when a timer fires, in nanoseconds.
        name: of what runs until it ends: the activity type, or the id of a child run.
        is_local: whether it is a local step.
        goes_on: of a child run, whether it does by itself: its workflow type; else empty.
        run_id: of a child run that has begun.
    """

    may_go_on: bool
    sent: bool
    command: WorkflowCommand | None = None
    called_off: WorkflowCommand | None = None
    until: int = 0
    name: str = ""
    is_local: bool = False
    goes_on: str = ""
    run_id: str = ""


class OpenCommands:
    """What is open in one run."""

    def __init__(self) -> None:
        self._open: dict[_Key, _Open] = {}
        self._updates: set[str] = set()
        #: What goes to the server as soon as there is room for it.
        self._queue: list[_Key] = []

    @property
    def at_rest(self) -> bool:
        """Whether the server has been told of nothing that the next run could not ask for anew."""
        return not self._updates and all(each.may_go_on or not each.sent for each in self._open.values())

    def in_flight(self) -> Iterator[tuple[str, str, bool]]:
        """Yield what has to end before the run can continue: its kind, its name, and whether it is a local step."""
        for (kind, _), each in self._open.items():
            if each.sent and not each.may_go_on:
                yield kind, each.name, each.is_local

    def answered(self, act: WorkflowActivation) -> None:
        """Take note of what has come."""
        for job in act.jobs:
            variant = job.WhichOneof("variant")
            kind = _ANSWERS.get(variant or "")
            if kind is not None:
                self._open.pop((kind, getattr(job, variant).seq), None)  # type: ignore[arg-type]  # it is in the table
            elif variant == "resolve_child_workflow_execution_start":
                started = job.resolve_child_workflow_execution_start
                key: _Key = ("run", started.seq)
                if not started.HasField("succeeded"):
                    self._open.pop(key, None)
                elif (child := self._open.get(key)) is not None:
                    child.run_id = started.succeeded.run_id
                    child.may_go_on = bool(child.sent and child.goes_on and child.called_off is None)

    def replayed(self, commands: Iterable[WorkflowCommand], now: int) -> None:
        """Take note of what a handler has asked for in a run before this one.

        Args:
            commands: what it has asked for; they are kept.
            now: when it did, in nanoseconds.
        """
        for command in commands:
            key, begins = _key(command)
            if key is None:
                continue
            if begins:
                until = now + command.start_timer.start_to_fire_timeout.ToNanoseconds() if key[0] == "timer" else 0
                goes_on = _goes_on(command) if key[0] == "run" else ""
                self._open[key] = _Open(False, False, command, until=until, goes_on=goes_on)
            elif key[0] == "timer":
                self._open.pop(key, None)
            elif key in self._open:
                self._open[key].called_off = command

    def take_up(self, now: int, followed: FollowedChildren) -> list[WorkflowCommand]:
        """Return what is to be asked for anew, now that the handler has come to where it was.

        Args:
            now: in nanoseconds.
            followed: is told of the child runs that have begun, and go on.
        """
        for (kind, number), each in self._open.items():
            if kind == "timer":
                assert each.command is not None
                left = max(each.until - now, _SOON)
                each.command.start_timer.start_to_fire_timeout.FromNanoseconds(left)
            elif kind == "run" and each.run_id:
                assert each.command is not None
                child = each.command.start_child_workflow_execution
                followed.add(number, child.workflow_id, each.run_id, each.goes_on)
                each.command, each.sent, each.may_go_on = None, True, True
        self._queue = [key for key, each in self._open.items() if not each.sent]
        return self._send_queue([])

    def asked(self, commands: Sequence[WorkflowCommand], holding: bool) -> list[WorkflowCommand] | None:
        """Take note of what the handler asks for, and return what goes to the server: `None` for all of it, as it is.

        Args:
            commands: what it asks for.
            holding: whether nothing new is begun.
        """
        self._note_updates(commands)
        if not holding and not self._queue:
            for command in commands:
                key, begins = _key(command)
                if key is not None and begins:
                    self._open[key] = _opened(key[0], command)
                elif key is not None:
                    self._call_off(key)
            return None
        sent = []
        for command in commands:
            key, begins = _key(command)
            if key is None or (not begins and self._is_sent(key)):
                sent.append(command)
                if key is not None:
                    self._call_off(key)
            elif begins:
                self._keep(key, None if holding else command)
            elif key[0] == "timer":
                del self._open[key]
            else:
                self._open[key].called_off = command
        return sent if holding else self._send_queue(sent)

    def _note_updates(self, commands: Iterable[WorkflowCommand]) -> None:
        for command in commands:
            if command.HasField("update_response"):
                response = command.update_response
                if response.HasField("accepted"):
                    self._updates.add(response.protocol_instance_id)
                else:
                    self._updates.discard(response.protocol_instance_id)

    def _is_sent(self, key: _Key) -> bool:
        """Return whether the server has been told of something; so it has where it has ended."""
        each = self._open.get(key)
        return each is None or each.sent

    def _keep(self, key: _Key, command: WorkflowCommand | None) -> None:
        """Keep something from the server: until there is room, or, without the command, for the next run."""
        kept = None
        if command is not None:
            kept = WorkflowCommand()
            kept.CopyFrom(command)
            self._queue.append(key)
        self._open[key] = _Open(False, False, kept)

    def _call_off(self, key: _Key) -> None:
        if key[0] == "timer":
            self._open.pop(key, None)
        elif key in self._open:
            self._open[key].may_go_on = False

    def _send_queue(self, before: list[WorkflowCommand]) -> list[WorkflowCommand]:
        """Return what has room in the message to the server; the rest goes with the next."""
        left: list[_Key] = []
        sent, size = before, 0
        for key in self._queue:
            each = self._open.get(key)
            if each is None or each.command is None:
                continue
            more = each.command.ByteSize()
            if left or (size and size + more > SENT_AT_ONCE):
                left.append(key)
                continue
            size += more
            sent.append(each.command)
            self._open[key] = _opened(key[0], each.command)
            if each.called_off is not None:
                sent.append(each.called_off)
                self._open[key].may_go_on = False
        self._queue = left
        return sent


def _key(command: WorkflowCommand) -> tuple[_Key | None, bool]:
    """Return what a command is about, and whether it begins that."""
    variant: Any = command.WhichOneof("variant")
    if (kind := _BEGINS.get(variant)) is not None:
        return (kind, getattr(command, variant).seq), True
    if (kind := _CALLS_OFF.get(variant)) is not None:
        what = getattr(command, variant)
        return (kind, what.child_workflow_seq if kind == "run" else what.seq), False
    return None, False


def _opened(kind: str, command: WorkflowCommand) -> _Open:
    """Return what a command opens that the server is told of."""
    variant: Any = command.WhichOneof("variant")
    name = ""
    if kind == "step":
        name = getattr(command, variant).activity_type
    elif kind == "run":
        name = command.start_child_workflow_execution.workflow_id
    return _Open(
        _may_go_on(kind, command),
        True,
        name=name,
        is_local=variant == "schedule_local_activity",
        goes_on=_goes_on(command) if kind == "run" else "",
    )


def _goes_on(command: WorkflowCommand) -> str:
    """Return the type of a child run that goes on when its parent ends; empty for others, and for those of our own,
    which are short.
    """
    child = command.start_child_workflow_execution
    goes_on = child.parent_close_policy == ParentClosePolicy.PARENT_CLOSE_POLICY_ABANDON
    return child.workflow_type if goes_on and not child.workflow_type.startswith(OWN_WORKFLOWS) else ""


def _may_go_on(kind: str, command: WorkflowCommand) -> bool:
    """Return whether something may be given up, and begun again by the next run, without anybody's noticing."""
    if kind == "timer":
        return True
    if kind != "step" or command.schedule_activity.activity_type != RUN_RESULT:
        return False
    # Whoever follows another run, for years perhaps. A step of the user's may have that name too.
    try:
        call = json.loads(command.schedule_activity.arguments[0].data)
        return bool(call["step"] == f"{SDK_REFERENCE}{RUN_RESULT}")
    except (ValueError, LookupError, TypeError):
        return False
