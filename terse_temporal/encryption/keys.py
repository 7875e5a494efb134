"""The keys of TERSE_ENCRYPTION_KEY, and what is encrypted with them.

The cipher is AES-256-GCM with a nonce of 24 bytes, as XAES-256-GCM of C2SP has it: of the key and the first half of the
nonce another key is made, which encrypts with the second half. With the twelve bytes of plain AES-GCM nonces that are
drawn at random meet each other after a few billion texts, a busy year of one installation, and two texts under one
nonce give each other away.

What is long has a nonce that is made of itself, so that the same content becomes the same bytes and a storage keeps it
once. That tells who reads them that two long contents are equal; for short ones, where "approved" and "refused" would
be told apart, the nonce is random.
"""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

from ..diagnostics.redaction import name_secret_variable
from ..errors import EncryptionKeyError, MissingExtraError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

__all__ = ["KEY_VARIABLE", "EncryptionKey", "KeyRing", "new_key"]

#: The environment variable: base64 of 32 bytes, several of them separated by commas.
KEY_VARIABLE: Final = "TERSE_ENCRYPTION_KEY"

_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 24
_TAG_BYTES: Final = 16

#: Bytes from which on the nonce is made of the content.
_LONG: Final = 64 * 1024

#: Keys at once. While one is replaced there are two; each is tried for nothing but what names it.
_MOST: Final = 20

#: Characters of a key's id: 48 bits, by which nobody finds a key of 256.
_ID_LENGTH: Final = 12

_HOW: Final = (
    "`terse-temporal codec-server --new-key` makes a key, and so does `openssl rand -base64 32`: 32 random bytes in"
    " base64. Several are separated by commas; the first one encrypts"
)


@dataclass(frozen=True)
class EncryptionKey:
    """One key.

    Attributes:
        secret: its 32 bytes, which are shown nowhere.
    """

    secret: bytes = field(repr=False)

    @cached_property
    def id(self) -> str:
        """What the key is called in the metadata of what it has encrypted. It is made of the key, and tells nothing
        of it.
        """
        return self._derived(b"id").hex()[:_ID_LENGTH]

    def encrypt(self, plain: bytes, bound: bytes) -> bytes:
        """Return the nonce and the encrypted bytes, 40 more than there are.

        Args:
            plain: what to encrypt.
            bound: what has to be given again to decrypt it; it is not part of what is returned.
        """
        nonce = self._nonce_of(plain, bound) if len(plain) >= _LONG else secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher(nonce).encrypt(nonce[12:], plain, bound)

    def decrypt(self, encrypted: bytes, bound: bytes) -> bytes:
        """Return what was encrypted.

        Raises:
            EncryptionKeyError: it was changed, was bound to something else, or is of another key.
        """
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415  an extra

        nonce = encrypted[:_NONCE_BYTES]
        if len(encrypted) >= _NONCE_BYTES + _TAG_BYTES:
            with suppress(InvalidTag):
                return self._cipher(nonce).decrypt(nonce[12:], memoryview(encrypted)[_NONCE_BYTES:], bound)
        raise EncryptionKeyError(
            f"data that name the key {self.id!r} are not what it has encrypted: they were changed or cut off where they"
            " are kept",
            key_id=self.id,
        )

    def _nonce_of(self, plain: bytes, bound: bytes) -> bytes:
        made = hmac.new(self._nonce_key, len(bound).to_bytes(8, "big") + bound, hashlib.sha256)
        made.update(plain)
        return made.digest()[:_NONCE_BYTES]

    @cached_property
    def _nonce_key(self) -> bytes:
        return self._derived(b"nonce")

    def _derived(self, purpose: bytes) -> bytes:
        return hmac.digest(self.secret, b"terse.encryption.v1 " + purpose, "sha256")

    def _blocks(self, blocks: bytes) -> bytes:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # noqa: PLC0415  an extra

        # The bare function of AES, of which CMAC is made: nothing is encrypted with it.
        return Cipher(algorithms.AES(self.secret), modes.ECB()).encryptor().update(blocks)

    @cached_property
    def _mask(self) -> int:
        """The first subkey of CMAC (NIST SP 800-38B, 6.1)."""
        zero = int.from_bytes(self._blocks(bytes(16)), "big")
        return (zero << 1) % (1 << 128) ^ (0x87 if zero >> 127 else 0)

    def _cipher(self, nonce: bytes) -> AESGCM:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415  an extra

        blocks = (b"\0" + bytes([number]) + b"X\0" + nonce[:12] for number in (1, 2))
        masked = b"".join((int.from_bytes(each, "big") ^ self._mask).to_bytes(16, "big") for each in blocks)
        return AESGCM(self._blocks(masked))


