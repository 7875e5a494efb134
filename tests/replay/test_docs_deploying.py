"""docs/deploying.md: its pipelines are YAML whose commands exist, and its golden history is recorded and replayed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from terse_temporal.testing import JobEnvironment

from ..commands import run
from ..versions import replayed, running, started, version

pytestmark = pytest.mark.server

PAGE = (Path(__file__).parents[2] / "docs" / "deploying.md").read_text()


def blocks(kind: str) -> list[str]:
    """The code of a kind, without the indentation that it has in a list."""
    found = re.findall(r"^( *)```([a-z]*)\n(.*?)^ *```$", PAGE, re.DOTALL | re.MULTILINE)
    return [re.sub(rf"^{indent}", "", code, flags=re.MULTILINE) for indent, of, code in found if of == kind]


def pipelines() -> list[dict[str, Any]]:
    return [YAML(typ="safe", pure=True).load(code) for code in blocks("yaml")]


def commands() -> Iterator[list[str]]:
    """The commands of this package that the page tells one to type or to put into a pipeline."""
    lines = [line for code in blocks("") for line in code.splitlines()]
    for pipeline in pipelines():
        lines += [step["run"] for job in pipeline["jobs"].values() for step in job["steps"] if "run" in step]
    for line in lines:
        if line.startswith("terse-temporal "):
            yield shlex.split(line.partition("||")[0])


def test_pipelines() -> None:
    """Every pipeline is YAML, with jobs of steps; one has the gate, with a key out of the secrets."""
    assert len(pipelines()) == 2
    for pipeline in pipelines():
        assert all(step.keys() & {"run", "uses"} for job in pipeline["jobs"].values() for step in job["steps"])
    gate = pipelines()[0]["jobs"]["gate"]["steps"]
    assert [line for step in gate if (line := step.get("run", "")).startswith(("terse-temporal", "pytest"))] == [
        "terse-temporal check jobs.py",
        "pytest",
        "terse-temporal replay jobs.py --task-queue terse --recent 100",
    ]
    assert "secrets." in gate[-1]["env"]["TEMPORAL_API_KEY"]


def test_commands(tmp_path: Path) -> None:
    """Every command in it exists, and has the options that it is given."""
    found = list(commands())
    assert {command[1] for command in found} == {"check", "replay"}
    assert len(found) >= 6
    for command in {command[1] for command in found}:
        told = run("terse-temporal", command, "--help", cwd=tmp_path, env={"COLUMNS": "200"}).stdout
        for option in {word for each in found if each[1] == command for word in each if word.startswith("--")}:
            assert option in told
    table = set(re.findall(r"^\| `(--[a-z-]+)", PAGE, re.MULTILINE))
    assert table == {"--running", "--recent", "--history", "--save", "--task-queue", "--json"}


def test_golden_history(tmp_path: Path) -> None:
    """The documented test writes a history, which the documented command replays, and which a changed job breaks."""
    job, test = blocks("python")
    (tmp_path / "tests").mkdir()
    (tmp_path / "jobs.py").write_text(job)
    (tmp_path / "tests" / "test_sign_up.py").write_text(test)
    (tmp_path / "pytest.ini").write_text(
        "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\nterse_jobs = jobs.py\n"
    )
    tested = run("pytest", "-q", "-p", "no:cacheprovider", "-p", "no:schemathesis", cwd=tmp_path)
    assert tested.returncode == 0, tested.stdout + tested.stderr
    command = next(each for each in commands() if "tests/histories" in each)
    answer = run(*command, cwd=tmp_path)
    assert (answer.returncode, answer.stdout.splitlines()[-1].split()) == (0, ["sign-up", "1", "0", "0"])
    (tmp_path / "jobs.py").write_text(job.replace("(run=create_account", "(run=check_address"))
    answer = run(*command, cwd=tmp_path)
    assert answer.returncode == 1
    assert "at step 'create_account'" in answer.stdout


async def test_the_patch(env: JobEnvironment, tmp_path: Path) -> None:
    """Runs from before the documented patch fit the job with it, and so do those that were begun with it."""
    job, _ = blocks("python")
    patch = '    if workflow.patched("check-address"):\n        await job_step(run=check_address)\n'
    assert patch in job
    histories = []
    for source in (job.replace(patch, ""), job):
        with version(source, tmp_path) as jobs:
            async with running(env.client, jobs) as task_queue:
                run = await started(env.client, "sign-up", task_queue)
                assert await run.result() == "account-1"
            histories.append(await run.fetch_history())
    with version(job, tmp_path) as jobs:
        assert [each.failure for each in await replayed(jobs, *histories)] == [None, None]
    unpatched = job.replace('if workflow.patched("check-address"):', "if True:")
    with version(unpatched, tmp_path) as jobs:
        assert [each.at for each in await replayed(jobs, *histories[:1])] == ["step 'create_account'"]


@pytest.mark.parametrize("page", re.findall(r"\]\(([a-z]+\.md)\)", PAGE))
def test_links(page: str) -> None:
    """The pages that it leads to are there."""
    assert (Path(__file__).parents[2] / "docs" / page).exists()
