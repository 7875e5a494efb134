"""Filters on the loggers of other libraries, for as long as something of this package runs that needs them.

A logger belongs to the process, and other uses of a library in it are not this package's to change. So nothing is done
to one by an import; a worker, a session or a call puts its filter there and takes it away again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

__all__ = ["ForeignLogFilter"]


class ForeignLogFilter:
    """A context in which a filter is on some loggers. Contexts of one filter may overlap; the last to end removes it.

    Args:
        filter: the filter.
        loggers: the names of the loggers. A filter is not asked about the records of those below.
    """

    def __init__(self, filter: logging.Filter, loggers: Sequence[str]) -> None:
        self._filter = filter
        self._loggers = loggers
        self._users = 0
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        with self._lock:
            self._users += 1
            for name in self._loggers:
                logging.getLogger(name).addFilter(self._filter)  # a second time it does nothing

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._users -= 1
            if self._users == 0:
                for name in self._loggers:
                    logging.getLogger(name).removeFilter(self._filter)
