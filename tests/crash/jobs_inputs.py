"""A job that asks a person, whose worker is ended at a known point."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from typing import Any

from terse_temporal import Event, InputOption, create_job, current_step, sleep, wait_for_input
from terse_temporal.inputs import InputQuestion, InputWay

from ..effects import record
from .jobs_crash import crash


class Leaving(InputWay):
    """Leaves a line for each time that it asks, and that it says that the question is over."""

    effects: str

    async def ask(self, question: InputQuestion) -> str:
        crash("ask: began")
        self._did("asked")
        crash("ask: effect")
        return "sent"

    async def close(self, question: InputQuestion, sent: Any, outcome: Mapping[str, Any]) -> None:
        self._did("closed")

    def _did(self, what: str) -> None:
        me = current_step()
        line = {"what": what, "step": me.name, "attempt": me.attempt, "key": me.idempotency_key}
        record(self.effects, json.dumps({**line, "pid": os.getpid(), "at": time.time()}))


@create_job(name="asks-then-sleeps", durable=True)
async def asks_then_sleeps(event: Event) -> list[Any]:
    """Asks, and sleeps."""
    answer = await wait_for_input(
        prompt="Ship it?", options=[InputOption("yes", "Yes")], via=Leaving(effects=event.effects)
    )
    crash("answer: taken")
    await sleep("2s")
    return [answer.choice, answer.respondent]
