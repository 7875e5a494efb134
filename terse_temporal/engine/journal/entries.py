"""What comes to a handler, and what it does, as JSON in a journal; and back to what the SDK is handed.

The messages between the SDK and its core are no format: they change with releases. So each kind is written under a name
of ours (`k`), with payloads as `payload_to_wire` has them and failures as the API's message, in base64.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.bridge.proto.workflow_activation import WorkflowActivation, WorkflowActivationJob
from temporalio.bridge.proto.workflow_commands import WorkflowCommand

from ...errors import JournalError
from ..wire.journal import LARGE, payload_to_wire, wire_to_payload

__all__ = ["COMPARED", "activation_of", "described", "entry_of", "is_eviction", "is_query"]

Keep = Callable[[Payload], int]


def is_query(act: WorkflowActivation) -> bool:
    """Return whether an activation asks something, which leaves no trace."""
    return any(job.HasField("query_workflow") for job in act.jobs)


def is_eviction(act: WorkflowActivation) -> bool:
    """Return whether an activation ends the run's stay in the cache of the worker."""
    return any(job.HasField("remove_from_cache") for job in act.jobs)


def described(commands: Iterable[WorkflowCommand]) -> list[list[Any]]:
    """Return what a handler has done: a list for each of its commands, but those that nothing hangs on."""
    found = []
    for command in commands:
        kind = command.WhichOneof("variant")
        describe = _COMMANDS.get(kind or "")
        if describe is not None:
            said = describe(getattr(command, kind))  # type: ignore[arg-type]  # not None, as it is in the table
            if kind in _WITH_SUMMARY:
                summary = command.user_metadata.summary.data
                said += [json.loads(summary)] if summary else []
            found.append(said)
        elif kind not in _UNSEEN:
            found.append(["other", kind])
    return found


#: How many of the places of a command are compared with what is recorded, by its kind; of others all of them.
COMPARED: Final[Mapping[str, int]] = {"timer": 2, "step": 3, "local": 3}

_UNSEEN: Final = frozenset(
    ["modify_workflow_properties", "upsert_workflow_search_attributes", "update_response", "respond_to_query"]
)
_WITH_SUMMARY: Final = frozenset(["start_timer", "schedule_activity", "schedule_local_activity"])

_COMMANDS: Final[Mapping[str, Callable[[Any], list[Any]]]] = {
    "start_timer": lambda each: ["timer", each.seq, each.start_to_fire_timeout.ToNanoseconds()],
    "cancel_timer": lambda each: ["cancel_timer", each.seq],
    "schedule_activity": lambda each: ["step", each.seq, each.activity_type],
    "request_cancel_activity": lambda each: ["cancel_step", each.seq],
    "schedule_local_activity": lambda each: ["local", each.seq, each.activity_type],
    "request_cancel_local_activity": lambda each: ["cancel_step", each.seq],
    "set_patch_marker": lambda each: ["patch", each.patch_id],
    "start_child_workflow_execution": lambda each: ["run", each.seq, each.workflow_type, each.workflow_id],
    "cancel_child_workflow_execution": lambda each: ["cancel_run", each.child_workflow_seq],
    "signal_external_workflow_execution": lambda each: ["signal", each.seq, _target(each), each.signal_name],
    "cancel_signal_workflow": lambda each: ["cancel_signal", each.seq],
    "request_cancel_external_workflow_execution": lambda each: [
        "cancel_other",
        each.seq,
        each.workflow_execution.workflow_id,
    ],
    "complete_workflow_execution": lambda each: ["end", "completed"],
    "fail_workflow_execution": lambda each: ["end", "failed"],
    "cancel_workflow_execution": lambda each: ["end", "cancelled"],
    "continue_as_new_workflow_execution": lambda each: ["end", "continued"],
}


def _target(command: Any) -> str:
    return str(command.child_workflow_id or command.workflow_execution.workflow_id)


def entry_of(act: WorkflowActivation, flags: Iterable[int], commands: Sequence[list[Any]], keep: Keep) -> str:
    """Return the entry for an activation, as a line of JSON.

    Args:
        act: the activation.
        flags: of the SDK, that held in it.
        commands: what the handler did, as `described` has it.
        keep: puts a large payload beside the pages, and returns its number.
    """
    entry: dict[str, Any] = {"t": act.timestamp.ToNanoseconds(), "j": [_job(job, keep) for job in act.jobs]}
    if commands:
        entry["c"] = commands
    if kept := sorted(set(flags)):
        entry["f"] = kept
    return json.dumps(entry, separators=(",", ":"))


