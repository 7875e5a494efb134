"""The connection to a server that others run: a client that is silent, and whether there are workers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.runtime import Runtime, TelemetryConfig

from ..client import connect, environment_settings
from ..diagnostics.places import shown_path
from .dev_server_file import running_dev_server
from .output import errors

__all__ = ["is_gone", "last_poll", "silent_client"]

#: A worker asks for work once a minute at least; one that has not for longer has gone. A server tells of those of the
#: last five minutes.
_POLLER_IS_GONE: Final = timedelta(seconds=70)


async def silent_client(address: str | None, namespace: str | None, **options: Any) -> Client:
    """Return a client without the SDK's log: of a server that is gone, the commands speak themselves.

    Where neither the address nor the environment nor a profile names a server, it is that of the `terse-temporal dev`
    which runs in this directory, if there is one; that is said on standard error.
    """
    if address is None and not environment_settings() and (found := running_dev_server()) is not None:
        dev, where = found
        address = dev.address
        errors.print(f"server {address}, of terse-temporal dev ({shown_path(str(where))})", style="dim", markup=False)
    silent = Runtime(telemetry=TelemetryConfig(logging=None))
    return await connect(target_host=address, namespace=namespace, runtime=silent, **options)


async def last_poll(client: Client, task_queue: str) -> datetime | None:
    """Return when a worker last polled a task queue, if one has in the last minutes."""
    answer = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=task_queue),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        )
    )
    return max((poller.last_access_time.ToDatetime(tzinfo=UTC) for poller in answer.pollers), default=None)


def is_gone(polled_at: datetime | None) -> bool:
    """Return whether no worker is there any more, by when one last polled."""
    return polled_at is None or datetime.now(UTC) - polled_at > _POLLER_IS_GONE
