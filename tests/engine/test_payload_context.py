"""A data converter is told what each payload belongs to, where a part of it asks for that, and nobody is asked else."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import (
    CompositePayloadConverter,
    DataConverter,
    DefaultFailureConverter,
    DefaultPayloadConverter,
    JSONPlainPayloadConverter,
    PayloadCodec,
    SerializationContext,
    WithSerializationContext,
    WorkflowSerializationContext,
)

from terse_temporal.converter import with_environment
from terse_temporal.engine.wire.payloads import takes_context


class _InContext(WithSerializationContext):
    def with_context(self, context: SerializationContext) -> Self:
        return self


class PlainCodec(PayloadCodec):
    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return list(payloads)

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return list(payloads)


class CodecInContext(PlainCodec, _InContext):
    pass


class FailuresInContext(DefaultFailureConverter, _InContext):
    pass


class JsonInContext(JSONPlainPayloadConverter, _InContext):
    pass


class MadeOfOneInContext(CompositePayloadConverter):
    def __init__(self) -> None:
        super().__init__(JsonInContext())


class PayloadsInContext(DefaultPayloadConverter):
    def with_context(self, context: SerializationContext) -> Self:
        return self


class WholeInContext(DataConverter):
    def with_context(self, context: SerializationContext) -> Self:
        return self


def default(**parts: Any) -> DataConverter:
    return dataclasses.replace(DataConverter.default, **parts)


@pytest.mark.parametrize(
    ("converter", "takes"),
    [
        (DataConverter.default, False),
        (pydantic_data_converter, False),
        (default(payload_codec=PlainCodec()), False),
        (default(payload_codec=CodecInContext()), True),
        (default(failure_converter_class=FailuresInContext), True),
        (default(payload_converter_class=MadeOfOneInContext), True),
        (default(payload_converter_class=PayloadsInContext), True),
        (WholeInContext(), True),
    ],
    ids=["default", "pydantic", "codec", "codec-in", "failures-in", "made-of-one-in", "payloads-in", "whole-in"],
)
def test_it_is_known_of_each(converter: DataConverter, takes: bool) -> None:
    """By its parts; and a converter that is said to take none is its own with any context."""
    assert takes_context(converter) == takes
    if not takes:
        assert converter.with_context(WorkflowSerializationContext("default", "run-1")) is converter


def test_a_storage_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which run or activity what it stores is of."""
    monkeypatch.setenv("TERSE_STORAGE", tmp_path.as_uri())
    assert takes_context(with_environment())
