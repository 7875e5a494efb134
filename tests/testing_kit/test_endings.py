"""However a run ends, a test can say what it expects: a result, an error, a filter, a cancellation."""

from __future__ import annotations

import pytest
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import CancelledError

from terse_temporal.errors import EventError, StepError
from terse_temporal.testing import Jobs

from . import jobs_kit as kit


async def test_failed_with(jobs: Jobs) -> None:
    """An error is expected by its class, by one it derives from or by its name, and by a part of its message."""
    run = await jobs.start(kit.fails, {"how": "itself"})
    assert (await run.failed_with(kit.Expired)).type == "Expired"
    await run.failed_with(kit.Declined)
    await run.failed_with("Expired", match="yester")
    assert "yesterday" in (await run.failed_with(Exception)).message
    assert run.status == "failed"


async def test_failed_with_a_step(jobs: Jobs) -> None:
    """The failure of a step is its own class, and a `StepError`."""
    jobs.steps.charge.raises(kit.Declined("no money"))
    run = await jobs.start(kit.fails, {"how": "step"})
    await run.failed_with(kit.Declined, match="^(Declined: )?no money$")
    await run.failed_with(StepError)
    itself = await jobs.start(kit.fails, {"how": "itself"})
    with pytest.raises(AssertionError, match="did not fail with StepError, but with Expired: yesterday"):
        await itself.failed_with(StepError)


async def test_failed_with_a_tool(jobs: Jobs) -> None:
    """So is that of a tool."""
    jobs.tools.kit.announce.raises(PermissionError("not you"))
    run = await jobs.start(kit.fails, {"how": "tool"})
    await run.failed_with(PermissionError, match="not you")
    await run.failed_with(OSError)


async def test_failed_otherwise(jobs: Jobs) -> None:
    """An error that is not met is told with the one that was."""
    run = await jobs.start(kit.fails, {"how": "itself"})
    with pytest.raises(AssertionError, match="did not fail with KeyError, but with Expired: yesterday"):
        await run.failed_with(KeyError)
    with pytest.raises(AssertionError, match="did not fail with Declined, but with Expired"):
        await run.failed_with("Declined")
    with pytest.raises(AssertionError, match=r"(?s)another message:\n  expected: tomorrow\n  was: .*yesterday"):
        await run.failed_with(kit.Expired, match="tomorrow")
    done = await jobs.start(kit.numbered, {"parts": 1})
    with pytest.raises(AssertionError, match=r"did not fail with KeyError; it completed, with the result \[1\]"):
        await done.failed_with(KeyError)


async def test_failed_over_a_sleep(jobs: Jobs) -> None:
    """A failure is waited for as a result is: without waiting for sleeps."""
    run = await jobs.start(kit.fails, {"how": "sleeping"})
    with pytest.raises(AssertionError, match="it completed, with the result None"):
        await run.failed_with(kit.Expired)


async def test_an_event_that_does_not_fit(jobs: Jobs) -> None:
    """An event that does not fit is refused before a run is started, with every wrong field and no more beside it."""
    with pytest.raises(EventError, match=r"(?s)email.*name") as caught:
        await jobs.start(kit.typed, {"email": 5})
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert jobs.runs == []


async def test_a_result_that_is_a_failure(jobs: Jobs) -> None:
    """The result of a run that failed is an error that says with what."""
    run = await jobs.start(kit.fails, {"how": "itself"})
    with pytest.raises(WorkflowFailureError, match=f"the run {run.id} failed with Expired: yesterday") as failed:
        await run.result()
    assert getattr(failed.value.cause, "type", None) == "Expired"


async def test_a_filter(jobs: Jobs) -> None:
    """An event that the filter does not let through has a result, and no step."""
    run = await jobs.start(kit.filtered, {"amount": 3})
    assert (await run.result(), run.steps) == ({"skipped": "filter"}, [])
    assert await jobs.run(kit.filtered, {"amount": 11}) == "done"


async def test_jobs_that_are_not_durable(jobs: Jobs) -> None:
    """A job that is not durable is run, and fails, as any other."""
    run = await jobs.start(kit.plain, {"number": 1})
    assert await run.result() == 2
    assert [step.name for step in run.steps] == ["kit-plain"]
    failing = await jobs.start(kit.plain_failing)
    await failing.failed_with(kit.Expired, match="yesterday")


async def test_cancelled(jobs: Jobs) -> None:
    """A run that is cancelled in its sleep may tidy up, and has ended as cancelled."""
    run = await jobs.start(kit.tidies_up)
    await run.sleeping()
    await run.cancel()
    with pytest.raises(WorkflowFailureError, match="failed with cancellation") as failed:
        await run.result()
    assert isinstance(failed.value.cause, CancelledError)
    assert run.status == "cancelled"
    assert [step.name for step in run.steps] == ["tidy up"]
    with pytest.raises(AssertionError, match="did not fail with KeyError, but with cancellation"):
        await run.failed_with(KeyError)
