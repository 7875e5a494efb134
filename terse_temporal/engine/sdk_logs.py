"""A step that failed is logged once: by this package, in its words, and not by the SDK as well.

The SDK logs every activity that fails, with the traceback of its own machinery. For activities that somebody wrote by
hand that stays so.
"""

from __future__ import annotations

import logging
from typing import Final

from temporalio import activity
from temporalio.exceptions import ApplicationError

from ..diagnostics.foreign_logs import ForeignLogFilter
from .activity.runner import StepRunner
from .sdk_private import logged_failure

__all__ = ["WITHOUT_STEPS"]

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
