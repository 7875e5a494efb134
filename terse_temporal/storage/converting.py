"""Putting the storage that the environment names onto a data converter."""

from __future__ import annotations

import dataclasses
import functools

from temporalio.converter import DataConverter, ExternalStorage, StorageDriver

from ..serialization.payload_limits import storage_found
from ..serialization.wire_names import STORAGE_DRIVER
from .driver import StoreByHash
from .settings import settings_from_environment

__all__ = ["with_storage", "without_storage"]


def with_storage(converter: DataConverter) -> DataConverter:
    """Return a data converter that stores large data where TERSE_STORAGE says; the same one where that is not set.

    One that has an external storage of its own goes on storing there, and reads from ours too.

    Raises:
        StorageError: a variable cannot be read.
        MissingExtraError: what the storage needs is not installed.
    """
    settings = settings_from_environment()
    given = converter.external_storage
    if given is not None and any(each.name() != STORAGE_DRIVER for each in given.drivers):
        storage_found()
    if settings is None or (given is not None and any(each.name() == STORAGE_DRIVER for each in given.drivers)):
        return converter
    ours = _driver(settings.url)
    if given is None:
        storage = ExternalStorage(drivers=[ours], payload_size_threshold=settings.over)
    else:
        first = given.drivers[0]
        storage = dataclasses.replace(
            given,
            drivers=[*given.drivers, ours],
            driver_selector=given.driver_selector or functools.partial(_the, first),
        )
    return dataclasses.replace(converter, external_storage=storage)


def without_storage(converter: DataConverter) -> DataConverter:
    """Return what `with_storage` was given, or one that is equal to it, where that had no storage of its own."""
    given = converter.external_storage
    if given is None or [each.name() for each in given.drivers] != [STORAGE_DRIVER]:
        return converter
    return dataclasses.replace(converter, external_storage=None)


@functools.cache
def _driver(url: str) -> StoreByHash:
    return StoreByHash(url)


def _the(driver: StorageDriver, *_: object) -> StorageDriver:
    return driver
