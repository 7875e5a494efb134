"""The token in the link to a question: which question of which run it is, for whom, signed with `TERSE_GATEWAY_KEY`.

Nothing is kept for one. It is valid for as long as its key, and of use for as long as the question is open: whoever
takes one compares `run` and `number` with what stands in the memo of the run. What is signed begins with a label of
this purpose, so that no token of it is valid for anything else that the key signs.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

__all__ = ["InputToken", "make_token", "read_token"]

#: In front of what is signed. Part of every token.
_LABEL: Final = b"terse.input.1\0"

#: Bytes of a signature. In front of the rest, since its length is fixed.
_LENGTH: Final = 20

#: Characters of a token: a workflow id has a thousand at most.
_LONGEST: Final = 8_000


@dataclass(frozen=True, slots=True)
class InputToken:
    """What a token says.

    Attributes:
        namespace: of the server.
        id: the workflow id of the run.
        run: its run id, as it was before any reset, so that the next run of the id is another.
        number: of the question.
        respondent: whom the link was sent to; empty where that is nobody in particular.
    """

    namespace: str
    id: str
    run: str
    number: str
    respondent: str = ""


def make_token(token: InputToken, keys: Sequence[bytes]) -> str:
    """Return a token as it stands in a link, of letters, digits, `-` and `_`.

    Args:
        token: what it says.
        keys: of which the first signs.

    Raises:
        ValueError: there is no key.
    """
    if not keys:
        raise ValueError("there is no key to sign with")
    fields = [token.namespace, token.id, token.run, token.number, token.respondent]
    data = json.dumps(fields, separators=(",", ":")).encode()
    # A link may be followed by a full stop or a bracket, and what makes links of texts leaves a `-` at the end out.
    return base64.urlsafe_b64encode(_signature(keys[0], data) + data).decode().rstrip("=") + "x"


def read_token(text: str, keys: Sequence[bytes]) -> InputToken | None:
    """Return what a token says, or `None` if it was not made with one of the keys. In constant time; never raises.

    Args:
        text: anybody's.
        keys: that are valid: while one is replaced the new and the old.
    """
    if len(text) > _LONGEST or not text.isascii() or not text.endswith("x"):
        return None
    encoded = text[:-1]
    try:
        signed = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    # One token has one spelling: the last character of base64 has bits that say nothing.
    if base64.urlsafe_b64encode(signed).decode().rstrip("=") != encoded:
        return None
    given, data = signed[:_LENGTH], signed[_LENGTH:]
    fits = False
    for key in keys:
        fits |= hmac.compare_digest(_signature(key, data), given)
    return _read(data) if fits else None


def _read(data: bytes) -> InputToken | None:
    fields: Any = json.loads(data)
    return InputToken(*fields)


def _signature(key: bytes, data: bytes) -> bytes:
    return hmac.new(key, _LABEL + data, sha256).digest()[:_LENGTH]
