"""`terse-temporal tools` and `terse-temporal generate` list what a worker would have, and say what it could not.

They are run as processes, over a directory such as a user has.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ..checkers import pyright
from ..commands import run
from ..effects import Effects
from . import settings
from .conftest import server_pids, until_gone

MODULE = f'''
from __future__ import annotations

from pydantic import BaseModel

from terse_temporal import toolbox


class Customer(BaseModel):
    email: str


@toolbox.tool("crm.find_customer", read_only=True)
async def find_customer(email: str, deep: bool = False) -> Customer | None:
    """Look up a customer."""
    return None


@toolbox.tool("crm.contacts.list")
async def contacts() -> list[int]:
    return []


@toolbox.tool("crm.contacts.count")
async def count() -> list[int]:
    return []


@toolbox.tool("find.tools")
async def any_word_names_a_toolbox() -> int:
    return 1


toolbox.mount("tracker", command={settings.COMMAND!r}, cwd={str(settings.ROOT)!r}, env={{"EFFECTS": "${{EFFECTS}}"}})
'''

MISSING = '\ntoolbox.mount("missing", command=["no-such-mcp-server"])\n'

STATES = """

from terse_temporal import Event, State, create_job


class Kept(BaseModel):
    count: int = 0
    last: Customer


@create_job(name="count-calls", durable=True, states=Kept)
async def count_calls(event: Event, state: State[Kept]) -> None:
    count: int = await state.get("count")
    last: Customer | None = await state.get("last")
    count = await state.update("count", lambda count, more: count + more, 1)
    await state.set("last", last or Customer(email=str(count)))
    await state.delete("last")


@create_job(name="any-key", durable=True)
async def any_key(event: Event, state: State) -> list[str]:
    await state.set("whatever", 1)
    return [*await state.get("whatever")]
"""

WRONG_STATES = """
import shop_tools
from terse_temporal import State


async def wrong_states(state: State[shop_tools.Kept]) -> None:
    await state.get("cuont")
    await state.set("count", "one")
    await state.update("count", str.upper)
    await state.delete("lats")
    last: shop_tools.Customer = await state.get("last")
"""

#: As in `pyproject.toml`, without which mypy makes its cache anew.
MYPY = """
python_version = 3.11
strict = true
enable_error_code = ignore-without-code, truthy-bool
"""

USE = """
from terse_temporal import create_job, toolbox
from terse_temporal.errors import StepError


async def right() -> None:
    issue = await toolbox.tracker.create_issue(title="Broken", labels=[{"name": "bug", "color": "red"}])
    number: int = issue["number"]
    total: int = await toolbox.tracker.add_numbers(first=number)
    found = await toolbox.crm.find_customer(email="ada@example.com")
    email: str = found.email if found else "nobody"
    each: list[int] = await toolbox.crm.contacts.list()
    each = [await toolbox.find.tools()]
    await toolbox.somebody.elses()
    await toolbox.call("tracker.say", {"text": email})
    answer = await toolbox.http.request(method="GET", url="https://example.com")
    status: int = answer.status
    name: str = (await toolbox.slack.list_channels())[status].name


async def wrong() -> None:
    await toolbox.tracker.create_issue(titel="Broken", labels=[])
    await toolbox.tracker.create_issue(title="Broken", labels=[{"name": "bug", "color": "blue"}])
    await toolbox.tracker.creat_issue(title="Broken", labels=[])
    await toolbox.crm.find_customer(email=5)
    answer: str = await toolbox.http.request(method="GET", url="https://example.com")
