"""Histories come out of files that others have written, and from a server whatever the jobs are called."""

from __future__ import annotations

import base64
import json
import os
import re
import uuid
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client, WorkflowHistory

from terse_temporal.cli.histories import RunQuery, fetch_histories, history_files, read_history, save_history
from terse_temporal.errors import TerseError

from ..commands import run
from ..versions import ONBOARD, eventually, replayed, version


async def comes_to_the_same(file: Path, history: WorkflowHistory, folder: Path) -> None:
    """A file has the same events, and whose they are, and is replayed with the same results."""
    read = read_history(file)
    assert (read.workflow_id, read.run_id) == (history.workflow_id, history.run_id)
    assert list(read.events) == list(history.events)
    for source, at in (
        (ONBOARD, None),
        (ONBOARD.replace("run=send_welcome", "run=send_check_in"), "step 'send_welcome'"),
    ):
        with version(source, folder) as jobs:
            assert [each.at for each in await replayed(jobs, read)] == [at]


async def test_of_the_sdk(sleeping: WorkflowHistory, tmp_path: Path) -> None:
    """As `WorkflowHistory.to_json()` writes it, and as `--save` does."""
    file = tmp_path / "history.json"
    file.write_text(sleeping.to_json())
    await comes_to_the_same(file, sleeping, tmp_path)
    await comes_to_the_same(save_history(sleeping, tmp_path), sleeping, tmp_path)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
async def test_redirected_by_powershell(encoding: str, sleeping: WorkflowHistory, tmp_path: Path) -> None:
    """As the PowerShell writes what it redirects: in UTF-16, or with a mark before it."""
    file = tmp_path / "history.json"
    file.write_text(sleeping.to_json(), encoding=encoding)
    await comes_to_the_same(file, sleeping, tmp_path)


async def test_of_the_temporal_cli(client: Client, sleeping: WorkflowHistory, tmp_path: Path) -> None:
    """As `temporal workflow show --output json` writes it."""
    address = client.service_client.config.target_host
    show = ("temporal", "workflow", "show", "--workflow-id", sleeping.workflow_id, "--output", "json")
    shown = run(*show, "--address", address, cwd=tmp_path)
    file = tmp_path / "history.json"
    file.write_text(shown.stdout)
    await comes_to_the_same(file, sleeping, tmp_path)


def as_older_tools_do(value: Any) -> Any:
    """With enumerations as `ActivityTaskScheduled`, not as `EVENT_TYPE_ACTIVITY_TASK_SCHEDULED`."""
    if isinstance(value, dict):
        return {key: as_older_tools_do(each) for key, each in value.items()}
    if isinstance(value, list):
        return [as_older_tools_do(each) for each in value]
    if isinstance(value, str) and (found := re.fullmatch(r"(EVENT_TYPE|TASK_QUEUE_KIND)_([A-Z_]+)", value)):
        return found[2].title().replace("_", "")
    return value


async def test_of_the_web_ui(sleeping: WorkflowHistory, tmp_path: Path) -> None:
    """As the Web UI downloads it, in its several ages: an object or a list, and enumerations in another case."""
    file = tmp_path / "history.json"
    data = sleeping.to_json_dict()
    older = as_older_tools_do(data)
    assert older["events"][0]["eventType"] == "WorkflowExecutionStarted"
    for each in (older, data["events"], older["events"]):
        file.write_text(json.dumps(each))
        await comes_to_the_same(file, sleeping, tmp_path)


async def test_without_a_workflow_id(sleeping: WorkflowHistory, tmp_path: Path) -> None:
    """A history that does not say whose it is goes by the name of its file."""
    data = sleeping.to_json_dict()
    del data["events"][0]["workflowExecutionStartedEventAttributes"]["workflowId"]
    file = tmp_path / "somebody.json"
    file.write_text(json.dumps(data))
    assert read_history(file).workflow_id == "somebody"


