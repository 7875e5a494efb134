"""What docs/runs.md says of looking at runs is so: its commands are there, its job says that, every kind is told."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any, get_args

import pytest
from temporalio.client import Client

from terse_temporal.cli.main import load_command
from terse_temporal.runs.waits import Kind
from terse_temporal.runs.why import why
from terse_temporal.testing import JobEnvironment

from ..pages import ROOT, blocks, jobs_of, load
from ..waiting import until

PAGE = "docs/runs.md"
TEXT = (ROOT / PAGE).read_text()

#: A line of the page that one would type.
LINES = re.findall(r"^terse-temporal runs .+$", TEXT, re.MULTILINE)


@pytest.mark.parametrize("line", LINES)
def test_its_commands_are_there(line: str) -> None:
    """Each is parsed, with all of its options, up to where it would be run."""
    words = shlex.split(line)[2:]
    runs: Any = load_command("runs")
    command = runs.commands[words[0]]
    with command.make_context(words[0], words[1:]) as context:
        assert context.params


def test_every_kind_is_told() -> None:
    told = re.findall(r"^\| (`.+?) \|", TEXT, re.MULTILINE)
    kinds = {kind for cell in told for kind in re.findall(r"`(\w+)`", cell)}
    assert set(get_args(Kind)) <= kinds


async def test_its_job_says_that(
    env: JobEnvironment, task_queue: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (number,) = (number for number, block in enumerate(blocks(PAGE)) if block.startswith("# renewing.py"))
    (job,) = jobs_of(load(PAGE, number, tmp_path, monkeypatch))
    (sentence,) = re.findall(r"^Attempt 2 of .+$", TEXT, re.MULTILINE)
    expected = re.escape(sentence).replace(r"1\ min\ 59\ s", r"(1 min \d\d s|2 min)")
    client = await Client.connect(env.address)
    async with env.worker([job], task_queue=task_queue):
        await client.start_workflow(job.name, {"card": "4242"}, id=task_queue, task_queue=task_queue)

        async def says_that() -> bool:
            return re.fullmatch(expected, " ".join((await why(client, task_queue)).sentences)) is not None

        await until(says_that, sentence)
