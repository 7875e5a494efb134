"""Reading the state of a job from the history of the workflow that holds it, where no worker is there to be asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from ...errors import StateError
from ...state import StateId
from ..wire.history import RunHistory
from .store import state_workflow_id
from .table import StateTable

__all__ = ["read_state"]


async def read_state(client: Client, of: StateId) -> dict[str, Any]:
    """Return every key that is set, with its value, as of all writes that have returned.

    Raises:
        temporalio.service.RPCError: the server does not tell.
        StateError: the client cannot decode it.
    """
    while True:
        try:
            found = await client.get_workflow_handle(state_workflow_id(of)).describe()
        except RPCError as err:
            if err.status == RPCStatusCode.NOT_FOUND:
                return {}
            raise
        if found.status != WorkflowExecutionStatus.RUNNING:
            return {}  # somebody has ended it, and with it the state
        recorded = RunHistory((await client.get_workflow_handle(found.id, run_id=found.run_id).fetch_history()).events)
        table = StateTable()
        if recorded.started is not None:
            table = StateTable(await _decode(client, recorded.started.input.payloads))
        for given in recorded.updates:  # they were handled in this order: the handler awaits nothing
            table.write(await _decode(client, given))
        if not recorded.next_run_id:
            return {key: value for key, (_, value) in table.read().items()}


async def _decode(client: Client, payloads: Sequence[Payload]) -> Any:
    try:
        return (await client.data_converter.decode(payloads))[0] if payloads else None
    except Exception as err:
        raise StateError(
            f"the state is written in a way that this client cannot read ({err}): with a payload codec of the workers,"
            " it seems. Read it in a job."
        ) from None