def activation_of(entry: Mapping[str, Any], run_id: str, start: Any, large: Sequence[Payload]) -> WorkflowActivation:
    """Return the activation that an entry was made of, with the markers that the handler is to find.

    Args:
        entry: as it was recorded.
        run_id: of the run that replays it.
        start: the job that a run begins with, for the first entry.
        large: payloads that stand beside the pages.
    """
    act = WorkflowActivation(run_id=run_id, is_replaying=True, available_internal_flags=entry.get("f", ()))
    act.timestamp.FromNanoseconds(entry["t"])
    for command in entry.get("c", ()):
        if command[0] == "patch":
            act.jobs.add().notify_has_patch.patch_id = command[1]
    for wire in entry["j"]:
        if wire["k"] == "start":
            act.jobs.add().initialize_workflow.CopyFrom(start)
        else:
            _JOBS[wire["k"]](act.jobs.add(), wire, large)
    return act


def _job(job: WorkflowActivationJob, keep: Keep) -> dict[str, Any]:
    kind = job.WhichOneof("variant")
    each: Any = getattr(job, kind) if kind else None
    match kind:
        case "initialize_workflow":
            return {"k": "start"}
        case "fire_timer":
            return {"k": "timer", "n": each.seq}
        case "resolve_activity":
            wire = {"k": "step", "n": each.seq, **_outcome(each.result, keep)}
            return {**wire, "local": True} if each.is_local else wire
        case "signal_workflow":
            return {"k": "signal", "name": each.signal_name, **_message(each, keep), "by": each.identity}
        case "do_update":
            return {"k": "update", "id": each.id, "of": each.protocol_instance_id, "name": each.name} | _message(
                each, keep
            )
        case "resolve_child_workflow_execution_start":
            if each.HasField("succeeded"):
                return {"k": "begun", "n": each.seq, "run": each.succeeded.run_id}
            if each.HasField("failed"):
                failed = each.failed
                return {
                    "k": "not_begun",
                    "n": each.seq,
                    "id": failed.workflow_id,
                    "type": failed.workflow_type,
                    "cause": int(failed.cause),
                }
            return {"k": "not_begun", "n": each.seq, "failure": _failure(each.cancelled.failure)}
        case "resolve_child_workflow_execution":
            return {"k": "run", "n": each.seq, **_outcome(each.result, keep)}
        case "resolve_signal_external_workflow" | "resolve_request_cancel_external_workflow":
            wire = {"k": "signalled" if kind == "resolve_signal_external_workflow" else "asked", "n": each.seq}
            return {**wire, "failure": _failure(each.failure)} if each.HasField("failure") else wire
        case "cancel_workflow":
            return {"k": "cancel", "reason": each.reason}
        case "update_random_seed":
            return {"k": "seed", "seed": each.randomness_seed}
    raise JournalError(f"a journal has no name for what has come to the handler: {kind}")


def _message(job: Any, keep: Keep) -> dict[str, Any]:
    wire: dict[str, Any] = {"input": [_payload(each, keep) for each in job.input]}
    if job.headers:
        wire["headers"] = {name: _payload(each, keep) for name, each in job.headers.items()}
    return wire


def _outcome(result: Any, keep: Keep) -> dict[str, Any]:
    kind = result.WhichOneof("status")
    if kind == "completed":
        return {"ok": _payload(result.completed.result, keep) if result.completed.HasField("result") else None}
    if kind == "backoff":
        backoff = result.backoff
        return {
            "again": [
                backoff.attempt,
                backoff.backoff_duration.ToNanoseconds(),
                backoff.original_schedule_time.ToNanoseconds(),
            ]
        }
    return {kind: _failure(getattr(result, kind).failure)}


def _payload(payload: Payload, keep: Keep) -> dict[str, Any]:
    return {"a": keep(payload)} if len(payload.data) >= LARGE else payload_to_wire(payload)


def _failure(failure: Failure) -> str:
    return base64.b64encode(failure.SerializeToString()).decode()


def _read_failure(wire: str) -> Failure:
    return Failure.FromString(base64.b64decode(wire))


