"""The SDK's storage driver that keeps payloads in one of our places, by the hash of their content.

A reference says the hash and nothing of the place. So what is stored may be moved, and who can write a history, as
everybody can who may start a workflow, cannot have a worker read another bucket or file than its own storage.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

from temporalio.api.common.v1 import Payload
from temporalio.converter import (
    StorageDriver,
    StorageDriverClaim,
    StorageDriverRetrieveContext,
    StorageDriverStoreContext,
)

from ..diagnostics.redaction import redact
from ..diagnostics.text import shorten
from ..errors import StorageError, StorageUnavailableError, StoredDataError
from ..serialization.payload_limits import LARGEST_STORED
from ..serialization.wire_names import STORAGE_DRIVER
from .opening import open_place
from .places.place import Place

__all__ = ["StoreByHash"]

_KEY: Final = re.compile(r"[0-9a-f]{64}")

#: Bytes that a payload may have: what a value may, with its metadata and what a codec adds.
_MOST: Final = LARGEST_STORED + LARGEST_STORED // 4

#: Characters of what a service says that are shown.
_SHOWN: Final = 500

#: Things that are read and written at once in this process. A worker may hold each of them twice meanwhile.
_AT_ONCE: Final = 8

_threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="terse-storage")

_T = TypeVar("_T")


def _renew_threads() -> None:
    global _threads  # noqa: PLW0603  # a process that was forked has none of the threads
    _threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="terse-storage")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_threads)


class StoreByHash(StorageDriver):
    """Keeps payloads where a URL says.

    Threads of its own do it, and not those of the loop, which steps of the user's may all be using.

    Args:
        url: of the storage.

    Raises:
        StorageError: it is no such URL.
        MissingExtraError: what it needs is not installed.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.place: Place = open_place(url)

    def __reduce__(self) -> tuple[type[StoreByHash], tuple[str]]:
        return StoreByHash, (self.url,)

    def name(self) -> str:
        return STORAGE_DRIVER

    def type(self) -> str:
        return STORAGE_DRIVER

    async def store(self, context: StorageDriverStoreContext, payloads: Sequence[Payload]) -> list[StorageDriverClaim]:
        keys = await asyncio.gather(*(self._on_thread(self._store, each) for each in payloads))
        return [StorageDriverClaim({"sha256": key}) for key in keys]

    async def retrieve(
        self, context: StorageDriverRetrieveContext, claims: Sequence[StorageDriverClaim]
    ) -> list[Payload]:
        return await asyncio.gather(*(self._on_thread(self._retrieve, dict(each.claim_data)) for each in claims))

    async def _on_thread(self, function: Callable[[Any], _T], argument: Any) -> _T:
        return await asyncio.get_running_loop().run_in_executor(_threads, function, argument)

    def _store(self, payload: Payload) -> str:
        data = payload.SerializeToString(deterministic=True)
        key = hashlib.sha256(data).hexdigest()
        if len(data) > _MOST:
            raise StorageError(f"{len(data):,} bytes are more than can be stored: {_MOST:,}", self.place.name, key)
        try:
            self.place.write(key, data)
        except Exception as error:
            raise self._unavailable("cannot store", key, error) from error
        return key

    def _retrieve(self, claim: dict[str, str]) -> Payload:
        key, name = claim.get("sha256", ""), self.place.name
        if not _KEY.fullmatch(key):
            raise StoredDataError(f"a reference to stored data has no SHA-256, but {shorten(str(claim), 200)}", name)
        try:
            data = self.place.read(key, _MOST)
        except KeyError:
            raise StoredDataError(
                f"the storage {name} does not have {key}, which a history refers to: it was deleted, or was stored in"
                " another storage. Put it back, or set TERSE_STORAGE to the storage that the run's workers have",
                name,
                key,
            ) from None
        except ValueError as error:
            raise StoredDataError(
                f"what the storage {name} has as {key} is {error}, and {_MOST:,} are read at most", name, key
            ) from None
        except Exception as error:
            raise self._unavailable("cannot read", key, error) from error
        if hashlib.sha256(data).hexdigest() != key:
            raise StoredDataError(
                f"what the storage {name} has as {key} is not what was stored: its {len(data):,} bytes have another"
                " SHA-256. Put the original back",
                name,
                key,
            )
        return Payload.FromString(data)

    def _unavailable(self, what: str, key: str, error: Exception) -> StorageUnavailableError:
        reason = redact(f"{type(error).__name__}: {error}", _SHOWN)
        return StorageUnavailableError(f"{what} {key} in the storage {self.place.name}: {reason}", self.place.name, key)
