"""A data converter with encryption."""

from __future__ import annotations

import dataclasses

from temporalio.converter import DataConverter

from .codec import EncryptionCodec, encryption_codec
from .failures import with_encoded_attributes
from .keys import KeyRing

__all__ = ["with_encryption"]


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
    codec = encryption_codec(keys, converter.payload_codec)
    if not keys:
        return dataclasses.replace(converter, payload_codec=codec)
    return dataclasses.replace(
        converter,
        payload_codec=codec,
        failure_converter_class=with_encoded_attributes(converter.failure_converter_class),
    )
