"""The model of a test answers with what it is given, and all the rest is as with a real one."""

from __future__ import annotations

from typing import Any

import pytest
from temporalio.client import WorkflowFailureError

from terse_temporal.errors import ModelError, TransientError
from terse_temporal.testing import Jobs, Prompt, ToolCall

from . import jobs_children
from . import jobs_kit as kit

ADA = {"email": "ada@example.com", "name": "Ada", "since": None}


async def test_a_text(jobs: Jobs) -> None:
    """A string is the answer, and the prompt is there to be looked at; no key and no network is needed."""
    jobs.model.replies("Hello")
    assert await jobs.run(kit.asks, {"prompt": "Greet Ada"}) == "Hello"
    [prompt] = jobs.model.prompts
    assert prompt.text == "Greet Ada"
    assert prompt.tools == ["kit.announce", "kit.find_customer"]
    assert prompt.results == []


@pytest.mark.parametrize(
    ("kind", "answer", "result"),
    [
        (
            "receipt",
            kit.Receipt(id="r", amount=3, customer=kit.Customer(email="ada@example.com", name="Ada")),
            {"id": "r", "amount": 3, "customer": ADA, "paid": True},
        ),
        (
            "receipt",
            {"id": "r", "amount": 3, "customer": {"email": "ada@example.com", "name": "Ada"}, "paid": False},
            {"id": "r", "amount": 3, "customer": ADA, "paid": False},
        ),
        ("parcel", kit.Parcel(1, "Ada"), {"number": 1, "to": "Ada"}),
        ("parcel", {"number": 1, "to": "Ada"}, {"number": 1, "to": "Ada"}),
        ("numbers", [1, 2], [1, 2]),
        ("numbers", [], []),
        ("number", 5, 5),
    ],
    ids=["model", "dict", "dataclass", "dict of it", "list", "empty list", "int"],
)
async def test_an_output_schema(jobs: Jobs, kind: str, answer: Any, result: Any) -> None:
    """For an `output_schema` an answer is an instance, or the data of one."""
    jobs.model.replies(answer)
    assert await jobs.run(kit.asks_for, {"kind": kind}) == result


async def test_corrections(jobs: Jobs) -> None:
    """An answer that does not fit goes back to the model, which may correct it; so does a string where data is due."""
    jobs.model.replies({"number": "many", "to": "Ada"}, "a parcel!", {"number": 2, "to": "Ada"})
    assert await jobs.run(kit.asks_for, {"kind": "parcel"}) == {"number": 2, "to": "Ada"}
    assert len(jobs.model.prompts) == 3
    assert "valid integer" in str(jobs.model.prompts[1].messages[-1])


async def test_several_tools_in_one_turn(jobs: Jobs) -> None:
    """Tools asked for in one turn are all called, and the next turn has their results in order."""
    jobs.tools.kit.find_customer.does(lambda email: {"email": email, "name": email[0]})
    jobs.tools.kit.announce.returns("told")
    jobs.model.replies(
        [
            ToolCall("kit.find_customer", {"email": "a@example.com"}),
            ToolCall("kit.announce", {"text": "hi", "to": ["b"]}),
            ToolCall("kit.find_customer", {"email": "c@example.com"}),
        ],
        "done",
    )
    run = await jobs.start(kit.asks)
    assert await run.result() == "done"
    assert [call.arguments["email"][0] for call in jobs.tools.kit.find_customer.calls] == ["a", "c"]
    jobs.tools.kit.announce.called_once_with(text="hi", to=["b"])
    first, told, third = jobs.model.prompts[1].results
    assert ("a@example.com" in str(first), told, "c@example.com" in str(third)) == (True, "told", True)
    assert sorted(step.name for step in run.steps[1:4]) == ["kit.announce", "kit.find_customer", "kit.find_customer"]


