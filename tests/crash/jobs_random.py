"""One durable job that does what the tree in its event says, and a plain interpreter of the same trees.

A tree is JSON: an object whose `do` says what kind it is.

    step      a step with an effect, that returns `value`, by an `async def` or a `def`, after failing a few times
    fail      a step with an effect, that raises
    raise     the handler itself raises
    sleep     a durable sleep
    all       its children one after the other, with their results in a list
    parallel  its children at once, likewise; when some raise, the first of them in order
    try       its `body`; when that raises one of `errors`, `otherwise`; and `then` in any case
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from pydantic import BaseModel

from terse_temporal import Retry, create_job, current_step, job_step, sleep

from ..effects import record

Tree = dict[str, Any]


class DeclinedError(Exception):
    """An exception with a class of its own."""


ERRORS: dict[str, type[Exception]] = {
    "DeclinedError": DeclinedError,
    "ValueError": ValueError,
    "LookupError": LookupError,
    "KeyError": KeyError,  # a LookupError, whose message is not its argument
}


class Program(BaseModel):
    """A tree, and the file that its effects go to."""

    effects: str
    tree: Tree


def step_body(input: Tree) -> Any:
    """The body of every step: an effect, then an exception or a value."""
    me = current_step()
    record(input["effects"], f"{me.idempotency_key} {me.name} {me.attempt}")
    if me.attempt <= input["failing"] or "error" in input:
        raise ERRORS[input.get("error", "DeclinedError")](input["value"])
    return input["value"]


async def async_step_body(input: Tree) -> Any:
    """The same as an `async def`."""
    await asyncio.sleep(0)
    return step_body(input)


@create_job(name="interpret", durable=True)
async def interpret(program: Program) -> Any:
    """Do what the tree says, and return what it gives."""

    async def run(tree: Tree) -> Any:
        match tree["do"]:
            case "step" | "fail":
                return await job_step(
                    run=async_step_body if tree["async"] else step_body,
                    name=tree["name"],
                    input={"failing": 0, **tree, "effects": program.effects},
                    retry=Retry(max_attempts=tree["failing"] + 1, initial="1ms") if tree.get("failing") else None,
                )
            case "raise":
                raise ERRORS[tree["error"]](tree["value"])
            case "sleep":
                await sleep(tree["for"])
                return None
            case "all":
                return [await run(child) for child in tree["children"]]
            case "parallel":
                outcomes = await asyncio.gather(*map(run, tree["children"]), return_exceptions=True)
                for outcome in outcomes:
                    if isinstance(outcome, BaseException):
                        raise outcome
                return outcomes
            case _:
                try:
                    return await run(tree["body"])
                except tuple(ERRORS[error] for error in tree["errors"]):
                    return await run(tree["otherwise"])
                finally:
                    await run(tree["then"])

    return await run(program.tree)


def interpret_plainly(tree: Tree, effects: Counter[str]) -> Any:
    """What the tree gives or raises, in ordinary Python, with its effects counted."""
    match tree["do"]:
        case "step" | "fail":
            attempts = 1 + tree.get("failing", 0)
            effects.update(f"{tree['name']} {attempt + 1}" for attempt in range(attempts))
            if tree["do"] == "fail":
                raise ERRORS[tree["error"]](tree["value"])
            return tree["value"]
        case "raise":
            raise ERRORS[tree["error"]](tree["value"])
        case "sleep":
            return None
        case "all":
            return [interpret_plainly(child, effects) for child in tree["children"]]
        case "parallel":
            results, raised = [], []
            for child in tree["children"]:
                try:
                    results.append(interpret_plainly(child, effects))
                except Exception as err:
                    raised.append(err)
            if raised:
                raise raised[0]
            return results
        case _:
            try:
                return interpret_plainly(tree["body"], effects)
            except tuple(ERRORS[error] for error in tree["errors"]):
                return interpret_plainly(tree["otherwise"], effects)
            finally:
                interpret_plainly(tree["then"], effects)
