"""Whether workers ask a task queue for work."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

__all__ = ["is_gone", "last_poll"]

#: A worker asks for work once a minute at least; one that has not for longer has gone. A server tells of those of the
#: last five minutes.
_POLLER_IS_GONE: Final = timedelta(seconds=70)


async def last_poll(client: Client, task_queue: str, *, for_steps: bool = False) -> datetime | None:
    """Return when a worker last polled a task queue, if one has in the last minutes.

    Args:
        client: of its server.
        task_queue: its name.
        for_steps: whether it asked for steps, instead of for turns of handlers.
    """
    kind = TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY if for_steps else TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW
    answer = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace, task_queue=TaskQueue(name=task_queue), task_queue_type=kind
        )
    )
    return max((poller.last_access_time.ToDatetime(tzinfo=UTC) for poller in answer.pollers), default=None)


def is_gone(polled_at: datetime | None) -> bool:
    """Return whether no worker is there any more, by when one last polled."""
    return polled_at is None or datetime.now(UTC) - polled_at > _POLLER_IS_GONE
