"""A conversation that stands in the history once: what a turn is given of it, and what it leaves to be recorded.

The input of a turn could hold the conversation before, and then a history grows with the square of its length. Instead
a turn that is recorded is told the hash of what the turn before has come to, which says the same of the turn before
that. Likewise what tools have returned, and long instructions, are told by reference. So each thing is written once,
where it came about: a tool's result as that of its step, the model's answer in the result of its turn.

The formats, which histories hold: the result of a turn has `after`, the hash of the result of the turn before, empty
for the first. In its `messages` a tool's return has no `content` where `returned` has the hash of that, by the id of
the call; `instructions` are `true` where they are those of the first message; and a call has no `arguments` where
these are the message's own. A turn is asked with such a hash as its `history`, with `{"hash": …}` among its `results`,
and with `true` as its `instructions`. A conversation whose first turn was recorded without `after`, by an earlier
release or in place, goes on as a list of messages that is handed over whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from ..errors import ModelError
from ..execution.recorded_results import RecordedResults, long_hash, result_hash

__all__ = ["Recalled", "given_arguments", "leave_out", "recall", "refer_to_results"]


@dataclass(frozen=True, slots=True)
class Recalled:
    """What a turn is asked with, at full length.

    Attributes:
        instructions: the system prompt.
        messages: the conversation before.
        results: of tools, by the id of the call.
        hashes: of those results that were referred to, likewise.
        after: the hash of the result of the turn before; empty in the first; `None` where the result of this turn must
            not refer to anything.
    """

    instructions: str | None
    messages: list[Any]
    results: Mapping[str, Any]
    hashes: Mapping[str, str]
    after: str | None


def refer_to_results(results: Mapping[str, Any]) -> dict[str, Any]:
    """Return the results of tools, with hashes in the place of long ones."""
    return {
        call: {"hash": hashed} if "value" in result and (hashed := long_hash(result["value"])) else result
        for call, result in results.items()
    }


async def recall(
    instructions: str | bool | None,
    history: list[Any] | str,
    results: Mapping[str, Any],
    recorded: RecordedResults | None,
) -> Recalled:
    """Return what a turn is asked with, having looked up what is referred to.

    Args:
        instructions, history, results: as the turn is given them.
        recorded: what calls of the run have come to; `None` where nothing is recorded.

    Raises:
        ModelError: the history of the run does not have what is referred to.
        ResultsUnreadableError: it cannot be read now.
    """
    hashes = {call: result["hash"] for call, result in results.items() if "hash" in result}
    if isinstance(history, list):
        is_first = not history and recorded is not None
        return Recalled(_text(instructions), history, results, {}, "" if is_first else None)
    turns, contents = await _read(history, set(hashes.values()), recorded)
    first = turns[0]["messages"][0].get("instructions")
    messages: list[Any] = []
    for turn in turns:
        messages = [*messages[: turn["keep"]], *_filled(turn, contents, first)]
    return Recalled(
        instructions=_text(first if instructions is True else instructions),
        messages=messages,
        results={call: {"value": contents[hashes[call]]} if call in hashes else each for call, each in results.items()},
        hashes=hashes,
        after=history,
    )


async def _read(
    last: str, wanted: set[str], recorded: RecordedResults | None
) -> tuple[Sequence[dict[str, Any]], Mapping[str, Any]]:
    """Return the turns up to one, the first of them first, and the results of tools that are in them, by their hashes.

    Args:
        last: the hash of the result of the last turn.
        wanted: the hashes of what tools have returned since.
        recorded: where to look.
    """
    turns: list[dict[str, Any]] = []
    contents: dict[str, Any] = {}
    while last:
        # A history is read from its end: what a turn was given came before it, and the turn before came before that.
        found = {} if recorded is None else await recorded.find({last, *wanted})
        missing = {last, *wanted} - found.keys()
        turn = found.get(last)
        if missing or not _is_turn(turn):
            raise ModelError(
                "a turn of a model goes on with a conversation that the history of its run does not have:"
                f" {len(turns)} turns back, SHA-256 {min(missing, default=last)}. Nothing in this package takes that"
                " away. Was a turn completed by hand, or a part of the history lost?"
            )
        contents |= {each: found[each] for each in wanted}
        turns.append(turn)
        last, wanted = turn["after"], set(turn.get("returned", {}).values())
    return turns[::-1], contents


def _is_turn(result: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(result, dict) and {"after", "keep", "messages"} <= result.keys() and bool(result["messages"])


def _filled(turn: Mapping[str, Any], contents: Mapping[str, Any], instructions: Any) -> list[Any]:
    """Return the messages of a turn at full length."""
    returned = turn.get("returned", {})
    filled = []
    for message in turn["messages"]:
        parts = [
            {**part, "content": contents[returned[part["tool_call_id"]]]}
            if part["part_kind"] == "tool-return" and "content" not in part
            else part
            for part in message["parts"]
        ]
        said = {"instructions": instructions} if message.get("instructions") is True else {}
        filled.append({**message, **said, "parts": parts})
    return filled


def leave_out(result: dict[str, Any], asked: Recalled) -> dict[str, Any]:
    """Return the result of a turn, without what the history has already and with what says where."""
    if asked.after is None:
        return result
    returned: dict[str, str] = {}
    messages = []
    first = asked.messages[0].get("instructions") if asked.messages else None
    are_long = long_hash(first) is not None
    for message in result["messages"]:
        parts = [_without_content(part, asked, returned) for part in message["parts"]]
        is_said = are_long and message.get("instructions") == first
        messages.append({**message, **({"instructions": True} if is_said else {}), "parts": parts})
    short = {**result, "after": asked.after, "messages": messages}
    if returned:
        short["returned"] = returned
    if "calls" in result:
        given = given_arguments(messages)
        short["calls"] = [
            {name: value for name, value in call.items() if name != "arguments"}
            if "arguments" in call and given.get(call["id"]) == call["arguments"]
            else call
            for call in result["calls"]
        ]
    return short


def _without_content(part: dict[str, Any], asked: Recalled, returned: dict[str, str]) -> dict[str, Any]:
    """Return a part without what a tool has returned, if that is recorded; its hash is put into `returned`."""
    hashed = asked.hashes.get(part.get("tool_call_id", ""))
    if hashed is None or part["part_kind"] != "tool-return" or result_hash(part.get("content")) != hashed:
        return part
    returned[part["tool_call_id"]] = hashed
    return {name: value for name, value in part.items() if name != "content"}


def given_arguments(messages: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the arguments that a model has given, by the id of the call."""
    found = {}
    for part in (part for message in messages for part in message["parts"]):
        if part["part_kind"] == "tool-call":
            arguments = part.get("args")
            if isinstance(arguments, str):
                try:
                    arguments = json.loads(arguments)
                except ValueError:  # which the model is told
                    continue
            found[part["tool_call_id"]] = arguments
    return found


def _text(instructions: str | bool | None) -> str | None:
    return instructions if isinstance(instructions, str) else None
