"""A run that is started beside its worker begins at once: the answer to the start is its first task."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from temporalio.client import Client

from terse_temporal import Run
from terse_temporal.worker import build_worker

from ..bench import Bench
from .jobs_runs import pay


async def first_events(client: Client, run: Run[Any]) -> tuple[bool, int]:
    """Whether the server has handed out the first task with the answer, and how many events there are."""
    events = (await client.get_workflow_handle(run.id).fetch_history()).events
    return events[0].workflow_execution_started_event_attributes.eager_execution_accepted, len(events)


async def test_beside_its_worker(bench: Bench) -> None:
    """Only where a worker has the job there and now, by the same connection; of as many events as any other."""
    client, other = [await Client.connect(bench.env.address) for _ in range(2)]
    worker = build_worker(client, jobs=[pay], task_queue=bench.task_queue, max_cached_workflows=bench.cache)
    queue = bench.task_queue
    async with worker:
        await pay.run({"order_id": "0"}, client=other, task_queue=queue)  # by then the worker runs
        eager = await pay.start({"order_id": "a", "amount": 2}, client=client, task_queue=queue)
        assert (await eager.result()).paid == 2
        is_eager, events = await first_events(client, eager)
        assert is_eager
        later = await pay.start({"order_id": "b"}, delay=timedelta(milliseconds=10), client=client, task_queue=queue)
        by_another = await pay.start({"order_id": "c"}, client=other, task_queue=queue)
        for each in (later, by_another):
            await each.result()
            assert await first_events(client, each) == (False, events)
        elsewhere = await pay.start({"order_id": "d"}, client=client, task_queue=f"{queue}-2")
        assert not (await first_events(client, elsewhere))[0]
        await elsewhere.terminate()
    # The worker is gone: whoever comes next has it.
    left = await pay.start({"order_id": "e"}, client=client, task_queue=queue)
    assert not (await first_events(client, left))[0]
    await left.terminate()
