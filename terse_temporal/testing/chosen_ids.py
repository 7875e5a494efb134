"""The ids that jobs choose themselves (`key=`, `id=`): what one test has started under them is not there in the next.

It would be attached to, or refused, though it is of another test, with other test doubles.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.service import RPCError

from ..serialization.wire_names import OWN_WORKFLOWS

__all__ = ["delete_runs_of_chosen_ids"]

#: The end of an id that nobody has chosen: a UUID, or a key.
_MADE: Final = re.compile(r"-[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}$")

_LONGEST: Final = 5.0  # seconds. It takes some hundredths of one.


async def delete_runs_of_chosen_ids(client: Client, task_queues: Iterable[str], known: Iterable[str]) -> None:
    """Delete the runs under ids that were chosen, and wait until the server has done so.

    Args:
        client: of a server that deletes at once what has ended (`DevServer` in memory).
        task_queues: of one test.
        known: ids of runs of that test. The server's list of runs may not have the last ones yet.
    """
    ids = {each for each in known if not _MADE.search(each)}
    for task_queue in set(task_queues):
        with suppress(RPCError):
            async for found in client.list_workflows(f'TaskQueue = "{task_queue}"'):
                if not found.workflow_type.startswith(OWN_WORKFLOWS) and not _MADE.search(found.id):
                    ids.add(found.id)
    with suppress(TimeoutError):
        async with asyncio.timeout(_LONGEST):
            await asyncio.gather(*(_delete(client, each) for each in ids))


async def _delete(client: Client, id: str) -> None:
    """Delete all runs of an id, of a chain too."""
    handle = client.get_workflow_handle(id)
    deleted = ""
    with suppress(RPCError):  # there is none, or none any more
        while True:
            run_id = (await handle.describe()).run_id
            if run_id != deleted:
                of_run = WorkflowExecution(workflow_id=id, run_id=run_id)
                await client.workflow_service.delete_workflow_execution(
                    DeleteWorkflowExecutionRequest(namespace=client.namespace, workflow_execution=of_run)
                )
                deleted = run_id
            await asyncio.sleep(0.01)
