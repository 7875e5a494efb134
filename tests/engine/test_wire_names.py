"""What is written to a history has its names from one file: constants that never change, and no texts for people."""

from __future__ import annotations

import ast
import base64
import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

import terse_temporal
from terse_temporal.agents.turns import model_turn
from terse_temporal.diagnostics.places import place_of
from terse_temporal.engine.plugin import OWN_WORKFLOWS
from terse_temporal.serialization import wire_names
from terse_temporal.tools.registry import find_tool

from ..golden import HISTORIES

PACKAGE: Final = Path(terse_temporal.__file__).parent

#: Names that are in histories. None is ever changed: one that is to mean something else gets a new name.
NAMES: Final = {
    "APPROVAL_NEEDED_MARKER": "terse.approval.needed.v1",
    "ARGUMENTS_REFUSED_MARKER": "terse.refused.arguments.v1",
    "ATTEMPT_METADATA": "terse.attempt.v1",
    "BEGAN_MEMO": "terse.began.v1",
    "CALL_REFUSED_MARKER": "terse.refused.call.v1",
    "CHECK_METADATA": "terse.check.v1",
    "CHILD_ENDED_MARKER": "terse.child.v1",
    "CONTINUED_MARKER": "terse.continued.v1",
    "DELAY_MEMO": "terse.delay.v1",
    "DELIVERY_SIGNAL": "terse.delivery",
    "DEPTH_MEMO": "terse.depth.v1",
    "ENCRYPTED_ENCODING": "terse.encrypted.v1",
    "ENCRYPTION_KEY_METADATA": "terse.key.v1",
    "ENDS_IF_UNKNOWN_MEMO": "terse.ends_if_unknown.v1",
    "EVENTS_CARRIED": "terse.events.v1",
    "EVENTS_DONE_SIGNAL": "terse.events.done",
    "EVENTS_EARLY_MARKER": "terse.events.early.v1",
    "EVENTS_ID_PREFIX": "terse-events",
    "EVENTS_OVER_MARKER": "terse.events.over.v1",
    "EVENTS_POST_ID_PREFIX": "terse-events-post",
    "EVENTS_POST_WORKFLOW": "terse.events.post",
    "EVENTS_SEND_SIGNAL": "terse.events.send",
    "EVENTS_WAIT_SIGNAL": "terse.events.wait",
    "EVENTS_WORKFLOW": "terse.events",
    "EVENT_SIGNAL": "terse.event",
    "GENERATE_TEXT": "generate_text",
    "RUNS_ON_QUERY": "terse.runs_on",
    "HANDED_OVER_FAILURE": "terse.HandedOver",
    "HANDLER_DOUBLED_MARKER": "terse.doubled.v1",
    "IDEMPOTENCY_KEY_META": "terse.dev/idempotency-key",
    "INPUTS_ANSWERED_MEMO": "terse.answered.v1",
    "INPUT_ASK": "input.ask",
    "INPUT_CLOSE": "input.close",
    "INPUT_DEFAULT_MARKER": "terse.input.default.v1",
    "INPUT_EARLY_MARKER": "terse.input.early.v1",
    "INPUT_QUERY": "terse.input",
    "INPUT_REMIND": "input.remind",
    "INPUT_UPDATE": "terse.input",
    "HELD_MARKER": "terse.held.v1",
    "JOB_REFERENCE": "@job:",
    "JOURNAL": "terse.journal.v1",
    "JOURNAL_REPLAY": "journal.replay",
    "KEY_METADATA": "terse.key.v1",
    "LOCAL_ID_PREFIX": "terse.local.",
    "MODEL_TOOL_METADATA": "terse.tool",
    "MOUNT_REFUSED_MARKER": "terse.refused.mount.v1",
    "NAME_REFUSED_MARKER": "terse.refused.name.v1",
    "NOT_BEGUN_FAILURE": "terse.NotBegun",
    "ON_FAILURE_MARKER": "terse.on_failure.v1",
    "OWN_WORKFLOWS": "terse.",
    "PACKAGE": "terse_temporal",
    "RANDOM_STREAM": "terse.random",
    "RETRY_REASON": "terse.retry.v1",
    "RUN_FIND": "run.find",
    "OVER_MARKER": "terse.over.v1",
    "RUN_RESULT": "run.result",
    "RUN_RESULTS": "run.results",
    "FOLLOW_ID_PREFIX": "terse.runs.",
    "SCHEDULE_MEMO": "terse.schedule.v1",
    "SDK_REFERENCE": "@sdk:",
    "SLACK_ACTIONS": "terse.input.",
    "SLACK_ANSWER_VIEW": "terse.input.answer.v1",
    "SLACK_CHOOSE_ACTION": "terse.input.choose.v1",
    "SLACK_EVENT_TYPE": "terse_temporal_step",
    "SLACK_MENU_ACTION": "terse.input.menu.v1",
    "SLACK_PAGE_ACTION": "terse.input.page.v1",
    "SLACK_WRITE_ACTION": "terse.input.write.v1",
    "STATE_DELETE": "state.delete",
    "STATE_GET": "state.get",
    "STATE_ID_PREFIX": "terse-state",
    "STATE_PREFIX": "state.",
    "STATE_READ_QUERY": "terse.read",
    "STATE_SET": "state.set",
    "STATE_UPDATE": "state.update",
    "STATE_WORKFLOW": "terse.state",
    "STATE_WRITE_UPDATE": "terse.write",
    "STEP_BEGUN_HEARTBEAT": "terse.begun.v1",
    "STEP_INTERRUPTED_FAILURE": "terse.StepInterrupted",
    "STORAGE_DRIVER": "terse.storage.v1",
    "STORED_MARKER": "terse.stored.v1",
    "TAGS_ATTRIBUTE": "TerseTags",
    "TIMED_OUT_MEMO": "terse.timed_out.v1",
    "TOKENS_MEMO": "terse.tokens.v1",
    "TOKENS_METADATA": "terse.tokens.v1",
    "TOOL_REFERENCE": "@tool:",
    "WAITING_MEMO": "terse.waiting.v1",
    "WAITS_ID_PREFIX": "terse-waits",
    "WAITS_QUERY": "terse.waits",
    "WAITS_WORKFLOW": "terse.waits",
    "WRONG_ANSWER_FAILURE": "terse.WrongAnswer",
}