async def test_arguments_that_a_skill_fixes(jobs: Jobs) -> None:
    """A test's model leaves out what a skill fixes, is told when it does not, and gives what it is to choose."""
    jobs.tools.kit.announce.returns("told")
    jobs.model.replies(
        [ToolCall("kit.announce", {"to": ["b"]}), ToolCall("kit.announce", {"to": ["c"]})],
        ToolCall("kit.announce", {"text": "no", "to": ["a"]}),
        "done",
    )
    assert await jobs.run(kit.fixed) == "done"
    jobs.tools.kit.announce.called_once_with(text="hi", to=["b"])
    told, refused = jobs.model.prompts[1].results[0], jobs.model.prompts[2].results[0]
    assert (told, "'text' is not yours to give" in str(refused)) == ("told", True)


async def test_arguments_that_a_model_leaves_out(jobs: Jobs) -> None:
    """A test's model that leaves out what it was told to give is a mistake of the test."""
    jobs.model.replies(ToolCall("kit.announce"))
    run = await jobs.start(kit.fixed)
    with pytest.raises(WorkflowFailureError, match=r"TestDoubleError: .*'kit\.announce' without its argument 'to'"):
        await run.result()


async def test_several_turns(jobs: Jobs) -> None:
    """Answers are given in turn, those of later calls after those of earlier ones."""
    jobs.tools.kit.announce.returns("told")
    jobs.model.asks_for("kit.announce", text="one")
    jobs.model.asks_for("kit.announce", text="two")
    jobs.model.replies("done")
    assert await jobs.run(kit.asks) == "done"
    assert [call.arguments["text"] for call in jobs.tools.kit.announce.calls] == ["one", "two"]
    assert [prompt.results for prompt in jobs.model.prompts] == [[], ["told"], ["told"]]


async def test_a_function(jobs: Jobs) -> None:
    """A function answers what it likes to the prompt that it gets, after the answers that were given."""

    async def answer(prompt: Prompt) -> Any:
        return f"{prompt.text}!" if prompt.results else ToolCall("kit.announce", {"text": prompt.text})

    jobs.tools.kit.announce.returns("told")
    jobs.model.replies("first")
    jobs.model.does(answer)
    assert await jobs.run(kit.asks, {"prompt": "Hi"}) == "first"
    assert await jobs.run(kit.asks, {"prompt": "Hi"}) == "Hi!"


async def test_an_error_that_may_pass(jobs: Jobs) -> None:
    """An error that may pass is tried again, under the step's own backoff, which takes no time."""
    jobs.model.raises(TransientError("busy"))
    jobs.model.replies("Hello")
    run = await jobs.start(kit.asks)
    assert await run.result() == "Hello"
    assert [step.attempt for step in run.steps] == [2]
    assert len(jobs.model.prompts) == 2


async def test_an_error_that_does_not_pass(jobs: Jobs) -> None:
    """Any other error fails the call at once."""
    jobs.model.raises(ModelError("no credit", model="test"))
    jobs.model.replies("not asked for")
    assert "no credit" in await jobs.run(kit.asks_carefully)
    assert len(jobs.model.prompts) == 1


async def test_streaming(jobs: Jobs) -> None:
    """Where a model is asked in place its answer is streamed, with the calls of tools before it."""
    jobs.tools.kit.find_customer.returns({"name": "Ada"})
    jobs.model.asks_for("kit.find_customer", email="s@example.com")
    jobs.model.replies("It is Ada")
    told = await jobs.run(kit.streams)
    assert told["kinds"][:2] == ["ToolCalled", "ToolReturned"]
    assert set(told["kinds"][2:-1]) == {"TextDelta"}
    assert (told["text"], told["output"]) == ("It is Ada", "It is Ada")


async def test_tools_whose_names_are_alike(jobs: Jobs) -> None:
    """Two tools that a model is told of by nearly the same name are told apart."""
    jobs.model.asks_for("twin_a.b", text="1")
    jobs.model.asks_for("twin.a_b", text="2")
    jobs.model.replies("done")
    await jobs.run(jobs_children.asks_with_twins)
    assert [prompt.results for prompt in jobs.model.prompts] == [[], ["twin_a.b 1"], ["twin.a_b 2"]]
