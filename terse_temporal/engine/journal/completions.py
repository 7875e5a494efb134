"""What the SDK is told: the commands with which the handler's part of a workflow task ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from temporalio.bridge.proto.workflow_commands import WorkflowCommand
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion

__all__ = ["empty", "marker", "put", "said"]

#: What stays of the commands with which a run continues: what is said of it, and markers, without which a replay of
#: this history would go another way.
_SAID: Final = (
    "modify_workflow_properties",
    "upsert_workflow_search_attributes",
    "set_patch_marker",
    "update_response",
    "respond_to_query",
)


def empty() -> WorkflowActivationCompletion:
    """Return a completion without commands."""
    completion = WorkflowActivationCompletion()
    completion.successful.SetInParent()
    return completion


def put(completion: WorkflowActivationCompletion, commands: Sequence[WorkflowCommand]) -> None:
    """Replace the commands of a completion."""
    kept = []
    for each in commands:
        copy = WorkflowCommand()
        copy.CopyFrom(each)
        kept.append(copy)
    del completion.successful.commands[:]
    completion.successful.commands.extend(kept)


def said(completion: WorkflowActivationCompletion) -> list[WorkflowCommand]:
    """Return what stays of the commands of a completion when the run ends with it."""
    return [each for each in completion.successful.commands if each.WhichOneof("variant") in _SAID]


def marker(name: str, number: int | str) -> WorkflowCommand:
    """Return the command that records a marker."""
    command = WorkflowCommand()
    command.set_patch_marker.patch_id = f"{name}.{number}"
    return command
