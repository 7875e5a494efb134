"""The fixture is right under pytest-asyncio in both modes and in every loop scope, and under anyio's plugin.

The runs are driven by a thread of the fixture's own, so that no loop of a test's may matter to them; and here each does
what would show it if one did: a fixture of the user's that awaits, a test double that runs on the test's loop, and a
second test after the loop of the first is gone.
"""

from __future__ import annotations

import re

import pytest

from .project import SETTINGS, SHOP, Project

_TESTS = """
import asyncio
import pytest, pytest_asyncio
import shop

@pytest_asyncio.fixture(loop_scope={scope!r})
async def order(jobs):
    jobs.tools.kit.announce.returns("told")
    run = await jobs.start("kit-order", {{"amount": 3}})
    await run.sleeping()
    yield run
    assert await run.result() == "charge-3"

class Test:
    async def test_one(self, jobs, order):
        await jobs.skip("3d")
        assert order.status == "completed"

    async def test_two(self, jobs, order):
        here = asyncio.get_running_loop()
        ready = asyncio.Event()

        async def announce(text):
            assert asyncio.get_running_loop() is here
            await ready.wait()
            return text

        jobs.tools.kit.announce.does(announce)
        asyncio.get_running_loop().call_later(0.01, ready.set)
        assert await order.result() == "charge-3"

def test_three(jobs):
    assert jobs.runs == []

def test_four(jobs):
    async def of_its_own():
        jobs.tools.kit.announce.does(lambda text: text)
        return await jobs.run(shop.order, {{"amount": 4}})
    assert asyncio.run(of_its_own()) == "charge-4"
"""


@pytest.mark.parametrize("mode", ["auto", "strict"])
def test_modes_and_scopes(project: Project, mode: str) -> None:
    """Tests and fixtures may have loops of every scope, said by marks, in both modes, side by side in one session."""
    project.write("pyproject.toml", SETTINGS.replace("auto", mode))
    project.write("shop.py", SHOP)
    for scope in ("function", "class", "module", "session"):
        # On a test that is not `async`, the mark is a warning.
        mark = f"@pytest.mark.asyncio(loop_scope={scope!r})\n"
        tests = _TESTS.format(scope=scope).replace("class Test:", f"{mark}class Test:")
        project.write(f"test_{scope}.py", tests)
    project.test().assert_outcomes(passed=16)


@pytest.mark.parametrize(
    ("fixtures", "tests"), [("session", "function"), ("module", "session"), ("session", "session")]
)
def test_scopes_that_differ(project: Project, fixtures: str, tests: str) -> None:
    """The loop of fixtures and the loop of tests, said by settings, may be two."""
    project.write(
        "pyproject.toml",
        f"""
        [tool.pytest.ini_options]
        asyncio_mode = "auto"
        asyncio_default_fixture_loop_scope = "{fixtures}"
        asyncio_default_test_loop_scope = "{tests}"
        filterwarnings = ["error"]
        """,
    )
    project.write("shop.py", SHOP)
    project.write("test_shop.py", _TESTS.format(scope=fixtures))
    project.test().assert_outcomes(passed=4)


def test_no_settings_at_all(project: Project) -> None:
    """A project that has set nothing marks its tests, and that is all."""
    (project.path / "pyproject.toml").unlink()
    project.write("shop.py", SHOP)
    tests = _TESTS.format(scope="function").replace("class Test:", "@pytest.mark.asyncio\nclass Test:")
    project.write("test_shop.py", tests)
    result = project.test("-W", "error")
    result.assert_outcomes(passed=4, warnings=0)
    assert "Warning" not in result.stderr.str()


def test_one_line_of_settings(project: Project) -> None:
    """Without settings a test fails with the line that is missing; with it there is nothing to warn of."""
    (project.path / "pyproject.toml").unlink()
    project.write("shop.py", SHOP)
    project.write(
        "test_shop.py",
        """
        import shop

        async def test_order(jobs):
            jobs.tools.kit.announce.returns("told")
            assert await jobs.run(shop.order, {"amount": 3}) == "charge-3"
        """,
    )
    failing = project.test()
    failing.assert_outcomes(failed=1)
    (line,) = re.findall(r"under (\[tool.*\]) in pyproject.toml: (.*)$", failing.stdout.str(), re.MULTILINE)[:1]
    project.write("pyproject.toml", "\n".join(line))
    passing = project.test("-W", "error")
    passing.assert_outcomes(passed=1, warnings=0)
    assert "Warning" not in passing.stderr.str()


def test_under_anyio(project: Project) -> None:
    """The plugin of anyio runs the tests as well, without pytest-asyncio."""
    project.write(
        "test_shop.py",
        SHOP
        + """
import pytest

@pytest.fixture
def anyio_backend():
    return "asyncio"

@pytest.fixture
async def run(jobs):
    jobs.tools.kit.announce.returns("told")
    return await jobs.start(order, {"amount": 3})

@pytest.mark.anyio
async def test_order(jobs, run):
    await run.sleeping()
    assert await run.result() == "charge-3"
""",
    )
    project.write("pyproject.toml", '[tool.pytest.ini_options]\nfilterwarnings = ["error"]\n')
    project.test("-p", "no:asyncio").assert_outcomes(passed=1)
