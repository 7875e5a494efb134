"""A job whose model and handler call a tool that people are asked about, by a way of its own and by none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from terse_temporal import Event, TerseAgent, create_job, generate_text, toolbox
from terse_temporal.inputs import InputQuestion, InputWay

from ..effects import record


@toolbox.tool("till.pay")
async def pay(effects: str, cents: int) -> str:
    """Pay."""
    record(effects, f"pay {cents}")
    return "paid"


class Noted(InputWay):
    """Notes whom it asks."""

    effects: str

    async def ask(self, question: InputQuestion) -> None:
        assert isinstance(question.arguments, Mapping)
        record(self.effects, f"asks {question.tool} {question.arguments['cents']} {question.because}".rstrip())

    async def close(self, question: InputQuestion, sent: Any, outcome: Mapping[str, Any]) -> None:
        record(self.effects, f"closes {question.number} {outcome['choice']}")


@create_job(name="till-asks", durable=True)
async def till_asks(event: Event) -> list[str]:
    """Asks about a call of the model's, and about one of its own."""
    noted = Noted(effects=event.effects)
    said = await generate_text(prompt="Pay", skills=["till"], tool_approvals=["till.pay"], approvals_via=noted)
    agent = TerseAgent.create(skills=["till"], tool_approvals=["till.pay"], approvals_via=[noted])
    return [said, await agent.tools.till.pay(effects=event.effects, cents=2)]


@create_job(name="till-asks-by-default", durable=True)
async def till_asks_by_default(event: Event) -> str:
    """Asks about a call by the way of the worker."""
    agent = TerseAgent.create(skills=["till"], tool_approvals=["till.pay"])
    return str(await agent.tools.till.pay(effects=event.effects, cents=3))


@create_job(name="till-asks-nobody", durable=True)
async def till_asks_nobody(event: Event) -> str:
    """Names no way to ask where one belongs."""
    return await generate_text(
        prompt="Pay",
        skills=["till"],
        tool_approvals=["till.pay"],
        approvals_via="C1",  # type: ignore[arg-type]
    )
