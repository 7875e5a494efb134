"""The log of deliveries: one line each, without anything of the body."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable
from typing import Final

from ..diagnostics.logs import Block, logger_of
from ..diagnostics.text import shorten
from .refusals import Refusal

__all__ = ["DeliveryLog", "log_unexpected"]

_logger = logger_of("gateway")

#: Characters of an id or a path: both are of the sender's making.
_LONGEST: Final = 120

#: Lines a second about requests that were refused. Anybody can send those.
_MOST_REFUSED: Final = 10


class DeliveryLog:
    """Logs what became of each delivery.

    Args:
        clock: seconds, which only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._second = 0
        self._refused = 0
        self._advised: set[str] = set()

    def taken(self, what: str, id: str, kind: str, outcome: str, seconds: float) -> None:
        """Log a delivery that was taken in."""
        _logger.info(
            "%s %s %s: 200, %s, %d ms",
            shorten(what, _LONGEST),
            shorten(id, _LONGEST),
            shorten(kind, _LONGEST),
            outcome,
            round(seconds * 1000),
        )

    def refused(self, what: str, refusal: Refusal, seconds: float, variable: str | None = None) -> None:
        """Log a request that was refused: so many in a second, and the number of the others.

        Args:
            what: the vendor, the job, or the path where it is no address.
            refusal: the answer.
            seconds: that it took.
            variable: with the secret that the signature was checked with.
        """
        second = int(self._clock())
        if second != self._second:
            self._log_unnamed()
            self._second, self._refused = second, 0
        self._refused += 1
        if self._refused > _MOST_REFUSED:
            return
        about = f" {shorten(refusal.about, 2 * _LONGEST)}" if refusal.about else ""
        _logger.warning(
            "%s%s: %d, %s%s, %d ms%s",
            shorten(what, _LONGEST),
            about,
            refusal.status,
            refusal.code,
            f" ({refusal.why})" if refusal.why else "",
            round(seconds * 1000),
            self._advice(refusal, variable),
        )

    def _advice(self, refusal: Refusal, variable: str | None) -> str:
        """Return what to look at, once for each variable: with a wrong secret nothing that is sent gets further."""
        if refusal.code != "signature_invalid" or variable is None or variable in self._advised:
            return ""
        self._advised.add(variable)
        return f". Is {variable} the secret that the sender shows, and does the proxy pass bodies on as they are?"

    def _log_unnamed(self) -> None:
        if self._refused > _MOST_REFUSED:
            _logger.warning("%d more were refused in the second of the last line above", self._refused - _MOST_REFUSED)


def log_unexpected(logger: logging.Logger, what: str, error: BaseException) -> None:
    """Log a mistake in somebody's code by its places, which say enough; a part of a body may stand in its text."""
    frames = "".join(traceback.format_tb(error.__traceback__)).strip()
    logger.error("%s (%s)\n%s", what, type(error).__name__, Block(f"  {frames}"))
