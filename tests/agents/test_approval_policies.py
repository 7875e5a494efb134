"""A function of the arguments decides which calls a person has to approve; where it cannot, a person is asked."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from terse_temporal import TerseAgent
from terse_temporal.agents import approvals
from terse_temporal.errors import JobDefinitionError, UnknownToolError
from terse_temporal.plugin import TersePlugin
from terse_temporal.runs.memo import question_text

from ..bench import Bench
from ..model_server import ModelServer, calls, says
from . import jobs_fixed as jobs
from .approvals import waiting


async def test_who_is_asked(bench: Bench, model: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """About what the function says, and about what it fails on; what it has said holds for the run for good."""

    def given(cents: int) -> dict[str, Any]:
        return {"effects": str(bench.effects), "cents": cents}

    model.script = [
        calls(("bank_pay", given(1))),
        calls(*(("bank_pay", given(cents)) for cents in (2000, 13, 14, 15))),
        says("done"),
    ]
    async with bench.worker(jobs.policy):
        run = await bench.start(jobs.policy)
        asked = await waiting(run, "4")
    assert bench.effects.lines() == ["pay 1"]
    assert [asked[number]["arguments"]["cents"] for number in "1234"] == [2000, 13, 14, 15]
    assert "because" not in asked["1"]
    assert re.fullmatch(
        r"the function in tool_approvals \(.*jobs_fixed\.py:\d+\) raised ValueError: unlucky", asked["2"]["because"]
    )
    assert "SideEffectError: open(" in asked["3"]["because"]
    assert asked["4"]["because"].endswith("but a value of the type int")
    assert question_text(asked["2"]).startswith("bank.pay(")
    assert question_text(asked["2"]).endswith("raised ValueError: unlucky")
    # The code of the next version says the opposite of all.
    ask = approvals._ask
    monkeypatch.setattr(approvals, "_ask", lambda policy, arguments: (not ask(policy, arguments)[0], None))
    async with bench.worker(jobs.policy):
        await run.execute_update("terse.input", {"id": "1", "approved": True})
        for number in "234":
            await run.execute_update("terse.input", {"id": number, "approved": False, "reason": "no"})
        # In the handler: 5 is asked about by the code as it is now, 13 is not.
        await waiting(run, "5")
        await run.execute_update("terse.input", {"id": "5", "approved": True})
        assert await bench.result(run) == ["done", "paid", "paid"]
    assert bench.effects.lines() == ["pay 1", "pay 2000", "pay 5", "pay 13"]
    told = [each["content"] for each in model.requests[2]["messages"] if each["role"] == "tool"]
    assert ["was not approved: no" in text for text in told] == [False, False, True, True, True]
    # And as it was: every decision stands in the history.
    monkeypatch.undo()
    history = WorkflowHistory(run.id, (await run.fetch_history()).events)
    result = await Replayer(workflows=[], plugins=[TersePlugin([jobs.policy])]).replay_workflow(history)
    assert result.replay_failure is None
    markers = [str(event) for event in history.events if event.HasField("marker_recorded_event_attributes")]
    assert sum("terse.approval.needed.v1" in each for each in markers) == 5


async def is_later(arguments: dict[str, Any]) -> bool:
    return True


class Later:
    async def __call__(self, arguments: dict[str, Any]) -> bool:
        return True


def of_nothing() -> bool:
    return True


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"bank.pay": True}, "True is no function"),
        ({"bank.pay": "cents > 5"}, "is no function"),
        ({"bank.pay": is_later}, r"test_approval_policies\.py:\d+\): the function is async"),
        ({"bank.pay": Later()}, "the function is async"),
        ({"bank.pay": of_nothing}, r"test_approval_policies\.py:\d+\): the function gets one argument"),
        ("bank.pay", "give a list"),
    ],
)
def test_what_is_no_policy_is_told_at_once(given: Any, text: str) -> None:
    """Also at the top level of a module."""
    with pytest.raises(JobDefinitionError, match=text):
        TerseAgent.create(tool_approvals=given)


def test_names_are_checked() -> None:
    with pytest.raises(UnknownToolError, match=r"did you mean 'bank\.pay'"):
        approvals.approval_list({"bank_pays": jobs.is_much})
    with pytest.raises(JobDefinitionError, match=r"'bank\.pay' twice"):
        approvals.approval_list({"bank_pay": jobs.is_much, "bank.pay": lambda arguments: False})


@pytest.mark.parametrize(
    ("policy", "is_needed", "text"),
    [
        (lambda arguments: False, False, None),
        (lambda arguments: True, True, None),
        (lambda arguments: None, True, "the type NoneType"),
        (lambda arguments: is_later(arguments), True, "the type coroutine"),
        (lambda arguments: arguments["missing"], True, "raised KeyError: 'missing'"),
        (lambda arguments: arguments.clear() or False, False, None),
    ],
)
def test_only_false_goes_without_a_person(
    policy: Callable[[dict[str, Any]], Any], is_needed: bool, text: str | None
) -> None:
    """And the arguments that are called are not the function's to change."""
    arguments = {"to": {"a": 1}}
    found, because = approvals._ask(policy, arguments)
    assert (found, arguments) == (is_needed, {"to": {"a": 1}})
    assert because is None if text is None else text in str(because)
    assert not inspect.iscoroutine(found)
