"""The code in the README and the documentation runs as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from terse_temporal.testing import JobEnvironment

from .checkers import pyright
from .pages import ROOT, blocks, jobs_of, load

#: The jobs in the documentation, an event for each, and what comes of it.
RUNS = [
    ("README.md", "onboard-customer", {"customer": {"email": "ada@example.com"}}, {"welcome": "message-1"}),
    ("docs/steps.md", "make-thumbnails", {"paths": ["a.png", "b.png"]}, ["a.png@200", "b.png@200"]),
    ("docs/steps.md", "pay-once", {}, {"declined": "insufficient_funds", "step": "pay"}),
    ("docs/events.md", "remind", {}, "reminded"),
    ("docs/events.md", "ship-order", {"number": "17"}, {"shipped": False}),
    ("docs/state.md", "count-mails", {"sender": "ada@example.com"}, {"count": 1, "senders": ["ada@example.com"]}),
    ("docs/state.md", "handle-once", {"id": "a"}, "a"),
    ("docs/triggers.md", "summarize-pr", {"pull_request": {"number": 5}}, "Pull request opened"),
    (
        "docs/triggers.md",
        "announce",
        {"action": "published", "release": {"tag_name": "v1", "id": 1}},
        "v1 is out",
    ),
]


@pytest.mark.parametrize(
    "page",
    [
        *("README.md", "docs/events.md", "docs/state.md", "docs/steps.md", "docs/toolbox_builtin.md"),
        "docs/inputs.md",
        "docs/triggers.md",
        "docs/webhooks.md",
    ],
)
def test_every_block_executes(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every block of Python in the documentation can be executed by itself, but tests of another one."""
    assert blocks(page)
    for number, block in enumerate(blocks(page)):
        if not block.startswith("# test_"):
            load(page, number, tmp_path, monkeypatch)


@pytest.mark.parametrize(("page", "name", "event", "result"), RUNS, ids=[run[1] for run in RUNS])
async def test_documented_jobs_run(
    page: str,
    name: str,
    event: Any,
    result: Any,
    env: JobEnvironment,
    task_queue: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A job of the documentation gives the result that the documentation leads one to expect."""
    modules = [load(page, number, tmp_path, monkeypatch) for number in range(len(blocks(page)))]
    jobs = [job for module in modules for job in jobs_of(module) if job.name == name]
    async with env.worker(jobs, task_queue=task_queue):
        assert await env.run(name, event, task_queue=task_queue) == result


@pytest.fixture(scope="session")
def typed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of all pages as files: those that a page names, and each other block by itself.

    Not the page of what `check` finds: it shows mistakes, and what is around them is as short as can be.
    """
    folder = tmp_path_factory.mktemp("pages")
    for page in ["README.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")))]:
        for number, block in enumerate(blocks(page) if page != "docs/checks.md" else []):
            named = re.match(r"# (\w+\.py)\n", block)
            with (folder / (named[1] if named else f"{Path(page).stem.lower()}_{number}.py")).open("a") as file:
                file.write(block)
    return folder


@pytest.mark.server
def test_mypy_agrees(typed: Path) -> None:
    """What is documented passes `mypy --strict`."""
    # With what `make check` has already made of this package's dependencies.
    options = ["--strict", f"--config-file={ROOT / 'pyproject.toml'}", f"--cache-dir={ROOT / '.mypy_cache'}"]
    environment = {**os.environ, "MYPYPATH": str(ROOT)}
    command = [sys.executable, "-m", "mypy", *options, *map(str, sorted(typed.glob("*.py")))]
    found = subprocess.run(command, cwd=typed, env=environment, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stderr) == (0, ""), found.stdout


@pytest.mark.server
def test_pyright_agrees(typed: Path) -> None:
    """What is documented passes Pyright."""
    assert pyright(typed, ".") == []


async def test_charge_is_keyed(
    env: JobEnvironment, task_queue: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The documented charge is made under the step's idempotency key."""
    jobs = jobs_of(load("docs/steps.md", 0, tmp_path, monkeypatch))
    async with env.worker(jobs, task_queue=task_queue):
        receipt = await env.run("charge-customer", {"customer": "ada"}, task_queue=task_queue)
    assert re.fullmatch("ch_[0-9a-f]{8}", receipt)
