"""`with_environment`: large and secret data for a client, worker or replayer that you build yourself.

`connect()`, the workers of this package, its commands, its gateway, its testing kit and `replay()` call it for you.
"""

from __future__ import annotations

from temporalio.client import Client
from temporalio.converter import DataConverter

from .storage.converting import with_storage

__all__ = ["client_with_environment", "with_environment"]


def with_environment(converter: DataConverter | None = None) -> DataConverter:
    """Return a data converter with what the environment asks for: data stored outside of histories by TERSE_STORAGE.

    Where the environment asks for nothing, it is the one that was given. It may be called again with what it returned.

    Args:
        converter: yours; it stays what it is, with ours around it. `None` is the SDK's default one.

    Raises:
        StorageError: TERSE_STORAGE or TERSE_STORAGE_OVER cannot be read.
        MissingExtraError: what TERSE_STORAGE names needs an extra that is not installed.
    """
    return with_storage(converter or DataConverter.default)


def client_with_environment(client: Client) -> Client:
    """Return a client whose data converter is `with_environment`; the same one where that changes nothing."""
    converter = with_environment(client.data_converter)
    if converter is client.data_converter:
        return client
    settings = client.config(active_config=True)
    settings["data_converter"] = converter
    settings["plugins"] = []  # what they have made of its settings stands in these
    return Client(**settings)
