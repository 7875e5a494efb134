"""What a mounted server is given from the environment, and keeping it out of texts."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from typing import Final, Literal

from ...diagnostics.redaction import Secrets
from ...errors import MountError
from .mount import Mount, Secret

__all__ = ["expanded", "named_secrets"]

_VARIABLE: Final = re.compile(r"\$\{([^}]*)\}")

#: Characters from which on a value that is passed to a program is taken for a secret.
_SHORTEST_SETTING: Final = 5


def expanded(mount: Mount, option: Literal["env", "headers", "url"], values: Mapping[str, Secret]) -> dict[str, str]:
    """Return the values with the variables of the environment put in.

    Raises:
        MountError: a variable is not set, or a function does not give a string.
    """
    return {
        key: _expand(mount, option if key == option else f"{option}[{key!r}]", value) for key, value in values.items()
    }


def named_secrets(values: Iterable[Secret], given: Mapping[str, str], *, all_of_them: bool) -> Secrets:
    """Return what must not be shown of a mount: the variables that it names, and what it gives to its server.

    Args:
        values: as they are in the mount.
        given: with the variables put in.
        all_of_them: short ones too. What is passed to a program by itself is a setting as often as a secret.
    """
    secrets = Secrets("***")
    for name in {name for value in values if isinstance(value, str) for name in _VARIABLE.findall(value)}:
        secrets.name_variable(name)
    secrets.name(*(value for value in given.values() if all_of_them or len(value) >= _SHORTEST_SETTING))
    return secrets


def _expand(mount: Mount, what: str, value: Secret) -> str:
    if callable(value):
        try:
            given = value()
        except Exception as err:
            # Its text may hold what it was about to give.
            raise MountError(f"{mount}: the function for {what} raised {type(err).__name__}") from None
        if not isinstance(given, str):
            raise MountError(f"{mount}: the function for {what} gave a {type(given).__name__} instead of a string")
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
