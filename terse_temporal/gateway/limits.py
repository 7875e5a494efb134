"""The limits of what is taken: an ASGI middleware around the gateway's app, also where that is mounted in another.

A body is counted while it is read, whatever the request says of its length. What is refused here is answered here, and
so is whatever else goes wrong in the app: in JSON, or as a page where a person looks, without anything of the inside.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from typing import Any, Final

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope

from ..diagnostics.logs import logger_of
from .delivery_log import log_unexpected
from .page_refusals import is_page, send_refusal_page
from .rates import AddressRates, network_of
from .refusals import Refusal, Send, send_refusal
from .settings import Limits

__all__ = ["HEALTH_PATHS", "LimitsMiddleware", "path_of"]

#: Answered whatever else is going on: a gateway that refuses some requests is not to be restarted for it.
HEALTH_PATHS: Final = frozenset({"/healthz", "/readyz"})

_GITHUB: Final = "/webhooks/github"

#: Below which questions are listed and answered: on pages, and by programs.
_QUESTIONS: Final = ("/inputs", "/api/inputs")

#: Seconds after which a body that is still arriving makes room for another request, where there is none.
_SLOW: Final = 1.0

_logger = logger_of("gateway")

_Observer = Callable[[Scope, Refusal, float], None]


def path_of(scope: Scope) -> str:
    """Return the path of a request within the app, which may be mounted below another."""
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    return path[len(root) :] if root and path.startswith(f"{root}/") else path


class LimitsMiddleware:
    """Refuses what is too much: from an address, at once, of a body, or for too long.

    Args:
        app: what answers.
        limits: how much is taken.
        on_refused: told of every request that an exception has refused, when it is answered, and the seconds it took.
    """

    def __init__(self, app: ASGIApp, limits: Limits, on_refused: _Observer) -> None:
        self._app = app
        self._limits = limits
        self._on_refused = on_refused
        self._rates = AddressRates(limits.rate)
        self._open = 0
        self._open_by_address: Counter[str] = Counter()
        self._open_questions = 0
        self._held = 0  # bytes of the bodies of all requests
        self._arriving: dict[_Body, None] = {}  # the oldest first

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = path_of(scope)
        is_limited = path not in HEALTH_PATHS
        is_question = path.startswith(_QUESTIONS)
        began = time.monotonic()
        answering = False

        async def sending(message: MutableMapping[str, Any]) -> None:
            nonlocal answering
            answering = True
            await send(message)

        body = _Body(receive, self, _declared_length(scope), self._largest(scope))
        # Without one where a proxy in front has a Unix socket.
        address = network_of(str(scope["client"][0])) if scope.get("client") else ""
        self._open += is_limited
        self._open_by_address[address] += is_limited
        self._open_questions += is_question
        try:
            if is_question and self._open_questions > self._limits.question_requests:
                raise _busy()
            if is_limited:
                self._check_rates(address)
                self._check_headers(scope)
            await self._app(scope, body.receive, sending)
        except ClientDisconnect:
            pass  # there is nobody left to answer
        except Exception as error:
            refusal = error if isinstance(error, Refusal) else _unexpected(error)
            if answering:
                raise
            await (send_refusal_page if is_page(path) else send_refusal)(send, refusal)
            self._on_refused(scope, refusal, time.monotonic() - began)
        finally:
            self._open -= is_limited
            self._open_questions -= is_question
            self._open_by_address[address] -= is_limited
            if not self._open_by_address[address]:
                del self._open_by_address[address]
            self._held -= body.size
            self._arriving.pop(body, None)

    def _check_rates(self, address: str) -> None:
        if address:
            if self._open_by_address[address] > self._limits.address_requests:
                raise _busy()
            if seconds := self._rates.wait_for(address):
                raise Refusal(429, "too_many_requests", "Too many requests from this address.", retry_after=seconds)
        if self._open > self._limits.requests and not self._cut_off_slowest():
            raise _busy()

    def _check_headers(self, scope: Scope) -> None:
        headers = scope["headers"]
        size = sum(len(name) + len(value) for name, value in headers)
        size += len(scope.get("raw_path") or b"") + len(scope["query_string"])
        # Servers bound what they keep of headers that are not complete; what arrives at once may be more.
        if size > self._limits.header_bytes:
            raise Refusal(431, "headers_too_large", f"The headers have more than {self._limits.header_bytes:,} bytes.")
        # A proxy may believe the one and this server the other, and see another request begin.
        if {b"content-length", b"transfer-encoding"} <= {name for name, _ in headers}:
            raise Refusal(
                400, "ambiguous_length", "The request says its length in two ways.", headers={"connection": "close"}
            )

    def _largest(self, scope: Scope) -> int:
        path = path_of(scope)
        if path.startswith(_QUESTIONS):
            return self._limits.answer
        return self._limits.github_body if path == _GITHUB else self._limits.body

    def hold(self, size: int) -> None:
        """Count bytes of a body that are held until its request is answered.

        Raises:
            Refusal: there are too many of all requests together.
        """
        self._held += size
        if self._held > self._limits.memory and not self._cut_off_slowest():
            raise _busy()

    def arrives(self, body: _Body) -> None:
        """Count a body among those that arrive, until it is complete or its request is answered."""
        self._arriving[body] = None

    def has_arrived(self, body: _Body) -> None:
        """Count it no more."""
        self._arriving.pop(body, None)

    def _cut_off_slowest(self) -> bool:
        """Cut off the body that has been arriving for longest, for another to take its place; return whether there is
        one that has had its time.
        """
        slowest = next(iter(self._arriving), None)
        if slowest is None or not slowest.is_slow:
            return False
        del self._arriving[slowest]
        slowest.cut_off()
        return True

    @property
    def body_seconds(self) -> float:
        """How long a body may take."""
        return self._limits.body_seconds


class _Body:
    """The body of a request, counted and timed while the app reads it."""

    def __init__(self, receive: Receive, middleware: LimitsMiddleware, declared: int | None, largest: int) -> None:
        self.size = 0
        self._receive = receive
        self._middleware = middleware
        self._declared = declared
        self._largest = largest
        self._began_at = self._ends_at = 0.0
        self._timeout: asyncio.Timeout | None = None
        self._complete = False

    @property
    def is_slow(self) -> bool:
        """Whether it has been arriving for longer than those of vendors do."""
        return time.monotonic() - self._began_at > _SLOW

    def cut_off(self) -> None:
        """Wait for it no longer."""
        self._ends_at = self._began_at
        if self._timeout is not None:
            with suppress(RuntimeError):  # it is over already
                self._timeout.reschedule(asyncio.get_running_loop().time())

    async def receive(self) -> MutableMapping[str, Any]:
        if self._complete:
            return await self._receive()  # the app waits for the end of the connection
        if self._declared is not None and self._declared > self._largest:
            raise self._too_large()
        message = await self._in_time()
        if message["type"] == "http.request":
            length = len(message.get("body", b""))
            self.size += length
            self._middleware.hold(length)
            if self.size > self._largest:
                raise self._too_large()
            self._complete = not message.get("more_body", False)
            if self._complete:
                self._middleware.has_arrived(self)
        return message

    async def _in_time(self) -> MutableMapping[str, Any]:
        now = time.monotonic()
        if not self._began_at:
            self._began_at, self._ends_at = now, now + self._middleware.body_seconds
            self._middleware.arrives(self)
        if self._ends_at <= now:
            raise self._too_slow()
        try:
            async with asyncio.timeout(self._ends_at - now) as self._timeout:
                return await self._receive()
        except TimeoutError:
            raise self._too_slow() from None
        finally:
            self._timeout = None

    def _too_slow(self) -> Refusal:
        seconds = self._ends_at - self._began_at
        message = f"did not arrive within {seconds:g} seconds" if seconds else "arrives slowly, and others wait"
        return Refusal(408, "body_too_slow", f"The body {message}.", headers={"connection": "close"})

    def _too_large(self) -> Refusal:
        return Refusal(413, "body_too_large", f"The body is larger than {self._largest:,} bytes.")


def _declared_length(scope: Scope) -> int | None:
    """Return what the request says of its body's length, to refuse at once what says itself that it is too much."""
    value = next((value for name, value in scope["headers"] if name == b"content-length"), b"")
    return int(value) if value.isdigit() and len(value) < 20 else None


def _busy() -> Refusal:
    return Refusal(503, "busy", "Too many requests are being answered at once. Try again.", retry_after=1)


def _unexpected(error: Exception) -> Refusal:
    log_unexpected(_logger, "a request failed unexpectedly", error)
    return Refusal(500, "internal_error", "Something went wrong here. It is in the gateway's log.")
