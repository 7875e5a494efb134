"""HTTP under the MCP library: credentials go in, and what went wrong comes out.

The library tears its whole transport down when a connection fails, with every call in flight, and says of an answer
like 429 only that there was an error. So one layer below it, a failure is made an ordinary error of the protocol, with
what is needed to decide on another attempt. Credentials are put in at the same place: the library never has them, so
that nothing that it or the HTTP client logs can show them.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import Any, Final

import httpx2
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError

from ...errors import MountError
from ...execution.retries import fault_of
from .mount import Mount
from .secrets import expanded

__all__ = ["Broken", "broken_of", "http_transport"]

#: The code of the errors that are made here. JSON-RPC leaves -32000 to -32099 to implementations; of these the protocol
#: has given out some, and not this. The code alone proves nothing, since a server may send any, so the error also
#: carries a mark in its data (`_MARK`): a server that forges both can only say that its own answer failed.
_CODE: Final = -32088
_MARK: Final = "terse_temporal"

#: Reserved, so that nobody is there (RFC 2606).
_WITHOUT_SECRETS: Final = "http://mcp.invalid/mcp"

#: An answer may take as long as the step may: its timeout cancels the request.
_TIMEOUT: Final = httpx2.Timeout(30.0, read=None)


class Broken(Exception):  # noqa: N818  # a reason, made an error where the tool is known
    """A request that failed on its way.

    Attributes:
        sent: whether it may have reached the server.
        final: trying again would not help.
        retry_after: the seconds that the server asks to wait.
        session_gone: the server does not know the session.
    """

    def __init__(
        self,
        text: str,
        *,
        sent: bool = True,
        final: bool = False,
        retry_after: float | None = None,
        session_gone: bool = False,
    ) -> None:
        super().__init__(text)
        self.sent = sent
        self.final = final
        self.retry_after = retry_after
        self.session_gone = session_gone


def broken_of(error: MCPError) -> Broken | None:
    """Return what is behind an error of the protocol that was made here."""
    if error.code != _CODE or not isinstance(error.data, dict) or _MARK not in error.data:
        return None
    return Broken(error.message, **error.data[_MARK])


async def http_transport(mount: Mount, stack: contextlib.AsyncExitStack) -> Any:
    """Return a transport to the server of a mount, whose HTTP client is closed with `stack`."""
    assert mount.url is not None
    # The library is given an address without what is secret in it.
    address = _WITHOUT_SECRETS if "${" in mount.url else mount.url
    client = await stack.enter_async_context(httpx2.AsyncClient(transport=_Transport(mount, address), timeout=_TIMEOUT))
    return streamable_http_client(address, http_client=client)


class _Transport(httpx2.AsyncBaseTransport):
    def __init__(self, mount: Mount, address: str) -> None:
        self._mount = mount
        self._address = httpx2.URL(address)
        self._inner = httpx2.AsyncHTTPTransport()

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        mount = self._mount
        assert mount.url is not None
        url, headers = request.url, httpx2.Headers(request.headers)
        try:
            if url == self._address:
                url = httpx2.URL(expanded(mount, "url", {"url": mount.url})["url"])
                headers["host"] = url.netloc.decode("ascii")
            headers.update(expanded(mount, "headers", mount.headers))
        except MountError as err:
            return _answer(request, Broken(str(err).removeprefix(f"{mount}: "), sent=False, final=True))
        except (httpx2.InvalidURL, UnicodeEncodeError) as err:
            text = f"url= or headers= cannot be sent as they are ({type(err).__name__})"
            return _answer(request, Broken(text, sent=False, final=True))
        try:
            response = await self._inner.handle_async_request(
                httpx2.Request(
                    request.method, url, headers=headers, stream=request.stream, extensions=request.extensions
                )
            )
        except httpx2.UnsupportedProtocol:
            return _answer(request, Broken("url= does not begin with https:// (or http://)", sent=False, final=True))
        except httpx2.TransportError as err:
            if request.method == "GET":  # where servers may say something unasked; the library opens it again
                raise
            return _answer(request, Broken(_reason(err), sent=not _is_unsent(err)))
        if request.method == "POST" and response.status_code >= 400:
            return await _explain(request, response)
        return _ended(response) if request.method == "DELETE" else response


async def _explain(request: httpx2.Request, response: httpx2.Response) -> httpx2.Response:
    """Return an answer that is an error, as one of the protocol, unless it is that already."""
    status = response.status_code
    try:
        body = await response.aread()
    except httpx2.TransportError as err:
        return _answer(request, Broken(_reason(err)))
    finally:
        await response.aclose()
    if status == 404 and "mcp-session-id" in request.headers:
        return _answer(request, Broken("it does not know the session", sent=False, session_gone=True))
    if _is_protocol_error(body):
        return httpx2.Response(status, headers={"content-type": "application/json"}, content=body)
    fault = fault_of(_Status(response))
    text = f"it answered with HTTP status {status} ({response.reason_phrase or 'no reason given'})"
    if status in (404, 405) and fault is None:
        # How a server of an older version says that it does not know a request: the library has an answer to it.
        return httpx2.Response(status)
    if fault is None:
        return _answer(request, Broken(text, final=True))
    return _answer(request, Broken(text, retry_after=fault.retry_after))


class _Status(Exception):  # noqa: N818  # in the shape that `fault_of` reads
    def __init__(self, response: httpx2.Response) -> None:
        super().__init__()
        self.status_code = response.status_code
        self.headers: Mapping[str, str] = dict(response.headers)


def _answer(request: httpx2.Request, broken: Broken) -> httpx2.Response:
    if request.method == "DELETE":
        return httpx2.Response(204)
    detail = {
        "sent": broken.sent,
        "final": broken.final,
        "retry_after": broken.retry_after,
        "session_gone": broken.session_gone,
    }
    # The library takes an error of the protocol out of an answer with a status of 400 or more, and puts the id of the
    # request that it belongs to in the place of this one. Without such a body it would make an error of its own of the
    # status, which says nothing more.
    error = {"code": _CODE, "message": str(broken), "data": {_MARK: detail}}
    return httpx2.Response(503, json={"jsonrpc": "2.0", "id": 0, "error": error})


def _ended(response: httpx2.Response) -> httpx2.Response:
    """Return the answer to "the session is over", whatever it is: nothing follows from it."""
    return httpx2.Response(204, stream=response.stream)


def _is_unsent(error: httpx2.TransportError) -> bool:
    return isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout)


def _reason(error: httpx2.TransportError) -> str:
    return f"the connection failed ({type(error).__name__}: {error})"


def _is_protocol_error(body: bytes) -> bool:
    try:
        data = json.loads(body)
    except ValueError:
        return False
    return isinstance(data, dict) and isinstance(data.get("error"), dict) and "code" in data["error"]