def decoded(value: Any) -> Any:
    """With payloads as the Web UI decodes them."""
    if isinstance(value, dict):
        if set(value) == {"metadata", "data"}:
            return {**value, "data": json.loads(base64.b64decode(value["data"]))}
        return {key: decoded(each) for key, each in value.items()}
    return [decoded(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    "content", ["", "{", "[]x", "3", "{}", '{"events": 3}', '{"events": [3]}', "[" * 100_000, "\0"]
)
def test_no_history(content: str, tmp_path: Path) -> None:
    """What is no history is refused with the name of the file."""
    file = tmp_path / "history.json"
    file.write_text(content)
    with pytest.raises(TerseError, match=r"history\.json"):
        read_history(file)


def test_not_replayable(sleeping: WorkflowHistory, tmp_path: Path) -> None:
    """Bytes that are no text, payloads that were decoded, and a file that may not be read are refused as that."""
    file = tmp_path / "history.json"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(TerseError, match="is no history"):
        read_history(file)
    file.write_text(json.dumps(decoded(sleeping.to_json_dict())))
    with pytest.raises(TerseError, match="without decoding its payloads"):
        read_history(file)
    with pytest.raises(TerseError, match="cannot be read: Is a directory"):
        read_history(tmp_path)


def test_directories(tmp_path: Path) -> None:
    """A directory stands for every .json in it, in the order of their names."""
    for name in ("b.json", "a.json", "notes.txt"):
        (tmp_path / name).touch()
    assert [file.name for file in history_files([str(tmp_path), str(tmp_path / "b.json")])] == [
        "a.json",
        "b.json",
        "b.json",
    ]


def test_saved_under_any_id(sleeping: WorkflowHistory, tmp_path: Path) -> None:
    """Whatever a workflow id has in it, its history is saved in the directory, and read under that id again."""
    for workflow_id in ("../../etc/passwd", "a/b", "ä" * 300, "x" * 900, "\n", "..", "CON:"):
        history = WorkflowHistory.from_json(workflow_id, sleeping.to_json())
        history.events[0].workflow_execution_started_event_attributes.workflow_id = workflow_id
        file = save_history(history, tmp_path)
        assert file.parent == tmp_path
        assert file in tmp_path.iterdir()
        assert len(os.fsencode(file.name)) < 250
        assert read_history(file).workflow_id == workflow_id


@pytest.mark.parametrize("name", ["plain", "it's", "''", 'a "job"', "back\\slash", "per%cent_", "ümlaut", "a) OR (1=1"])
async def test_jobs_of_any_name(name: str, client: Client) -> None:
    """The runs of a job are found whatever its name and task queue are, and those of no other."""
    ours, queue = f"rpl {name} {uuid.uuid4()}", f"rpl {name} queue"
    runs = [
        await client.start_workflow(job, id=f"rpl-{uuid.uuid4()}", task_queue=task_queue)
        for job, task_queue in ((ours, queue), (ours, "rpl-other"), (f"{ours}-not", queue), (ours, queue))
    ]
    expected = {runs[0].id, runs[3].id}

    async def found(is_open: bool, limit: int | None = None) -> set[str]:
        wanted = RunQuery([ours, "rpl-nothing"], queue, is_open=is_open, limit=limit)
        return {history.workflow_id async for history in fetch_histories(client, [wanted])}

    assert await eventually(lambda: found(True), lambda ids: len(ids) >= 2) == expected
    for each in runs:
        await each.terminate()
    assert await eventually(lambda: found(False), lambda ids: len(ids) >= 2) == expected
    assert len(await found(False, 1)) == 1
    assert await eventually(lambda: found(True), lambda ids: not ids) == set()


async def test_left_in_the_middle(client: Client) -> None:
    """Who stops taking histories leaves no request behind, and more are there than are fetched at once."""
    name = f"rpl-many-{uuid.uuid4()}"
    runs = [await client.start_workflow(name, id=f"{name}-{each}", task_queue="rpl-nobody") for each in range(25)]
    wanted = RunQuery([name], None, is_open=True)

    async def all_of_them() -> list[str]:
        return [history.workflow_id async for history in fetch_histories(client, [wanted])]

    ids = await eventually(all_of_them, lambda ids: len(ids) >= 25)
    assert sorted(ids) == sorted(each.id for each in runs)
    fetching = fetch_histories(client, [wanted])
    await anext(fetching)
    await fetching.aclose()
    for each in runs:
        await each.terminate()
