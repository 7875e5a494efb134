"""Which failures of a call to the outside are worth another try, and after how long.

Libraries tell it each in their own way. What they have in common is looked at without importing any: the status of an
HTTP answer, its `Retry-After`, and the names of the classes for a connection that broke or never came about.
"""

from __future__ import annotations

import contextlib
import math
import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from ..errors import TerseError, TransientError
from .protocol import RetryRule

__all__ = ["Fault", "fault_of", "mark_not_retryable", "next_delay", "retryable_fault"]

#: Classes of well-known HTTP libraries, and of model clients on top of them, for a connection that never came about.
_UNSENT: Final = frozenset(
    ["ClientConnectorError", "ConnectError", "ConnectTimeout", "NewConnectionError", "PoolTimeout", "SMTPConnectError"]
)

#: The same for one that broke after the request may have been sent.
_BROKEN: Final = frozenset(
    [
        "APIConnectionError",
        "ClientConnectionError",
        "ConnectionError",
        "ReadTimeout",
        "SMTPServerDisconnected",
        "ServerDisconnectedError",
        "Timeout",
        "TimeoutException",
        "TransportError",
        "URLError",
    ]
)

#: Among those, what is wrong with the request itself, and will be.
_FOR_GOOD: Final = frozenset(["LocalProtocolError", "UnsupportedProtocol"])

#: The attribute of an exception that says so of itself.
_FOR_THE_CALLER: Final = "__terse_for_the_caller__"

#: The longest that another side may ask to wait, in seconds. What it says may be wrong, or a year.
LONGEST_WAIT: Final = 24 * 60 * 60.0


@dataclass(frozen=True, slots=True)
class Fault:
    """A failure that may be gone the next time.

    Attributes:
        sent: whether the request may have reached the other side, so that what it asks for may have happened.
        retry_after: the seconds that the other side asks to wait, or `None`.
    """

    sent: bool
    retry_after: float | None = None


def fault_of(error: BaseException) -> Fault | None:
    """Return what an exception, or one that it was raised from, says of trying again; `None` if that would not help.

    A connection that failed, HTTP 408, 425, 429 and 5xx, and `TransientError`.
    """
    for each in _causes(error):
        if isinstance(each, TransientError):
            return Fault(each.sent, _limit(each.retry_after))
        if isinstance(each, TerseError):
            return None
        if isinstance(each, BaseExceptionGroup):
            faults = [fault_of(inner) for inner in each.exceptions]
            return next(iter(faults), None) if None not in faults else None
        if (status := _status(each)) is not None:
            # 501 and 505 say that it will never work.
            passing = status in (408, 425, 429) or (500 <= status < 600 and status not in (501, 505))
            return Fault(True, _retry_after(_headers(each))) if passing else None
        names = {cls.__name__ for cls in type(each).__mro__}
        if names & _FOR_GOOD:
            return None
        if names & _UNSENT or isinstance(each, ConnectionRefusedError | socket.gaierror):
            return Fault(sent=False)
        # A client's own error is raised from the one that says whether the connection ever came about.
        if isinstance(each, ConnectionError | TimeoutError) or (names & _BROKEN and each.__cause__ is None):
            return Fault(sent=True)
        if names & _BROKEN:
            return fault_of(each.__cause__ or each)
    return None


def retryable_fault(error: BaseException, rule: str) -> Fault | None:
    """Return the fault, if the rule of a call (`execution.RetryRule.faults`) lets it be tried again after it."""
    if getattr(error, _FOR_THE_CALLER, False):
        return None
    fault = fault_of(error)
    if fault is None or rule == "any":
        return fault
    if fault.sent:
        return None
    # What one request of a tool says is nothing about the others that it has made.
    return fault if rule == "unsent" or isinstance(error, TransientError) else None


def next_delay(error: BaseException, rule: RetryRule, attempt: int, *, listed: bool) -> float | None:
    """Return the seconds before the next attempt of a call that raised, or `None` if there is to be none.

    Args:
        attempt: the one that raised, counted from 1.
        listed: whether the error is of one of the rule's classes, which is not known everywhere in the same way.
    """
    if attempt >= rule.max_attempts:
        return None
    if rule.faults is None:
        return rule.backoff(attempt) if listed and not getattr(error, _FOR_THE_CALLER, False) else None
    fault = retryable_fault(error, rule.faults)
    return None if fault is None else max(rule.backoff(attempt), fault.retry_after or 0.0)


def mark_not_retryable(error: BaseException) -> None:
    """Mark an exception as one after which a call is not tried again, whatever its rule."""
    with contextlib.suppress(AttributeError, TypeError):
        setattr(error, _FOR_THE_CALLER, True)


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        yield each
        each = each.__cause__


def _status(error: BaseException) -> int | None:
    names = {cls.__name__ for cls in type(error).__mro__}
    for holder, attribute in (
        (error, "status_code"),
        (getattr(error, "response", None), "status_code"),
        (error if "ClientResponseError" in names else None, "status"),
        (error if "HTTPError" in names else None, "code"),
    ):
        status = getattr(holder, attribute, None)
        if isinstance(status, int) and not isinstance(status, bool):
            return status
    return None


def _headers(error: BaseException) -> Mapping[str, Any]:
    for each in _causes(error):
        headers = getattr(getattr(each, "response", None), "headers", None)
        if headers is None:
            headers = getattr(each, "headers", None)
        if headers is not None and hasattr(headers, "items"):
            return {str(name).lower(): value for name, value in headers.items()}
    return {}


def _retry_after(headers: Mapping[str, Any]) -> float | None:
    """Seconds, from a number of them or a date (RFC 9110, 10.2.3), or the milliseconds that some model APIs send."""
    milliseconds, value = headers.get("retry-after-ms"), headers.get("retry-after")
    try:
        if milliseconds is not None:
            return _limit(float(milliseconds) / 1000)
        return None if value is None else _limit(float(value))
    except (ValueError, TypeError):
        pass
    try:
        until = parsedate_to_datetime(str(value))
        return _limit(((until if until.tzinfo else until.replace(tzinfo=UTC)) - datetime.now(UTC)).total_seconds())
    except (ValueError, OverflowError):
        return None


def _limit(seconds: float | None) -> float | None:
    if seconds is None or not math.isfinite(seconds):
        return None
    return min(max(0.0, float(seconds)), LONGEST_WAIT)
