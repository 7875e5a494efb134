"""A data converter of the environment encrypts all that it makes, and reads what is plain, or of an older key."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.converter import (
    DataConverter,
    DefaultFailureConverterWithEncodedAttributes,
    FailureConverter,
    PayloadCodec,
    PayloadConverter,
    SerializationContext,
    WithSerializationContext,
    WorkflowSerializationContext,
)
from temporalio.exceptions import ApplicationError

from terse_temporal.converter import headers_with_environment, is_of_environment, with_environment
from terse_temporal.encryption.codec import is_encrypted
from terse_temporal.encryption.converting import reading_converter, with_encryption
from terse_temporal.encryption.keys import KEY_VARIABLE, KeyRing, new_key
from terse_temporal.encryption.reading import readable
from terse_temporal.errors import EncryptionKeyError

OLD, NEW = new_key(), new_key()
SECRET = "the secret of the codec"


def converter_of(*keys: str, given: DataConverter = DataConverter.default) -> DataConverter:
    """Return a converter with keys."""
    return with_encryption(given, KeyRing.read({KEY_VARIABLE: ",".join(keys)}))


@pytest.mark.parametrize("value", [None, SECRET, {"a": [SECRET]}, SECRET.encode(), SECRET * 100_000])
async def test_whatever_is_written_is_encrypted(value: Any) -> None:
    """Also nothing, and bytes: even what kind of data it is cannot be seen."""
    converter = converter_of(NEW)
    payloads = await converter.encode([value])
    assert all(map(is_encrypted, payloads))
    assert set(payloads[0].metadata) == {"encoding", "terse.key.v1"}
    written = payloads[0].SerializeToString()
    assert SECRET.encode() not in written
    assert b"json" not in written
    assert await converter.decode(payloads, [type(value)]) == [value]


async def test_a_key_is_replaced_without_a_moment_at_which_something_cannot_be_read() -> None:
    """All keys read, and the first one writes; what is plain is read too."""
    old, both, new = converter_of(OLD), converter_of(NEW, OLD), converter_of(NEW)
    before = await old.encode([1])
    after = await both.encode([2])
    plain = await DataConverter.default.encode([3])
    assert await both.decode([*before, *after, *plain]) == [1, 2, 3]
    assert await new.decode(after) == [2]
    with pytest.raises(EncryptionKeyError, match="not among those of TERSE_ENCRYPTION_KEY"):
        await new.decode(before)


async def test_what_was_changed_is_not_read() -> None:
    """Neither the bytes, nor under another key's id, nor cut off."""
    converter = converter_of(NEW, OLD)
    (payload,) = await converter.encode([SECRET])
    (other,) = await converter_of(OLD).encode([SECRET])
    for changed in (
        Payload(metadata=payload.metadata, data=payload.data[:-1]),
        Payload(metadata=payload.metadata, data=payload.data[:10]),
        Payload(metadata=payload.metadata, data=other.data),
        Payload(metadata=other.metadata, data=payload.data),
    ):
        with pytest.raises(EncryptionKeyError, match="changed or cut off"):
            await converter.decode([changed])
    unnamed = Payload(metadata={"encoding": payload.metadata["encoding"]}, data=payload.data)
    with pytest.raises(EncryptionKeyError, match="the key ''"):
        await converter.decode([unnamed])


async def test_without_a_key_everything_is_written_as_ever_and_encrypted_data_are_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The bytes are those of the converter that was given; what is encrypted names its key and the variable."""
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    converter = with_environment()
    assert await converter.encode([SECRET, None]) == await DataConverter.default.encode([SECRET, None])
    assert await converter.decode(await DataConverter.default.encode([SECRET])) == [SECRET]
    assert converter.failure_converter_class is DataConverter.default.failure_converter_class
    assert with_environment() is converter is with_environment(converter)
    assert is_of_environment(converter)
    payloads = await converter_of(NEW).encode([SECRET])
    key_id = payloads[0].metadata["terse.key.v1"].decode()
    with pytest.raises(EncryptionKeyError, match=f"{key_id}.*TERSE_ENCRYPTION_KEY is not set here"):
        await converter.decode(payloads)


def test_the_environment_makes_the_converter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Around any other one, once; headers are encrypted too."""
    monkeypatch.setenv(KEY_VARIABLE, NEW)
    converter = with_environment()
    assert with_environment(converter) is converter
    assert is_of_environment(converter)
    assert headers_with_environment(converter).name == "CODEC"
    assert headers_with_environment(DataConverter.default).name == "NO_CODEC"
    own = with_environment(dataclasses.replace(DataConverter.default, payload_codec=Marking()))
    assert not is_of_environment(own)


class Marking(PayloadCodec, WithSerializationContext):
    """A user's codec, which wants to know whose data it has."""

    def __init__(self, workflow_id: str = "") -> None:
        self.workflow_id = workflow_id

    def with_context(self, context: SerializationContext) -> Marking:
        return Marking(getattr(context, "workflow_id", ""))

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [
            Payload(metadata={"encoding": b"marked", "by": self.workflow_id.encode()}, data=each.SerializeToString())
            for each in payloads
        ]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        assert all(each.metadata["by"] == self.workflow_id.encode() for each in payloads)
        return [Payload.FromString(each.data) for each in payloads]


