"""The gateway as a process that listens: uvicorn, with bounds that it does not have by itself.

uvicorn gives a client as long as it likes to send the headers of a request, lets a client that was already answered go
on sending its body, and keeps any number of connections. Each of these is what one attack is made of. And it closes
a connection on which more is coming as soon as it has answered: that resets it, and the client, which is still sending,
often does not see the answer.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, ClassVar, Final, cast

import h11
import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

from ..errors import GatewayError
from .refusals import Refusal
from .settings import Limits

__all__ = ["GatewayServer", "listen"]

#: Seconds that a connection is kept for another request.
_KEEP_ALIVE: Final = 5

#: Seconds for a client that was answered in the middle of its request to send the rest, which is not looked at.
_LINGER: Final = 5.0

#: Seconds for a client to take the end of an answer, after which its connection is cut.
_ABORT_AFTER: Final = 5.0

#: Seconds for a client to take some of the answers that wait for it, after which its connection is cut.
_UNREAD: Final = 15.0

#: Seconds for the requests that are being answered when the gateway is ended, above the time for a body.
_LAST_ANSWERS: Final = 2.0


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens, so that the first request finds somebody.

    Args:
        host: a name or address of this machine; `0.0.0.0` or `::` for all of its addresses.
        port: 0 for any that is free.

    Raises:
        GatewayError: somebody else has the port, or there is no such address here.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        everywhere = address[0] == "::" and socket.has_dualstack_ipv6()
        return socket.create_server(address[:2], family=family, backlog=512, dualstack_ipv6=everywhere)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise GatewayError(
                f"the port {port} of {host!r} is in use: give another one (`--port`), or end what uses it"
            ) from error
        reason = error.strerror or str(error)
        raise GatewayError(f"nothing can listen at {host!r}, port {port}: {reason}") from error


class GatewayServer(uvicorn.Server):
    """Serves an app on sockets, by `serve`, until `stop`. The app's own lifespan is left to the caller.

    Args:
        app: the gateway.
        limits: of connections, headers and their time.
        forwarded_allow_ips: the proxies whose word about the client's address is taken, as addresses and networks with
            commas between them; nobody's, if empty.
        on_ready: called as soon as requests are taken.
    """

    def __init__(
        self, app: Starlette, limits: Limits, *, forwarded_allow_ips: str = "", on_ready: Callable[[], None]
    ) -> None:
        self._on_ready = on_ready
        protocol = type("_Connection", (_Connection,), {"limits": limits})
        super().__init__(
            uvicorn.Config(
                app,
                http=protocol,
                ws="none",
                loop="asyncio",
                lifespan="off",
                log_config=None,
                access_log=False,  # the gateway has a line for each delivery
                server_header=False,
                proxy_headers=bool(forwarded_allow_ips),
                forwarded_allow_ips=forwarded_allow_ips,
                h11_max_incomplete_event_size=limits.header_bytes,
                timeout_keep_alive=max(1, int(min(_KEEP_ALIVE, limits.header_seconds))),
                timeout_graceful_shutdown=int(limits.body_seconds + _LAST_ANSWERS),
            )
        )
        # It has a warning for every line that is not HTTP.
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to take requests, as uvicorn does, and say so."""
        await super().startup(sockets)
        self._on_ready()

    def stop(self) -> None:
        """Take no more connections, and end when those there are have been answered; called again, at once."""
        self.force_exit = self.should_exit
        self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the caller. uvicorn raises them again at its end, which makes them the exit status."""
        yield


class _Transport:
    """The transport of a connection: where it is closed while more is coming, that is read first, for a time.

    Only the writing side is closed at once, so that the client reads the answer and sees its end (RFC 9112, 9.6).

    Args:
        transport: it.
        is_more_coming: whether the client is in the middle of a request.
    """

    def __init__(self, transport: asyncio.Transport, is_more_coming: Callable[[], bool]) -> None:
        self._transport = transport
        self._is_more_coming = is_more_coming
        self.is_lingering = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def is_closing(self) -> bool:
        """Return whether nothing more is written, or looked at."""
        return self.is_lingering or self._transport.is_closing()

    def close(self) -> None:
        """Close it; called again, at once."""
        if self._transport.is_closing():
            return
        wait = _ABORT_AFTER
        if self._is_more_coming() and not self.is_lingering:
            self.is_lingering, wait = True, _LINGER
            with suppress(OSError):  # the client is gone
                self._transport.write_eof()
            self._transport.resume_reading()
        else:
            self._transport.close()
        asyncio.get_running_loop().call_later(wait, self._transport.abort)


class _Connection(H11Protocol):
    """A connection that may not take as long as it likes."""

    limits: ClassVar[Limits]

    _waiting: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None
    _since: float = 0.0
    _own: _Transport

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        self._own = _Transport(transport, self._is_more_coming)
        super().connection_made(cast("asyncio.Transport", self._own))
        # An answer is written in two pieces, and the second would wait for the client's word about the first: 40 ms.
        # asyncio sees to that for sockets that it makes, and not for one that is given to it.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._since = self.loop.time()
        if len(self.connections) > self.limits.connections and not self._close_oldest():
            self._refuse(Refusal(503, "busy", "Too many connections are open. Try again.", retry_after=1))
        else:
            self._wait_for_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        _cancel(self._unread)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self.transport.is_closing() or self.conn.their_state is not h11.IDLE:
            self._stop_waiting()
        elif self._waiting is None:
            self._wait_for_headers()

    def eof_received(self) -> bool:  # type: ignore[override]  # uvicorn's closes the connection whatever is under way
        # A client that has sent its request, and ends its side, still reads the answer.
        is_answered = self.cycle is None or self.cycle.response_complete
        if is_answered or self._own.is_lingering or self.conn.their_state is not h11.DONE:
            return False
        self.cycle.keep_alive = False
        return True

    def pause_writing(self) -> None:
        super().pause_writing()
        self._unread = self.loop.call_later(_UNREAD, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        _cancel(self._unread)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.conn.their_state is h11.SEND_BODY and not self.transport.is_closing():
            self.loop.call_later(_LINGER, self._close_if_still_at, self.cycle)

    def shutdown(self) -> None:
        if self.transport.is_closing():
            self.transport.close()
        else:
            super().shutdown()

    def send_400_response(self, msg: str) -> None:
        self._refuse(Refusal(400, "not_http", "The request is not one of HTTP/1.1, or its headers are too large."))

    def _should_upgrade(self) -> bool:
        return False

    def _close_oldest(self) -> bool:
        """Make room by the connection that has been open for longest without a request, if there is one."""
        others = [each for each in self.connections if isinstance(each, _Connection) and each is not self]
        idle = [each for each in others if each._is_idle]
        if not idle:
            return False
        min(idle, key=lambda each: each._since).transport.abort()
        return True

    @property
    def _is_idle(self) -> bool:
        return self._own.is_lingering or (self.conn.their_state is h11.IDLE and not self.transport.is_closing())

    def _is_more_coming(self) -> bool:
        # Not where one connection more is refused: it would stay open beside as many as there may be.
        return self.conn.their_state in (h11.SEND_BODY, h11.ERROR)

    def _wait_for_headers(self) -> None:
        self._waiting = self.loop.call_later(self.limits.header_seconds, self._give_up)

    def _stop_waiting(self) -> None:
        _cancel(self._waiting)
        self._waiting = None

    def _give_up(self) -> None:
        self._waiting = None
        self.transport.close()

    def _close_if_still_at(self, cycle: Any) -> None:
        if self.cycle is cycle and self.conn.their_state is h11.SEND_BODY:
            self.transport.abort()

    def _refuse(self, refusal: Refusal) -> None:
        """Answer what is no request, and close. The state of the connection may allow no answer."""
        body = refusal.body()
        headers = {"content-type": "application/json", "content-length": str(len(body)), "connection": "close"}
        try:
            for event in (
                h11.Response(
                    status_code=refusal.status,
                    headers=[(name.encode(), value.encode()) for name, value in {**headers, **refusal.headers}.items()],
                ),
                h11.Data(data=body),
                h11.EndOfMessage(),
            ):
                self.transport.write(self.conn.send(event) or b"")
        except h11.LocalProtocolError:
            pass
        if self.cycle is not None:  # the app, which may be in the middle of the request, has nobody to answer
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.close()


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
