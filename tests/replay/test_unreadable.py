"""What cannot be replayed is told of with why, and the other histories are replayed all the same."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHistory
from temporalio.converter import DataConverter, PayloadCodec

from terse_temporal.engine.replay.replayer import Replayed
from terse_temporal.errors import UnknownJobError

from ..versions import ONBOARD, come_to, replayed, running, started, version


async def around(history: WorkflowHistory, sleeping: WorkflowHistory, folder: Path) -> Replayed:
    """What comes of a history, between two that fit."""
    with version(ONBOARD, folder) as jobs:
        before, result, after = await replayed(jobs, sleeping, history, sleeping)
    assert (before.failure, after.failure) == (None, None)
    return result


async def test_not_whole(sleeping: WorkflowHistory, tmp_path: Path) -> None:
    """A history that has no events, no beginning or a gap is not handed to the engine, which would wait for ever."""
    events = list(sleeping.events)
    without_run_id = WorkflowHistory.from_json("run", sleeping.to_json())
    without_run_id.events[0].workflow_execution_started_event_attributes.original_execution_run_id = ""
    without_completion = WorkflowHistory.from_json("run", WorkflowHistory("run", [*events[:9], *events[10:]]).to_json())
    for number, event in enumerate(without_completion.events, 1):
        event.event_id = number
    for history, said in (
        (WorkflowHistory("run", []), "has no events"),
        (WorkflowHistory("run", events[3:]), "does not begin with the start of a run"),
        (WorkflowHistory("run", [*events[:5], *events[7:]]), "event 8 comes after event 5"),
        (without_run_id, "has no run id"),
        (without_completion, "ACTIVITY_TASK_SCHEDULED comes after WORKFLOW_TASK_STARTED"),
    ):
        result = await around(history, sleeping, tmp_path)
        assert result.failure is not None
        assert said in result.failure
        assert result.unreadable
        assert result.workflow_id == "run"


async def test_no_such_job(sleeping: WorkflowHistory, tmp_path: Path) -> None:
    """A job that was renamed or taken away would keep its runs waiting, and the nearest names are told."""
    with version(ONBOARD.replace('"rpl-onboard"', '"rpl-onboarding"'), tmp_path) as jobs:
        (result,) = await replayed(jobs, sleeping)
    assert result.failure == "there is no job 'rpl-onboard' here; did you mean 'rpl-onboarding'?"
    assert not result.unreadable
    (result,) = await replayed([], sleeping)
    assert result.failure == "there is no job 'rpl-onboard' here; there is none at all"
    assert result.cure is not None
    assert "load the module 'rpl" in result.cure
    (result,) = await replayed([], WorkflowHistory("run", sleeping.events[:3]))
    assert result.cure is not None
    assert "load the module that has it, as well; else end the run" in result.cure


async def test_module_that_cannot_be_executed_afresh(sleeping: WorkflowHistory, tmp_path: Path) -> None:
    """One whose module raises when it is executed again does not stop the jobs of other modules."""
    once = ONBOARD.replace("rpl-onboard", "rpl-once") + (
        "import builtins, time\n"
        "STARTED = time.time()\n"  # so that each run needs a copy
        "if hasattr(builtins, 'rpl_once'):\n"
        "    raise RuntimeError('only once')\n"
        "builtins.rpl_once = 1\n"
    )
    of_once = WorkflowHistory.from_json("once", sleeping.to_json().replace('"rpl-onboard"', '"rpl-once"'))
    try:
        with version(once, tmp_path) as jobs, version(ONBOARD, tmp_path) as others:
            before, result, after = await replayed([*jobs, *others], sleeping, of_once, sleeping)
    finally:
        import builtins  # noqa: PLC0415

        del builtins.rpl_once  # type: ignore[attr-defined]  # the module above has put it there
    assert (before.failure, after.failure) == (None, None)
    assert result.failure is not None
    assert "the job 'rpl-once'" in result.failure
    assert "every run needs a copy of its module" in result.failure
    assert "'time.time' is used at the top level" in result.failure
    assert "RuntimeError: only once" in result.failure


async def test_job_of_no_module(sleeping: WorkflowHistory, tmp_path: Path) -> None:
    """A job that is not written in a file cannot be replayed, nor run, and the others can."""
    with version(ONBOARD, tmp_path) as jobs:
        elsewhere = replace(jobs[0], name="rpl-elsewhere", _home="nowhere")
        of_it = WorkflowHistory.from_json("it", sleeping.to_json().replace('"rpl-onboard"', '"rpl-elsewhere"'))
        result, after = await replayed([*jobs, elsewhere], of_it, sleeping)
    assert result.failure is not None
    assert "is not written in a module with a file" in result.failure
    assert after.failure is None


async def test_two_of_one_name(sleeping: WorkflowHistory, tmp_path: Path) -> None:
    """Two jobs of one name are refused, since nobody could say which a history is of."""
    with (
        version(ONBOARD, tmp_path) as jobs,
        pytest.raises(UnknownJobError, match="two of the same name: 'rpl-onboard'"),
    ):
        await replayed([*jobs, *jobs], sleeping)


class Secret(PayloadCodec):
    """Not much of a secret, but no plain JSON."""

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [
            Payload(metadata={"encoding": b"binary/encrypted"}, data=base64.b64encode(each.SerializeToString()))
            for each in payloads
        ]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [Payload.FromString(base64.b64decode(each.data)) for each in payloads]


ENCRYPTED = """
from terse_temporal import create_job, job_step, sleep

@create_job(name="rpl-encrypted", durable=True)
async def encrypted(event):
    for number in range(event.steps):
        await job_step(run=lambda: 1, name="one")
    await sleep("1d")
"""


async def test_encrypted(client: Client, tmp_path: Path) -> None:
    """A history whose data a codec has encrypted is told of as that, and fits where the codec is given."""
    converter = replace(DataConverter.default, payload_codec=Secret())
    settings = client.config()
    settings["data_converter"] = converter
    secretive = Client(**settings)
    with version(ENCRYPTED, tmp_path) as jobs:
        async with running(secretive, jobs) as task_queue:
            run = await started(secretive, "rpl-encrypted", task_queue, {"steps": 2})
            history = await come_to(run, EventType.EVENT_TYPE_TIMER_STARTED)
        await run.terminate()
        assert "steps" not in json.dumps(history.to_json_dict())
        (without,) = await replayed(jobs, history)
        (with_it,) = await replayed(jobs, history, data_converter=converter)
    assert without.failure is not None
    assert "'binary/encrypted'" in without.failure
    assert without.unreadable
    assert with_it.failure is None


@pytest.mark.parametrize("kept", [5, 6, 11, 14])
async def test_not_in_order(kept: int, sleeping: WorkflowHistory, tmp_path: Path) -> None:
    """A history whose events make no sense does not keep the others from being replayed."""
    events = [*sleeping.events[:kept], *sleeping.events[4:]]
    history = WorkflowHistory.from_json("run", WorkflowHistory("run", events).to_json())
    for number, event in enumerate(history.events, 1):
        event.event_id = number
    result = await around(history, sleeping, tmp_path)
    assert result.failure is not None
