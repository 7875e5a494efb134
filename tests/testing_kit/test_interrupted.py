"""A session that is interrupted in the middle of a test ends within seconds, and its server with it."""

from __future__ import annotations

import os
import signal

import pytest

from .project import SHOP, Project

_TESTS = {
    "in a wait": """
import asyncio, pathlib, shop

async def test_waits(jobs):
    run = await jobs.start("kit-order", {"amount": 3})
    await run.sleeping()
    pathlib.Path("there").write_text("x")
    await asyncio.sleep(600)
""",
    "in a step": """
import asyncio, pathlib, shop

async def test_step(jobs):
    async def charge(amount):
        pathlib.Path("there").write_text("x")
        await asyncio.sleep(600)
    jobs.steps.charge.does(charge)
    await jobs.run("kit-order", {"amount": 3})
""",
    "in the test's own code": """
import asyncio, pathlib, shop, time

def test_blocks(jobs):
    asyncio.run(jobs.start("kit-order", {"amount": 3}))
    pathlib.Path("there").write_text("x")
    time.sleep(600)
""",
}


@pytest.mark.parametrize("where", _TESTS)
def test_by_ctrl_c(project: Project, where: str) -> None:
    """Ctrl-C ends the session, as it does without the fixture: with status 2, and nothing left behind."""
    project.write("shop.py", SHOP)
    project.write("test_shop.py", _TESTS[where])
    with project.session() as session:
        project.until_there("there")
        assert project.processes() == 2  # the session and its server
        os.kill(session.pid, signal.SIGINT)
        said, _ = session.communicate(timeout=30)
    assert session.returncode == pytest.ExitCode.INTERRUPTED, said
    assert "KeyboardInterrupt" in said
    project.assert_nothing_left()


def test_by_kill(project: Project) -> None:
    """A session that is killed takes its server along, on Linux."""
    if not os.path.exists("/proc"):  # noqa: PTH110  what it asks is not of a file
        pytest.skip("only Linux ends a child with its parent")
    project.write("shop.py", SHOP)
    project.write("test_shop.py", _TESTS["in the test's own code"])
    with project.session() as session:
        project.until_there("there")
        os.kill(session.pid, signal.SIGKILL)
        session.communicate(timeout=30)
    project.assert_nothing_left()
