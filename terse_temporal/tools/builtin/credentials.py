"""Credentials: from the environment by name, and out of everything that leaves a call.

What a tool returns or raises is recorded in the run's history, where it stays. An other side may send back what it was
sent (an error page with the request in it, a mail server that quotes the command), so a credential is looked for in
every text that comes from there.
"""

from __future__ import annotations

import base64
import json
import os
import re
from typing import Any, Final
from urllib.parse import quote, quote_plus

from ...errors import ServiceError

__all__ = ["Credentials"]

#: What stands where a credential was.
_HIDDEN: Final = "(hidden)"

#: A shorter one is not looked for: it would be found in ordinary words too, and what stands there tells it anyway.
_SHORTEST: Final = 6


class Credentials:
    """The credentials that one call uses.

    Args:
        tool: for messages.
    """

    def __init__(self, tool: str) -> None:
        self._tool = tool
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def read(self, variable: str, purpose: str) -> str:
        """The value of an environment variable, without the white space around it.

        Args:
            variable: its name.
            purpose: what it is for, after "needs … for".

        Raises:
            ServiceError: it is not set, is empty, or cannot be one line of a header. The value is not shown.
        """
        value = os.environ.get(variable, "").strip()
        if not value:
            raise ServiceError(
                f"{self._tool} needs the environment variable {variable!r} for {purpose}, and on this worker it is"
                " not set, or empty. Set it in the environment of the worker.",
                tool=self._tool,
            )
        if not value.isascii() or not value.isprintable():
            raise ServiceError(
                f"{self._tool}: the environment variable {variable!r} holds a line break or a character that is not"
                " printable ASCII, which no credential may. Its value is not shown.",
                tool=self._tool,
            )
        self.keep(value)
        # `Bearer abc`, `Basic abc`: the part behind the scheme is the credential.
        self.keep(value.rpartition(" ")[2])
        return value

    def keep(self, secret: str) -> None:
        """Hide another text from now on, also in the ways that it may be written in an answer."""
        if len(secret) >= _SHORTEST:
            escaped = json.dumps(secret)[1:-1]
            encoded = base64.b64encode(secret.encode()).decode()
            self._forms |= {secret, escaped, encoded, quote(secret, safe=""), quote_plus(secret)}
            # The longest first: one may be a part of another.
            self._pattern = re.compile("|".join(map(re.escape, sorted(self._forms, key=len, reverse=True))))

    def hide(self, text: str) -> str:
        """The text without any of the credentials."""
        return self._pattern.sub(_HIDDEN, text) if self._pattern else text

    def hide_in(self, value: Any) -> Any:
        """JSON without any of the credentials."""
        if self._pattern is None:
            return value
        if isinstance(value, str):
            return self.hide(value)
        if isinstance(value, list):
            return [self.hide_in(item) for item in value]
        if isinstance(value, dict):
            return {self.hide(key): self.hide_in(item) for key, item in value.items()}
        return value
