"""The jobs of the page on toolboxes run as they stand."""

from __future__ import annotations

import pytest

from terse_temporal.jobs import registry as jobs
from terse_temporal.testing import JobEnvironment
from terse_temporal.tools import registry
from terse_temporal.tools.mcp.mounts import mounts

from ..pages import blocks
from .conftest import Load

PAGE = "docs/toolbox.md"


@pytest.fixture(autouse=True)
def apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the page defines is forgotten at the test's end."""
    monkeypatch.setattr(jobs, "_registry", dict(jobs._registry))
    monkeypatch.setattr(registry, "_tools", dict(registry._tools))


async def test_tools_of_ones_own(env: JobEnvironment, task_queue: str, load: Load) -> None:
    """The first job finds its customer and leaves a note."""
    job = load("documented_tools", blocks(PAGE)[0]).greet_customer
    async with env.worker([job], task_queue=task_queue):
        note = await env.run(job, {"email": "ada@example.com"}, task_queue=task_queue)
    assert note.startswith("note-")


def test_mounts(load: Load) -> None:
    """The mounts are accepted, and the rest of the page's Python runs."""
    for number, block in enumerate(blocks(PAGE)):
        load(f"documented_toolbox_{number}", block)
    assert [mount.name for mount in mounts] == ["clock", "github", "linear"]
