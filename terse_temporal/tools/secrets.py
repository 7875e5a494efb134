"""What a mounted server is given from the environment, and keeping it out of texts."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import Final, Literal

from ..errors import MountError
from .mounts import Mount, Secret

__all__ = ["expanded", "texts_of", "variables"]

_VARIABLE: Final = re.compile(r"\$\{([^}]*)\}")

#: Shorter values are words that a text may well contain.
_SHORTEST: Final = 5


def expanded(mount: Mount, option: Literal["env", "headers", "url"], values: Mapping[str, Secret]) -> dict[str, str]:
    """The values with the variables of the environment put in.

    Raises:
        MountError: a variable is not set, or a function does not give a text.
    """
    return {
        key: _expanded(mount, option if key == option else f"{option}[{key!r}]", value) for key, value in values.items()
    }


def variables(values: Iterable[Secret]) -> dict[str, str]:
    """The variables of the environment that these name, as they are set."""
    names = {name for value in values if isinstance(value, str) for name in _VARIABLE.findall(value)}
    return {name: os.environ[name] for name in names if name in os.environ}


def texts_of(*values: Mapping[str, str]) -> list[str]:
    """What must not be shown of these: each value, and of one like `Bearer …` the second word. The longest first."""
    found = {part for each in values for value in each.values() for part in (value, *value.split())}
    return sorted((part for part in found if len(part) >= _SHORTEST), key=len, reverse=True)


def _expanded(mount: Mount, what: str, value: Secret) -> str:
    if callable(value):
        try:
            given = value()
        except Exception as err:
            # Its text may hold what it was about to give.
            raise MountError(f"{mount}: the function for {what} raised {type(err).__name__}") from None
        if not isinstance(given, str):
            raise MountError(f"{mount}: the function for {what} gave a {type(given).__name__} instead of a text")
        return given

    def variable(found: re.Match[str]) -> str:
        name = found[1]
        if name not in os.environ:
            raise MountError(
                f"{mount}: {what} takes ${{{name}}} from the environment, where {name!r} is not set. Set it where the"
                " worker runs."
            )
        return os.environ[name]

    return _VARIABLE.sub(variable, value)
