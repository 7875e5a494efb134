"""Jobs with long conversations."""

from __future__ import annotations

import asyncio

from terse_temporal import Event, TerseAgent, create_job, toolbox

#: Long enough to be told by reference.
INSTRUCTIONS = "You read every page. " * 60


def text_of(number: int) -> str:
    """What stands on a page: 4,000 characters that no other page has."""
    return f"page {number:04} " * 400


@toolbox.tool("shelf.page", read_only=True)
def page(number: int) -> str:
    """Read a page."""
    return text_of(number)


@toolbox.tool("shelf_local.page", read_only=True, local=True)
def local_page(number: int) -> str:
    """Read a page, with the workflow task."""
    return text_of(number)


@create_job(name="agents-pages", durable=True)
async def pages(event: Event) -> list[str]:
    """As many conversations at a time."""
    shelves = event.get("shelf", "shelf")
    skills = [shelves] if isinstance(shelves, str) else shelves
    agent = TerseAgent.create(prompt=INSTRUCTIONS, skills=skills)
    return await asyncio.gather(
        *(agent.run_and_wait(f"conversation {number}") for number in range(event.get("at_once", 1)))
    )
