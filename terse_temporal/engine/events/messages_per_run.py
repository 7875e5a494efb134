"""What the workflows of events have in common: how many messages one history has, and what is said of a wrong one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from temporalio import workflow

from ...diagnostics.logs import logger_of

__all__ = ["MESSAGES_PER_RUN", "HandlesMessages"]

#: Messages of one run, before it continues as new: as the state does, and for the same reasons (`state/workflow.py`).
MESSAGES_PER_RUN: Final = 100

_logger = logger_of("worker")


class HandlesMessages:
    """Counts the messages of a run.

    Args:
        kept: what the run before it has handed on.
    """

    def __init__(self, kept: Mapping[str, Any]) -> None:
        self._handled = 0
        per_run = kept.get("messages_per_run")
        # The number goes with the input, because a run that was begun with one must be replayed with the same.
        self._per_run = per_run if isinstance(per_run, int) and per_run > 0 else MESSAGES_PER_RUN

    def _is_full(self) -> bool:
        return self._handled >= self._per_run or workflow.info().is_continue_as_new_suggested()

    def _refuse(self, what: str) -> None:
        if not workflow.unsafe.is_replaying():
            _logger.warning("run   %s  has not taken %s", workflow.info().workflow_id, what)
