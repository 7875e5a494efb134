"""Time, ids and log lines that stay the same when a durable handler is replayed."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

from ..durations import time_until, to_timedelta
from ..execution.in_place import write_log
from ..execution.protocol import current_execution, durable_execution

__all__ = ["log", "now", "sleep", "uuid4"]


def sleep(duration: str | timedelta | datetime) -> Coroutine[Any, Any, None]:
    """Wait durably: no process is held, and the wait goes on across restarts and redeploys.

    Args:
        duration: a string such as `"30s"`, `"1.5h"` or `"3d"`, a `timedelta`, or an aware `datetime` to sleep until.
            From one millisecond to 200 years.

    Returns:
        What to await.

    Raises:
        DurationError: the duration cannot be slept; raised by the call, before it is awaited.
        DurableOnlyError: called anywhere but in the handler of a durable job; raised by the call.

    Costs two history events, and the latency of one workflow task (about 10 ms) when the timer fires.
    """
    execution = durable_execution("sleep()")
    if isinstance(duration, datetime):
        return execution.sleep(time_until(duration, execution.now()))
    return execution.sleep(to_timedelta(duration))


def now() -> datetime:
    """Return the time, aware and in UTC. In a durable handler it is the recorded one, the same on every replay.

    Within a durable handler time advances only when something was awaited: two calls in a row are equal.
    """
    execution = current_execution()
    return datetime.now(UTC) if execution is None else execution.now()


def uuid4() -> uuid.UUID:
    """Return a random UUID. In a durable handler it is the same on every replay of the run."""
    execution = current_execution()
    return uuid.uuid4() if execution is None else execution.uuid4()


class Log:
    """A job's own log: each line once, and not again when the handler is replayed.

    `log(…)` and `log.info(…)` write at level INFO, `log.debug`, `log.warning` and `log.error` at theirs, to the logger
    `terse_temporal.job`. Where logging would drop a line of INFO or above, it goes to standard output. A worker that
    dies between writing the line and recording its progress writes it again.

    Every method takes values, which are joined by spaces as `print` does, and fields, which are added as `name=value`.
    A `%s` of `logging` stays as it is: write an f-string, or the value by itself.
    """

    __slots__ = ()

    def __call__(self, *values: object, **fields: object) -> None:
        """Log a line at level INFO."""
        _write(logging.INFO, values, fields)

    def debug(self, *values: object, **fields: object) -> None:
        """Log a line at level DEBUG, which is dropped unless logging is set up to show it."""
        _write(logging.DEBUG, values, fields)

    def info(self, *values: object, **fields: object) -> None:
        """Log a line at level INFO."""
        _write(logging.INFO, values, fields)

    def warning(self, *values: object, **fields: object) -> None:
        """Log a line at level WARNING."""
        _write(logging.WARNING, values, fields)

    def error(self, *values: object, **fields: object) -> None:
        """Log a line at level ERROR."""
        _write(logging.ERROR, values, fields)

    def __repr__(self) -> str:
        return "<terse_temporal.log>"


log: Log = Log()


def _write(level: int, values: tuple[object, ...], fields: dict[str, object]) -> None:
    text = " ".join([*map(str, values), *(f"{name}={value}" for name, value in fields.items())])
    execution = current_execution()
    if execution is None:
        write_log(text, level)
    else:
        execution.log(text, level)
