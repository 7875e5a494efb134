"""`terse-temporal runs retry`: what failed is grouped and replayed first, and each run is told of."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowFailureError

from terse_temporal.testing import JobEnvironment

from ..commands import run as run_command
from ..versions import running, version
from ..waiting import until

SHOP = """
from pathlib import Path
from terse_temporal import create_job, job_step

def note(data):
    with Path(data["effects"]).open("a") as file:
        file.write(data["kind"] + chr(10))
    return "noted"

def charge(data):
    if data["kind"] == "limit":
        raise ValueError(f"over the limit of card {data['card']}")
    raise ConnectionError("the bank does not answer")

@create_job(name="NAME", durable=True)
async def shop(event):
    data = {"effects": event.effects, "kind": event.kind, "card": event.card}
    if event.kind != "good":
        await job_step(run=note, input=data)
        await job_step(run=charge, input=data)
    return "done"
"""

#: Charging works; what stands before it is another step for those that had a limit.
MENDED = (
    SHOP.replace('    raise ConnectionError("the bank does not answer")', '    return "charged"')
    .replace("run=note, input=data", 'run=note, input=data, name="note-limit" if event.kind == "limit" else None')
    .replace('    if data["kind"] == "limit":\n        raise', "    if False:\n        raise")
)


async def command(folder: Path, env: JobEnvironment, *arguments: str) -> tuple[int, str, str]:
    """How `runs retry` ends, and what it prints."""
    shell = ("terse-temporal", "runs", "retry", *arguments, "--address", env.address)
    ended = await asyncio.to_thread(run_command, *shell, cwd=folder)
    return ended.returncode, ended.stdout, ended.stderr


async def test_a_selection(env: JobEnvironment, tmp_path: Path) -> None:
    """Those that fit the code go on, each once; those that would break are named and left as they are."""
    name = f"shop-{uuid.uuid4()}"
    old, new = SHOP.replace("NAME", name), MENDED.replace("NAME", name)
    effects = tmp_path / "effects"
    client = env.client
    with version(old, tmp_path) as jobs:
        async with running(client, jobs) as task_queue:
            runs = []
            for number, kind in enumerate(("bank", "bank", "limit", "good")):
                event = {"effects": str(effects), "kind": kind, "card": number}
                run = await client.start_workflow(name, event, id=f"{name}/{number}", task_queue=task_queue)
                runs.append(run)
            ended = await asyncio.gather(*(each.result() for each in runs), return_exceptions=True)
    assert [isinstance(each, WorkflowFailureError) for each in ended] == [True, True, True, False]

    async def is_listed() -> bool:
        return (await client.count_workflows(f"WorkflowType = '{name}' AND ExecutionStatus = 'Failed'")).count == 3

    await until(is_listed, "the failed runs are listed")
    (tmp_path / "shop.py").write_text(new)

    status, printed, said = await command(
        tmp_path, env, "--failed", name, "--since", "2h", "--jobs", "shop.py", "--yes", "--json", "--rate", "50"
    )
    assert status == 1, said
    found: dict[str, Any] = json.loads(printed)
    assert [(each["failure"], len(each["runs"]), each["step"]) for each in found["groups"]] == [
        ("ConnectionError: the bank does not answer", 2, "charge"),
        ("ValueError: over the limit of card 2", 1, "charge"),
    ]
    assert all(f".py:{line}" in each["where"] for each, line in zip(found["groups"], (13, 12), strict=True))
    results = {each["id"]: each["result"] for each in found["runs"]}
    assert results == {runs[0].id: "retried", runs[1].id: "retried", runs[2].id: "would_break"}
    (breaking,) = [each["why"] for each in found["runs"] if each["result"] == "would_break"]
    assert "note-limit" in breaking

    with version(new, tmp_path) as jobs:
        async with running(client, jobs, task_queue=task_queue):
            for each in runs[:2]:
                assert await client.get_workflow_handle(each.id).result() == "done"
    assert Counter(effects.read_text().split()) == {"bank": 2, "limit": 1}
    assert (await client.get_workflow_handle(runs[2].id).describe()).run_id == runs[2].first_execution_run_id

    status, printed, _ = await command(tmp_path, env, runs[2].id, runs[3].id, "--jobs", "shop.py", "--yes")
    assert status == 1
    assert "note-limit" in printed
    assert "over the limit of card 2" in printed
    assert f"{runs[3].id}  not retried: " in printed
    assert "has completed" in printed

    (tmp_path / "other.py").write_text(old.replace(name, f"other-{name}"))
    status, printed, _ = await command(tmp_path, env, runs[2].id, "--jobs", "other.py", "--yes")
    assert status == 1
    assert f"there is no job {name!r} here" in printed

    status, _, said = await command(tmp_path, env, runs[2].id)
    assert status == 2
    assert "Nobody can be asked here: give --yes" in said
    assert "--jobs MODULE replays them first" in said


@pytest.mark.parametrize(
    ("arguments", "status", "text"),
    [
        ((), 2, "give the workflow ids of the runs, or --failed JOB"),
        (("a", "--failed", "b"), 2, "and not both"),
        (("a", "--since", "2h"), 2, "--since goes with --failed"),
        (("--failed", "nobody's job", "--since", "soon"), 2, "soon"),
        (("--failed", "nobody's job", "--since", "2h"), 0, 'nothing to retry: no run of "nobody\'s job" has failed'),
        (("nobody's run", "--yes"), 1, 'there is no run with the id "nobody\'s run"'),
    ],
)
async def test_what_is_said(
    env: JobEnvironment, tmp_path: Path, arguments: tuple[str, ...], status: int, text: str
) -> None:
    """What makes no sense is said, and what is not there."""
    ended, printed, said = await command(tmp_path, env, *arguments)
    assert ended == status
    assert text in printed + said
