"""`survive` crashes a job at each boundary that it has, and says truly what came of it."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowHandle

from terse_temporal.errors import CrashTestError
from terse_temporal.testing.crashes import survive

from .conftest import Bench, named


async def test_every_boundary(bench: Bench) -> None:
    """Steps of each kind have three boundaries and a sleep one; a sound job passes, and what ran again is told."""
    report = await bench.survive("crs-kinds")
    steps = ["charge", "ship", "crs.notify"]
    moments = ["before", "after_effect", "after_record"]
    expected = [f"{moment} {step!r}" for step in steps for moment in moments]
    expected.insert(3, "asleep for 3 days")
    assert [str(boundary) for boundary in report.boundaries] == expected
    assert report.passed
    assert report.same_result
    assert all(boundary.crashed and boundary.same_steps for boundary in report.boundaries)
    assert report.repeated == dict.fromkeys(steps, 1)
    # The run in peace and one for each boundary, and once more each step that was killed after its effect.
    assert Counter(name for name, _ in bench.happened()) == dict.fromkeys(steps, 11 + 1)
    assert all(repeat.one_key and len(repeat.keys) == 1 for each in report.boundaries for repeat in each.repeats)
    assert "10 passed, 0 failed" in str(report)
    assert "'charge' once more, with the same key" in str(report)


async def test_second_sleep(bench: Bench) -> None:
    """Each sleep is met, also one that follows a longer one."""
    report = await bench.survive("crs-two-sleeps")
    assert report.passed
    named = [str(boundary) for boundary in report.boundaries]
    assert [named[0], named[-1]] == ["asleep for 4 weeks and 2 days", "asleep for 1 minute (2)"]


async def test_order_of_a_set(bench: Bench) -> None:
    """A job whose order hangs on a set fails, and the report shows what was recorded and what came then."""
    report = await bench.survive("crs-first-of-a-set")
    assert not report.passed
    lost = [boundary for boundary in report.boundaries if boundary.problem]
    assert lost
    assert all(boundary.outcome is None for boundary in lost)
    assert "did not end" in str(report)
    # Or in another order from the start, as each run has a process of its own.
    assert "never came there" in str(report)
    assert "An order that hangs on a set" in str(report)
    assert "recorded" in lost[0].problem


async def test_call_with_another_key(bench: Bench) -> None:
    """A step whose repetition makes the same call under another key is found: the other side takes it for two."""
    report = await bench.survive("crs-changing-key")
    assert not report.passed
    assert [str(boundary) for boundary in report.boundaries if not boundary.passed] == [
        "after_effect 'with_changing_call'"
    ]
    assert "WITH ANOTHER KEY" in str(report)
    assert report.same_result


async def test_not_durable(bench: Bench) -> None:
    """A job that is not durable fails where it is interrupted once something of it has run, and the report says why."""
    report = await bench.survive("crs-plain")
    assert not report.passed
    assert [boundary.passed for boundary in report.boundaries] == [True, False, True]
    assert "It is not durable, so an interruption fails it" in str(report)


async def test_another_result(bench: Bench) -> None:
    """A result that is another after a crash is a failure, unless the author says that it means the same."""
    compared: list[tuple[int, int]] = []

    def same(one: int, other: int) -> bool:
        compared.append((one, other))
        return one == other or len(compared) == 1

    report = await bench.survive("crs-attempts", same=same)
    assert [boundary.outcome and boundary.outcome.result for boundary in report.boundaries] == [2, 2, 1]
    assert sorted(compared) == [(1, 1), (1, 2), (1, 2)]
    assert [boundary.same for boundary in report.boundaries].count(False) == 2 - (compared[0] == (1, 2))
    assert not report.same_result
    assert not report.passed
    assert "another: 2" in str(report)


async def test_run_that_fails(bench: Bench) -> None:
    """A run that fails in peace is to fail with the same."""
    report = await bench.survive("crs-failing-later")
    assert report.passed
    assert str(report.uncrashed) == "DeclinedError: declined: no money"


async def test_run_that_does_not_end(bench: Bench) -> None:
    """A run that hangs is given up after its time, with the steps that are open and what its worker printed."""
    with pytest.raises(CrashTestError) as told:
        await bench.survive("crs-waits", limit=timedelta(seconds=2))
    assert "the run of 'crs-waits' that nobody crashed did not end: it did not end within 2 seconds" in str(told.value)
    assert "Open are the steps 'wait' (attempt 1)" in str(told.value)
    assert "| waiting" in str(told.value)


async def test_what_a_test_does_wrong(bench: Bench) -> None:
    """An error of the functions that a test gives is raised as it is."""
    runs: list[str] = []

    async def start(task_queue: str, workflow_id: str) -> WorkflowHandle[Any, Any]:
        runs.append(workflow_id)
        if len(runs) > 1:
            raise LookupError("no second run")
        return await bench.start("crs-attempts", task_queue, workflow_id)

    with pytest.raises(LookupError, match="no second run"):
        await survive(start, client=bench.client, job=named("crs-attempts"), skip=bench.skip, at_once=1)


async def test_local_steps(bench: Bench) -> None:
    """A local step has two boundaries; with it run again those before it that are recorded together with it."""
    report = await bench.survive("crs-local")
    assert [str(boundary) for boundary in report.boundaries] == [
        "before 'price'",
        "after_effect 'price'",
        "before 'stock'",
        "after_effect 'stock'",
        "before 'reserve'",
        "after_effect 'reserve'",
        "after_record 'reserve'",
        "before 'price' (2)",
        "after_effect 'price' (2)",
    ]
    assert report.passed
    assert all(boundary.crashed for boundary in report.boundaries)
    again = [{repeat.name: repeat.times for repeat in boundary.repeats} for boundary in report.boundaries]
    # The turn of a handler may be handed out again by itself, on a busy machine and as time is skipped.
    assert [name for name in ("stock", "reserve") for found in again if name in found] == ["stock", "reserve"]
    assert all("price" in again[number] for number in (1, 2, 3, 8))
    assert all(repeat.one_key for boundary in report.boundaries for repeat in boundary.repeats)
