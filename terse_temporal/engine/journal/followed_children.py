"""Child runs that go on by themselves when the run that has started them continues as new.

A server tells the end of a child to the history that started it, and to no later one. So the run that goes on asks an
activity, one for all of them, as each has a place among the steps that a worker runs at once: it ends when one of the
children has, and is asked for again while others are open. The handler is told of an end as the server would tell it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from google.protobuf.json_format import MessageToDict, ParseDict
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.bridge.proto.workflow_activation import ResolveActivity, WorkflowActivationJob
from temporalio.bridge.proto.workflow_commands import ActivityCancellationType, WorkflowCommand
from temporalio.workflow import Info

from ...serialization.wire_names import FOLLOW_ID_PREFIX, RUN_RESULTS, SDK_REFERENCE
from ..limits import FIRST_RERUN, HEARTBEAT_TIMEOUT, LONGEST_FOLLOW, LONGEST_RERUN, TIMEOUT_SLACK
from ..wire.calls import StepCall

__all__ = ["FollowedChildren"]

#: Numbers of the activities: the SDK's own begin with 1, and those between slices with 1 << 30.
_FIRST: Final = 1 << 29
_LAST: Final = 1 << 30


class FollowedChildren:
    """The children of one run that it follows so.

    Args:
        info: of the run, as its handler has it.
    """

    def __init__(self, info: Info) -> None:
        self._info = info
        #: By the number that the handler knows one by: workflow id, run id and type.
        self._open: dict[int, tuple[str, str, str]] = {}
        self._asked = 0

    def add(self, number: int, id: str, run_id: str, workflow_type: str) -> None:
        """Follow a child."""
        self._open[number] = (id, run_id, workflow_type)

    def ask(self) -> list[WorkflowCommand]:
        """Return the activity that waits for the end of one of them, if any is open."""
        if not self._open:
            return []
        command = WorkflowCommand()
        asks = command.schedule_activity
        asks.seq, asks.activity_id = _FIRST + self._asked, f"{FOLLOW_ID_PREFIX}{self._asked}"
        self._asked += 1
        runs = [[number, *child[:2]] for number, child in self._open.items()]
        call = StepCall(
            f"{SDK_REFERENCE}{RUN_RESULTS}",
            self._info.workflow_type,
            asks.activity_id,
            LONGEST_FOLLOW.total_seconds(),
            arguments={"runs": runs},
        )
        asks.activity_type, asks.task_queue = RUN_RESULTS, self._info.task_queue
        asks.arguments.append(Payload(metadata={"encoding": b"json/plain"}, data=json.dumps(call.to_wire()).encode()))
        asks.start_to_close_timeout.FromTimedelta(LONGEST_FOLLOW + TIMEOUT_SLACK)
        asks.heartbeat_timeout.FromTimedelta(HEARTBEAT_TIMEOUT)
        asks.retry_policy.initial_interval.FromTimedelta(FIRST_RERUN)
        asks.retry_policy.maximum_interval.FromTimedelta(LONGEST_RERUN)
        asks.retry_policy.backoff_coefficient = 2.0
        asks.cancellation_type = ActivityCancellationType.TRY_CANCEL
        return [command]

    def answered(self, job: WorkflowActivationJob) -> list[tuple[WorkflowActivationJob, str]] | None:
        """Return what the handler is to be told in the place of what has come, each with the id of the run that has
        ended; or `None` where that is not about these children.
        """
        if not job.HasField("resolve_activity") or not _FIRST <= job.resolve_activity.seq < _LAST:
            return None
        told = []
        for number, outcome in _outcomes(job.resolve_activity, self._open):
            if number in self._open:
                child = self._open.pop(number)
                told.append((self._end(number, outcome, *child), child[1]))
        return told

    def _end(
        self, number: int, outcome: Mapping[str, Any], id: str, run_id: str, workflow_type: str
    ) -> WorkflowActivationJob:
        job = WorkflowActivationJob()
        end = job.resolve_child_workflow_execution
        end.seq = number
        if "failure" not in outcome:
            result = json.dumps(outcome.get("result"), separators=(",", ":"), ensure_ascii=False)
            end.result.completed.result.metadata["encoding"] = b"json/plain"
            end.result.completed.result.data = result.encode()
            return job
        cause = ParseDict(outcome["failure"], Failure(), ignore_unknown_fields=True)
        failed = end.result.cancelled if cause.HasField("canceled_failure_info") else end.result.failed
        failed.failure.message = "Child Workflow execution failed"
        child = failed.failure.child_workflow_execution_failure_info
        child.namespace, child.workflow_type.name = self._info.namespace, workflow_type
        child.workflow_execution.workflow_id, child.workflow_execution.run_id = id, run_id
        failed.failure.cause.CopyFrom(cause)
        return job


def _outcomes(answer: ResolveActivity, asked: Mapping[int, Any]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield the outcomes of what has ended; that of the activity, for all, where it could not tell."""
    if answer.result.HasField("completed"):
        for number, outcome in json.loads(answer.result.completed.result.data)["ended"]:
            yield number, outcome
        return
    status = answer.result.cancelled if answer.result.HasField("cancelled") else answer.result.failed
    for number in list(asked):
        yield number, {"failure": MessageToDict(status.failure)}
