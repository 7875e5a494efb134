"""`with_environment`: large and secret data for a client, worker or replayer that you build yourself.

`connect()`, the workers of this package, its commands, its gateway, its testing kit and `replay()` call it for you.
"""

from __future__ import annotations

import dataclasses

from temporalio.client import Client
from temporalio.common import HeaderCodecBehavior
from temporalio.converter import DataConverter

from .encryption.converting import encrypts, with_encryption, without_encryption
from .storage.converting import with_storage, without_storage

__all__ = ["client_with_environment", "headers_with_environment", "is_of_environment", "with_environment"]


def with_environment(converter: DataConverter | None = None) -> DataConverter:
    """Return a data converter with what the environment asks for: data encrypted with TERSE_ENCRYPTION_KEY, and stored
    outside of histories by TERSE_STORAGE.

    Where the environment asks for nothing, it writes what the one writes that was given; it only says of encrypted data
    that a key is missing. It may be called again with what it returned.

    Args:
        converter: yours; it stays what it is, with ours around it: what your codec has made is encrypted, and that is
            stored. `None` is the SDK's default one.

    Raises:
        EncryptionKeyError: TERSE_ENCRYPTION_KEY cannot be read.
        StorageError: TERSE_STORAGE or TERSE_STORAGE_OVER cannot be read.
        MissingExtraError: what TERSE_STORAGE names needs an extra that is not installed.
    """
    return with_storage(with_encryption(converter or DataConverter.default))


def headers_with_environment(converter: DataConverter, given: HeaderCodecBehavior | None = None) -> HeaderCodecBehavior:
    """Return what becomes of headers, which interceptors write: they are encrypted where everything else is.

    Args:
        converter: what `with_environment` has returned.
        given: what else would become of them.
    """
    given = given or HeaderCodecBehavior.NO_CODEC  # which is the SDK's default
    return HeaderCodecBehavior.CODEC if encrypts(converter) and given == HeaderCodecBehavior.NO_CODEC else given


def is_of_environment(converter: DataConverter) -> bool:
    """Return whether another process of the same environment makes the same data converter by itself."""
    found = without_storage(without_encryption(converter))
    return type(found) is DataConverter and all(
        getattr(found, each.name) == each.default for each in dataclasses.fields(found) if each.init
    )


def client_with_environment(client: Client) -> Client:
    """Return a client whose data converter is `with_environment`; the same one where that changes nothing."""
    converter = with_environment(client.data_converter)
    if converter is client.data_converter:
        return client
    settings = client.config(active_config=True)
    settings["data_converter"] = converter
    settings["header_codec_behavior"] = headers_with_environment(converter, settings["header_codec_behavior"])
    settings["plugins"] = []  # what they have made of its settings stands in these
    return Client(**settings)
