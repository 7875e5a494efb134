"""Whether anything comes to a worker that is a version of a deployment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Final

from temporalio.api.deployment.v1 import RoutingConfig
from temporalio.api.workflowservice.v1 import DescribeWorkerDeploymentRequest
from temporalio.client import Client
from temporalio.common import WorkerDeploymentVersion
from temporalio.service import RPCError, RPCStatusCode

from ..diagnostics.logs import logger_of

__all__ = ["current_version_watched", "not_current_text"]

_logger = logger_of("worker")

#: Seconds after which it is asked first: a server needs two for a deployment that it has not heard of. And seconds
#: between two questions, until the version is current.
_FIRST: Final = 4.0
_EVERY: Final = 10.0

_TIMEOUT: Final = timedelta(seconds=5)

#: Answers that may be others the next time: the server has not heard of the deployment yet, or is gone for a while.
_PASSING: Final = frozenset(
    {RPCStatusCode.NOT_FOUND, RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED}
)


@asynccontextmanager
async def current_version_watched(
    client: Client, version: WorkerDeploymentVersion, *, first: float = _FIRST, every: float = _EVERY
) -> AsyncIterator[None]:
    """For the length of the block, log that a worker's version is not the current one, and when it has become it.

    The server gives such a worker nothing, and says nothing of it. One request every ten seconds until it is current;
    none after that, and none where the server does not let the worker ask.

    Args:
        client: of the worker.
        version: of the worker.
        first: seconds until it is asked first.
        every: seconds between two questions.
    """
    watching = asyncio.create_task(_watch(client, version, first, every))
    try:
        yield
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


async def _watch(client: Client, version: WorkerDeploymentVersion, first: float, every: float) -> None:
    request = DescribeWorkerDeploymentRequest(namespace=client.namespace, deployment_name=version.deployment_name)
    is_logged = False
    await asyncio.sleep(first)
    while True:
        try:
            answer = await client.workflow_service.describe_worker_deployment(request, timeout=_TIMEOUT)
        except RPCError as error:
            if error.status not in _PASSING:
                return  # an old server, or one that does not let the worker ask
        else:
            routing = answer.worker_deployment_info.routing_config
            if _is_given_runs(routing, version):
                if is_logged:
                    _logger.info("version %r of the deployment %r is given runs now", *_names(version))
                return
            if not is_logged:
                is_logged = True
                current = routing.current_deployment_version.build_id
                _logger.warning("%s", not_current_text("this worker is", version, current))
        await asyncio.sleep(every)


def _is_given_runs(routing: RoutingConfig, version: WorkerDeploymentVersion) -> bool:
    current, ramping = routing.current_deployment_version, routing.ramping_deployment_version
    return version.build_id == current.build_id or (
        version.build_id == ramping.build_id and routing.ramping_version_percentage > 0
    )


def not_current_text(subject: str, version: WorkerDeploymentVersion, current: str) -> str:
    """Return why a worker whose version is not the current one is given no run, with the command that makes it current.

    Args:
        subject: the worker, with its verb.
        version: of the worker.
        current: the build id of the current version; empty where there is none.
    """
    build_id, deployment = _names(version)
    which = f"the current one is {current!r}" if current else "the deployment has no current version"
    return (
        f"{subject} version {build_id!r} of the deployment {deployment!r}, and {which}: it is given no run but"
        f" those that are pinned to {build_id!r}. Make it the current one: temporal worker deployment"
        f' set-current-version --deployment-name "{deployment}" --build-id "{build_id}" --yes'
    )


def _names(version: WorkerDeploymentVersion) -> tuple[str, str]:
    return version.build_id, version.deployment_name
