"""What a worker's log says of a step."""

from __future__ import annotations

import logging
import time
from datetime import timedelta

from temporalio import activity

from ...diagnostics.logs import logger_of
from ...durations import format_duration
from ...jobs.labels import label_text
from ..failure_log import log_failure

__all__ = ["log_step", "since"]

_logger = logger_of("worker")


def since(started: float) -> str:
    """Return how long ago a moment of `time.monotonic` was."""
    seconds = time.monotonic() - started
    # Most steps are short, and there are many: the words for longer times are worked out only for those.
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else format_duration(timedelta(seconds=round(seconds, 1)))


def log_step(
    info: activity.Info,
    what: str,
    level: int = logging.INFO,
    failure: BaseException | None = None,
    label: str = "",
) -> None:
    """Write a line about a step, with the traceback of what it failed with, if it has."""
    if not _logger.isEnabledFor(level):
        return
    text = f"step  {info.workflow_id}  {info.activity_type}{f' ({label_text(label)})' if label else ''} {what}"
    if failure is None:
        _logger.log(level, "%s", text)
    else:
        log_failure(_logger, level, text, failure)
