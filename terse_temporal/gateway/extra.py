"""The packages that the gateway runs on, which are an extra."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

from ..errors import MissingExtraError

__all__ = ["has_extra", "require_extra"]

_PACKAGES: Final = ("fastapi", "uvicorn", "httpx", "jinja2")


def has_extra() -> bool:
    """Return whether the packages of the extra `gateway` are installed. None of them is imported."""
    return not _missing()


def require_extra(what: str = "the gateway") -> None:
    """Raise where a package of the extra `gateway` is not installed.

    Args:
        what: needs it, for the message.

    Raises:
        MissingExtraError: with the command that installs them.
    """
    if missing := _missing():
        raise MissingExtraError(
            f"{what} needs {', '.join(map(repr, missing))}, which {'are' if len(missing) > 1 else 'is'} not installed:"
            " pip install 'terse-temporal[gateway]'"
        )


def _missing() -> list[str]:
    return [package for package in _PACKAGES if find_spec(package) is None]