"""


@pytest.fixture
def env(served: Effects) -> dict[str, str]:
    return {"EFFECTS": str(served)}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    directory = tmp_path / "project"
    directory.mkdir()
    (directory / "shop_tools.py").write_text(MODULE)
    return directory


def listed(output: str) -> dict[str, Any]:
    return {row["name"]: row for row in json.loads(output)}


def test_tools(project: Path, env: dict[str, str], served: Effects) -> None:
    """Each tool has what it takes, whether it may be called twice, and where it comes from; no server stays."""
    done = run("terse-temporal", "tools", "shop_tools.py", "--json", cwd=project, env=env)
    assert (done.returncode, done.stderr) == (0, "")
    rows = listed(done.stdout)
    assert rows["crm.find_customer"] | {"where": ""} == {
        "name": "crm.find_customer",
        "signature": "(email: str, deep: bool = False) -> Customer | None",
        "description": "Look up a customer.",
        "read_only": True,
        "idempotent": False,
        "origin": "shop_tools",
        "where": "",
        "schema": None,
    }
    numbers = rows["tracker.add_numbers"]
    assert numbers["signature"] == "(*, first: int, second_number: int = 1)"
    assert (numbers["origin"], numbers["where"]) == ("MCP server", "shop_tools.py:34")
    assert (numbers["read_only"], rows["tracker.die_idempotent"]["idempotent"]) == (True, True)
    assert rows["http.request"]["origin"] == "built in"
    for pid in server_pids(served):
        until_gone(pid)
    table = run("terse-temporal", "tools", "shop_tools", cwd=project, env=env).stdout
    assert "tracker.create_issue" in table
    assert "MCP server, shop_tools.py:34" in table


def test_a_server_that_cannot_be_had(project: Path, env: dict[str, str]) -> None:
    """It is reported with its mount and the status is 1; the tools of the others are still listed."""
    with (project / "shop_tools.py").open("a") as file:
        file.write(MISSING)
    done = run("terse-temporal", "tools", "shop_tools.py", "--json", cwd=project, env=env)
    assert done.returncode == 1
    assert "tracker.create_issue" in listed(done.stdout)
    assert "error: the MCP server 'missing' (mounted at shop_tools.py:36)" in done.stderr
    assert "Traceback" not in done.stderr
    generated = run("terse-temporal", "generate", "shop_tools.py", cwd=project, env=env)
    assert generated.returncode == 1
    assert not (project / "typings").exists()


def test_a_module_that_is_not_there(project: Path) -> None:
    """The message is that of the other commands, and so is the status."""
    done = run("terse-temporal", "tools", "shop_toolz.py", cwd=project)
    assert done.returncode == 2
    assert "there is no file 'shop_toolz.py'; did you mean 'shop_tools.py'?" in done.stderr


def test_generate(project: Path, env: dict[str, str]) -> None:
    """With the file that it writes, mypy and Pyright know what each tool takes and gives, and each key of a state."""
    with (project / "shop_tools.py").open("a") as module:
        module.write(STATES)
    made = run("terse-temporal", "generate", "shop_tools.py", cwd=project, env=env)
    assert made.returncode == 0
    assert "typings/terse_temporal/__init__.pyi: the types of " in made.stdout
    assert 'for mypy set mypy_path = "typings"' in made.stdout
    (project / "use.py").write_text(USE)
    (project / "states.py").write_text(WRONG_STATES)
    (project / "mypy.ini").write_text(f"[mypy]\nmypy_path = typings\n{MYPY}")
    if (cache := settings.ROOT / ".mypy_cache").is_dir():
        # With what `make check` has made of this package's dependencies. A copy, as here this package is another.
        shutil.copytree(cache, project / ".mypy_cache")
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "use.py", "states.py"], cwd=project, capture_output=True, text=True, check=False
    )
    errors = [line for line in checked.stdout.splitlines() if ": error: " in line]
    wrong = [*(f"use.py:{line}" for line in range(22, 27)), *(f"states.py:{line}" for line in range(7, 12))]
    assert sorted(line.partition(": error: ")[0] for line in errors) == sorted(wrong)
    errors = sorted(line for line in errors if line.startswith("use.py"))
    assert 'Unexpected keyword argument "titel"' in errors[0]
    assert 'TypedDict item "color"' in errors[1]
    assert 'no attribute "creat_issue"' in errors[2]
    assert 'expected "str"' in errors[3]
    assert "HttpResponse" in errors[4]
    found = pyright(project, "use.py", "states.py", "shop_tools.py")
    assert sorted({each.partition(": ")[0] for each in found}) == sorted(wrong)


def test_generate_is_up_to_date(project: Path, env: dict[str, str]) -> None:
    """The same tools give the same text, `--check` says whether they are, and what the file says it is made by."""
    command = ("terse-temporal", "generate", "shop_tools.py", "--output", "stubs")
    assert "'stubs/terse_temporal/__init__.pyi' is not there" in run(*command, "--check", cwd=project, env=env).stderr
    assert run(*command, cwd=project, env=env).returncode == 0
    file = project / "stubs" / "terse_temporal" / "__init__.pyi"
    text = file.read_text()
    assert text.startswith(f"# Made by `{' '.join(command)}`: not to be edited.\n")
    assert run(*command, "--check", cwd=project, env=env).returncode == 0
    with (project / "shop_tools.py").open("a") as module:
        module.write('\n@toolbox.tool("crm.more")\nasync def more() -> None: ...\n')
    stale = run(*command, "--check", cwd=project, env=env)
    assert stale.returncode == 1
    assert "'stubs/terse_temporal/__init__.pyi' is not up to date" in stale.stderr
    assert "Run: terse-temporal generate shop_tools.py --output stubs" in stale.stderr
    assert file.read_text() == text


def test_the_stub_can_be_parsed_whatever_a_server_says(project: Path, env: dict[str, str]) -> None:
    """Descriptions with quotes and backslashes, and names that Python has for something else, do no harm."""
    assert run("terse-temporal", "generate", "shop_tools.py", cwd=project, env=env).returncode == 0
    text = (project / "typings" / "terse_temporal" / "__init__.pyi").read_text()
    compile(text, "stub", "exec")
    assert r"It says `who` is \\assigned" in text
    assert "async def count(self) -> builtins.list[int]" in text
    for name in ("create_job", "job_step", "sleep"):
        assert f" import {name} as {name}\n" in text
