"""Which failures of a call to the outside are worth another try, and after how long.

Libraries tell it each in their own way. What they have in common is looked at without importing any: the status of an
HTTP answer, its `Retry-After`, and the names of the classes for a connection that broke or never came about.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from .errors import TerseError, TransientError

__all__ = ["Fault", "fault_of"]

#: Classes of well-known HTTP libraries, and of model clients on top of them, for a connection that never came about.
_UNSENT: Final = frozenset(
    ["ClientConnectorError", "ConnectError", "ConnectTimeout", "NewConnectionError", "PoolTimeout", "SMTPConnectError"]
)

#: The same for one that broke after the request may have been sent.
_BROKEN: Final = frozenset(
    [
        "APIConnectionError",
        "ClientConnectionError",
        "ModelAPIConnectionError",
        "RemoteProtocolError",
        "SMTPServerDisconnected",
        "ServerDisconnectedError",
        "TimeoutException",
        "TransportError",
    ]
)


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
    """What an exception, or one that it was raised from, says of trying again; `None` if that would not help.

    A connection that failed, HTTP 408, 425, 429 and 5xx, and `TransientError`.
    """
    for each in _causes(error):
        if isinstance(each, TransientError):
            return Fault(each.sent, each.retry_after)
        if isinstance(each, TerseError):
            return None
        if (status := _status(each)) is not None:
            # 501 and 505 say that it will never work.
            passing = status in (408, 425, 429) or (500 <= status < 600 and status not in (501, 505))
            return Fault(True, _retry_after(_headers(each))) if passing else None
        names = {cls.__name__ for cls in type(each).__mro__}
        if names & _UNSENT or isinstance(each, ConnectionRefusedError | socket.gaierror):
            # A client's own error is raised from the one that says whether the connection ever came about.
            return Fault(sent=False)
        if isinstance(each, ConnectionError | TimeoutError) or (names & _BROKEN and not _tells_more(each)):
            return Fault(sent=True)
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        yield each
        each = each.__cause__


def _tells_more(error: BaseException) -> bool:
    return error.__cause__ is not None and fault_of(error.__cause__) is not None


def _status(error: BaseException) -> int | None:
    for holder in (error, getattr(error, "response", None)):
        status = getattr(holder, "status_code", None)
        if isinstance(status, int) and not isinstance(status, bool):
            return status
    return None


def _headers(error: BaseException) -> Mapping[str, Any]:
    for each in _causes(error):
        headers = getattr(getattr(each, "response", None), "headers", None)
        if headers is None:
            headers = getattr(each, "headers", None)
        if isinstance(headers, Mapping):
            return {str(name).lower(): value for name, value in headers.items()}
    return {}


def _retry_after(headers: Mapping[str, Any]) -> float | None:
    """Seconds, from a number of them or a date (RFC 9110, 10.2.3), or the milliseconds that some model APIs send."""
    milliseconds, value = headers.get("retry-after-ms"), headers.get("retry-after")
    try:
        if milliseconds is not None:
            return max(0.0, float(milliseconds) / 1000)
        return None if value is None else max(0.0, float(value))
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(str(value))
    except ValueError:
        return None
    return max(0.0, ((until if until.tzinfo else until.replace(tzinfo=UTC)) - datetime.now(UTC)).total_seconds())
