"""Finding the store that a URL names."""

from __future__ import annotations

import importlib.util
import os
from typing import TYPE_CHECKING

from ..errors import MissingExtraError

if TYPE_CHECKING:
    from .sql import SQLStore

__all__ = ["URL_VARIABLE", "open_store", "store_from_environment"]

#: The environment variable that says where workers and the command line keep state, instead of on Temporal.
URL_VARIABLE = "TERSE_STATE"


def open_store(url: str) -> SQLStore:
    """Return a store in a database. Nothing is connected before its first use; close it with `await store.close()`.

    Args:
        url: as SQLAlchemy has them: `sqlite:///state.db`, `postgresql://user:password@host/database`. Its password
            never reaches a log or an error.

    Raises:
        MissingExtraError: SQLAlchemy, or the driver, is not installed.
        StateError: it is no such URL, or of a database that this package does not know.
    """
    if importlib.util.find_spec("sqlalchemy") is None:
        raise MissingExtraError(
            "keeping state in a database needs SQLAlchemy and a driver: pip install 'terse-temporal[sql]'"
        )
    from .sql import SQLStore  # noqa: PLC0415  # only there when the extra is installed

    return SQLStore(url)


def store_from_environment() -> SQLStore | None:
    """Return the store that TERSE_STATE names, if it is set."""
    url = os.environ.get(URL_VARIABLE)
    return open_store(url) if url else None
