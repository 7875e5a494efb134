"""The addresses that jobs with `Triggers.webhook.on_request` have: `/webhooks/<job>/<token>`.

The token is made of the job's name with `TERSE_GATEWAY_KEY`. So nothing is kept, every gateway has the same addresses,
and they stay while the key does. While a key is replaced the addresses made with the old one are valid too.
"""

from __future__ import annotations

import base64
import hmac
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import quote

from ..errors import GatewaySecretError
from .secrets import GATEWAY_KEY, MAKE_KEY, GatewaySecrets
from .signatures import mac

__all__ = ["Addresses", "local_key"]

#: In front of what is signed, so that no token is valid for anything else that the key signs. Part of every address.
_LABEL: Final = b"terse.webhook-address.1\0"

#: Bytes of a token, which are 32 letters and digits. In base64 one might end with `-`, which what makes links of
#: addresses leaves out.
_LENGTH: Final = 20

#: The file that a developer's own key stands in.
_KEY_FILE: Final = "gateway.key"


class Addresses:
    """The addresses of jobs.

    Args:
        keys: that tokens are valid of; new addresses are made with the first.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = tuple(keys)

    @classmethod
    def of(cls, secrets: GatewaySecrets) -> Addresses:
        """Return those of the key that is in the environment. Without one no address is valid."""
        return cls(secrets.gateway_keys)

    def path(self, job: str) -> str:
        """Return the path of a job's address.

        Raises:
            GatewaySecretError: there is no key.
        """
        if not self._keys:
            raise GatewaySecretError(
                f"{GATEWAY_KEY} is not set, and the address of the job {job!r} is made with it: set it where the"
                f" gateway runs and here, to the same, and addresses stay what they are. This makes one: {MAKE_KEY}",
                variable=GATEWAY_KEY,
            )
        return f"/webhooks/{quote(job, safe='')}/{_token(self._keys[0], job)}"

    def accepts(self, job: str, token: str) -> bool:
        """Return whether a token is that of a job, in constant time. Never raises."""
        given = token.encode("utf-8", "surrogatepass")
        fits = False
        for key in self._keys:
            fits |= hmac.compare_digest(_token(key, job).encode(), given)
        return fits


def local_key(directory: Path) -> str:
    """Return the key of a developer's machine, from a file that is made the first time and that nobody else may read.

    Args:
        directory: in which `dev` keeps its state.

    Raises:
        OSError: the file can be neither read nor made.
    """
    path = directory / _KEY_FILE
    try:
        return path.read_text("ascii").strip()
    except FileNotFoundError:
        pass
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = directory / f"{_KEY_FILE}.{secrets.token_hex(8)}"
    with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(32) + "\n")
    try:
        # Of two processes that begin at once, one is first, and both have its key.
        os.link(made, path)
    except FileExistsError:
        pass
    finally:
        made.unlink()
    return path.read_text("ascii").strip()


def _token(key: bytes, job: str) -> str:
    made = mac(key, _LABEL, job.encode("utf-8", "surrogatepass"))
    return base64.b32encode(made[:_LENGTH]).decode().lower()
