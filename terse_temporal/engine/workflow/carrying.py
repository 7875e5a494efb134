"""What goes over from a run to the one that its author continues it as: the events that nobody has taken.

They are a second argument, beside the event, so that they pass through the user's codec, and are in no listing of runs
as a memo would be. They are put there when the handler has raised what continues it and the run's waits are withdrawn:
an event may come until then.
"""

from __future__ import annotations

from typing import Any, Final

from temporalio import workflow
from temporalio.api.common.v1 import Payload
from temporalio.worker import (
    ContinueAsNewInput,
    WorkflowInboundInterceptor,
    WorkflowOutboundInterceptor,
)

from ...errors import EventError
from ...execution.protocol import may_record
from ...serialization.payload_limits import over_limit
from ...serialization.wire_names import EVENTS_CARRIED
from ..wire.payloads import in_json, in_order

__all__ = ["RUN_CONTEXT", "CarryEvents", "add_carried", "read_carried"]

#: The name under which the runner hands in what a run needs.
RUN_CONTEXT: Final = "terse_temporal.run_context"


class CarryEvents(WorkflowInboundInterceptor):
    """Keeps what a handler continues its run with, until the run has ended.

    `init` is called by the SDK.
    """

    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        super().init(_KeepInput(outbound))


class _KeepInput(WorkflowOutboundInterceptor):
    def continue_as_new(self, input: ContinueAsNewInput) -> Any:
        context = workflow.extern_functions().get(RUN_CONTEXT)
        if context is not None:
            context().continuing = input
        super().continue_as_new(input)


def add_carried(input: ContinueAsNewInput, carried: dict[str, Any] | None, job: str) -> None:
    """Put what is carried on beside the event of the next run.

    Raises:
        EventError: the two together are larger than the server takes.
    """
    if carried is None or input.workflow not in (None, job):
        return
    converter = workflow.payload_converter()
    arguments = [*(list(input.args)[:1] or [None]), in_order(in_json(carried), converter)]
    size = sum(len(each.data) for each in converter.to_payloads(arguments))
    if not may_record(size):
        raise EventError(
            "the run cannot be continued as new: its event and the events that it has been sent and has not taken are "
            + over_limit(size, "Take these events before, with wait_for_event().")
        )
    input.args = arguments


def read_carried(payload: Payload | None) -> Any:
    """Return what was carried on, or `None` where a second argument is something else."""
    if payload is None:
        return None
    try:
        data = workflow.payload_converter().from_payload(payload)
    except Exception:  # somebody's
        return None
    return data.get(EVENTS_CARRIED) if isinstance(data, dict) and len(data) == 1 else None
