"""Jobs with long conversations."""

from __future__ import annotations

import asyncio

from terse_temporal import Event, TerseAgent, create_job, toolbox

from ..effects import record

#: Long enough to be told by reference.
INSTRUCTIONS = "You read every page. " * 60


def text_of(number: int) -> str:
    """What stands on a page: 4,000 characters that no other page has."""
    return f"page {number:04} " * 400


@toolbox.tool("shelf.page", read_only=True)
def page(number: int) -> str:
    """Read a page."""
    return text_of(number)


@toolbox.tool("shelf.note")
def note(effects: str, text: str) -> dict[str, str]:
    """Write something long down."""
    record(effects, f"note {len(text)}")
    return {"noted": text}


@create_job(name="agents-pages", durable=True)
async def pages(event: Event) -> list[str]:
    """As many conversations at a time."""
    agent = TerseAgent.create(prompt=INSTRUCTIONS, skills=["shelf"])
    return await asyncio.gather(
        *(agent.run_and_wait(f"conversation {number}") for number in range(event.get("at_once", 1)))
    )
