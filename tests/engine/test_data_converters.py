"""Jobs work with any client, whatever its data converter: what travels is plain JSON, encrypted where it encrypts."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DataConverter, DefaultFailureConverterWithEncodedAttributes, PayloadCodec

from terse_temporal.worker import build_worker

from ..bench import Bench, Run
from .jobs_converters import fails_through, plain_through, through


class Scrambling(PayloadCodec):
    """An encryption that is none, but that nothing reads by accident."""

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [
            Payload(
                metadata={"encoding": b"binary/scrambled"}, data=bytes(byte ^ 42 for byte in each.SerializeToString())
            )
            for each in payloads
        ]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [Payload.FromString(bytes(byte ^ 42 for byte in each.data)) for each in payloads]


CONVERTERS = {
    "default": DataConverter.default,
    "pydantic": pydantic_data_converter,
    "encrypting": dataclasses.replace(
        DataConverter.default,
        payload_codec=Scrambling(),
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    ),
    "encrypting pydantic": dataclasses.replace(pydantic_data_converter, payload_codec=Scrambling()),
}

EXPECTED: list[Any] = [
    "geheim",
    [1, 1.5, None, True, "ü", {"a": {"b": []}}],
    "Customer(email='ada@example.com', joined=datetime.date(2025, 1, 2))",
    None,
    ["Declined", "no funds", "funds"],
]


@pytest.mark.parametrize("name", CONVERTERS)
async def test_the_same_results_with_every_converter(bench: Bench, name: str) -> None:
    """Results, typed values, exceptions and failures are the same with every converter."""
    config: Any = bench.env.client.config()
    client = Client(**{**config, "data_converter": CONVERTERS[name]})
    jobs = [through, plain_through, fails_through]
    async with build_worker(client, jobs=jobs, task_queue=bench.task_queue, max_cached_workflows=bench.cache):
        runs: list[Run] = [await bench.start_on_the_wall_clock(job, on=client, secret="geheim") for job in jobs]
        assert await bench.result(runs[0]) == EXPECTED
        assert await bench.result(runs[1]) == ["geheim", {"a": None}]
        failure = await bench.failure(runs[2])
        assert (failure.type, failure.message) == ("Declined", "geheim")
    recorded = [event.SerializeToString() for event in (await runs[0].fetch_history()).events]
    assert any(b"geheim" in event for event in recorded) == ("encrypting" not in name)
