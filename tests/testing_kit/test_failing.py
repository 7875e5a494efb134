"""A test that fails shows what its runs did, and nothing of how the kit is made; the session ends as ever."""

from __future__ import annotations

import pytest

from .project import SETTINGS, SHOP, Project

#: How a line of a traceback ends its excerpt: of the kit's own files, and those that it waits in, none may stand there.
_INSIDE = ["/*terse_temporal*.py:*", "/*concurrent/futures*", "/*asyncio/*.py:*", "/*temporalio/*"]


def assert_nothing_inside(result: pytest.RunResult) -> None:
    """The tracebacks are those of the test's own lines."""
    for pattern in _INSIDE:
        result.stdout.no_fnmatch_line(pattern)
    result.stdout.no_fnmatch_line("*traceback entries are hidden*")


#: What decides on the way is in another module, of which runs have no copies of their own.
_COUNTER = "calls = 0\n"

_SHAKY = """
import counter
from terse_temporal import create_job, job_step, sleep

def on_odd_days():
    return "odd"

def on_even_days():
    return "even"

@create_job(name="kit-shaky", durable=True)
async def shaky(event):
    counter.calls += 1
    first = await job_step(run=on_odd_days if counter.calls % 2 else on_even_days)
    await sleep("1h")
    return first
"""


def test_a_wrong_expectation(project: Project) -> None:
    """A failed assertion is shown with the timelines of the runs, without a frame of the kit's; the status is 1."""
    project.write("shop.py", SHOP)
    project.write(
        "test_shop.py",
        """
        import shop

        async def test_asserts(jobs):
            jobs.tools.kit.announce.returns("told")
            run = await jobs.start("kit-order", {"amount": 3})
            assert await run.result() == "charge-4"

        async def test_calls(jobs):
            jobs.tools.kit.announce.returns("told")
            await jobs.run("kit-order", {"amount": 3})
            jobs.tools.kit.announce.called_once_with(text="charge-4")

        async def test_waits(jobs):
            jobs.steps.charge.raises(ValueError("declined"))
            run = await jobs.start("kit-order", {"amount": 3})
            await run.sleeping()

        async def test_passes(jobs):
            jobs.tools.kit.announce.returns("told")
            await jobs.run("kit-order", {"amount": 3})
        """,
    )
    result = project.test()
    result.assert_outcomes(failed=3, passed=1)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert_nothing_inside(result)
    result.stdout.fnmatch_lines(
        [
            "E       AssertionError: assert 'charge-3' == 'charge-4'",
            "*Captured runs call*",
            "kit-order-*completed",
            "*step * charge * 1 *",
            "*sleep * 3 days*",
            "*step * kit.announce * +3 d *",
            "*kit.announce was called with other arguments:",
            "*expected: kit.announce(text='charge-4')",
            "*was: * kit.announce(text='charge-3')",
            "*the run kit-order-* does not sleep, it has ended: it failed with ValueError: declined",
            "*3 failed, 1 passed*",
        ]
    )


def test_a_job_that_does_not_survive_its_replay(project: Project) -> None:
    """A job that goes another way when it is replayed fails its test, with what was recorded beside what it does."""
    project.write("counter.py", _COUNTER)
    project.write("shaky.py", _SHAKY)
    project.write(
        "test_shaky.py",
        """
        import shaky

        async def test_shaky(jobs):
            assert await jobs.run("kit-shaky") == "odd"

        async def test_that_still_sleeps(jobs):
            await (await jobs.start("kit-shaky")).sleeping()
        """,
    )
    result = project.test()
    result.assert_outcomes(failed=2)
    assert_nothing_inside(result)
    result.stdout.fnmatch_lines(
        [
            "the run kit-shaky-* would not survive its own replay: * now makes step 'on_even_days' (shaky.py:13)",
            "*recorded*now*",
            "*on_odd_days*on_even_days*",
        ]
    )


