"""Keys of dicts keep their order, in what a step takes and gives and in the run's result."""

from __future__ import annotations

import json

import pytest
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DataConverter, PayloadConverter

from terse_temporal.engine.wire.payloads import payload_in_order
from terse_temporal.serialization.json_text import json_of

from ..bench import Bench
from .jobs_converters import ordered


async def test_the_order_of_keys(bench: Bench) -> None:
    """As they were given: in the event, into the step, out of it, and at the end."""
    async with bench.worker(ordered):
        run = await bench.start(ordered, y=1, x=2, b={"d": 1, "c": 2})
        result = await bench.result(run)
    assert list(result) == ["seen", "given", "event"]
    assert result["event"] == ["y", "x", "b"]
    assert result["seen"] == ["z", "a", "m"]
    assert list(result["given"]) == ["m", "z", "a"]


@pytest.mark.parametrize("converter", [DataConverter.default, pydantic_data_converter], ids=["default", "pydantic"])
def test_what_is_written_is_plain_json(converter: DataConverter) -> None:
    """In the encoding that every client reads, whatever the converter does by itself."""
    data = {"z": 1, "a": [{"y": None, "b": "\u00fc"}]}
    payload = payload_in_order(json_of(data), converter.payload_converter)
    assert payload.metadata["encoding"] == b"json/plain"
    assert json.dumps(json.loads(payload.data)) == json.dumps(data)
    assert PayloadConverter.default.from_payload(payload) == data
