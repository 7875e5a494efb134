"""Failures in the worker's log, once each, with the user's own lines."""

from __future__ import annotations

import logging

from ..errors import TerseError
from .wire.failures import SentFailureError

__all__ = ["log_failure"]


def log_failure(logger: logging.Logger, level: int, text: str, failure: BaseException) -> None:
    """Log that a step or a run has failed, with the traceback of what was raised.

    Args:
        logger: one of this package's, which hides secrets.
    """
    error = failure.raised if isinstance(failure, SentFailureError) else failure
    if error is None or (isinstance(error, TerseError) and error.__traceback__ is None):
        # An error of ours without a line of the user's has no more to say.
        logger.log(level, "%s", text)
    else:
        logger.log(level, "%s", text, exc_info=error)
