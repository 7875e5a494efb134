"""Whatever a step, a job or a handler raises fails it, once, by the class that was raised."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import re
from collections import Counter
from collections.abc import Iterable, Sequence

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.client import Client
from temporalio.converter import DataConverter, PayloadCodec

from terse_temporal.worker import build_worker

from ..bench import Bench, Run, cache_on
from .jobs_failures import CASES, failing_handler, failing_plain_job, failing_step, paying


@pytest.mark.parametrize("once", [False, True], ids=["retry", "fail"])
async def test_in_a_step(bench: Bench, once: bool) -> None:
    """A step that raises is run once, with and without on_interrupt="fail", and the handler is told the class."""
    async with bench.worker(failing_step):
        runs = {case: await bench.start(failing_step, case=case, once=once) for case in CASES}
        results = await asyncio.gather(*map(bench.result, runs.values()))
    assert await _files(runs.values()) == {"jobs_failures.py"}
    for case, (error_type, text) in zip(runs, results, strict=True):
        assert error_type == CASES[case][1], case
        assert CASES[case][2] in text, case
    assert Counter(bench.effects.lines()) == Counter(dict.fromkeys(CASES, 1))


async def test_in_a_plain_job(bench: Bench) -> None:
    """A job that is not durable runs once, and fails by the class that it raised."""
    async with bench.worker(failing_plain_job):
        runs = {case: await bench.start(failing_plain_job, case=case) for case in CASES}
        failures = await asyncio.gather(*map(bench.failure, runs.values()))
    assert await _files(runs.values()) == {"jobs_failures.py"}
    for case, failure in zip(runs, failures, strict=True):
        assert failure.type == CASES[case][1], case
        assert CASES[case][2] in failure.message, case
    assert Counter(bench.effects.lines()) == Counter(dict.fromkeys(CASES, 1))


async def test_in_a_handler(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """A handler that raises fails its run by the class, and the worker's log has the line of the user's, once."""
    with caplog.at_level(logging.ERROR, "terse_temporal.worker"):
        async with bench.worker(failing_handler):
            runs = {case: await bench.start(failing_handler, case=case) for case in CASES}
            failures = await asyncio.gather(*map(bench.failure, runs.values()))
    assert await _files(runs.values()) == {"jobs_failures.py"}
    logged = [record for record in caplog.records if record.name == "terse_temporal.worker"]
    for (case, run), failure in zip(runs.items(), failures, strict=True):
        assert failure.type == CASES[case][1], case
        assert CASES[case][2] in failure.message, case
        (said,) = [record for record in logged if run.id in record.getMessage()]
        assert "jobs_failures.py" in logging.Formatter().format(said), case


async def _files(runs: Iterable[Run]) -> set[str]:
    """The names of the files in the tracebacks that the histories have: none of the engine's, nor of the SDK's."""
    histories = [(await run.fetch_history()).to_json() for run in runs]
    return {file for each in histories for file in re.findall(r'File \\"[^"]*?([\w<>.]+)\\", line', each)}


class _Failing(PayloadCodec):
    """Its key service does not answer, some times, when what a step came to is encoded."""

    def __init__(self, word: bytes, times: int) -> None:
        self.word = word
        self.times = times

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        if self.times and any(self.word in each.data for each in payloads):
            self.times -= 1
            raise RuntimeError("the key service does not answer")
        return list(payloads)

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return list(payloads)


@cache_on
@pytest.mark.parametrize(
    ("event", "word", "times", "expected"),
    [
        ({}, b'"paid"', 1, "paid"),
        ({"once": True}, b'"paid"', 1, "paid"),
        ({}, b'"paid"', 100, "StepOutputError: step 'paid' has run, and its result cannot be encoded: RuntimeError"),
        ({"declined": True}, b"jobs_failures:ApiError", 1, "ApiError: declined"),
        (
            {"declined": True},
            b"jobs_failures:ApiError",
            100,
            "ApiError: the failure of the step cannot be encoded: RuntimeError",
        ),
    ],
    ids=["once", "once, at most once", "for good", "a failure, once", "a failure, for good"],
)
async def test_what_a_step_came_to_cannot_be_encoded(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, event: dict[str, bool], word: bytes, times: int, expected: str
) -> None:
    """A step that has run is not run again because its result, or its failure, cannot be encoded."""
    monkeypatch.setattr("terse_temporal.engine.activity.completion._PAUSES", (0.01, 0.01))
    codec = _Failing(word, times)
    converter = dataclasses.replace(DataConverter.default, payload_codec=codec)
    client = await Client.connect(bench.env.address, data_converter=converter)
    async with build_worker(client, jobs=[paying], task_queue=bench.task_queue, max_cached_workflows=bench.cache):
        result = await bench.result(await bench.start_on_the_wall_clock(paying, on=client, **event))
    assert result.startswith(expected)
    assert bench.effects.lines() == ["declined" if "declined" in event else "paid"]
