"""Whether a request was signed by whoever has the secret: pure functions over bytes.

All schemes are an HMAC-SHA256 and differ in what is signed with the body and where the signature stands. They are
written out here, because the vendors' own helpers do not hold against a hostile header. `standardwebhooks` 1.1 raises
`ValueError`, `binascii.Error` or `UnicodeDecodeError` for some, lets through a time that is not the one that was signed
(`1760000000.9`), and a signature with other characters in it; `slack_sdk` 3.47 raises `ValueError` for a time that is
not a number and `TypeError` for a signature that is not in ASCII. Both read their own clock, and know one secret. That
of `stripe` comes with 2.6 MB of other things.

A signature is compared as the text that it should be, not decoded first, so that there is one way to write it. Every
secret is tried and every signature compared, whichever fits, in constant time; the length of headers is bounded where
they are read (`headers.py`), and so is the number of secrets. The body is hashed once for each secret.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from typing import Final

from ..triggers.signature_schemes import HmacSignature, StandardWebhooks
from .headers import Headers
from .refusals import RefusedDelivery

__all__ = ["mac", "verify_hmac", "verify_slack", "verify_standard"]

#: A time as all of them write it. No sign, no fraction, and no digits of other scripts, which `int` would take.
_TIME: Final = re.compile(r"[0-9]{1,16}", re.ASCII)

#: Seconds that the clocks of Slack and of the gateway may differ, or that a delivery may be old.
_SLACK_TOLERANCE: Final = 300


def mac(key: bytes, *parts: bytes) -> bytes:
    """Return the HMAC-SHA256 of parts that stand one after the other."""
    made = hmac.new(key, digestmod=hashlib.sha256)
    for part in parts:
        made.update(part)
    return made.digest()


def verify_hmac(scheme: HmacSignature, headers: Headers, body: bytes, keys: Sequence[bytes], now: float) -> str | None:
    """Refuse a request without a signature in the way of GitHub, Linear and Stripe, or with an old one.

    Args:
        scheme: where it stands.
        headers: of the request.
        body: as it came.
        keys: secrets, any of which may have been used.
        now: Unix time in seconds.

    Returns:
        The time that was signed, as it was written; `None` where the scheme has none.

    Raises:
        RefusedDelivery: 401.
    """
    given = _required(headers, scheme.header)
    if scheme.timestamp is None:
        _verify(keys, (body,), [given.removeprefix(scheme.prefix)] if given.startswith(scheme.prefix) else [])
        return None
    # Stripe puts a comma between them, WorkOS a comma and a space. Other versions than v1 are not ours to check.
    pairs = [part.strip(" ").partition("=") for part in given.split(",")]
    times = [value for name, _, value in pairs if name == "t"]
    if len(times) != 1:
        raise _invalid()
    _check_time(times[0], now, oldest=scheme.max_age, unit=1_000 if scheme.timestamp == "milliseconds" else 1)
    _verify(keys, (times[0].encode(), b".", body), [value for name, _, value in pairs if name == "v1"])
    return times[0]


def verify_slack(headers: Headers, body: bytes, keys: Sequence[bytes], now: float) -> None:
    """Refuse a request that Slack has not signed within the last five minutes; with the arguments of the others."""
    given = _required(headers, "X-Slack-Signature")
    time = _required(headers, "X-Slack-Request-Timestamp")
    _check_time(time, now, oldest=_SLACK_TOLERANCE, newest=_SLACK_TOLERANCE)
    signed = (b"v0:", time.encode(), b":", body)
    _verify(keys, signed, [given.removeprefix("v0=")] if given.startswith("v0=") else [])


def verify_standard(scheme: StandardWebhooks, headers: Headers, body: bytes, keys: Sequence[bytes], now: float) -> str:
    """Refuse a request that is not signed by the Standard Webhooks specification; with the arguments of the others.

    Returns:
        The id that was signed.
    """
    given = _required(headers, "webhook-signature")
    delivery_id, time = _required(headers, "webhook-id"), _required(headers, "webhook-timestamp")
    _check_time(time, now, oldest=scheme.max_age, newest=scheme.max_age)
    pairs = [part.partition(",") for part in given.split(" ")]
    signatures = [value for version, _, value in pairs if version == "v1"]
    _verify(keys, (delivery_id.encode(), b".", time.encode(), b".", body), signatures, in_base64=True)
    return delivery_id


def _verify(
    keys: Sequence[bytes], signed: Sequence[bytes], signatures: Sequence[str], *, in_base64: bool = False
) -> None:
    fits = False
    for key in keys:
        digest = mac(key, *signed)
        expected = base64.b64encode(digest) if in_base64 else digest.hex().encode()
        for signature in signatures:
            fits |= hmac.compare_digest(expected, signature.encode())
    if not fits:
        raise _invalid()


def _required(headers: Headers, name: str) -> str:
    value = headers.one(name, status=401)
    if not value:
        raise RefusedDelivery(401, "signature_missing", f"The request has no header {name}.")
    return value


def _check_time(text: str, now: float, *, oldest: int, newest: int | None = None, unit: int = 1) -> None:
    if _TIME.fullmatch(text) is None:
        raise _invalid()
    age = now - int(text) / unit
    if age > oldest or (newest is not None and age < -newest):
        raise RefusedDelivery(
            401, "timestamp_stale", "The request was signed too long ago, or the clock of one of us is wrong."
        )


def _invalid() -> RefusedDelivery:
    return RefusedDelivery(401, "signature_invalid", "The signature does not fit the request.")
