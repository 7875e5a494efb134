"""A step that failed is logged once: by this package, in its words, and not by the SDK as well.

The SDK logs every activity that fails, with the traceback of its own machinery. For activities that somebody wrote by
hand that stays so.

And a run whose data cannot be read or stored here, for want of a key or of what the storage had, is one line, once for
each reason: the server has the task tried again and again, and the SDK would log its machinery each time. So is one
whose handler comes to no `await`, with the line at which it was.
"""

from __future__ import annotations

import logging
from typing import Final

import temporalio.worker
from temporalio import activity
from temporalio.exceptions import ApplicationError

from ..diagnostics.foreign_logs import ForeignLogFilter
from ..diagnostics.logs import logger_of
from ..diagnostics.once import Once
from ..diagnostics.stalled import place_in_traceback, stalled_text
from ..serialization.unreadable import unreadable_text
from .activity.runner import StepRunner
from .sdk_private import failed_task, logged_failure
from .workflow.runner import run_in

__all__ = ["IN_OUR_WORDS", "WITHOUT_STEPS"]

_logger = logger_of("worker")

_RUN = StepRunner.run.__code__


class _NotOfSteps(logging.Filter):
    """Drops what the SDK says of a failure that `StepRunner.run` has raised, and so has logged."""

    def filter(self, record: logging.LogRecord) -> bool:
        if logged_failure(record) != "ActivityFailure" or not record.exc_info:
            return True
        _, error, traceback = record.exc_info
        while isinstance(error, ApplicationError) and traceback is not None:
            if traceback.tb_frame.f_code is _RUN:
                return False
            traceback = traceback.tb_next
        return True


#: While a worker runs: the SDK's logger of activities says nothing of steps.
WITHOUT_STEPS: Final = ForeignLogFilter(_NotOfSteps(), [activity.logger.logger.name])


class _TaskInOneLine(logging.Filter):
    """Says in a line of ours what the SDK says with a traceback of a run that stands still: its data cannot be read or
    stored here, or its handler takes too long.
    """

    def __init__(self) -> None:
        super().__init__()
        self._said = Once()

    def filter(self, record: logging.LogRecord) -> bool:
        stalled = _stalled(record)
        found = stalled or _without_data(record)
        if found is None:
            return True
        (workflow_id, run_id, workflow_type), said = found
        # A loop is at another of its lines each time.
        if self._said.is_new(f"{run_id} {'' if stalled else said}"):
            _logger.error(
                "run   %s  %s waits: %s; until then its task is tried again and again, and this is not said again",
                workflow_id,
                workflow_type,
                said,
            )
        return False


#: The workflow id, the run id and the workflow type of a task, and what is said of it.
_Found = tuple[tuple[str, str, str], str]


def _stalled(record: logging.LogRecord) -> _Found | None:
    _, error, traceback = record.exc_info or (None, None, None)
    info = run_in(traceback)
    # Not by its `str`, which of an error of the user's may do anything.
    message = error.args[0] if error is not None and error.args else None
    if info is None or not isinstance(message, str):
        return None
    said = stalled_text(message, place_in_traceback(traceback))
    if said is None:
        return None
    named = info.workflow_id, info.run_id, info.workflow_type
    return named, f"its handler came to {said}. It goes on by itself when that is so"


def _without_data(record: logging.LogRecord) -> _Found | None:
    error = record.exc_info[1] if record.exc_info else None
    said = None if error is None else unreadable_text(error)
    if said is None:
        return None
    task = failed_task(record)
    whole = f"its data cannot be read or stored by this worker: {said}. It goes on by itself when that is mended"
    return None if task is None else (task, whole)


#: While a worker runs: what the SDK's workers of workflows say of these is said by ours.
IN_OUR_WORDS: Final = ForeignLogFilter(_TaskInOneLine(), [f"{temporalio.worker.__name__}._workflow"])
