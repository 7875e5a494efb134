"""Schedules that a client with a payload codec has made are read by such a client, and left alone by any other."""

from __future__ import annotations

from typing import Any

import pytest
from temporalio.client import Client
from temporalio.converter import DataConverter

from terse_temporal import Triggers, create_job
from terse_temporal.errors import ScheduleError
from terse_temporal.schedules import sync
from terse_temporal.schedules.operating import pause, trigger_now
from terse_temporal.testing import JobEnvironment
from terse_temporal.triggers import ScheduledEvent
from terse_temporal.worker import build_worker

from ..runs.test_codecs import Encoding


@create_job(name="encoded-nightly", triggers=[Triggers.schedule.cron("0 3 * * *", "Europe/Berlin")])
def nightly(event: ScheduledEvent) -> Any:
    return [event.timezone, event.manual]


async def test_a_client_that_encodes(env: JobEnvironment, client: Client, task_queue: str) -> None:
    """Memos go through the codec: a sync finds its own, a run knows its zone; without it nothing is written to."""
    converter = DataConverter(payload_codec=Encoding())
    encoding = await Client.connect(env.address, namespace=client.namespace, data_converter=converter)
    for action in ("created", "unchanged"):
        (change,) = await sync([nightly], encoding, task_queue=task_queue)
        assert change.action == action
    async with build_worker(encoding, jobs=[nightly], task_queue=task_queue):
        run = await trigger_now(encoding, "encoded-nightly")
        assert run is not None
        assert await encoding.get_workflow_handle(run.id).result() == ["Europe/Berlin", True]
    with pytest.raises(ScheduleError, match="has a payload codec, or a key of one, that this one has not"):
        await sync([nightly], client, task_queue=task_queue)
    with pytest.raises(ScheduleError, match="'encoded-nightly' is not paused: it was made by a sync whose client has"):
        await pause(client, "encoded-nightly", "no")
