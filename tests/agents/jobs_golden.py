"""A job of every kind of call, whose history is kept and replayed by every later change. Do not change what it does."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from terse_temporal import Event, Skills, TerseAgent, create_job, generate_text, sleep, toolbox
from terse_temporal.errors import StepInputError, ToolDeniedError


class Reply(BaseModel):
    subject: str
    stars: int = 0


class Kept(BaseModel):
    replies: int = 0


@toolbox.tool("golden.find", read_only=True)
async def find(email: str, *, deep: bool = False) -> dict[str, Any]:
    """Find somebody."""
    return {"email": email, "deep": deep}


@toolbox.tool("golden.note")
def note(text: str) -> None:
    """Write something down."""


@create_job(name="golden-sdk", durable=True, states=Kept)
async def golden_sdk(event: Event, state: Any) -> list[Any]:
    """A tool, turns of a model with tools between them, a question to a person, and the state."""
    found = await toolbox.golden.find(email=event.email, deep=True)
    try:
        await toolbox.golden.find(mail=event.email)
    except StepInputError:
        found["refused"] = True
    reply = await generate_text(prompt="Write to them", skills=[Skills.golden()], output_schema=Reply, max_turns=5)
    await sleep("3d")
    agent = TerseAgent.create(prompt="Be brief.", skills=["golden"], tool_approvals=["golden.note"])
    try:
        await agent.tools.golden.note(text=reply.subject)
    except ToolDeniedError as denied:
        found["denied"] = str(denied)
    replies = await state.update("replies", lambda replies, more: replies + more, 1)
    return [found, reply.subject, replies, await state.get("replies")]


def is_long(arguments: dict[str, Any]) -> bool:
    return len(arguments["text"]) > 3


@create_job(name="golden-fixed", durable=True)
async def golden_fixed(event: Event) -> list[Any]:
    """Arguments that skills fix, and a function that decides about approvals."""
    skills = [Skills.tool("golden.find", deep=True), Skills.golden(text=["abc", "abcd"])]
    asked = {"golden.note": is_long}
    said = await generate_text(prompt="Look, and write", skills=skills, tool_approvals=asked)
    agent = TerseAgent.create(skills=skills, tool_approvals=asked)
    await agent.tools.golden.note(text="abc")
    return [said, await agent.tools.golden.find(email=event.email)]


@toolbox.tool("golden_shelf.page", read_only=True)
def page(number: int) -> list[str]:
    """Read a page."""
    return [f"page {number}"] * 150


@create_job(name="golden-references", durable=True)
async def golden_references(event: Event) -> str:
    """A conversation whose turns refer to each other, to what tools have returned, and to long instructions."""
    agent = TerseAgent.create(prompt="Read every page. " * 80, skills=["golden_shelf"])
    return await agent.run_and_wait(f"Greet {event.email}")
