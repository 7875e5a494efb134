"""What of a delivery is encrypted in the spool, where TERSE_ENCRYPTION_KEY is set: headers, body, why it was refused.

What a delivery is known by (source, id and kind, the jobs and runs that it is for) stays readable: it is looked for.
"""

from __future__ import annotations

from typing import Final

from ...encryption.keys import KeyRing
from ...errors import EncryptionKeyError, SpoolError
from ...serialization.wire_names import ENCRYPTED_ENCODING

__all__ = ["sealed", "unsealed", "unsealed_text"]

#: What stands in front of encrypted bytes, with the id of the key and a line feed behind it. No JSON begins so.
_PREFIX: Final = f"{ENCRYPTED_ENCODING} ".encode()


def sealed(text: str | bytes) -> str | bytes:
    """Return a text as it is written: encrypted, if there is a key.

    Raises:
        EncryptionKeyError: TERSE_ENCRYPTION_KEY cannot be read.
    """
    keys = KeyRing.read().keys
    if not keys:
        return text
    bound = _PREFIX + keys[0].id.encode()
    return bound + b"\n" + keys[0].encrypt(text.encode() if isinstance(text, str) else text, bound)


def unsealed(written: str | bytes) -> str | bytes:
    """Return a text that was written, which is plain where there was no key.

    Raises:
        SpoolError: its key is not here, or it was changed.
    """
    if isinstance(written, str) or not written.startswith(_PREFIX):
        return written
    bound, _, encrypted = written.partition(b"\n")
    try:
        return KeyRing.read().find(bound[len(_PREFIX) :].decode(errors="replace")).decrypt(encrypted, bound)
    except EncryptionKeyError as error:
        raise SpoolError(f"what the spool has of a delivery cannot be read: {error}") from None


def unsealed_text(written: str | bytes) -> str:
    """Return the same as a text."""
    found = unsealed(written)
    return found if isinstance(found, str) else found.decode(errors="replace")
