"""The workflows that know which runs wait for deliveries, as a gateway finds and asks them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from temporalio.client import Client, WorkflowQueryFailedError
from temporalio.service import RPCError, RPCStatusCode

from ..engine.events.messages import source_of_waits
from ..serialization.wire_names import WAITS_QUERY, WAITS_WORKFLOW
from .registered_waits import RegisteredWait, read_waits

__all__ = ["Registries"]

#: How long an answer is waited for. It is a worker that gives it.
_PATIENCE: Final = 5.0
_QUERY_TIMEOUT: Final = timedelta(seconds=_PATIENCE)

#: Workflows that are asked at most. There are a few for each source.
_MOST: Final = 100


class _Registry:
    """One such workflow: what it has answered, and how it stood then."""

    def __init__(self, id: str, source: str) -> None:
        self.id = id
        self.source = source
        self.stood: tuple[str, int] | None = None
        self.waits: list[RegisteredWait] = []
        self.told: set[str] = set()


class Registries:
    """Those of one task queue.

    Args:
        task_queue: it.
    """

    def __init__(self, task_queue: str) -> None:
        self._task_queue = task_queue
        self._registries: dict[str, _Registry] = {}

    async def look(self, client: Client, on_answer: Callable[[], None]) -> dict[str, list[RegisteredWait]]:
        """Return what is waited for, by source; also those sources of which nothing is any more, once.

        A list, a description of each, and a query of those that have changed. Where no worker answers that, this takes
        seconds, and what was known of the waits stays.

        Args:
            client: of the server.
            on_answer: called with every answer of the server's own.

        Raises:
            RPCError: the server does not answer.
        """
        before = {each.source for each in self._registries.values()}
        await self._find(client)
        on_answer()
        await asyncio.gather(*(_ask(client, each, on_answer) for each in self._registries.values()))
        found: dict[str, list[RegisteredWait]] = {source: [] for source in before}
        for registry in self._registries.values():
            found.setdefault(registry.source, []).extend(registry.waits)
        return found

    async def _find(self, client: Client) -> None:
        queue = self._task_queue.replace("\\", "\\\\").replace('"', '\\"')
        query = f'WorkflowType = "{WAITS_WORKFLOW}" AND TaskQueue = "{queue}" AND ExecutionStatus = "Running"'
        found = {}
        async for each in client.list_workflows(query, limit=_MOST):
            if (source := source_of_waits(each.id, self._task_queue)) is not None:
                found[each.id] = self._registries.get(each.id) or _Registry(each.id, source)
        self._registries = found


async def _ask(client: Client, registry: _Registry, on_answer: Callable[[], None]) -> None:
    """Bring what is known of a workflow up to date. Where no worker is there to answer, it stays as it was."""
    handle = client.get_workflow_handle(registry.id)
    try:
        described = await handle.describe()
        on_answer()
        stands = (described.run_id, described.history_length)
        if registry.stood != stands:
            async with asyncio.timeout(_PATIENCE):  # the SDK asks again after the other one
                answer = await handle.query(WAITS_QUERY, rpc_timeout=_QUERY_TIMEOUT)
            registry.waits = list(read_waits(registry.id, answer, registry.told))
            registry.stood = stands
    except (WorkflowQueryFailedError, TimeoutError):
        pass
    except RPCError as error:
        if error.status == RPCStatusCode.NOT_FOUND:  # it has ended since: nobody waits
            registry.stood, registry.waits = None, []
        elif error.status not in (
            RPCStatusCode.DEADLINE_EXCEEDED,
            RPCStatusCode.CANCELLED,
            RPCStatusCode.FAILED_PRECONDITION,
        ):
            raise