@pytest.mark.parametrize("keys", [[], [NEW]])
async def test_a_codec_of_the_user_stays_within(keys: list[str]) -> None:
    """It sees what it would see alone, with the context that the SDK tells it, and what it makes is encrypted."""
    own = dataclasses.replace(DataConverter.default, payload_codec=Marking())
    converter = converter_of(*keys, given=own).with_context(WorkflowSerializationContext("default", "run 1"))
    payloads = await converter.encode([SECRET])
    assert is_encrypted(payloads[0]) == bool(keys)
    assert await converter.decode(payloads) == [SECRET]
    if not keys:
        assert payloads[0].metadata["by"] == b"run 1"


def failing() -> ApplicationError:
    """An error with a cause, and both with a secret in them."""
    try:
        try:
            raise KeyError(SECRET)
        except KeyError as cause:
            raise ApplicationError(SECRET, SECRET, type="Declined") from cause
    except ApplicationError as error:
        return error


class OwnFailureConverter(FailureConverter):
    """A user's own, which knows nothing of encoded attributes."""

    def to_failure(self, exception: BaseException, payload_converter: PayloadConverter, failure: Failure) -> None:
        FailureConverter.default.to_failure(exception, payload_converter, failure)

    def from_failure(self, failure: Failure, payload_converter: PayloadConverter) -> BaseException:
        assert not failure.HasField("encoded_attributes")
        return FailureConverter.default.from_failure(failure, payload_converter)


@pytest.mark.parametrize(
    "cls",
    [
        DataConverter.default.failure_converter_class,
        DefaultFailureConverterWithEncodedAttributes,
        OwnFailureConverter,
    ],
)
async def test_the_texts_of_failures_are_encrypted(cls: type[FailureConverter]) -> None:
    """Message, stack trace and details, of a failure and its causes, with whatever converter; the type stays plain."""
    converter = converter_of(NEW, given=dataclasses.replace(DataConverter.default, failure_converter_class=cls))
    failure = Failure()
    await converter.encode_failure(failing(), failure)
    written = failure.SerializeToString()
    assert SECRET.encode() not in written
    assert __file__.encode() not in written
    assert failure.application_failure_info.type == "Declined"
    assert (failure.message, failure.cause.message, failure.stack_trace) == ("Encoded failure",) * 2 + ("",)
    found = await converter.decode_failure(failure)
    assert isinstance(found, ApplicationError)
    assert (found.message, *found.details, found.type) == (SECRET, SECRET, "Declined")
    assert SECRET in str(found.__cause__)


async def test_a_failure_that_is_passed_on_stays_whole_and_encrypted() -> None:
    """As that of a step is, which its run fails with; also one that an older worker has written plainly."""
    converter = converter_of(NEW)
    for first in (converter, DataConverter.default):
        failure = Failure()
        await first.encode_failure(failing(), failure)
        passed = Failure()
        await converter.encode_failure(await converter.decode_failure(failure), passed)
        assert SECRET.encode() not in passed.SerializeToString()
        found = await converter.decode_failure(passed)
        assert isinstance(found, ApplicationError)
        assert found.message == SECRET
        assert found.failure is not None
        assert "test_codec.py" in found.failure.stack_trace
        assert SECRET in str(found.__cause__)


async def test_a_replay_says_what_fails_it() -> None:
    """It reads failures whose texts are encrypted, and its own, which nobody keeps, have theirs."""
    converter = reading_converter(converter_of(NEW))
    written, own = Failure(), Failure()
    await converter_of(NEW).encode_failure(failing(), written)
    found = await converter.decode_failure(written)
    assert isinstance(found, ApplicationError)
    assert found.message == SECRET
    converter.failure_converter.to_failure(failing(), converter.payload_converter, own)
    assert own.message == SECRET
    assert reading_converter(DataConverter.default) is DataConverter.default


async def test_failures_of_a_history_are_readable_or_say_why_not() -> None:
    """With the key they have their texts; without, the id of the key. The event itself is not changed."""
    from temporalio.api.history.v1 import ActivityTaskFailedEventAttributes, HistoryEvent  # noqa: PLC0415

    failure = Failure()
    await converter_of(NEW).encode_failure(failing(), failure)
    event = HistoryEvent(activity_task_failed_event_attributes=ActivityTaskFailedEventAttributes(failure=failure))
    before = event.SerializeToString()
    found = (await readable(event, converter_of(NEW))).activity_task_failed_event_attributes.failure
    assert found.message == SECRET
    assert SECRET in found.cause.message
    assert "test_codec.py" in found.stack_trace
    without = (await readable(event, converter_of())).activity_task_failed_event_attributes.failure
    assert "TERSE_ENCRYPTION_KEY is not set here" in without.message
    assert event.SerializeToString() == before
    plain = HistoryEvent()
    assert await readable(plain, converter_of()) is plain
