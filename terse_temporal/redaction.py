"""Keeping credentials out of what is recorded and logged.

Credentials come from the environment, and a service that refuses one likes to repeat it; so does a library that cannot
encode it. So texts of others lose every value of a variable whose name says that it is secret.
"""

from __future__ import annotations

import os
import re
from typing import Any, Final

__all__ = ["error_text", "redacted", "redacted_value"]

_SECRET: Final = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|AUTH|DSN", re.IGNORECASE)

#: Shorter values are words that a text may well contain.
_SHORTEST: Final = 8


def redacted(text: str) -> str:
    """The text without the values of secret environment variables."""
    for name, value in os.environ.items():
        bare = value.strip()
        if len(bare) >= _SHORTEST and bare in text and _SECRET.search(name):
            text = text.replace(bare, f"[{name}]")
    return text


def redacted_value(value: Any) -> Any:
    """Plain JSON without them."""
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, dict):
        return {key: redacted_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [redacted_value(item) for item in value]
    return value


def error_text(error: BaseException) -> str:
    """What an exception says, without them; its class where it says nothing, or cannot."""
    try:
        return redacted(str(error)) or type(error).__name__
    except Exception as err:
        return f"{type(error).__name__} (its text cannot be had: {type(err).__name__})"