@dataclass(frozen=True)
class KeyRing:
    """The keys that a process has.

    Attributes:
        keys: the first encrypts, all of them decrypt.
    """

    keys: Sequence[EncryptionKey] = ()

    @classmethod
    def read(cls, environ: Mapping[str, str] | None = None) -> KeyRing:
        """Return the keys of the environment; none, if it has none.

        Args:
            environ: another environment, for tests.

        Raises:
            EncryptionKeyError: one is no key. What it holds is not shown.
            MissingExtraError: there are keys, and no `cryptography`.
        """
        text = (os.environ if environ is None else environ).get(KEY_VARIABLE, "")
        return _ring_of(text) if text.strip() else cls()

    @classmethod
    def of_text(cls, text: str) -> KeyRing:
        """Return the keys in a text, as the variable has it; errors are those of `read`."""
        name_secret_variable(KEY_VARIABLE)
        parts = [each.strip() for each in text.split(",")]
        if len(parts) > _MOST:
            raise EncryptionKeyError(f"{KEY_VARIABLE} holds {len(parts)} keys, and {_MOST} are the most. {_HOW}.")
        keys = tuple(EncryptionKey(_decoded(each, number, parts)) for number, each in enumerate(parts, 1))
        _require_cryptography()
        return cls(keys)

    def __bool__(self) -> bool:
        return bool(self.keys)

    def find(self, id: str) -> EncryptionKey:
        """Return the key of an id.

        Raises:
            EncryptionKeyError: there is none.
        """
        for each in self.keys:
            if each.id == id:
                return each
        raise EncryptionKeyError(f"the data are encrypted with the key {id!r}, {self._wanting(id)}", key_id=id)

    def _wanting(self, id: str) -> str:
        if not self.keys:
            return f"and {KEY_VARIABLE} is not set here: set it to what their workers have"
        known = ", ".join(repr(each.id) for each in self.keys)
        return (
            f"which is not among those of {KEY_VARIABLE} here ({known}): add it there, behind a comma. It may go"
            " when nothing is kept any more that it has encrypted"
        )


#: Whoever reads a spool asks for each delivery.
_ring_of: Final = functools.lru_cache(8)(KeyRing.of_text)


def new_key() -> str:
    """Return a new key, as TERSE_ENCRYPTION_KEY has it."""
    return base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()


def _decoded(text: str, number: int, parts: Sequence[str]) -> bytes:
    which = KEY_VARIABLE if len(parts) == 1 else f"key {number} of the {len(parts)} in {KEY_VARIABLE}"
    standard = text.replace("-", "+").replace("_", "/").rstrip("=")
    try:
        secret = base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise EncryptionKeyError(f"{which} is not base64. {_HOW}.") from None
    if len(secret) != _KEY_BYTES:
        raise EncryptionKeyError(f"{which} is base64 of {len(secret)} bytes, not of {_KEY_BYTES}. {_HOW}.")
    # One that somebody has typed: a text of 32 letters, or one byte over and over.
    if len(set(secret)) < _KEY_BYTES // 4:
        raise EncryptionKeyError(f"{which} is not random, and can be guessed. {_HOW}.")
    if text in parts[: number - 1]:
        raise EncryptionKeyError(f"{which} stands there twice. {_HOW}.")
    return secret


def _require_cryptography() -> None:
    from importlib.util import find_spec  # noqa: PLC0415  only where there are keys

    if find_spec("cryptography") is None:
        raise MissingExtraError(
            f"{KEY_VARIABLE} needs 'cryptography', which is not installed: pip install 'terse-temporal[crypto]'"
        )
