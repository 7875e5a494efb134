"""A history that the code does not fit is told of with the step at which it breaks, recorded beside now."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHistory

from terse_temporal.cli.histories import read_history
from terse_temporal.jobs.registry import collecting

from ..versions import ONBOARD, come_to, replayed, running, started, version

WELCOME = "    await job_step(run=send_welcome)\n"
SLEEP = '    await sleep("3d")\n'

#: What is replaced in `ONBOARD`, by what, and where and how a run breaks that sleeps.
CHANGES = {
    "renamed": (
        WELCOME,
        '    await job_step(run=send_welcome, name="greet")\n',
        "step 'send_welcome'",
        "recorded is step 'send_welcome', and the code now makes step 'greet'",
    ),
    "taken away": (
        WELCOME,
        "",
        "step 'send_welcome'",
        "recorded is step 'send_welcome', and the code now makes sleep of 3 days",
    ),
    "put before": (
        WELCOME,
        "    await job_step(run=send_check_in)\n" + WELCOME,
        "step 'send_welcome'",
        "recorded is step 'send_welcome', and the code now makes step 'send_check_in'",
    ),
    "sleep for step": (
        SLEEP,
        "",
        "sleep of 3 days",
        "recorded is sleep of 3 days, and the code now makes step 'send_check_in'",
    ),
    "ends early": (
        SLEEP,
        "    return 1\n",
        "sleep of 3 days",
        "recorded is sleep of 3 days, and the code does not come to it now: before that it returns",
    ),
    "waits for something else": (
        SLEEP,
        "    await asyncio.Event().wait()\n",
        "sleep of 3 days",
        "recorded is sleep of 3 days, and the code does not come to it now: before that it waits for something else",
    ),
    "raises": (
        WELCOME,
        "    raise ValueError\n",
        "step 'send_welcome'",
        "recorded is step 'send_welcome', and the code does not come to it now: before that it raises ValueError",
    ),
    "result of another type": (
        "def send_welcome():",
        "def send_welcome() -> int:",
        "sleep of 3 days",
        "recorded is sleep of 3 days, and the code does not come to it now: before that it raises StepOutputError: ",
    ),
    "filter that turns it away": (
        "durable=True",
        "durable=True, filter=lambda event: False",
        "step 'create_account'",
        "recorded is step 'create_account', and the code does not come to it now: before that it is skipped by",
    ),
    "event that must have more": (
        "async def onboard(event):",
        "async def onboard(event: Customer):",
        "step 'create_account'",
        "recorded is step 'create_account', and the code does not come to it now: before that it raises EventError: ",
    ),
    "renamed function": (
        "send_welcome",
        "send_mail",
        "step 'send_welcome'",
        "recorded is step 'send_welcome', and the code now makes step 'send_mail'",
    ),
    "no longer durable": (
        ONBOARD[ONBOARD.index("@create_job") :],
        '@create_job(name="rpl-onboard")\ndef onboard(event):\n    return 1\n',
        "step 'create_account'",
        "recorded is step 'create_account', and the code now makes step 'rpl-onboard'",
    ),
    "side effect": (
        WELCOME,
        "    open('/tmp/x')\n",
        "step 'send_welcome'",
        "recorded is step 'send_welcome', and the code does not come to it now",
    ),
}

#: What may be changed while a run sleeps.
HARMLESS = {
    "a body": ('return "message-1"', 'return "message-one"'),
    "what comes after": ("    await job_step(run=send_check_in)\n", "    await job_step(run=send_welcome)\n"),
    "a longer sleep": ('sleep("3d")', 'sleep("5d")'),
    "a step behind a patch": (
        WELCOME,
        '    if workflow.patched("check"):\n        await job_step(run=send_check_in)\n' + WELCOME,
    ),
    "another result": ('return "done"', 'return "other"'),
    "a log": ('log("onboarding begins")', "pass"),
    "a moved line": ("def create_account", "X = 1\n\n\n\ndef create_account"),
    "another function of the same name": ("run=send_welcome", 'run=lambda: 1, name="send_welcome"'),
}


@pytest.mark.parametrize("change", CHANGES)
async def test_changed(change: str, sleeping: WorkflowHistory, tmp_path: Path) -> None:
    """What a run has behind it was changed, moved or taken away: the step is named, and how it differs."""
    old, new, at, why = CHANGES[change]
    assert old in ONBOARD
    with version(ONBOARD.replace(old, new), tmp_path) as jobs:
        (result,) = await replayed(jobs, sleeping)
    assert result.failure is not None
    assert result.failure.startswith(why)
    assert (result.at, result.job, result.run_id) == (at, "rpl-onboard", sleeping.run_id)
    assert result.table is not None
    assert "recorded" in result.table.splitlines()[0]
    assert not result.unreadable
    # One step for another may be a new name for it, and only whoever wrote it knows.
    if change in ("renamed", "renamed function", "put before"):
        assert result.cure is not None
        assert 'let it keep the old one: name="send_welcome" in its job_step' in result.cure
    else:
        assert result.cure is None


@pytest.mark.parametrize("change", HARMLESS)
async def test_changed_harmlessly(change: str, sleeping: WorkflowHistory, tmp_path: Path) -> None:
    """What comes after, and what a step does, may be changed."""
    old, new = HARMLESS[change]
    assert old in ONBOARD
    with version(ONBOARD.replace(old, new), tmp_path) as jobs:
        (result,) = await replayed(jobs, sleeping)
    assert result.failure is None


async def test_golden() -> None:
    """A golden history of another version of the job breaks, with both columns."""
    history = read_history(Path(__file__).parent.parent / "engine" / "golden" / "golden-onboarding.json")
    with collecting():
        changed = importlib.import_module("tests.engine.jobs_golden_changed").onboarding
    (result,) = await replayed([changed], history)
    assert result.at == "step 'welcome'"
    assert result.table is not None
    (line,) = [line for line in result.table.splitlines() if line.lstrip().startswith(">")]
    assert "step  welcome  (event 5)" in line
    assert "step  create order  (tests/engine/jobs_golden_changed.py:" in line


async def test_others_are_replayed(sleeping: WorkflowHistory, tmp_path: Path) -> None:
    """One that breaks does not change what comes of those before and after it."""
    with version(ONBOARD.replace("run=send_welcome", "run=send_check_in"), tmp_path) as jobs:
        before = WorkflowHistory("before", sleeping.events[:8])
        results = await replayed(jobs, before, sleeping, before, sleeping, before)
    assert [each.failure is None for each in results] == [True, False, True, False, True]


async def test_does_not_yield(sleeping: WorkflowHistory, tmp_path: Path) -> None:
    """A handler that never comes back is told of as that, and does not keep the others."""
    with version(ONBOARD.replace(WELCOME, "    while True:\n        pass\n"), tmp_path) as jobs:
        before = WorkflowHistory("before", sleeping.events[:8])
        stuck, other = await replayed(jobs, sleeping, before)
    assert stuck.failure is not None
    assert "Potential deadlock detected" in stuck.failure
    assert stuck.at == "step 'send_welcome'"
    assert other.failure is None


UNNAMED = """
import asyncio
from terse_temporal import create_job, job_step

@create_job(name="rpl-unnamed", durable=True)
async def unnamed(event):
    await job_step(run=lambda: 1, name="before")
    await asyncio.sleep(1000)
"""


async def test_difference_that_no_column_shows(client: Client, tmp_path: Path) -> None:
    """A timer without a name is in neither column: the engine's sentence is told, and the call that came before."""
    with version(UNNAMED, tmp_path) as jobs:
        async with running(client, jobs) as task_queue:
            run = await started(client, "rpl-unnamed", task_queue)
            history = await come_to(run, EventType.EVENT_TYPE_TIMER_STARTED)
        await run.terminate()
        assert [each.failure for each in await replayed(jobs, history)] == [None]
    with version(UNNAMED.replace("    await asyncio.sleep(1000)", ""), tmp_path) as jobs:
        (result,) = await replayed(jobs, history)
    assert result.failure is not None
    assert "TimerStarted" in result.failure
    assert result.at == "step 'before'"
    assert result.table is None
