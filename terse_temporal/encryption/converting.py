"""A data converter with encryption."""

from __future__ import annotations

import dataclasses
import functools

from temporalio.converter import DataConverter

from .codec import EncryptionCodec, encryption_codec
from .failures import with_encoded_attributes, without_encoded_attributes
from .keys import KeyRing

__all__ = ["encrypts", "reading_converter", "with_encryption", "without_encryption"]


def with_encryption(converter: DataConverter, keys: KeyRing | None = None) -> DataConverter:
    """Return a data converter that encrypts what another one makes, if there are keys, and says where one is missing.

    Args:
        converter: it stays what it is; a codec of its own stays within ours.
        keys: those of the environment, if none are given.

    Raises:
        EncryptionKeyError: TERSE_ENCRYPTION_KEY cannot be read.
        MissingExtraError: it is set, and the extra `crypto` is not installed.
    """
    if isinstance(converter.payload_codec, EncryptionCodec):
        return converter
    keys = KeyRing.read() if keys is None else keys
    if keys:
        return dataclasses.replace(
            converter,
            payload_codec=encryption_codec(keys, converter.payload_codec),
            failure_converter_class=with_encoded_attributes(converter.failure_converter_class),
        )
    return _default_without_keys() if converter is DataConverter.default else _without_keys(converter)


def without_encryption(converter: DataConverter) -> DataConverter:
    """Return what `with_encryption` was given, or one that is equal to it."""
    if not isinstance(converter.payload_codec, EncryptionCodec):
        return converter
    return dataclasses.replace(
        converter,
        payload_codec=converter.payload_codec.inner,
        failure_converter_class=without_encoded_attributes(converter.failure_converter_class),
    )


def reading_converter(converter: DataConverter) -> DataConverter:
    """Return a data converter that reads what another one does, and whose failures have their texts, for a replay."""
    if not encrypts(converter):
        return converter
    cls = with_encoded_attributes(converter.failure_converter_class, writes=False)
    return dataclasses.replace(converter, failure_converter_class=cls)


def encrypts(converter: DataConverter) -> bool:
    """Return whether what a data converter makes is encrypted by us."""
    return isinstance(converter.payload_codec, EncryptionCodec) and bool(converter.payload_codec.keys)


def _without_keys(converter: DataConverter) -> DataConverter:
    return dataclasses.replace(converter, payload_codec=encryption_codec(KeyRing(), converter.payload_codec))


@functools.cache
def _default_without_keys() -> DataConverter:
    """Return the same object each time, so that clients which nobody has told anything have the same converter."""
    return _without_keys(DataConverter.default)
