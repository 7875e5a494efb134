"""What a turn leaves out is what the next one is asked with again, whatever the conversation is."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest

from terse_temporal.agents.references import Recalled, leave_out, recall, refer_to_results
from terse_temporal.engine.activity.recorded_results import ResultCache
from terse_temporal.errors import ModelError
from terse_temporal.execution.protocol import UNSET
from terse_temporal.execution.recorded_results import SHORTEST_REFERRED, result_hash

LONG = "long " * 400


class Recorded:
    """A history, of what is put into it."""

    def __init__(self) -> None:
        self.results: dict[str, Any] = {}

    def add(self, result: Any) -> str:
        """Record a result, and return its hash."""
        self.results[result_hash(result)] = result
        return result_hash(result)

    async def find(self, hashes: Collection[str]) -> dict[str, Any]:
        """Return those of them that are there."""
        return {each: self.results[each] for each in hashes if each in self.results}


def request(*parts: dict[str, Any], instructions: str | None = None) -> dict[str, Any]:
    return {"kind": "request", "parts": list(parts), **({"instructions": instructions} if instructions else {})}


def answer(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "response", "parts": list(parts)}


def call(id: str, arguments: Any) -> dict[str, Any]:
    return {"part_kind": "tool-call", "tool_name": "t", "tool_call_id": id, "args": arguments}


def returned(id: str, content: Any) -> dict[str, Any]:
    return {"part_kind": "tool-return", "tool_name": "t", "tool_call_id": id, "content": content}


PROMPT = {"part_kind": "user-prompt", "content": "Hi"}


async def converse(turns: list[tuple[dict[str, Any], int, list[Any]]], instructions: str) -> tuple[Recorded, list[Any]]:
    """Have a conversation: of each turn, the results of tools before it, how much it keeps, and what it adds.

    Returns what was recorded, and the results of the turns as they are recorded.
    """
    recorded, messages, results = Recorded(), list[Any](), list[Any]()
    history: list[Any] | str = []
    for given, keep, added in turns:
        for value in given.values():
            recorded.add(value.get("value"))
        said: str | bool = instructions if isinstance(history, list) else True
        asked = await recall(said, history, refer_to_results(given), recorded)
        assert asked.messages == messages
        assert asked.instructions == instructions
        assert asked.results == given
        messages = [*messages[:keep], *added]
        short = leave_out({"model": "m", "keep": keep, "messages": added}, asked)
        results.append(short)
        history = recorded.add(short)
    assert (await recall(True, history, {}, recorded)).messages == messages
    return recorded, results


async def test_what_is_left_out_comes_back() -> None:
    """Results of tools, whatever they are, ids that come again, instructions, and messages that were changed later."""
    given: dict[str, Any] = {
        "a": {"value": {"rows": [LONG, None, 1.5, "ü"]}},
        "b": {"value": "short"},
        "c": {"error": LONG},
    }
    first = [request(PROMPT, instructions=LONG), answer(call("a", "{}"), call("b", {}), call("c", None))]
    parts = [returned(key, each.get("value", each.get("error"))) for key, each in given.items()]
    second = [request(*parts, instructions=LONG), answer(call("a", {"x": 1}))]
    third = [request(returned("a", LONG), instructions=LONG), answer(call("a", {"x": 1}))]
    # The library has changed the last answer before.
    fourth = [answer(call("a", {"x": 2})), request(returned("a", LONG + LONG)), answer()]
    _, results = await converse(
        [
            ({}, 0, first),
            (given, 2, second),
            ({"a": {"value": LONG}}, 4, third),
            ({"a": {"value": LONG * 2}}, 5, fourth),
        ],
        LONG,
    )
    assert [set(each.get("returned", {})) for each in results] == [set(), {"a"}, {"a"}, {"a"}]
    assert [each["messages"][0].get("instructions") for each in results] == [LONG, True, True, None]
    assert LONG in str(results[1])  # of the error, which is recorded nowhere else
    assert LONG not in str(results[2])


async def test_arguments_that_the_message_has_are_left_out() -> None:
    """A call says its arguments only where they are not those that the model has written."""
    recorded = Recorded()
    asked = await recall(None, [], {}, recorded)
    messages = [request(PROMPT), answer(call("a", '{"x": 1}'), call("b", {"y": 2}), call("c", "{"))]
    calls = [
        {"id": "a", "tool": "t", "arguments": {"x": 1}},
        {"id": "b", "tool": "t", "arguments": {"why": 2}},
        {"id": "c", "tool": "t", "error": "no JSON"},
    ]
    short = leave_out({"model": "m", "keep": 0, "messages": messages, "calls": calls}, asked)
    assert short["calls"] == [{"id": "a", "tool": "t"}, *calls[1:]]


async def test_where_nothing_is_recorded_nothing_is_left_out() -> None:
    """In place, and in a conversation that began without references, all is handed over."""
    result = {"model": "m", "keep": 0, "messages": [request(PROMPT, instructions=LONG)]}
    for history, recorded in (([], None), ([request(PROMPT)], Recorded())):
        asked = await recall(LONG, history, {"a": {"value": LONG}}, recorded)
        assert asked == Recalled(LONG, history, {"a": {"value": LONG}}, {}, None)
        assert leave_out(result, asked) == result


@pytest.mark.parametrize("found", [None, "text", {"output": "made by hand"}, {"after": "", "keep": 0, "messages": []}])
async def test_what_is_not_there_is_said(found: Any) -> None:
    """A turn whose conversation is not in the history, or was completed by hand, fails and says which."""
    recorded = Recorded()
    hashed = recorded.add(found)
    if found is None:
        recorded.results.clear()
    with pytest.raises(ModelError, match=f"0 turns back, SHA-256 {hashed}"):
        await recall(None, hashed, {}, recorded)


def test_what_is_short_is_said_again() -> None:
    """A reference is no shorter than what has a few bytes."""
    short, long = "x" * (SHORTEST_REFERRED - 3), "x" * SHORTEST_REFERRED
    assert refer_to_results({"a": {"value": short}, "b": {"value": long}, "c": {"value": None}}) == {
        "a": {"value": short},
        "b": {"hash": result_hash(long)},
        "c": {"value": None},
    }


def test_what_is_at_hand_is_bounded() -> None:
    """A worker keeps what it has used last, up to so many bytes, and nothing that is larger than that."""
    cache = ResultCache(100)
    first, second = (cache.keep(text, f'"{text}"') for text in ("a" * 40, "b" * 40))
    assert cache.get(first) == "a" * 40
    third = cache.keep("c" * 40, f'"{"c" * 40}"')
    assert [cache.get(each) is UNSET for each in (first, second, third)] == [False, True, False]
    assert cache.get(cache.keep("d" * 200, f'"{"d" * 200}"')) is UNSET
    assert cache.get(first) is not UNSET
    kept = cache.keep({"a": []}, '{"a":[]}')
    cache.get(kept)["a"].append(1)
    assert cache.get(kept) == {"a": []}


def test_the_hash_is_a_format() -> None:
    """It does not hang on the order of keys, and is the same in every release."""
    assert result_hash({"b": [1, None], "a": "ü"}) == result_hash({"a": "ü", "b": [1, None]})
    assert result_hash({"a": "ü"}) == "09b7cce2644347ec871e23509919ef22c21c75ee6ba11969f4aa7e7541f1f4f5"
