"""What stands in histories, memos and storage encrypted, where TERSE_ENCRYPTION_KEY is set."""

from .converting import with_encryption
from .keys import KEY_VARIABLE, EncryptionKey, KeyRing, new_key

__all__ = ["KEY_VARIABLE", "EncryptionKey", "KeyRing", "new_key", "with_encryption"]
