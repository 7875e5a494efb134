"""However large or odd an event is, a run ends, within the time of a workflow task, and says what is wrong."""

from __future__ import annotations

import json.encoder
import sys
from typing import Any

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.common import RawValue

from terse_temporal import Job

from ..bench import Bench, cache_on
from .jobs_large import durable, plain

KINDS = pytest.mark.parametrize("job", [durable, plain], ids=["durable", "plain"])


def nested(levels: int, *, lists: bool = True) -> str:
    opening, closing = ('{"a":[', "]}") if lists else ('{"a":', "}")
    return opening * levels + "1" + closing * levels


#: What is sent, and what is said of it for a durable job and for one that is not.
ODD = {
    nested(101): "at $.a[0].a[0]",
    nested(200): "is nested more than 200 levels deep",
    nested(400): "is nested more than 200 levels deep",
    nested(5_000): "is nested more than 200 levels deep",
    nested(300, lists=False): "at $.a.a.a.a",
    "[" * 300 + "]" * 300: "at $[0][0]",
    '{"a": [{"b": NaN}]}': "$.a[0].b is not a finite number",
    '{"a": 1e999}': "$.a is not a finite number",
    '{"a": ' + "9" * 5_000 + "}": "cannot be read: Exceeds the limit",
    "{": "cannot be read",
}


def raw(text: str) -> RawValue:
    return RawValue(Payload(metadata={"encoding": b"json/plain"}, data=text.encode()))


@cache_on
@KINDS
async def test_odd_events(bench: Bench, job: Job) -> None:
    """The error is ours, and names the job, the line, and the path in the event."""
    async with bench.worker(job):
        runs = [await bench.start_raw(job, raw(text)) for text in ODD]
        failures = [await bench.failure(run) for run in runs]
        deepest = await bench.start_raw(job, raw(nested(99)))
        assert await bench.result(deepest) == 1
    for failure, said in zip(failures, ODD.values(), strict=True):
        assert failure.type in ("EventError", "StepInputError")
        assert said in failure.message
        assert "tests/engine/jobs_large.py:" in failure.message
        assert failure.type == "StepInputError" or f"the job {job.name!r}" in failure.message


@pytest.fixture
def encoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of large JSON that was written since."""
    sizes: list[int] = []
    make = vars(json.encoder)["c_make_encoder"]

    def counting(*arguments: Any) -> Any:
        encode = make(*arguments)

        def call(*given: Any) -> Any:
            parts = encode(*given)
            if (size := sum(map(len, parts))) > 1_000_000:
                sizes.append(size)
            return parts

        return call

    monkeypatch.setattr(json.encoder, "c_make_encoder", counting)
    return sizes


@KINDS
async def test_a_large_event(bench: Bench, job: Job, encoded: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """One of 1.9 MB is written once when a handler passes it on: size, check and what is sent are of one text."""
    event = {f"k{number}": number for number in range(120_000)}
    # The handler takes 0.2 s of CPU for it. A machine that is busy gives it those in more than the two seconds after
    # which the SDK takes a handler for one that does not yield, and does the task again.
    monkeypatch.setattr(sys, "breakpointhook", sys.breakpointhook)  # which that mode sets
    async with bench.worker(job, debug_mode=True):
        run = await bench.start_raw(job, raw(json.dumps(event)))
        del encoded[:]
        assert await bench.result(run) == 120_000
    # A run that is in no cache makes the call again when it goes on.
    assert len(encoded) <= (1 if bench.cache else 2)
