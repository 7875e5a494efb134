"""The loggers of this package: a line of a log is one entry, and without secrets.

What is logged of a run is named by others: activity types, workflow ids, texts of errors, what a job logs. A line feed
in one of them would begin a line that this package never wrote. So every argument of a message is brought to one line,
and a traceback is indented, in one filter that is on the loggers themselves: it also holds where a worker is embedded,
with handlers that are not ours.
"""

from __future__ import annotations

import logging
import re
import traceback
from typing import Any, Final

from ..errors import StepError
from .redaction import redact
from .text import one_line, printable

__all__ = ["Block", "LineFormatter", "indent", "log_text", "logger_of"]

#: Characters of one argument.
_LONGEST: Final = 20_000


class Block(str):
    """An argument that has lines of its own, which are indented."""

    __slots__ = ()


def logger_of(name: str) -> logging.Logger:
    """Return the logger `terse_temporal.<name>`."""
    logger = logging.getLogger(f"terse_temporal.{name}")
    logger.addFilter(_lines)  # twice is once
    return logger


def log_text(text: str) -> str:
    """Return a string for one line of a log."""
    return one_line(redact(text, _LONGEST, with_length=True))


def indent(text: str) -> str:
    """Lines of which none but the first begins where an entry of a log does."""
    return re.sub(r"\n(?! )", "\n  ", printable(redact(text)))


class LineFormatter(logging.Formatter):
    """Formats records of any logger so that nothing in them looks like another entry."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # a name of logging's
        if not record.name.startswith("terse_temporal"):
            record.message = indent(record.message)
        return super().formatMessage(record)

    def format(self, record: logging.LogRecord) -> str:
        # Another handler may have left its own text there.
        record.exc_text = None
        return super().format(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802  # likewise
        return "  " + indent(_traceback_text(ei[1]) if ei[1] is not None else super().formatException(ei))


class _Lines(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(map(_argument, record.args))
        if isinstance(record.exc_info, tuple) and record.exc_info[1] is not None and not record.exc_text:
            record.exc_text = "  " + indent(_traceback_text(record.exc_info[1]))
        return True


def _traceback_text(error: BaseException) -> str:
    """Return a traceback as Python prints it, but for what the exception of a step comes from in a handler.

    Those are objects of the SDK, without a line of anybody's; the step has an entry of its own.
    """
    shown = traceback.TracebackException(type(error), error, error.__traceback__, compact=True)
    pending = [(shown, error)]
    while pending:
        each, of = pending.pop()
        if isinstance(of, StepError) and type(of.__cause__).__module__.startswith("temporalio."):
            each.__cause__ = each.__context__ = None
        pairs = [(each.__cause__, of.__cause__), (each.__context__, of.__context__)]
        if isinstance(of, BaseExceptionGroup):
            pairs += zip(each.exceptions or (), of.exceptions, strict=False)
        pending += [(one, other) for one, other in pairs if one is not None and other is not None]
    return "".join(shown.format()).rstrip("\n")


def _argument(value: Any) -> Any:
    if isinstance(value, Block):
        return indent(value)
    if isinstance(value, str | BaseException):
        return log_text(str(value))
    return value


_lines: Final = _Lines()
