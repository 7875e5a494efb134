"""TERSE_ENCRYPTION_KEY holds one key or several, each 32 random bytes in base64, and what is none is refused."""

from __future__ import annotations

import base64
import pickle

import pytest

from terse_temporal.encryption.keys import KEY_VARIABLE, EncryptionKey, KeyRing
from terse_temporal.errors import EncryptionKeyError

# Ids of tests are made of them, and the processes of a parallel session have to agree on these.
KEY = "dR1ZG+U3qp0KpdyzsSFVwcE57KYuzvCGOu+68BcmNz8="
OTHER = "sp6QTcpMdHf45imv3EJx32JnjGUPtdBkv1MLx/cwr+g="


@pytest.mark.parametrize(
    ("key", "bound", "encrypted"),
    [
        (b"\1" * 32, b"", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"),
        (
            b"\3" * 32,
            b"c2sp.org/XAES-256-GCM",
            "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d",
        ),
    ],
)
def test_the_cipher_is_xaes_256_gcm(monkeypatch: pytest.MonkeyPatch, key: bytes, bound: bytes, encrypted: str) -> None:
    """What is encrypted is what the specification's vectors have, one for each value of the bit that is shifted out."""
    nonce = b"ABCDEFGHIJKLMNOPQRSTUVWX"
    monkeypatch.setattr("secrets.token_bytes", lambda size: nonce[:size])
    assert EncryptionKey(key).encrypt(b"XAES-256-GCM", bound).hex() == nonce.hex() + encrypted
    assert EncryptionKey(key).decrypt(nonce + bytes.fromhex(encrypted), bound) == b"XAES-256-GCM"


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 1_000_000])
def test_what_was_encrypted_comes_back(size: int) -> None:
    """Of any length, forty bytes longer, and not where a bit of it was changed or it is bound to something else."""
    key = EncryptionKey(base64.b64decode(KEY))
    plain = b"x" * size
    encrypted = key.encrypt(plain, b"here")
    assert len(encrypted) == size + 40
    assert key.decrypt(encrypted, b"here") == plain
    for where in {0, 12, 23, 24, len(encrypted) // 2, len(encrypted) - 1}:
        changed = bytearray(encrypted)
        changed[where] ^= 1
        with pytest.raises(EncryptionKeyError, match="are not what it has encrypted"):
            key.decrypt(bytes(changed), b"here")
    with pytest.raises(EncryptionKeyError, match="are not what it has encrypted"):
        key.decrypt(encrypted, b"there")
    with pytest.raises(EncryptionKeyError, match="changed or cut off"):
        key.decrypt(encrypted[:39], b"here")


def test_short_texts_do_not_tell_that_they_are_equal_and_long_ones_are_stored_once() -> None:
    """The nonce of a short text is random. That of a long one is made of it, of what it is bound to, and of the key."""
    key, other = EncryptionKey(base64.b64decode(KEY)), EncryptionKey(base64.b64decode(OTHER))
    short, long = b"approved", b"approved" * 10_000
    assert len({key.encrypt(short, b"") for _ in range(100)}) == 100
    assert key.encrypt(long, b"") == key.encrypt(long, b"")
    nonces = {each[:24] for each in (key.encrypt(long, b""), key.encrypt(long, b"b"), other.encrypt(long, b""))}
    assert len(nonces | {key.encrypt(long[1:], b"")[:24]}) == 4


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("  ", 0),
        (KEY, 1),
        (f" {KEY} , {OTHER} ", 2),
        (base64.urlsafe_b64encode(base64.b64decode(KEY)).decode().rstrip("="), 1),
    ],
)
def test_keys_are_read_from_the_environment(text: str, count: int) -> None:
    """None, one or several; base64 of either alphabet, with and without its padding."""
    assert len(KeyRing.read({KEY_VARIABLE: text}).keys) == count


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("correct horse battery staple", "TERSE_ENCRYPTION_KEY is not base64"),
        (f"{KEY},", "key 2 of the 2 in TERSE_ENCRYPTION_KEY is base64 of 0 bytes, not of 32"),
        (base64.b64encode(b"short").decode(), "is base64 of 5 bytes, not of 32"),
        (base64.b64encode(b"a" * 32).decode(), "is not random, and can be guessed"),
        (f"{KEY},{KEY}", "key 2 of the 2 in TERSE_ENCRYPTION_KEY stands there twice"),
        (",".join([KEY] * 21), "holds 21 keys, and 20 are the most"),
    ],
)
def test_what_is_no_key_is_refused(text: str, problem: str) -> None:
    """With how to make one, and without what it holds."""
    with pytest.raises(EncryptionKeyError) as caught:
        KeyRing.read({KEY_VARIABLE: text})
    said = str(caught.value)
    assert problem in said
    assert "codec-server --new-key" in said
    assert not any(each and each in said for each in text.split(","))


def test_a_key_is_shown_nowhere() -> None:
    """Neither by `repr`, nor by its id; the id is the same in every process."""
    key = EncryptionKey(bytes(range(32)))
    assert repr(key) == "EncryptionKey()"
    assert repr(KeyRing([key])) == "KeyRing(keys=[EncryptionKey()])"
    assert key.id == "9e330f9f647a"
    assert pickle.loads(pickle.dumps(key)).id == key.id


def test_a_key_that_is_missing_is_named() -> None:
    """With the variable, and which keys are there instead."""
    key = EncryptionKey(base64.b64decode(KEY))
    with pytest.raises(EncryptionKeyError, match=r"key '0123', and TERSE_ENCRYPTION_KEY is not set here") as caught:
        KeyRing().find("0123")
    assert caught.value.key_id == "0123"
    with pytest.raises(EncryptionKeyError, match=rf"key '0123', which is not among .* here \('{key.id}'\): add it"):
        KeyRing([key]).find("0123")
    assert KeyRing([key]).find(key.id) is key
