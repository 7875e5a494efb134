"""Local steps that run in this process on, when their workflow task has ended, and that nobody has asked for yet."""

from __future__ import annotations

from typing import Final

__all__ = ["RUNS_ON"]

#: The run id and the key of each. The worker keeps it, and a run is asked for it, by a query that comes to the worker
#: which had it last.
RUNS_ON: Final[set[tuple[str, str]]] = set()
