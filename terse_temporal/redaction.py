"""Keeping credentials out of what is recorded and logged.

Credentials come from the environment, and a service that refuses one likes to repeat it. So texts of others, on their
way into an error of ours, lose every value of a variable whose name says that it is secret.
"""

from __future__ import annotations

import os
import re
from typing import Final

__all__ = ["redacted"]

_SECRET: Final = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|AUTH|DSN", re.IGNORECASE)

#: Shorter values are words that a text may well contain.
_SHORTEST: Final = 8


def redacted(text: str) -> str:
    """The text without the values of secret environment variables."""
    for name, value in os.environ.items():
        if len(value) >= _SHORTEST and value in text and _SECRET.search(name):
            text = text.replace(value, f"[{name}]")
    return text
