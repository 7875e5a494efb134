"""Whether workers ask a task queue for work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from temporalio.api.enums.v1 import TaskQueueType, WorkerVersioningMode
from temporalio.api.taskqueue.v1 import PollerInfo, TaskQueue, TaskQueueVersioningInfo
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.common import WorkerDeploymentVersion

__all__ = ["IdleVersion", "Poll", "is_gone", "last_poll", "poll_of", "read_poll"]

#: A worker asks for work once a minute at least; one that has not for longer has gone. A server tells of those of the
#: last five minutes.
_POLLER_IS_GONE: Final = timedelta(seconds=70)


@dataclass(frozen=True)
class IdleVersion:
    """A version of a deployment whose workers poll a task queue, and are given nothing, as it is not the current one.

    Attributes:
        version: of the workers.
        current: the build id of the version that is current on the task queue; empty where there is none.
    """

    version: WorkerDeploymentVersion
    current: str = ""


@dataclass(frozen=True)
class Poll:
    """What a server knows of those who poll a task queue.

    Attributes:
        at: when a worker last has, if one has in the last minutes.
        idle: the version that it is, where every worker that polls there is given nothing because of its version.
    """

    at: datetime | None = None
    idle: IdleVersion | None = None


async def last_poll(client: Client, task_queue: str, *, for_steps: bool = False) -> datetime | None:
    """Return when a worker last polled a task queue, if one has in the last minutes.

    Args:
        client: of its server.
        task_queue: its name.
        for_steps: whether it asked for steps, instead of for turns of handlers.
    """
    return (await poll_of(client, task_queue, for_steps=for_steps)).at


async def poll_of(client: Client, task_queue: str, *, for_steps: bool = False) -> Poll:
    """Return what a server knows of those who poll a task queue; one request. Parameters as of `last_poll`."""
    kind = TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY if for_steps else TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW
    answer = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace, task_queue=TaskQueue(name=task_queue), task_queue_type=kind
        )
    )
    return read_poll(answer.pollers, answer.versioning_info)


def read_poll(pollers: Sequence[PollerInfo], routing: TaskQueueVersioningInfo) -> Poll:
    """Return what a server knows of those who poll a task queue, out of its answer.

    Args:
        pollers: of the task queue, those who have gone in the last minutes among them.
        routing: which versions are given what comes to it.
    """
    if not pollers:
        return Poll()
    newest = max(pollers, key=_polled_at)
    there = [each for each in pollers if not is_gone(_polled_at(each))]
    if any(_is_given_work(each, routing) for each in there):
        return Poll(_polled_at(newest))
    options, current = newest.deployment_options, routing.current_deployment_version
    version = WorkerDeploymentVersion(options.deployment_name, options.build_id)
    is_of_it = current.deployment_name == options.deployment_name
    return Poll(_polled_at(newest), IdleVersion(version, current.build_id if is_of_it else "") if there else None)


def _is_given_work(poller: PollerInfo, routing: TaskQueueVersioningInfo) -> bool:
    options = poller.deployment_options
    if options.worker_versioning_mode != WorkerVersioningMode.WORKER_VERSIONING_MODE_VERSIONED:
        return True
    named = (options.deployment_name, options.build_id)
    current, ramping = routing.current_deployment_version, routing.ramping_deployment_version
    return named == (current.deployment_name, current.build_id) or (
        named == (ramping.deployment_name, ramping.build_id) and routing.ramping_version_percentage > 0
    )


def _polled_at(poller: PollerInfo) -> datetime:
    return poller.last_access_time.ToDatetime(tzinfo=UTC)


def is_gone(polled_at: datetime | None) -> bool:
    """Return whether no worker is there any more, by when one last polled."""
    return polled_at is None or datetime.now(UTC) - polled_at > _POLLER_IS_GONE
