"""The history of a job of tools, models, a question and state, recorded once, is replayed by the code as it is now."""

from __future__ import annotations

import base64
import json

from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from terse_temporal.engine.wire.history import RunHistory
from terse_temporal.plugin import TersePlugin

from .jobs_golden import golden_fixed, golden_references, golden_sdk
from .record_golden import FILE, FIXED_FILE, REFERENCES_FILE


async def test_it_is_replayed() -> None:
    """Without a model, a tool or a server, as the code is now, it does what its history says."""
    replayer = Replayer(workflows=[], plugins=[TersePlugin([golden_sdk])])
    result = await replayer.replay_workflow(WorkflowHistory.from_json("golden-sdk", FILE.read_text()))
    assert result.replay_failure is None


async def test_what_is_fixed_and_decided_is_replayed() -> None:
    """So is one whose skills fix arguments, and in which a function has decided who is asked."""
    history = FIXED_FILE.read_text()
    replayer = Replayer(workflows=[], plugins=[TersePlugin([golden_fixed])])
    result = await replayer.replay_workflow(WorkflowHistory.from_json("golden-fixed", history))
    assert result.replay_failure is None
    assert "MARKER_RECORDED" in history
    asked = [
        json.loads(base64.b64decode(payload["data"]))["arguments"]["fixed"]
        for event in json.loads(history)["events"]
        if (begun := event.get("activityTaskScheduledEventAttributes", {})).get("activityType", {}).get("name")
        == "generate_text"
        for payload in begun["input"]["payloads"]
    ]
    assert asked == 3 * [
        [
            {"tools": "golden.find", "any_of": [[{"deep": True}]]},
            {"tools": "golden.*", "any_of": [[{"text": "abc"}, {"text": "abcd"}]]},
        ]
    ]


async def test_references_are_replayed() -> None:
    """So is one whose turns refer to each other. Those that hand over all are replayed above."""
    history = REFERENCES_FILE.read_text()
    replayer = Replayer(workflows=[], plugins=[TersePlugin([golden_references])])
    result = await replayer.replay_workflow(WorkflowHistory.from_json("golden-references", history))
    assert result.replay_failure is None
    asked = [
        json.loads(base64.b64decode(begun["input"]["payloads"][0]["data"]))["arguments"]
        for event in json.loads(history)["events"]
        if (begun := event.get("activityTaskScheduledEventAttributes", {})).get("activityType", {}).get("name")
        == "generate_text"
    ]
    assert [type(each["history"]) for each in asked] == [list, str, str]
    assert [each["instructions"] is True for each in asked] == [False, True, True]
    assert all("hash" in each for turn in asked for each in turn["results"].values() if "error" not in each)


def test_it_has_every_kind_of_call() -> None:
    """It holds what it is there for."""
    history = FILE.read_text()
    made = {each.name for each in RunHistory(WorkflowHistory.from_json("golden", history).events).steps}
    assert made >= {"golden.find", "golden.note", "generate_text", "state.update", "state.get"}
    for word in (
        "terse.tokens.v1",
        "terse.waiting.v1",
        "terse.input",
        "WORKFLOW_EXECUTION_UPDATE_ACCEPTED",
        "TIMER_FIRED",
    ):
        assert word in history
