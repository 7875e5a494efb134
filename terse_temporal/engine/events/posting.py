"""Telling something to the workflow of a key, from a run: recorded, so that it is told once.

From a workflow one can signal another, which has to run, or start one as a child. So where none runs under a key it is
started as a child that outlives its parent: not of the run itself but of a small workflow between the two, which the
run starts and which then ends. The server lets no time be skipped in a run that has a child, and would tell the run of
every end of such a child. An activity that signals with start would be one workflow less; but one that is interrupted
is repeated, and the event in it might be told twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final

from temporalio import workflow
from temporalio.common import RawValue, VersioningBehavior
from temporalio.exceptions import FailureError, WorkflowAlreadyStartedError

from ...execution.run_events import is_name
from ...serialization.json_text import Json
from ...serialization.wire_names import (
    EVENTS_DONE_SIGNAL,
    EVENTS_POST_ID_PREFIX,
    EVENTS_POST_WORKFLOW,
    EVENTS_WAIT_SIGNAL,
    EVENTS_WORKFLOW,
    WAITS_WORKFLOW,
)
from ..limits import OWN_TASK_TIMEOUT
from ..wire.payloads import in_json, in_order
from .messages import MESSAGE_VERSION, message_data

__all__ = ["EventsPost", "VersionedEventsPost", "deliver", "post"]

#: How long its answer is waited for before it is seen whether it is still there.
_ANSWER_TIMEOUT: Final = timedelta(seconds=10)


#: The workflows that are told something, by their types, and what the Web UI says of them.
_SUMMARIES: Final = {EVENTS_WORKFLOW: "events by key", WAITS_WORKFLOW: "waits for deliveries"}


async def post(id: str, task_queue: str, signal: str, message: Json, *, workflow_type: str = EVENTS_WORKFLOW) -> None:
    """Tell something to the workflow of a key, from a run, and start it where it does not run.

    Args:
        id: of the workflow.
        task_queue: where it is started.
        signal: what it is told.
        message: with the signal.
        workflow_type: of the workflow.
    """
    fields = {"v": MESSAGE_VERSION, "to": id, "task_queue": task_queue, "say": [signal, message.data]}
    if workflow_type != EVENTS_WORKFLOW:
        fields["type"] = workflow_type
    given = in_json(fields)
    while True:
        # Somebody may terminate it, and then again: what it was to tell has not been told.
        with suppress(FailureError):
            await workflow.execute_child_workflow(
                EVENTS_POST_WORKFLOW,
                in_order(given, workflow.payload_converter()),
                id=f"{EVENTS_POST_ID_PREFIX}:{workflow.uuid4()}",
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                cancellation_type=workflow.ChildWorkflowCancellationType.ABANDON,
                task_timeout=OWN_TASK_TIMEOUT,
                static_summary="tells something to the events of a key",
            )
            return


async def deliver(id: str, signal: str, *arguments: Json) -> bool:
    """Signal the workflow that runs under an id, and return whether there is one that took it."""
    converter = workflow.payload_converter()
    handle = workflow.get_external_workflow_handle(id)
    try:
        await handle.signal(signal, args=[in_order(each, converter) for each in arguments])
    except FailureError:  # there is none, or it has been sent 10,000 signals
        return False
    return True


@workflow.defn(name=EVENTS_POST_WORKFLOW, sandboxed=False)
class EventsPost:
    """Tells one thing to the workflow of a key, and starts that where it does not run."""

    def __init__(self) -> None:
        self._is_done = False

    @workflow.run
    async def run(self, given: RawValue = None) -> None:  # type: ignore[assignment]  # the SDK knows no optional one
        """Start it, or signal it where it runs. Between the two it may end, or another may start it: then again."""
        found = message_data([given], workflow.payload_converter()) if given is not None else None
        message = found[0] if found else None
        if message is None or not _is_message(message):
            return  # somebody else's
        to, (signal, data) = message["to"], message["say"]
        while not await _start(to, message.get("type", EVENTS_WORKFLOW), message["task_queue"], message["say"]):
            # Who knows of waits for deliveries brings nothing, so that there is nothing to wait for.
            if signal != EVENTS_WAIT_SIGNAL or message.get("type") == WAITS_WORKFLOW:
                if await deliver(to, signal, in_json(data)):
                    return
            elif await self._ask(to, data):
                return

    @workflow.signal(dynamic=True)
    def on_signal(self, name: str, args: Sequence[RawValue]) -> None:
        """Take in that the workflow of the key has done what it was told."""
        self._is_done = self._is_done or name == EVENTS_DONE_SIGNAL

    async def _ask(self, id: str, data: Any) -> bool:
        """Tell the workflow of a key which waits there are, and wait until it has brought what it has kept for them.

        Until then the run that waits has an open child. Where time is skipped, it would else be over with its timeout
        before the event reaches it.
        """
        message = in_json({**data, "answer": workflow.info().workflow_id} if isinstance(data, dict) else data)
        is_there = await deliver(id, EVENTS_WAIT_SIGNAL, message)
        while is_there and not self._is_done:
            try:
                await workflow.wait_condition(lambda: self._is_done, timeout=_ANSWER_TIMEOUT)
            except TimeoutError:
                # Somebody may have terminated it. If not, this does nothing.
                is_there = await deliver(id, EVENTS_DONE_SIGNAL)
        return self._is_done


# As of the state: a worker without deployment versions must not name a behaviour.
@workflow.defn(name=EVENTS_POST_WORKFLOW, sandboxed=False, versioning_behavior=VersioningBehavior.AUTO_UPGRADE)
class VersionedEventsPost(EventsPost):
    """The same, on a worker of a versioned deployment."""

    @workflow.run
    async def run(self, given: RawValue = None) -> None:  # type: ignore[assignment]
        """Start it, or signal it where it runs."""
        await super().run(given)


async def _start(id: str, workflow_type: str, task_queue: str, say: list[Any]) -> bool:
    given = in_json({"v": MESSAGE_VERSION, "inbox": [say]})
    try:
        handle = await workflow.start_child_workflow(
            workflow_type,
            in_order(given, workflow.payload_converter()),
            id=id,
            task_queue=task_queue,
            parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            cancellation_type=workflow.ChildWorkflowCancellationType.ABANDON,
            task_timeout=OWN_TASK_TIMEOUT,
            static_summary=_SUMMARIES[workflow_type],
        )
    except WorkflowAlreadyStartedError:
        return False
    handle.add_done_callback(_look_at)
    return True


def _look_at(handle: asyncio.Future[Any]) -> None:
    """Take notice of its end, so that nobody complains that it was not."""
    if not handle.cancelled():
        handle.exception()


def _is_message(given: Any) -> bool:
    if not isinstance(given, dict) or not all(is_name(given.get(field), 1_000) for field in ("to", "task_queue")):
        return False
    if given.get("type", EVENTS_WORKFLOW) not in _SUMMARIES:
        return False
    say = given.get("say")
    return isinstance(say, list) and len(say) == 2 and is_name(say[0], 200)
