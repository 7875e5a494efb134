"""One durable job that does what the tree in its event says, and a plain interpreter of the same trees.

A tree is JSON: an object whose `do` says what kind it is.

    step      a step with an effect, that returns `value`, by an `async def` or a `def`, after failing a few times
    fail      a step with an effect, that raises
    raise     the handler itself raises
    sleep     a durable sleep
    all       its children one after the other, with their results in a list
    parallel  its children at once, likewise; when some raise, the first of them in order
    try       its `body`; when that raises one of `errors`, `otherwise`; and `then` in any case
    map       a step for each of its children, `at_once` at a time; failures stand in the list, or, with `first`, the
              steps come one at a time, the first failure is raised, and no further step is begun
    limit     its `body` within a time that is never over
    race      its `body` beside a sleep that is longer
    late      a sleep within a time that is shorter, and `otherwise`
    child     its `body` as a run of its own
    event     an event with `value`, sent before it is waited for, while it is, or after a first wait was withdrawn
    unheard   a wait for an event that does not come, and `otherwise`

A program may also have a tree for when it has failed.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from pydantic import BaseModel

from terse_temporal import (
    Retry,
    RunFailure,
    create_job,
    current_step,
    job_map,
    job_step,
    send_event,
    sleep,
    uuid4,
    wait_for_event,
)
from terse_temporal.errors import StepError

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
    when_failed: Tree | None = None


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


async def do_when_failed(program: Program, failure: RunFailure) -> None:
    """Do what the other tree says."""
    if program.when_failed is not None:
        await do(program.when_failed, program)


@create_job(name="interpret", durable=True, on_failure=do_when_failed)
async def interpret(program: Program) -> Any:
    """Do what the tree says, and return what it gives."""
    return await do(program.tree, program)


async def do_map(tree: Tree, program: Program) -> Any:
    """Do a `map`."""
    inputs = ({"failing": 0, **child, "effects": program.effects} for child in tree["children"])
    if not tree["first"]:
        found = await job_map(
            run=async_step_body, inputs=inputs, name="mapped", at_once=tree["at_once"], max_failures=None
        )
        return [f"{type(each).__name__}: {each}" if isinstance(each, StepError) else each for each in found]
    try:
        return await job_map(run=step_body, inputs=inputs, name="mapped", at_once=1)
    except ExceptionGroup as group:
        raise group.exceptions[0] from None


async def do_race(tree: Tree, program: Program) -> Any:
    """Do a `race`."""
    body = asyncio.create_task(do(tree["body"], program))
    late = asyncio.create_task(sleep("200 days"))
    done, _ = await asyncio.wait([body, late], return_when=asyncio.FIRST_COMPLETED)
    assert done == {body}
    late.cancel()
    await asyncio.wait([late])
    return body.result()


async def do_event(tree: Tree) -> Any:
    """Do an `event`: one of a key of its own, that all of the job's runs share the name of."""
    key = str(uuid4())
    if tree["sent"] == "before":
        await send_event("told", [tree["value"]], key=key)
        return (await wait_for_event("told", key=key))[0]
    first = asyncio.create_task(wait_for_event("told", key=key))
    if tree["sent"] == "after a first wait":
        await sleep("1m")
        first.cancel()
        await asyncio.wait([first])
        await send_event("told", [tree["value"]], key=key)
        return (await wait_for_event("told", key=key))[0]
    await sleep("1m")
    await send_event("told", [tree["value"]], key=key)
    return (await first)[0]


async def do(tree: Tree, program: Program) -> Any:
    """Do a tree."""

    async def run(tree: Tree) -> Any:  # noqa: PLR0912  # the kinds
        match tree["do"]:
            case "map":
                return await do_map(tree, program)
            case "race":
                return await do_race(tree, program)
            case "limit":
                async with asyncio.timeout(86_400 * 200):
                    return await run(tree["body"])
            case "late":
                try:
                    async with asyncio.timeout(3600):
                        await sleep("3h")
                except TimeoutError:
                    return await run(tree["otherwise"])
            case "event":
                return await do_event(tree)
            case "unheard":
                try:
                    return await wait_for_event("untold", timeout="2h")
                except TimeoutError:
                    return await run(tree["otherwise"])
            case "child":
                return await interpret.run(Program(effects=program.effects, tree=tree["body"]))
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

    return await run(tree)


def map_plainly(tree: Tree, effects: Counter[str]) -> Any:
    """The same of a `map`."""
    found: list[Any] = []
    for child in tree["children"]:
        effects["mapped 1"] += 1
        if "error" not in child:
            found.append(child["value"])
            continue
        error = ERRORS[child["error"]](child["value"])
        if tree["first"]:
            raise error
        found.append(f"{type(error).__name__}: {error}")
    return found


def interpret_plainly(tree: Tree, effects: Counter[str]) -> Any:  # noqa: PLR0912  # the kinds
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
        case "limit" | "race" | "child":
            return interpret_plainly(tree["body"], effects)
        case "late" | "unheard":
            return interpret_plainly(tree["otherwise"], effects)
        case "event":
            return tree["value"]
        case "map":
            return map_plainly(tree, effects)
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