def _read_outcome(result: Any, wire: Mapping[str, Any], large: Sequence[Payload]) -> None:
    if "ok" in wire:
        result.completed.SetInParent()
        if wire["ok"] is not None:
            result.completed.result.CopyFrom(wire_to_payload(wire["ok"], large))
    elif "again" in wire:
        result.backoff.attempt, duration, first = wire["again"]
        result.backoff.backoff_duration.FromNanoseconds(duration)
        result.backoff.original_schedule_time.FromNanoseconds(first)
    elif "failed" in wire:
        result.failed.failure.CopyFrom(_read_failure(wire["failed"]))
    else:
        result.cancelled.failure.CopyFrom(_read_failure(wire["cancelled"]))


def _read_message(job: Any, wire: Mapping[str, Any], large: Sequence[Payload]) -> None:
    job.input.extend(wire_to_payload(each, large) for each in wire["input"])
    for name, each in wire.get("headers", {}).items():
        job.headers[name].CopyFrom(wire_to_payload(each, large))


def _read_timer(job: WorkflowActivationJob, wire: Mapping[str, Any], large: Sequence[Payload]) -> None:
    job.fire_timer.seq = wire["n"]


def _read_step(job: WorkflowActivationJob, wire: Mapping[str, Any], large: Sequence[Payload]) -> None:
    job.resolve_activity.seq = wire["n"]
    job.resolve_activity.is_local = wire.get("local", False)
    _read_outcome(job.resolve_activity.result, wire, large)


def _read_signal(job: WorkflowActivationJob, wire: Mapping[str, Any], large: Sequence[Payload]) -> None:
    job.signal_workflow.signal_name, job.signal_workflow.identity = wire["name"], wire["by"]
    _read_message(job.signal_workflow, wire, large)


def _read_update(job: WorkflowActivationJob, wire: Mapping[str, Any], large: Sequence[Payload]) -> None:
    update = job.do_update
    update.id, update.protocol_instance_id, update.name = wire["id"], wire["of"], wire["name"]
    _read_message(update, wire, large)


def _read_begun(job: WorkflowActivationJob, wire: Mapping[str, Any], large: Sequence[Payload]) -> None:
    started = job.resolve_child_workflow_execution_start
    started.seq, started.succeeded.run_id = wire["n"], wire["run"]


def _read_not_begun(job: WorkflowActivationJob, wire: Mapping[str, Any], large: Sequence[Payload]) -> None:
    started = job.resolve_child_workflow_execution_start
    started.seq = wire["n"]
    if "failure" in wire:
        started.cancelled.failure.CopyFrom(_read_failure(wire["failure"]))
    else:
        started.failed.workflow_id, started.failed.workflow_type = wire["id"], wire["type"]
        started.failed.cause = wire["cause"]


def _read_run(job: WorkflowActivationJob, wire: Mapping[str, Any], large: Sequence[Payload]) -> None:
    job.resolve_child_workflow_execution.seq = wire["n"]
    _read_outcome(job.resolve_child_workflow_execution.result, wire, large)


def _read_signalled(job: WorkflowActivationJob, wire: Mapping[str, Any], large: Sequence[Payload]) -> None:
    _read_answer(job.resolve_signal_external_workflow, wire)


def _read_asked(job: WorkflowActivationJob, wire: Mapping[str, Any], large: Sequence[Payload]) -> None:
    _read_answer(job.resolve_request_cancel_external_workflow, wire)


def _read_answer(answer: Any, wire: Mapping[str, Any]) -> None:
    answer.seq = wire["n"]
    if "failure" in wire:
        answer.failure.CopyFrom(_read_failure(wire["failure"]))


def _read_cancel(job: WorkflowActivationJob, wire: Mapping[str, Any], large: Sequence[Payload]) -> None:
    job.cancel_workflow.reason = wire["reason"]
    job.cancel_workflow.SetInParent()


def _read_seed(job: WorkflowActivationJob, wire: Mapping[str, Any], large: Sequence[Payload]) -> None:
    job.update_random_seed.randomness_seed = wire["seed"]


_JOBS: Final[Mapping[str, Callable[[WorkflowActivationJob, Mapping[str, Any], Sequence[Payload]], None]]] = {
    "timer": _read_timer,
    "step": _read_step,
    "signal": _read_signal,
    "update": _read_update,
    "begun": _read_begun,
    "not_begun": _read_not_begun,
    "run": _read_run,
    "signalled": _read_signalled,
    "asked": _read_asked,
    "cancel": _read_cancel,
    "seed": _read_seed,
}
