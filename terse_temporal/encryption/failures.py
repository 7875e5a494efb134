"""Failures whose message and stack trace are encrypted.

On the wire a failure is no payload, and a codec sees its details alone. The API has a place for a message and a stack
trace as a payload, `encoded_attributes`, and whoever knows it (the Web UI and the CLI, with a codec server) shows them
again. The SDK's converter can put them there, one failure at a time. Here all of a chain of causes are, also those that
an older worker has written plainly, and whatever converter the user has.

The type of a failure, the name of its class, stays readable. So does the message of one that says which key is not
here: who has it could not read what a worker has encrypted with another one. It names keys by their ids alone.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, ClassVar, Final

from temporalio.api.failure.v1 import Failure
from temporalio.converter import (
    FailureConverter,
    PayloadConverter,
    SerializationContext,
    WithSerializationContext,
)

from ..errors import EncryptionKeyError

__all__ = ["failure_chain", "restore_attributes", "with_encoded_attributes", "without_encoded_attributes"]

#: What the SDKs put in the place of a message.
_ENCODED: Final = "Encoded failure"


class _EncodingFailureConverter(FailureConverter):
    """Moves messages and stack traces to where a codec encodes them, and back."""

    inner_class: ClassVar[type[FailureConverter]]
    writes: ClassVar[bool] = True

    def __init__(self) -> None:
        self._inner = self.inner_class()

    def to_failure(self, exception: BaseException, payload_converter: PayloadConverter, failure: Failure) -> None:
        """Convert an exception, and put the texts of it and its causes where a codec sees them."""
        self._inner.to_failure(exception, payload_converter, failure)
        if not self.writes:
            return
        for each in failure_chain(failure):
            if isinstance(exception, EncryptionKeyError) and exception.key_id and each is failure:
                each.stack_trace = ""
                continue
            if not each.HasField("encoded_attributes") or each.message != _ENCODED:
                texts = {"message": each.message, "stack_trace": each.stack_trace}
                each.encoded_attributes.CopyFrom(payload_converter.to_payload(texts))
                each.message, each.stack_trace = _ENCODED, ""

    def from_failure(self, failure: Failure, payload_converter: PayloadConverter) -> BaseException:
        """Convert a failure whose texts a codec has decoded."""
        if any(each.HasField("encoded_attributes") for each in failure_chain(failure)):
            copy = Failure()
            copy.CopyFrom(failure)
            for each in failure_chain(copy):
                if each.HasField("encoded_attributes"):
                    with suppress(Exception):  # of whatever has written them
                        restore_attributes(each, payload_converter.from_payload(each.encoded_attributes))
            failure = copy
        return self._inner.from_failure(failure, payload_converter)


class _EncodingFailureConverterInContext(_EncodingFailureConverter, WithSerializationContext):
    """The same around a converter that is told whose failures it has."""

    def with_context(self, context: SerializationContext) -> _EncodingFailureConverterInContext:
        """Tell the user's converter."""
        assert isinstance(self._inner, WithSerializationContext)
        copy = type(self)()
        inner = self._inner.with_context(context)
        assert isinstance(inner, FailureConverter)
        copy._inner = inner
        return copy


@functools.cache
def with_encoded_attributes(cls: type[FailureConverter], *, writes: bool = True) -> type[FailureConverter]:
    """Return a failure converter like another one, whose texts a codec sees.

    Args:
        cls: the other one.
        writes: or else it only reads such failures, as a replay does, whose own are for people alone.
    """
    cls = without_encoded_attributes(cls)
    base = (
        _EncodingFailureConverterInContext if issubclass(cls, WithSerializationContext) else _EncodingFailureConverter
    )
    return type(base.__name__, (base,), {"inner_class": cls, "writes": writes})


def without_encoded_attributes(cls: type[FailureConverter]) -> type[FailureConverter]:
    """Return what `with_encoded_attributes` was given."""
    return cls.inner_class if issubclass(cls, _EncodingFailureConverter) else cls


def failure_chain(failure: Failure) -> Iterator[Failure]:
    """Return a failure and its causes."""
    yield failure
    while failure.HasField("cause"):
        failure = failure.cause
        yield failure


def restore_attributes(failure: Failure, texts: Any) -> None:
    """Put the texts of a failure back into their places.

    What is no such texts says nothing: the failure still has a type, a step and causes.
    """
    if isinstance(texts, dict) and isinstance(texts.get("message"), str):
        failure.message = texts["message"]
        failure.stack_trace = str(texts.get("stack_trace") or "")
        failure.ClearField("encoded_attributes")
