"""Libraries that a built-in tool runs on, which are extras."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ...errors import MissingExtraError

__all__ = ["extra"]


@contextmanager
def extra(toolbox: str) -> Iterator[None]:
    """Around the import of what a tool runs on.

    Raises:
        MissingExtraError: a library that it needs is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as err:
        package = (err.name or "").partition(".")[0]
        raise MissingExtraError(
            f"the tools of the toolbox {toolbox!r} need the package {package!r}, which is not installed:"
            f' pip install "terse-temporal[{toolbox}]"'
        ) from None
