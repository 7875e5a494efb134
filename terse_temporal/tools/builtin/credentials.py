"""Credentials: from the environment by name, and out of everything that leaves a call.

What a tool returns or raises is recorded in the run's history, where it stays. An other side may send back what it was
sent (an error page with the request in it, a mail server that quotes the command), so a credential is looked for in
every text that comes from there, by the rules of `redaction.py`.
"""

from __future__ import annotations

import os

from ...diagnostics.redaction import Secrets
from ...errors import ServiceError

__all__ = ["Credentials"]


class Credentials(Secrets):
    """The credentials that one call uses.

    Args:
        tool: for messages.
    """

    def __init__(self, tool: str) -> None:
        super().__init__()
        self._tool = tool

    def read(self, variable: str, purpose: str) -> str:
        """Return the value of an environment variable, without the white space around it.

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
        self.name_variable(variable)
        return value
