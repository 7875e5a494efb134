"""Every name in a test is checked, and a message says which one was probably meant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from terse_temporal.errors import TerseError, TestDoubleError, UnknownJobError, UnknownToolError
from terse_temporal.testing import Jobs, ToolCall, step_names

from . import jobs_kit as kit
from .jobs_documents import named


def takes_less(text: str) -> str:
    return text


def takes_more(text: str, to: list[str] | None, loud: bool) -> str:
    return text


#: What only a test without types would give.
NO_ERROR: Any = "x"
NO_FUNCTION: Any = "x"

WRONG: dict[str, tuple[Callable[[Jobs], Any], type[Exception], str]] = {
    "tool": (lambda jobs: jobs.tools.kit.anounce.returns("x"), UnknownToolError, "did you mean 'kit.announce'"),
    "toolbox": (lambda jobs: jobs.tools.slak.send_message.returns("x"), UnknownToolError, "slack"),
    "tool, its calls": (lambda jobs: jobs.tools.kit.anounce.calls, UnknownToolError, "did you mean 'kit.announce'"),
    "method": (lambda jobs: jobs.tools.kit.announce.return_("x"), TestDoubleError, "did you mean 'returns'"),
    "called": (lambda jobs: jobs.tools.kit.announce(text="x"), TestDoubleError, "jobs.tools.kit.announce.returns(…)"),
    "step": (lambda jobs: jobs.steps.chrge.returns("x"), TestDoubleError, "did you mean 'charge'"),
    "step's method": (lambda jobs: jobs.steps.charge.retuns("x"), TestDoubleError, "did you mean 'returns'"),
    "argument": (
        lambda jobs: jobs.tools.kit.announce.called_once_with(txt="x"),
        TerseError,
        "'txt'",
    ),
    "argument that is missing": (lambda jobs: jobs.tools.kit.announce.called_with(), TerseError, "'text'"),
    "by position": (lambda jobs: jobs.tools.kit.announce.called_with("x"), TestDoubleError, "by name"),
    "result": (lambda jobs: jobs.tools.kit.announce.returns(5), TestDoubleError, "'kit.announce' cannot return 5"),
    "result's field": (
        lambda jobs: jobs.tools.kit.find_customer.returns({"email": 5}),
        TestDoubleError,
        "email",
    ),
    "result in turn": (lambda jobs: jobs.tools.kit.announce.in_turn("x", 5), TestDoubleError, "cannot return 5"),
    "no exception": (lambda jobs: jobs.steps.charge.raises(NO_ERROR), TestDoubleError, "give an exception"),
    "no function": (lambda jobs: jobs.steps.charge.does(NO_FUNCTION), TestDoubleError, "give a function"),
    "function lacks": (
        lambda jobs: jobs.tools.kit.announce.does(takes_less),
        TestDoubleError,
        "it does not take 'to'. The tool is kit.announce(text: str, to: list[str] | None = None)",
    ),
    "function needs": (lambda jobs: jobs.tools.kit.announce.does(takes_more), TestDoubleError, "it takes 'loud'"),
    "approved": (lambda jobs: jobs.inputs.approves("kit.anounce"), UnknownToolError, "did you mean 'kit.announce'"),
    "model's tool": (lambda jobs: jobs.model.asks_for("kit.anounce"), UnknownToolError, "'kit.announce'"),
    "model's argument": (
        lambda jobs: jobs.model.replies(ToolCall("kit.announce", {"txt": "x"})),
        TerseError,
        "txt",
    ),
    "model's function": (lambda jobs: jobs.model.does(NO_FUNCTION), TestDoubleError, "give a function"),
    "model's reply": (lambda jobs: jobs.model.replies(takes_less), TestDoubleError, "jobs.model.does(…)"),
    "state": (lambda jobs: jobs.state("kit-cuonts"), UnknownJobError, "did you mean 'kit-counts'"),
    "server": (lambda jobs: jobs.tools.serve("githup"), TestDoubleError, "no MCP server is mounted as 'githup'"),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_names(jobs: Jobs, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not there, or does not fit, is refused where the test says it."""
    # Other tests of this process have jobs whose steps can have any name.
    monkeypatch.setattr(step_names, "registered_jobs", lambda: [kit.buy])
    say, error, told = WRONG[what]
    with pytest.raises(error) as caught:
        say(jobs)
    assert told in str(caught.value)


async def test_a_job_that_is_not_there(jobs: Jobs) -> None:
    """A job is named by a registered name, and the message says how one is registered."""
    with pytest.raises(UnknownJobError, match=r"did you mean 'kit-buy'.*terse_jobs"):
        await jobs.start("kit-by")


async def test_an_event_that_is_none(jobs: Jobs) -> None:
    """An event is JSON."""
    with pytest.raises(TerseError, match="is not JSON"):
        await jobs.start(kit.buy, {"amount": object()})


async def test_arguments_of_a_step(jobs: Jobs) -> None:
    """The arguments that a test expects of a step have to be some that it takes, once it was called."""
    await jobs.run(kit.handles, {"amount": 3})
    with pytest.raises(TestDoubleError, match="never called so"):
        jobs.steps.charge.called_once_with(3, curency="EUR")


async def test_a_name_that_a_run_makes(jobs: Jobs) -> None:
    """A step whose name is made when the job runs can be replaced."""
    jobs.steps["parcel-7"].returns("replaced")
    assert await jobs.run(named, {"name": "parcel-7"}) == "replaced"


async def test_a_slip_in_such_a_name(jobs: Jobs) -> None:
    """A test double of no step of the test, with nearly the name of one, fails it."""
    jobs.steps["parcle-7"].returns("replaced")
    assert await jobs.run(named, {"name": "parcel-7"}) == "real"
    with pytest.raises(AssertionError, match=r"no run of this test had a step 'parcle-7'; did you mean 'parcel-7'"):
        await jobs._loop_thread.run(jobs._verify())
    jobs.steps["parcle-7"].real()