#: A literal of that kind.
WIRE: Final = re.compile(r"terse\.[\w.]+|@(tool|sdk):|terse-state")

#: What is also the name of a call of the API, or of the package, in messages and where code is read.
OF_THE_API: Final = ("generate_text", "state.", "state.update", "terse_temporal")


def test_the_names_are_these() -> None:
    """The file has these names and no others."""
    names = {name: getattr(wire_names, name) for name in wire_names.__all__}
    types = names.pop("OWN_WORKFLOW_TYPES")
    assert names == NAMES
    assert sorted(types) == sorted(value for name, value in NAMES.items() if name.endswith("_WORKFLOW"))
    assert len(OWN_WORKFLOWS) == len(types)
    assert sorted(name for name in vars(wire_names) if name.isupper()) == wire_names.__all__


@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith(("_MARKER", "_MEMO", "_METADATA"))])
def test_what_holds_data_has_a_version(name: str) -> None:
    """A name under which data of ours stands in a history says the version of its format, and has no words."""
    if name != "MODEL_TOOL_METADATA":  # in no history
        assert re.fullmatch(r"terse\.[a-z_.]+\.v\d+", NAMES[name])


def literals(tree: ast.AST) -> Iterator[ast.Constant]:
    """Every string of a module that is no docstring."""
    inner = [node for node in ast.walk(tree) if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)]
    bodies = [*inner, *(node for node in ast.walk(tree) if isinstance(node, ast.AsyncFunctionDef))]
    docstrings = {id(node.body[0].value) for node in bodies if node.body and isinstance(node.body[0], ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node


def test_no_other_file_has_one() -> None:
    """No module of the package spells such a name itself."""
    values = set(NAMES.values()) - set(OF_THE_API)
    found = [
        f"{file.relative_to(PACKAGE)}:{node.lineno} {node.value!r}"
        for file in PACKAGE.rglob("*.py")
        if file != Path(wire_names.__file__)
        for node in literals(ast.parse(file.read_text()))
        if node.value in values or WIRE.match(str(node.value))
    ]
    assert found == []


def strings(value: Any) -> Iterator[str]:
    """Every string in a history, and what payloads hold."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield key
            yield from strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from strings(each)
    elif isinstance(value, str):
        yield value
        with contextlib.suppress(ValueError):
            yield base64.b64decode(value, validate=True).decode()


@pytest.mark.parametrize("file", HISTORIES, ids=lambda file: file.stem)
def test_no_history_names_a_place(file: Path) -> None:
    """No golden history has the name of a module of the package, and what begins as its names do is one of them."""
    found = list(strings(json.loads(file.read_text())))
    assert not [each for each in found if re.search(r"terse_temporal[./]", each)]
    ours = {name for each in found for name in re.findall(r"(?<![\w.])terse\.[\w.]+", each)}
    # A marker has a number behind its name, or a run's id, and so have local steps and what runs are followed by.
    named = {re.sub(r"(\.v\d+)\.\w+$", r"\1", re.sub(r"(local\.|runs\.)\d+$", r"\1", name)) for name in ours}
    assert named <= set(NAMES.values())


def test_a_function_of_the_package_is_built_in() -> None:
    """A message that may be recorded says of a tool that it is built in, and not where."""
    assert find_tool("http.request").where == "built in"
    assert place_of(model_turn) == "built in"
