"""Jobs that call models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from terse_temporal import Event, Skills, TerseAgent, create_job, current_step, generate_text, job_step, toolbox
from terse_temporal.errors import ToolDeniedError

from ..effects import record


class Digest(BaseModel):
    """What a model is to give back."""

    title: str
    stars: int


@dataclass
class Verdict:
    """The same as a dataclass."""

    good: bool
    why: str


@toolbox.tool("desk.find_customer", read_only=True)
def find_customer(effects: str, email: str) -> dict[str, Any]:
    """Look a customer up.

    Args:
        effects: the file to leave a trace in.
        email: whom to look for.
    """
    record(effects, f"find {email}")
    return {"email": email, "plan": None, "name": "Ada"}


@toolbox.tool("desk.add_note")
async def add_note(effects: str, email: str, note: str) -> str:
    """Write a note down."""
    record(effects, f"note {email} {note} {current_step().idempotency_key}")
    return "noted"


@toolbox.tool("desk.nothing")
async def nothing() -> None:
    """Return nothing."""


@toolbox.tool("desk.broken")
async def broken(effects: str) -> None:
    """Never work."""
    record(effects, "broken")
    raise ValueError("the CRM is on fire")


@create_job(name="agents-text", durable=True)
async def text(event: Event) -> str:
    return await generate_text(prompt=f"Greet {event.name}")


@create_job(name="agents-digest", durable=True)
async def digest(event: Event) -> dict[str, Any]:
    found = await generate_text(
        prompt="Look Ada up, and write a note",
        skills=["desk"],
        output_schema=Digest,
        max_turns=event.get("turns", 50),
    )
    assert isinstance(found, Digest)
    return {"title": found.title, "stars": found.stars, "class": type(found).__name__}


@create_job(name="agents-verdict", durable=True)
async def verdict(event: Event) -> Any:
    found = await generate_text(prompt="Good?", output_schema=Verdict)
    assert isinstance(found, Verdict)
    return [found.good, found.why, await generate_text(prompt="How many?", output_schema=list[int])]


@create_job(name="agents-plain")
async def plain(event: Event) -> dict[str, Any]:
    found = await generate_text(prompt="Look Ada up, and write a note", skills=["desk"], output_schema=Digest)
    return found.model_dump()


@create_job(name="agents-in-step", durable=True)
async def in_step(event: Event) -> str:
    async def ask() -> str:
        return await generate_text(prompt="Greet Ada")

    return await job_step(run=ask)


@create_job(name="agents-allowed", durable=True)
async def only_some(event: Event) -> str:
    return await generate_text(prompt="Look Ada up", skills=[Skills.desk(tools=["findCustomer"])])


@create_job(name="agents-agent", durable=True)
async def agent(event: Event) -> Any:
    helper = TerseAgent.create(prompt="You are terse.", skills=[Skills.desk(tools=["find_customer"])])
    found = await helper.tools.desk.find_customer(effects=event.effects, email="ada@example.com")
    first = await helper.run_and_wait("Say one")
    second = await helper.run_and_wait("Say two", Digest)
    third = await TerseAgent.execute_tool("desk.find_customer", {"effects": event.effects, "email": "bob@example.com"})
    return [found["name"], first, second.title, third["email"]]


@create_job(name="agents-streaming", durable=True)
async def streaming(event: Event) -> list[Any]:
    return [each async for each in TerseAgent.create().run("Hello")]


@create_job(name="agents-approvals", durable=True)
async def approvals(event: Event) -> list[Any]:
    answer = await generate_text(
        prompt="Look Ada up, and write a note", skills=["desk"], tool_approvals=["desk_add_note"]
    )
    helper = TerseAgent.create(skills=["desk"], tool_approvals=["desk.addNote"])
    try:
        await helper.tools.desk.add_note(effects=event.effects, email="by-hand", note="again")
    except ToolDeniedError as denied:
        return [answer, str(denied)]
    return [answer, None]


@create_job(name="agents-plain-text")
async def plain_text(event: Event) -> str:
    return await generate_text(prompt="Greet Ada")
