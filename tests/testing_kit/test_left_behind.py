"""What a test leaves running is ended with it: in a sleep, in a question, in a step, between two attempts."""

from __future__ import annotations

from .project import SETTINGS, SHOP, Project

_UNFINISHED = """
import asyncio, time
from terse_temporal import TerseAgent

async def very_long():
    await asyncio.sleep(600)

def blocking():
    time.sleep(0.5)

def failing():
    raise OSError("not now")

@create_job(name="kit-long-step", durable=True)
async def long_step(event):
    await job_step(run=very_long)

@create_job(name="kit-blocking-step", durable=True)
async def blocking_step(event):
    await job_step(run=blocking)

@create_job(name="kit-retried", durable=True)
async def retried(event):
    await job_step(run=failing, retry=Retry(max_attempts=100, initial="10m", max_delay="1h"))

@create_job(name="kit-asking", durable=True)
async def asking(event):
    await TerseAgent.create(skills=["kit"], tool_approvals=["kit.announce"]).tools.kit.announce(text="hi")

@create_job(name="kit-plain-long")
async def plain_long(event):
    await very_long()
"""

_TESTS = """
import asyncio
import shop

async def until_running(run, name):
    async with asyncio.timeout(10):
        while [(step.name, step.state) for step in run.steps] != [(name, "running")]:
            await asyncio.sleep(0.02)

async def test_sleeping(jobs):
    run = await jobs.start("kit-order", {"amount": 3})
    await run.sleeping()

async def test_just_started(jobs):
    await jobs.start("kit-order", {"amount": 3})

async def test_asking(jobs):
    run = await jobs.start("kit-asking")
    question = await run.waiting_for_input()
    assert (question.tool, question.arguments) == ("kit.announce", {"text": "hi"})

async def test_in_a_step(jobs):
    await until_running(await jobs.start("kit-long-step"), "very_long")

async def test_in_a_step_that_blocks(jobs):
    await until_running(await jobs.start("kit-blocking-step"), "blocking")

async def test_in_a_plain_job(jobs):
    await until_running(await jobs.start("kit-plain-long"), "kit-plain-long")

async def test_between_attempts(jobs):
    run = await jobs.start("kit-retried")
    async with asyncio.timeout(10):
        while not any(step.state == "waiting" and step.attempt for step in run.steps):
            await asyncio.sleep(0.02)

async def test_next(jobs):
    jobs.tools.kit.announce.returns("told")
    assert await jobs.run("kit-order", {"amount": 3}) == "charge-3"
    assert len(jobs.tools.kit.announce.calls) == 1
    assert len(jobs.runs) == 1
"""

_CONFTEST = """
import threading, time
from pathlib import Path

def others():
    return [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]

def pytest_unconfigure():
    deadline = time.monotonic() + 2
    while "terse-step_0" in others() and time.monotonic() < deadline:  # which nobody can stop
        time.sleep(0.02)
    Path("threads").write_text(",".join(others()) or "none")
"""


def test_nothing_is_left(project: Project) -> None:
    """Tests that leave runs unfinished pass, each is over at once, and no thread, process or warning is left."""
    project.write("shop.py", SHOP + _UNFINISHED)
    project.write("test_shop.py", _TESTS)
    project.write("conftest.py", _CONFTEST)
    project.write("pyproject.toml", f'{SETTINGS}terse_timeout = "3600"\n')  # nothing ends because of it
    result = project.test("-W", "error", "-rA", "--durations=0", "-vv")
    result.assert_outcomes(passed=8, warnings=0)
    assert (project.path / "threads").read_text() == "none"
    # The longest is that of the step that nobody can stop, half a second.
    for line in result.outlines:
        if "s teardown " in line:
            assert float(line.split("s ")[0]) < 2, line
