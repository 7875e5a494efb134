"""The payload codec of TERSE_ENCRYPTION_KEY.

A payload is encrypted as a whole, with the metadata that it has, and stands in the data of another one, whose metadata
say the format and the id of the key. Bound to it are these two, and nothing of the place where it stands: a history is
replayed under other namespaces and workflow ids, a memo is read where nobody knows of which run, a codec server is told
no more than the payloads, and a storage would keep one content once for each run.

What is plain is read as it is: histories from before there was a key, and what somebody starts with the Temporal CLI.

Without keys this is still there, and tells what is encrypted from what is broken before a handler or a step sees it. An
error in a handler may be caught, and the run go on with something else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Final

from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadCodec, SerializationContext, WithSerializationContext

from ..serialization.wire_names import ENCRYPTED_ENCODING, ENCRYPTION_KEY_METADATA
from .keys import EncryptionKey, KeyRing

__all__ = ["EncryptionCodec", "is_encrypted"]

_ENCODING: Final = ENCRYPTED_ENCODING.encode()

#: Bytes from which on a thread of its own encrypts: the loop would stand still for a hundredth of a second and more.
_ON_A_THREAD: Final = 2**20

#: Characters of a key's id that are read.
_LONGEST_ID: Final = 50


def is_encrypted(payload: Payload) -> bool:
    """Return whether a payload is one that `EncryptionCodec` has made."""
    return payload.metadata.get("encoding") == _ENCODING


class EncryptionCodec(PayloadCodec):
    """Encrypts payloads with the first key, and decrypts them with the one that they name.

    Args:
        keys: none, to say of encrypted payloads that a key is missing.
        inner: the user's own codec: what it has made is encrypted.
    """

    def __init__(self, keys: KeyRing, inner: PayloadCodec | None = None) -> None:
        self.keys = keys
        self.inner = inner

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Encrypt, if there is a key."""
        given = list(payloads) if self.inner is None else await self.inner.encode(payloads)
        if not self.keys:
            return given
        key = self.keys.keys[0]
        if _size(given) < _ON_A_THREAD:
            return [_encrypted(each, key) for each in given]
        return await asyncio.to_thread(lambda: [_encrypted(each, key) for each in given])

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Decrypt what is encrypted.

        Raises:
            EncryptionKeyError: the key is not here, or what it has encrypted was changed.
        """
        found = list(payloads)
        if any(each.metadata.get("encoding") == _ENCODING for each in found):
            if _size(found) < _ON_A_THREAD:
                found = self._decrypted(found)
            else:
                found = await asyncio.to_thread(self._decrypted, found)
        return found if self.inner is None else await self.inner.decode(found)

    def check_key(self, payload: Payload) -> None:
        """Look for the key of a payload.

        Raises:
            EncryptionKeyError: it is encrypted, and the key is not here.
        """
        if is_encrypted(payload):
            self.keys.find(_key_id(payload))

    def _decrypted(self, payloads: Iterable[Payload]) -> list[Payload]:
        return [_decrypted(each, self.keys) if is_encrypted(each) else each for each in payloads]


class EncryptionCodecInContext(EncryptionCodec, WithSerializationContext):
    """The same around a codec that is told whose data it has."""

    def with_context(self, context: SerializationContext) -> EncryptionCodecInContext:
        """Tell the user's codec."""
        assert isinstance(self.inner, WithSerializationContext)
        inner = self.inner.with_context(context)
        assert isinstance(inner, PayloadCodec)
        return EncryptionCodecInContext(self.keys, inner)


def encryption_codec(keys: KeyRing, inner: PayloadCodec | None) -> EncryptionCodec:
    """Return a codec around that of the user."""
    # One that needs no context is not made anew for each: the SDK does so for every activity and every workflow task.
    cls = EncryptionCodecInContext if isinstance(inner, WithSerializationContext) else EncryptionCodec
    return cls(keys, inner)


def _size(payloads: Sequence[Payload]) -> int:
    return sum(len(each.data) for each in payloads)


def _bound(key_id: str) -> bytes:
    return f"{ENCRYPTED_ENCODING} {key_id}".encode()


def _encrypted(payload: Payload, key: EncryptionKey) -> Payload:
    # Metadata in one order, so that equal payloads are equal bytes.
    plain = payload.SerializeToString(deterministic=True)
    return Payload(
        metadata={"encoding": _ENCODING, ENCRYPTION_KEY_METADATA: key.id.encode()},
        data=key.encrypt(plain, _bound(key.id)),
    )


def _key_id(payload: Payload) -> str:
    # As text for people too, whoever has written it.
    return payload.metadata.get(ENCRYPTION_KEY_METADATA, b"").decode("ascii", errors="replace")[:_LONGEST_ID]


def _decrypted(payload: Payload, keys: KeyRing) -> Payload:
    key_id = _key_id(payload)
    return Payload.FromString(keys.find(key_id).decrypt(payload.data, _bound(key_id)))
