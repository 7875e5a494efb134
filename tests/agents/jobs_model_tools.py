"""Jobs whose models call tools: slow ones, ones that are approved, and ones that fail half-way."""

from __future__ import annotations

import asyncio
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, SecretStr

from terse_temporal import Event, Retry, TerseAgent, create_job, current_step, generate_text, job_step, toolbox
from terse_temporal.errors import StepInputError, ToolDeniedError

from ..effects import record


@toolbox.tool("slow_desk.slow")
async def slow(effects: str, seconds: float) -> str:
    """Take a while."""
    record(effects, f"begin {seconds}")
    try:
        await asyncio.sleep(seconds)
    finally:
        record(effects, f"end {seconds}")
    return "slow"


@toolbox.tool("slow_desk.pay")
async def pay(effects: str, when: datetime, amount: Decimal) -> str:
    """Pay."""
    record(effects, f"pay {when:%Y} {amount}")
    return "paid"


@toolbox.tool("slow_desk.note")
async def note(effects: str, text: str) -> None:
    """Write down who was told, under which key."""
    record(effects, f"{text} {current_step().idempotency_key}")


@toolbox.tool("slow_desk.two_requests")
async def two_requests(effects: str) -> None:
    """Do something, then fail to connect for something else."""
    record(effects, "charged")
    raise ConnectionRefusedError("nobody listens there")


@create_job(name="model-tools-cancelled", durable=True)
async def cancelled(event: Event) -> str:
    async def after(effects: str) -> None:
        record(effects, "after")

    try:
        async with asyncio.timeout(5):
            await generate_text(prompt="Hurry", skills=["slow_desk"])
    except TimeoutError:
        await job_step(run=after, input=event.effects)
    return "over"


@create_job(name="model-tools-pay", durable=True)
async def paying(event: Event) -> list[Any]:
    agent = TerseAgent.create(skills=["slow_desk"], tool_approvals=["slow_desk.pay"])
    told: list[Any] = []
    try:
        await agent.tools.slow_desk.pay(effects=event.effects, when="never", amount=1)
    except StepInputError as err:
        told.append("when" in str(err))
    try:
        told.append(
            await agent.tools.slow_desk.pay(effects=event.effects, when=datetime(2030, 1, 2), amount=Decimal("1.50"))
        )
    except ToolDeniedError:
        told.append("denied")
    return told


@create_job(name="model-tools-keys", durable=True)
async def keys(event: Event) -> None:
    async def ask(effects: str) -> None:
        await asyncio.gather(*(generate_text(prompt=f"Tell {who} of {effects}", skills=["slow_desk"]) for who in "AB"))
        if current_step().attempt == 1:
            raise RuntimeError("once more")

    await job_step(run=ask, input=event.effects, retry=Retry(initial="10ms"))


@create_job(name="model-tools-charge", durable=True)
async def charge(event: Event) -> str:
    try:
        await toolbox.slow_desk.two_requests(effects=event.effects)
    except ConnectionRefusedError as err:
        return str(err)
    return "charged"


@create_job(name="model-tools-text", durable=True)
async def text(event: Event) -> Any:
    return await generate_text(prompt="Hello", output_schema=list[float] if event.get("list") else None)


class Login(BaseModel):
    user: str
    token: SecretStr


@create_job(name="model-tools-login", durable=True)
async def login(event: Event) -> Any:
    found = await generate_text(prompt="Who?", output_schema=Login)
    return [found.user, found.token.get_secret_value()]
