"""Many children, a few at a time: handlers set by name, activities that are methods, children left running."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.common import RawValue, WorkflowIDReusePolicy


@dataclass
class Batch:
    size: int
    at_once: int = 5
    offset: int = 0
    running: set[int] = field(default_factory=set)


class Records:
    """Activities that share a connection."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names

    @activity.defn
    async def page(self, offset: int, size: int) -> list[str]:
        return list(self.names[offset : offset + size])


@workflow.defn
class SendOne:
    @workflow.run
    async def run(self, number: int, name: str) -> None:
        await workflow.sleep(workflow.random().uniform(1, 10))
        parent = workflow.info().parent
        if parent is not None:
            await workflow.get_external_workflow_handle(parent.workflow_id).signal("sent", number)


@workflow.defn
class SendBatch:
    def __init__(self) -> None:
        self.running: set[int] = set()
        self.sent = 0

    @workflow.run
    async def run(self, batch: Batch) -> int:
        self.running = set(batch.running)
        workflow.set_query_handler("progress", self.progress)
        workflow.set_signal_handler("sent", self.on_sent)
        names = await workflow.execute_activity_method(
            Records.page, args=[batch.offset, batch.size], start_to_close_timeout=timedelta(seconds=5)
        )
        for number, name in enumerate(names, start=batch.offset):
            await workflow.wait_condition(lambda: len(self.running) < batch.at_once)
            child = await workflow.start_child_workflow(
                SendOne.run,
                args=[number, name],
                id=f"{workflow.info().workflow_id}/{number}",
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            )
            self.running.add(number)
            workflow.logger.debug("%s is under way", child.id)
        if len(names) == batch.size:
            workflow.continue_as_new(Batch(batch.size, batch.at_once, batch.offset + len(names), self.running))
        await workflow.wait_condition(lambda: not self.running)
        return batch.offset + len(names)

    def progress(self) -> int:
        return self.sent

    def on_sent(self, number: int) -> None:
        if number in self.running:
            self.running.remove(number)
            self.sent += 1

    @workflow.signal(dynamic=True)
    async def anything_else(self, name: str, args: Sequence[RawValue]) -> None:
        workflow.logger.info("Nothing is done about %s with %d values", name, len(args))
