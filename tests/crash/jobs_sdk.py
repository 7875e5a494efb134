"""A job of calls that are steps by themselves, tools, a model and the state, whose worker is ended at a known point."""

from __future__ import annotations

import functools
import json
import os
import time
from collections.abc import Mapping, MutableMapping
from typing import Any, cast

from pydantic import BaseModel

from terse_temporal import Event, create_job, current_step, generate_text, toolbox
from terse_temporal.agents.references import recall
from terse_temporal.agents.turns import model_turn
from terse_temporal.engine.code import builtin_functions as builtin
from terse_temporal.execution.protocol import current_execution

from ..effects import record
from .jobs_crash import crash


class Answer(BaseModel):
    """What the model is to give back."""

    found: str


def did(effects: str, what: str) -> str:
    """Leave a line about the current call, and die after it if told to."""
    me = current_step()
    line = {"what": what, "step": me.name, "attempt": me.attempt, "key": me.idempotency_key}
    record(effects, json.dumps({**line, "pid": os.getpid(), "at": time.time()}))
    crash(f"{me.name}: {what}")
    return me.name


@toolbox.tool("shop.reserve")
async def reserve(effects: str) -> str:
    """Reserve what was ordered."""
    did(effects, "began")
    return did(effects, "effect")


@toolbox.tool("shop.charge")
def charge(effects: str) -> str:
    """Charge the card."""
    did(effects, "began")
    return did(effects, "effect")


@toolbox.tool("desk.search")
def search(effects: str) -> str:
    """Search the archive."""
    did(effects, "began")
    return did(effects, "effect")


@toolbox.tool("desk.note")
async def note(effects: str) -> str:
    """Write a note."""
    did(effects, "began")
    return did(effects, "effect")


@functools.wraps(model_turn)
async def dying_turn(**given: Any) -> Mapping[str, Any]:
    """A turn of the model, after whose answer the worker dies if told to."""
    result = await model_turn(**given)
    execution = current_execution()
    assert execution is not None
    before = await recall(given["instructions"], given["history"], given["results"], execution.recorded_results)
    crash(f"turn {sum(message['kind'] == 'response' for message in before.messages)}: answered")
    return result


# Only the worker that runs these jobs has it, and only for what happens within it.
cast("MutableMapping[str, Any]", builtin._SDK)["generate_text"] = dying_turn


@create_job(name="sdk", durable=True, states={"runs": int})
async def sdk(event: Event, state: Any) -> list[Any]:
    """Two tools, three turns of a model with two more tools between them, and the state."""
    done: list[Any] = [await toolbox.shop.reserve(effects=event.effects)]
    crash("reserve: recorded")
    answer = await generate_text(prompt=event.effects, skills=["desk"], output_schema=Answer)
    crash("answer: recorded")
    done += [answer.found, await state.update("runs", lambda runs: (runs or 0) + 1)]
    crash("state: recorded")
    done.append(await toolbox.shop.charge(effects=event.effects))
    crash("charge: recorded")
    return [*done, await state.get("runs")]
