"""Reading the failures in a history, whose texts may be encrypted."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, TypeVar

from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from temporalio.api.failure.v1 import Failure
from temporalio.api.workflowservice.v1 import DescribeWorkflowExecutionResponse
from temporalio.converter import DataConverter

from .failures import failure_chain, restore_attributes

__all__ = ["readable", "readable_steps"]

_M = TypeVar("_M", bound=Message)


async def readable(message: _M, converter: DataConverter) -> _M:
    """Return an event of a history, or what a server says of a step that is open, with the texts of its failures.

    Where they cannot be read, the text says why. What is given stays as it is: one without encrypted texts is returned
    itself.
    """
    if not any(_is_encoded(each) for each in _failures(message)):
        return message
    copy = type(message)()
    copy.CopyFrom(message)
    for failure in _failures(copy):
        for each in failure_chain(failure):
            if each.HasField("encoded_attributes"):
                await _restore(each, converter)
    return copy


async def readable_steps(described: DescribeWorkflowExecutionResponse, converter: DataConverter) -> None:
    """Put the texts into the failures of the steps that are open, in what a server says of a run."""
    for step in described.pending_activities:
        found = await readable(step, converter)
        if found is not step:
            step.CopyFrom(found)


async def _restore(failure: Failure, converter: DataConverter) -> None:
    try:
        (payload,) = await converter.decode([failure.encoded_attributes])
    except Exception as err:
        failure.message = f"its message cannot be read here: {err}"
        failure.ClearField("encoded_attributes")
        return
    restore_attributes(failure, payload)


def _is_encoded(failure: Failure) -> bool:
    return any(each.HasField("encoded_attributes") for each in failure_chain(failure))


def _failures(message: Any) -> Sequence[Failure]:
    """Return the failures that stand in a message itself, or in the attributes of an event."""
    if "attributes" in message.DESCRIPTOR.oneofs_by_name:
        name = message.WhichOneof("attributes")
        if name is None:
            return ()
        message = getattr(message, name)
    names = _fields_with_failures(message.DESCRIPTOR)
    return [getattr(message, name) for name in names if message.HasField(name)]


@functools.cache
def _fields_with_failures(descriptor: Descriptor) -> tuple[str, ...]:
    return tuple(each.name for each in descriptor.fields if each.message_type is Failure.DESCRIPTOR)
