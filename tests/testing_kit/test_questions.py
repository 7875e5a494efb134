"""A run that asks a person is answered by the test, before it asks or when it does."""

from __future__ import annotations

import pytest

from terse_temporal.errors import TerseError
from terse_temporal.testing import Jobs, Question

from . import jobs_kit as kit
from .jobs_documents import ask

#: As the limit of a wait: what is not over at once is not over before the test's own timeout.
WHOLE_HOUR = 3600.0


async def test_seen_and_approved(jobs: Jobs) -> None:
    """A test sees what is asked, and nothing happens before it is approved."""
    jobs.tools.kit.announce.returns("told")
    run = await jobs.start(kit.erases)
    assert await run.waiting_for_input() == Question("1", "kit.announce", {"text": "gone"})
    jobs.tools.kit.announce.not_called()
    await run.approve(by="Grace")
    assert await run.result() == "told"
    jobs.tools.kit.announce.called_once_with(text="gone")


async def test_denied(jobs: Jobs) -> None:
    """What is denied does not happen, and the job is told why."""
    run = await jobs.start(kit.erases)
    await run.waiting_for_input()
    await run.deny(reason="too loud")
    assert await run.result() == "the call of 'kit.announce' was not approved: too loud"
    jobs.tools.kit.announce.not_called()


async def test_answered_beforehand(jobs: Jobs) -> None:
    """An answer may be given before it is asked for, for every question about a tool."""
    jobs.tools.kit.announce.returns("told")
    jobs.inputs.approves("kit.announce", by="Grace")
    assert await jobs.run(kit.erases) == "told"
    assert await jobs.run(kit.erases_twice) == ["told", "told"]
    jobs.inputs.denies("kit.announce", reason="enough")
    assert await jobs.run(kit.erases) == "the call of 'kit.announce' was not approved: enough"
    assert len(jobs.tools.kit.announce.calls) == 3


async def test_one_of_several(jobs: Jobs) -> None:
    """Where several are open, one is answered by its number."""
    jobs.tools.kit.announce.does(lambda text, to=None: text)
    run = await jobs.start(kit.erases_twice)
    await run.waiting_for_input()
    await run.approve(id="2")
    assert (await run.waiting_for_input()).id == "1"
    assert [call.arguments["text"] for call in jobs.tools.kit.announce.calls] == ["two"]
    await run.approve()
    assert await run.result() == ["one", "two"]


async def test_not_answered(jobs: Jobs) -> None:
    """A wait for the end of a run that waits for a person says so, and what to do."""
    run = await jobs.start(kit.erases)
    with pytest.raises(AssertionError, match=r"waits for somebody to approve kit\.announce.*jobs\.inputs\.approves"):
        await run.result()
    with pytest.raises(AssertionError, match="does not sleep"):
        await run.sleeping()


async def test_never_asked(jobs: Jobs) -> None:
    """A wait for a question that is never asked says how the run ended."""
    run = await jobs.start(kit.plain, {"number": 1})
    with pytest.raises(AssertionError, match="it has ended: it completed, with the result 2"):
        await run.waiting_for_input()


async def test_nothing_to_answer(jobs: Jobs) -> None:
    """An answer to what nobody asks, or of a run that has ended, is refused with the reason."""
    run = await jobs.start(kit.sleeps)
    await run.sleeping()
    with pytest.raises(TerseError, match=f"the run {run.id} was not answered: "):
        await run.approve()
    asking = await jobs.start(kit.erases)
    await asking.waiting_for_input()
    with pytest.raises(TerseError, match=r"was not answered: .*'7'"):
        await asking.approve(id="7")
    await asking.deny()
    await asking.result()
    with pytest.raises(TerseError, match=r"was not answered: .*completed"):
        await asking.approve()


async def test_a_run_that_sleeps_asks_nothing(jobs: Jobs) -> None:
    """Waiting for a question of a run that sleeps for days fails at once, and says what to do."""
    jobs.steps.ask_until_good.returns("good")
    run = await jobs.start(ask)
    await run.sleeping()
    jobs._timeout = WHOLE_HOUR
    with pytest.raises(AssertionError, match=r"it sleeps, for another .* await jobs\.skip"):
        await run.waiting_for_input()
