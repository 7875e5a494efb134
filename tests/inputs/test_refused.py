"""A question that cannot be asked is refused where it is called, with the call and what to do."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr

from terse_temporal import InputOption, wait_for_input
from terse_temporal.engine.code.functions import FunctionIndex
from terse_temporal.engine.wire.types import resolve_type
from terse_temporal.engine.workflow.execution import DurableExecution
from terse_temporal.errors import DurableOnlyError, DurationError, InputError, StepInputError, UnknownFunctionError
from terse_temporal.execution.in_place import DirectExecution
from terse_temporal.execution.protocol import StepContext, executing
from terse_temporal.inputs import EmailWay, InputQuestion, InputWay
from terse_temporal.inputs.questions import read_question
from terse_temporal.inputs.ways import ask_by

from . import jobs_asking


class Shape(BaseModel):
    """A form."""

    text: str


class Secretive(InputWay):
    """Holds what may not be recorded."""

    token: SecretStr

    async def ask(self, question: InputQuestion) -> None:
        """Ask nobody."""


class Silent(InputWay):
    """Has no `ask`."""


class Blocking(InputWay):
    """Would ask eight times over, since what it returns cannot be awaited."""

    def ask(self, question: InputQuestion) -> None:  # type: ignore[override]
        raise AssertionError("it was called")


class Short(InputWay):
    """Would fail at the first reminder."""

    async def ask(self, question: InputQuestion) -> None:
        raise AssertionError("it was called")

    async def remind(self, question: InputQuestion, sent: Any) -> None:  # type: ignore[override]
        raise AssertionError("it was called")


YES = InputOption("yes", "Yes")


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ({"prompt": ""}, InputError, "give the question"),
        ({"prompt": 7}, InputError, "give the question"),
        ({"prompt": "p" * 4_001}, InputError, "4,000 is the most"),
        ({"options": []}, InputError, "there are 0 options"),
        ({"options": "yes"}, InputError, "give a list of InputOption"),
        ({"options": ["yes"]}, InputError, "'yes' is no option"),
        ({"options": [YES, YES]}, InputError, "two options have the id 'yes'"),
        ({"options": [InputOption("", "x")]}, InputError, "the id '' of an option"),
        ({"options": [InputOption("x", "a\nb")]}, InputError, "the label"),
        ({"options": [InputOption("x", "x", "d" * 501)]}, InputError, "the description"),
        ({"options": [YES] * 21}, InputError, "there are 21 options"),
        ({"options": [YES], "schema": Shape}, InputError, "and not both"),
        ({"schema": int}, InputError, "give a pydantic model"),
        ({"initial": {"text": "a"}}, InputError, "there is no schema="),
        ({"schema": Shape, "initial": "a"}, InputError, "give a model, or a dict"),
        (
            {"schema": Shape, "initial": {"txt": "a"}},
            InputError,
            "'txt', which is no field of the form: those are 'text'",
        ),
        ({"schema": Shape, "initial": {"text": object()}}, InputError, "initial= cannot be recorded"),
        ({"details": [1]}, InputError, "give a dict"),
        ({"details": {"x": object()}}, InputError, "the details are not JSON"),
        ({"details": {str(n): 1 for n in range(51)}}, InputError, "there are 51 details"),
        ({"details": {"x": "y" * 25_000}}, InputError, "24,576 is the most"),
        ({"respond_by": "ada"}, InputError, "give a list"),
        ({"respond_by": []}, InputError, "has 0 people"),
        ({"respond_by": [7]}, InputError, "give addresses"),
        ({"on_timeout": "yes", "options": [YES]}, InputError, "without timeout="),
        ({"on_timeout": "no", "options": [YES], "timeout": "1h"}, InputError, "give the id of an option, of 'yes'"),
        ({"on_timeout": "no", "timeout": "1h"}, InputError, "where there are options"),
        ({"via": "slack"}, InputError, "give a way to ask"),
        ({"via": [object()]}, InputError, "does not derive from InputWay"),
        ({"via": Silent()}, InputError, "via=Silent(…) cannot ask: give it a method ask"),
        (
            {"via": Blocking()},
            InputError,
            "via=Blocking(…): ask is no coroutine function; write async def ask(self, que",
        ),
        ({"via": Short()}, InputError, "write async def remind(self, question, sent, number)"),
        ({"via": Secretive(token=SecretStr("s"))}, InputError, "secret"),
        ({"timeout": "soon"}, DurationError, "soon"),
        ({"remind_every": "1s"}, DurationError, "a minute is the least"),
    ],
)
async def test_in_a_handler(given: dict[str, Any], error: type[Exception], said: str) -> None:
    """Before anything is asked."""
    job = jobs_asking.asks
    execution = DurableExecution(job, vars(jobs_asking), FunctionIndex([job]))
    with executing(execution), pytest.raises(error) as caught:
        await wait_for_input(**{"prompt": "?", **given})
    assert said in str(caught.value)


async def test_what_is_no_way() -> None:
    """A step that asks has a way of this worker's, whatever its history says: nothing else is made or called."""
    index = FunctionIndex([jobs_asking.asks])
    assert resolve_type("tests.inputs.jobs_asking:Told", index) is jobs_asking.Told
    assert resolve_type("terse_temporal:EmailWay", index) is EmailWay
    with pytest.raises(UnknownFunctionError):
        resolve_type("terse_temporal.inputs:EmailWay", index)
    for each in ("tests.inputs.jobs_asking:Draft", "terse_temporal:Event", "tests.inputs.jobs_asking:Size"):
        with pytest.raises(StepInputError, match="is no way to ask"):
            await ask_by(way=resolve_type(each, index), options={}, question={"prompt": "?"})


async def test_anywhere_else() -> None:
    """It says where it may be called, and does not wait to be awaited."""
    with pytest.raises(DurableOnlyError, match=r"wait_for_input\(\) was called outside a run"):
        await wait_for_input(prompt="?")
    inside = DirectExecution("j", "j.py:1", StepContext("s", 1, "k"))
    with executing(inside), pytest.raises(DurableOnlyError, match="inside the step 's'"):
        await wait_for_input(prompt="?")


@pytest.mark.parametrize(
    "wire",
    [
        {},
        {"event": "x", "prompt": "x"},
        {"prompt": 7},
        {"tool": {}},
    ],
)
def test_what_is_no_question(wire: Any) -> None:
    """A memo may say anything."""
    assert read_question(wire, id="i", number="1") is None


def test_a_memo_of_anybodys() -> None:
    """What does not fit is left out; what an earlier release wrote is an approval."""
    hostile = {"prompt": "p", "options": [7, {"id": 1}, {"id": "a", "label": 3}], "details": 7, "since": "x", "via": 3}
    found = read_question({**hostile, "respond_by": [1, "a"], "form": [], "until": "2026-01-01"}, id="i", number="1")
    assert found is not None
    assert (found.options, found.details, found.since, found.until) == ((InputOption("a", "a"),), {}, None, None)
    assert (found.respond_by, found.form, found.via) == (("a",), None, ())
    old = read_question({"tool": "bank.pay", "arguments": {"to": "x"}}, id="i", number="1")
    assert old is not None
    assert [each.id for each in old.options] == ["approve", "deny"]
    assert (old.prompt, old.arguments) == ("May bank.pay be called?", {"to": "x"})
    fine = read_question({"prompt": "p", "since": "2026-11-27T20:00:00+00:00"}, id="i", number="1")
    assert fine is not None
    assert fine.since is not None
    assert fine.since - datetime.fromisoformat("2026-11-27T20:00:00+00:00") == timedelta(0)
