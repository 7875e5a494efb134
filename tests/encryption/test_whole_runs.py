"""Nothing that a run is given, makes or says is found in what a server keeps of it, nor in what it answers or logs."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from temporalio.client import (
    Client,
    Interceptor,
    OutboundInterceptor,
    StartWorkflowInput,
    WorkflowFailureError,
    WorkflowHandle,
    WorkflowHistory,
)
from temporalio.converter import DataConverter
from temporalio.exceptions import ApplicationError

from terse_temporal.encryption.codec import is_encrypted
from terse_temporal.encryption.keys import KEY_VARIABLE, KeyRing, new_key
from terse_temporal.engine.replay.replayable import _payloads
from terse_temporal.engine.replay.replayer import replay
from terse_temporal.runs.details import read_details
from terse_temporal.runs.inputs import answer_question, questions_of
from terse_temporal.runs.why import why
from terse_temporal.schedules import sync
from terse_temporal.serialization import payload_limits
from terse_temporal.testing import JobEnvironment
from terse_temporal.worker import build_worker

from ..model_server import ModelServer, says
from ..waiting import SOON, until
from .conftest import with_key_of_environment
from .jobs_encrypted import child, encrypted, plain

pytestmark = pytest.mark.server

JOBS: Final = [encrypted, child, plain]

#: Every word of the jobs, and of what this gives them.
WORD: Final = re.compile(rb"zq-[a-z-]{4,}")  # shorter ones are met by chance in what is encrypted

#: What the log of a worker has: labels are for it, and the text of an exception is what went wrong.
LOGGED: Final = {b"zq-label"} | {
    b"zq-%b" % each
    for each in (b"step-attempt", b"step-failure", b"local-failure", b"child-failure", b"run-failure", b"plain-failure")
}


_OF_PATCHES: Final = {"id", "deprecated"}
_OF_REFERENCES: Final = {"claimData", "driverName"}
_OF_LOCAL_STEPS: Final = {
    *(
        "seq",
        "attempt",
        "activity_id",
        "activity_type",
        "complete_time",
        "backoff",
        "original_schedule_time",
        "activation_index",
    ),
}


def words(text: bytes) -> set[bytes]:
    """The words in it."""
    return set(WORD.findall(text))


async def kept_by_server(client: Client, queue: str) -> list[Any]:
    """All that a server tells of the runs of a task queue, and of the workflows that serve them, as messages."""
    found: list[Any] = []
    async for run in client.list_workflows(f"TaskQueue = '{queue}'"):
        handle = client.get_workflow_handle(run.id, run_id=run.run_id)
        found += [run.raw_info, (await handle.describe()).raw_description, *(await handle.fetch_history()).events]
    return found


async def test_everything_but_names_is_encrypted(
    env: JobEnvironment,
    key: str,
    task_queue: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Inputs, results, failures, labels, questions, answers, events, state, memos and schedules, of all workflows; and
    what a run that continues in new histories carries along, which is stored here.
    """
    caplog.set_level(logging.INFO)
    for name, value in {"TERSE_STORAGE": (tmp_path / "store").as_uri(), "TERSE_STORAGE_OVER": "2KiB"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(payload_limits, "_found", False)
    client = with_key_of_environment(env)
    async with (
        ModelServer().serving() as model,
        build_worker(client, jobs=JOBS, task_queue=task_queue, max_cached_workflows=0, continue_after=40),
    ):
        model.answer = lambda body: says("zq-model-answer")
        for name, value in {"BASE_URL": model.url, "API_KEY": "sk-test"}.items():
            monkeypatch.setenv(f"OPENAI_{name}", value)
        monkeypatch.setenv("TERSE_MODEL", "openai:gpt-5-mini")
        run = await client_with_header(client).start_workflow(
            "encrypted",
            {"data": "zq-event", "fail": ""},
            id=f"encrypted-{uuid.uuid4()}",
            task_queue=task_queue,
            memo={"note": "zq-memo"},
            static_summary="zq-summary",
            static_details="zq-static-details",
        )
        await run.signal("signal", "zq-signal")
        await answer(client, run, choice="no", text="zq-answer-text")
        async with asyncio.timeout(SOON):
            result = await run.result()
        failed = await client.start_workflow(
            "encrypted-child", {"fail": "zq-run-failure"}, id=f"encrypted-{uuid.uuid4()}", task_queue=task_queue
        )
        with pytest.raises(WorkflowFailureError) as caught:
            await failed.result()
        assert isinstance(caught.value.cause, ApplicationError)
        assert caught.value.cause.message == "declined: zq-run-failure"
        unlucky = await client.start_workflow(
            "encrypted-plain", {"fail": "zq-plain-failure"}, id=f"encrypted-{uuid.uuid4()}", task_queue=task_queue
        )
        with pytest.raises(WorkflowFailureError):
            await unlucky.result()
        shown = await read_details(client, run.id)
        shown_failed = await read_details(client, failed.id)
    await sync([plain], client, task_queue=task_queue)
    (schedule,) = [each async for each in await client.list_schedules() if each.id == "encrypted-plain"]
    described = await client.get_schedule_handle("encrypted-plain").describe()
    assert [each.action for each in await sync([plain], client, task_queue=task_queue)] == ["unchanged"]
    await client.get_schedule_handle("encrypted-plain").delete()

    assert result == {
        "event": "zq-event",
        "step": "zq-step-input zq-step-result",
        "local": "zq-local-input zq-step-result",
        "local failure": "zq-local-failure",
        "again": "zq-step-again",
        "failure": "zq-step-failure",
        "map": ["ZQ-MAP-A", "ZQ-MAP-B"],
        "tool": {"email": "zq-tool-input", "name": "zq-tool-result"},
        "text": "zq-model-answer",
        "state": ["zq-state zq-state-more"] * 2,
        "child": "zq-child-event zq-child-result",
        "child failure": result["child failure"],
        "by key": {"by": "zq-event-by-key"},
        "sent": "zq-event-to-run",
        "signal": "zq-signal",
        "answer": ["no", "zq-answer-text"],
    }
    assert "zq-child-failure" in result["child failure"]
    # What an operator with the key sees.
    assert (shown.event, shown.result) == ({"data": "zq-event", "fail": ""}, result)
    assert any(entry.label == "zq-label" for entry in shown.timeline.entries)
    troubles = " ".join(entry.trouble for entry in shown.timeline.entries)
    assert "zq-step-failure" in troubles
    assert "zq-local-failure" in troubles
    assert "zq-run-failure" in shown_failed.why.sentences[0]

    kept = [*await kept_by_server(client, task_queue), schedule.raw_entry, described.raw_description]
    starts = [started for each in map(_Started, kept) if (started := each.started) is not None]
    assert {each.workflow_type.name for each in starts} >= {
        "encrypted",
        "encrypted-child",
        "encrypted-plain",
        "terse.state",
        "terse.events",
    }
    assert (files := [each.read_bytes() for each in (tmp_path / "store").rglob("*") if each.is_file()])
    assert "encrypted" in {each.workflow_type.name for each in starts if each.continued_execution_run_id}
    found = {word for each in kept for word in words(each.SerializeToString())}
    assert found | {word for each in files for word in words(each)} == set()
    # And not only these words: whatever is a payload is encrypted, but what the SDK writes by itself.
    payloads = [each for message in kept for each in _payloads(message)]
    assert sum(map(is_encrypted, payloads)) > 100
    assert {each.data for each in payloads if not is_encrypted(each) and not _is_of_the_engine(each)} == set()
    assert words(caplog.text.encode()) <= LOGGED


class _WithHeader(Interceptor):
    """An interceptor of a user's, which tells the worker something beside the event."""

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:
        return _Outbound(next)


class _Outbound(OutboundInterceptor):
    async def start_workflow(self, input: StartWorkflowInput) -> WorkflowHandle[Any, Any]:
        input.headers = {"told": DataConverter.default.payload_converter.to_payload("zq-header")}
        return await super().start_workflow(input)


def client_with_header(client: Client) -> Client:
    """The same client, with an interceptor."""
    settings: Any = client.config(active_config=True)
    return Client(**{**settings, "interceptors": [_WithHeader()]})


class _Started:
    def __init__(self, message: Any) -> None:
        started = "workflow_execution_started_event_attributes"
        is_event = started in message.DESCRIPTOR.fields_by_name and message.HasField(started)
        self.started: Any = getattr(message, started) if is_event else None


def _is_of_the_engine(payload: Any) -> bool:
    """Search attributes, references to what is stored, and what the SDK's core writes into its markers: names, numbers
    and times.
    """
    if "type" in payload.metadata:
        return True
    try:
        data = json.loads(payload.data)
    except ValueError:
        return False
    return isinstance(data, dict) and any(set(data) <= keys for keys in (_OF_PATCHES, _OF_LOCAL_STEPS, _OF_REFERENCES))


async def answer(client: Client, run: WorkflowHandle[Any, Any], **given: Any) -> None:
    """Answer the question of a run, once it is asked, as a person does."""

    async def is_asked() -> bool:
        return bool((await questions_of(client, run.id))[0])

    await until(is_asked, "the run asks")
    await answer_question(client, run.id, None, **given)


async def test_a_worker_without_the_key_waits_for_one_that_has_it(
    env: JobEnvironment,
    client: Client,
    key: str,
    task_queue: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing fails by it, and who looks is told which key it is, as is the log, once. A worker that has it, and a
    newer one, goes on.
    """
    run = await client.start_workflow(
        "encrypted-child",
        {"data": "zq-waits"},
        id=f"encrypted-{uuid.uuid4()}",
        task_queue=task_queue,
        # A task that fails again is left to time out.
        task_timeout=timedelta(seconds=2),
    )
    key_id = KeyRing.read().keys[0].id
    monkeypatch.delenv(KEY_VARIABLE)
    without = with_key_of_environment(env)

    async def is_told() -> bool:
        return f"encrypted with the key '{key_id}', and TERSE_ENCRYPTION_KEY is not set here" in " ".join(
            (await why(without, run.id)).sentences
        )

    async with build_worker(without, jobs=JOBS, task_queue=task_queue):
        await until(is_told, "the run says what it waits for")
    (line,) = _lines_of(caplog, run.id)
    assert "encrypted-child waits: its data cannot be read or stored by this worker: the data are encr" in line
    assert "temporalio.worker._workflow" not in {each.name for each in caplog.records}
    shown = await read_details(without, run.id)
    assert f"(cannot be read here: the data are encrypted with the key '{key_id}'" in shown.event
    monkeypatch.setenv(KEY_VARIABLE, f"{new_key()},{key}")
    rotated = with_key_of_environment(env)
    async with build_worker(rotated, jobs=JOBS, task_queue=task_queue), asyncio.timeout(SOON):
        assert await rotated.get_workflow_handle(run.id).result() == "zq-waits zq-child-result"
    events = (await run.fetch_history()).events
    completed = events[-1].workflow_execution_completed_event_attributes.result.payloads[0]
    assert completed.metadata["terse.key.v1"].decode() == KeyRing.read().keys[0].id != key_id
    # The gate before a deploy needs both, and says so.
    history = WorkflowHistory(run.id, list(events))
    assert [each.failure async for each in replay(JOBS, [history], data_converter=rotated.data_converter)] == [None]
    (gate,) = [each async for each in replay(JOBS, [history], data_converter=without.data_converter)]
    assert gate.unreadable
    assert "TERSE_ENCRYPTION_KEY is not set here" in (gate.failure or "")


async def test_a_worker_with_another_key_says_so_plainly(
    env: JobEnvironment, client: Client, task_queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has the right key could not read what that worker has encrypted."""
    run = await client.start_workflow(
        "encrypted-child", {"data": "zq-waits"}, id=f"encrypted-{uuid.uuid4()}", task_queue=task_queue
    )
    monkeypatch.setenv(KEY_VARIABLE, new_key())
    other_id = KeyRing.read().keys[0].id

    async def is_told() -> bool:
        return f"TERSE_ENCRYPTION_KEY here ('{other_id}')" in " ".join((await why(client, run.id)).sentences)

    async with build_worker(with_key_of_environment(env), jobs=JOBS, task_queue=task_queue):
        await until(is_told, "the run says that the worker has another key")
    await run.terminate()


def _lines_of(caplog: pytest.LogCaptureFixture, workflow_id: str) -> list[str]:
    return [
        each.getMessage()
        for each in caplog.records
        if workflow_id in each.getMessage() and "waits:" in each.getMessage()
    ]
