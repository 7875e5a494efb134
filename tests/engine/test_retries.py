"""A step that raises is tried again when `retry=` says so, as often, after as long and for such errors as it says."""

from __future__ import annotations

from datetime import timedelta

import pytest

from terse_temporal import Job, Retry
from terse_temporal.engine.wire.retries import retry_delay, retry_to_wire

from ..bench import Bench, cache_on, scheduled
from .jobs_retries import another_class, exit_is_not_retried, in_vain, no_retry, one_attempt, retries


def attempts(bench: Bench) -> list[int]:
    return [int(line.split()[0]) for line in bench.effects.lines()]


@pytest.mark.parametrize("case", ["every exception", "a base class", "one class"])
async def test_it_is_tried_again_until_it_succeeds(bench: Bench, case: str) -> None:
    """A step is tried again for every Exception, or for the classes in `on=` and those below them."""
    async with bench.worker(retries):
        run = await bench.start(retries, case=case)
        assert await bench.result(run) == "third time"
    assert attempts(bench) == [1, 2, 3]
    assert await scheduled(run) == ["third_time"]


async def test_delays(bench: Bench) -> None:
    """The delay before an attempt begins with `initial`, and grows by `multiplier`."""
    async with bench.worker(retries):
        await bench.result(await bench.start_on_the_wall_clock(retries, case="delays"))
    first, second, third = (float(line.split()[1]) for line in bench.effects.lines())
    assert second - first >= 0.1
    assert third - second >= 0.2


def test_the_longest_delay() -> None:
    """No delay is longer than `max_delay`, however often a step has been tried."""
    rule = retry_to_wire(Retry(max_attempts=10**6, initial="1s", multiplier=3, max_delay="30s")._rule())
    delays = [retry_delay(ValueError(), rule, attempt) for attempt in (1, 2, 3, 4, 5, 10**6 - 1, 10**6)]
    assert delays == [*(timedelta(seconds=each) for each in (1, 3, 9, 27, 30, 30)), None]
    slow = retry_to_wire(Retry(initial="10m")._rule())
    assert [retry_delay(ValueError(), slow, attempt) for attempt in (1, 2)] == [timedelta(minutes=10)] * 2


async def test_the_last_attempt_decides(bench: Bench) -> None:
    """After `max_attempts` the step fails with what its last attempt raised."""
    assert await bench.run(in_vain) == ["never", True]
    assert attempts(bench) == [1, 2]


@cache_on
@pytest.mark.parametrize(
    ("job", "cls", "text"),
    [
        (no_retry, "ValueError", "wrong"),
        (one_attempt, "ValueError", "wrong"),
        (another_class, "ValueError", "wrong"),
        (exit_is_not_retried, "StepError", "left"),
    ],
    ids=lambda value: value.name if isinstance(value, Job) else "",
)
async def test_it_is_not_tried_again(bench: Bench, job: Job, cls: str, text: str) -> None:
    """Without `retry=`, for a class that `on=` does not name, and for SystemExit, a step fails at once."""
    failure = await bench.fail(job)
    assert (failure.type, failure.message) == (cls, text)
    assert attempts(bench) == [1]
