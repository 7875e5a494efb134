"""Runs are started and asked after by whatever client, one that encrypts its payloads too."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.client import Client
from temporalio.converter import DataConverter, PayloadCodec

from terse_temporal import get_run, list_runs
from terse_temporal.errors import EventError, ResultError
from terse_temporal.runs.why import why
from terse_temporal.worker import build_worker

from ..bench import Bench, cache_on
from ..waiting import until
from .jobs_looked_at import waits
from .jobs_runs import CardDeclined, Order, Receipt, fail, pay


class Encoding(PayloadCodec):
    """Encodes everything, and makes it larger, as a codec that encrypts does."""

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [
            Payload(metadata={"encoding": b"test/base64"}, data=base64.b64encode(each.SerializeToString()))
            for each in payloads
        ]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [
            Payload.FromString(base64.b64decode(each.data)) if each.metadata["encoding"] == b"test/base64" else each
            for each in payloads
        ]


@cache_on
async def test_a_client_that_encodes(bench: Bench) -> None:
    """Results, failures with what they held, and lists come through; one without the codec says that it cannot read."""
    client = await Client.connect(bench.env.address, data_converter=DataConverter(payload_codec=Encoding()))
    async with build_worker(client, jobs=[pay, fail], task_queue=bench.task_queue):
        tag = bench.task_queue
        run = await pay.start(Order(order_id="a", amount=3), tags=[tag])
        assert await run.result() == Receipt("a", 3)
        with pytest.raises(CardDeclined) as declined:
            await fail.run({"step": True})
        assert (declined.value.code, declined.value.amount) == ("stolen", 9)

        async def is_listed() -> bool:
            return [info.id async for info in list_runs(tag=tag, client=client)] == [run.id]

        await until(is_listed, "the run is found by its tag, which no codec encodes")
        with pytest.raises(ResultError, match="ended cannot be read by this client"):
            await get_run(run.id, client=bench.env.client).result()
        # Under the limit as it is, and over it as it is sent.
        with pytest.raises(EventError, match="as the client encodes it, is over the server's limit"):
            await pay.start(Order(order_id="x" * 1_900_000))


@cache_on
async def test_what_a_run_waits_for_that_cannot_be_read(bench: Bench) -> None:
    """A client without the codec says that it cannot tell which event is waited for; one that has it tells it."""
    client = await Client.connect(bench.env.address, data_converter=DataConverter(payload_codec=Encoding()))
    async with build_worker(client, jobs=[waits], task_queue=bench.task_queue):
        run = await waits.start({"key": "k-1"})

        async def is_told() -> bool:
            return any("the event 'paid' of the key 'k-1'" in each for each in (await why(client, run.id)).sentences)

        await until(is_told, "the run waits, and the client with the codec says for what")
        assert (await why(client, run.id)).notes == ()
        (note,) = (await why(bench.env.client, run.id)).notes
        assert note.startswith("Which events and answers it waits for stands in its memo, and this client cannot read")
        await run.terminate()