def test_a_job_that_does_not_go_on(project: Project) -> None:
    """A run that waits for nothing, or for a person, fails its test within seconds, and says which."""
    project.write("counter.py", _COUNTER)
    project.write(
        "stuck.py",
        f"""{_SHAKY}
import asyncio
from terse_temporal import TerseAgent, toolbox

@toolbox.tool("kit.erase")
async def erase(what: str) -> None:
    raise RuntimeError("erased")

@create_job(name="kit-stuck", durable=True)
async def stuck(event):
    await asyncio.Event().wait()

@create_job(name="kit-asking", durable=True)
async def asking(event):
    await TerseAgent.create(skills=["kit"], tool_approvals=["kit.erase"]).tools.kit.erase(what="all")
""",
    )
    project.write("pyproject.toml", f'{SETTINGS}terse_timeout = "3600"\n')  # nothing ends because of it
    project.write(
        "test_stuck.py",
        """
        import stuck

        async def test_stuck(jobs):
            await jobs.run("kit-stuck")

        async def test_asking(jobs):
            await jobs.run("kit-asking")

        async def test_never_sleeps(jobs):
            run = await jobs.start("kit-asking")
            await run.sleeping()
        """,
    )
    result = project.test("--durations=0")
    result.assert_outcomes(failed=3)
    assert_nothing_inside(result)
    result.stdout.fnmatch_lines(
        [
            "*the run kit-stuck-* does not end: nothing is under way.",
            "*(no step and no sleep so far)",
            "*the run kit-asking-* does not end: it waits for somebody to approve kit.erase*what*all*",
            "*the run kit-asking-* does not sleep: it waits for somebody to approve*",
        ]
    )


def test_an_answer_that_is_missing_or_wrong(project: Project) -> None:
    """A test double without an answer, or with a wrong one, fails its test by name, though the job goes on."""
    project.write(
        "test_shop.py",
        SHOP
        + """
from terse_temporal import generate_text
from terse_temporal.errors import StepError

@create_job(name="kit-swallows", durable=True)
async def swallows(event):
    try:
        await charge(event.amount)
        await toolbox.kit.announce(text="hi")
    except StepError:
        return "never mind"

@create_job(name="kit-greets", durable=True)
async def greets(event):
    return [await generate_text(prompt="Greet " * 40) for _ in range(2)]

async def test_too_few(jobs):
    jobs.tools.kit.announce.in_turn("told")
    await jobs.run("kit-swallows", {"amount": 1})
    await jobs.run("kit-swallows", {"amount": 2})

async def test_wrong(jobs):
    jobs.steps.charge.returns(["a list"])
    await jobs.run("kit-swallows", {"amount": 1})

async def test_after_its_end(jobs):
    async def announce(text):
        raise ValueError("no")
    jobs.tools.kit.announce.does(announce)
    run = await jobs.start("kit-order", {"amount": 1})
    assert await run.result() == "charge-1"

async def test_model(jobs):
    jobs.model.replies("Hi")
    await jobs.run("kit-greets")
""",
    )
    result = project.test()
    result.assert_outcomes(failed=4)
    assert_nothing_inside(result)
    result.stdout.fnmatch_lines(
        [
            "*'kit.announce' was called more often than * it gave 1, and this is kit.announce(text='hi'). Give more*",
            "*'charge' cannot return ?'a list'? in a test: *",
            "E *the run kit-order-* failed with ValueError: no",
            "*the model was asked more often than the test has answers for: it gave 1, and * 'Greet Greet*…'*",
        ]
    )


def test_a_job_whose_module_cannot_be_run_again(project: Project) -> None:
    """A job that is blocked, since its module cannot be executed afresh for a run, fails its test with the reason."""
    project.write("counter.py", "loads = 0\n")
    project.write(
        "blocked.py",
        """
        from datetime import datetime

        import counter
        from terse_temporal import create_job

        STARTED = datetime.now()  # for which every run needs a copy
        counter.loads += 1
        if counter.loads > 2:  # once imported, and once tried by the worker
            raise RuntimeError("a module that runs only so often")

        @create_job(name="kit-blocked", durable=True)
        async def blocked(event):
            return "done"
        """,
    )
    project.write("pyproject.toml", f'{SETTINGS}terse_timeout = "3600"\n')  # nothing ends because of it
    project.write(
        "test_blocked.py",
        """
        import blocked

        async def test_blocked(jobs):
            await jobs.run("kit-blocked")
        """,
    )
    result = project.test()
    result.assert_outcomes(failed=1)
    assert_nothing_inside(result)
    result.stdout.fnmatch_lines(["E *the run kit-blocked-* does not end: *a module that runs only so often*"])
