"""What `http.request` does, on httpx.

Every call has a client of its own. Connections are then not shared, which costs a handshake for each call, a fraction
of what a step costs; and nothing is left to be closed when a worker or a loop ends, and no cookie of one run is sent by
another. The TLS settings, which take longest to make, are shared.
"""

from __future__ import annotations

import asyncio
import codecs
import functools
import json
import logging
import math
import os
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from ...._version import __version__
from ....diagnostics.foreign_logs import ForeignLogFilter
from ....diagnostics.logs import logger_of
from ....diagnostics.text import shorten
from ....durations import format_duration
from ....errors import ServiceError, TransientServiceError
from ....execution.protocol import current_execution
from ....execution.retries import fault_of
from ....jobs.steps import current_step
from ....serialization.payload_limits import largest_payload
from ..credentials import Credentials
from .models import HttpResponse, Outgoing

__all__ = ["perform", "quiet_libraries"]

_logger = logger_of("tools")

_TOOL: Final = "http.request"

_MAX_REDIRECTS: Final = 5

#: Bytes of an answer that are taken where a storage keeps them.
_MOST_STORED: Final = 64 * 1024 * 1024

#: Bytes of an answer that are read for an error, and characters of it that the error shows.
_READ_FOR_ERROR: Final = 16_384
_SHOWN: Final = 500

#: What an answer says of its characters. The standard library's parser of this header is quadratic.
_CHARSET: Final = re.compile(r";\s*charset\s*=\s*[\"']?([A-Za-z0-9_.:+-]{1,40})", re.IGNORECASE)

#: Codecs that text on the web comes in (https://encoding.spec.whatwg.org/#names-and-labels), by Python's names.
_CODECS: Final = re.compile(
    r"ascii|utf-8(-sig)?|utf-16(-[bl]e)?|iso8859-\d+|cp(125\d|437|85\d|86\d|874|93[26]|949|950)|koi8-[rut]|mac-\w+"
    r"|shift_jis(x0213|_2004)?|euc_(jp|kr|jis_2004)|iso2022_(jp|kr)(_\w+)?|gb2312|gbk|gb18030|hz|big5(hkscs)?|tis-620|johab"
)

#: Headers of an answer that are of no use later, or that hold credentials: they are left out of the result.
_NOT_KEPT: Final = re.compile(
    r"connection|keep-alive|transfer-encoding|content-encoding|content-length|date|server|via|alt-svc|vary|nel"
    r"|report-to|strict-transport-security|content-security-policy.*|cross-origin-.*|access-control-.*"
    r"|x-(xss-protection|frame-options|content-type-options|powered-by)|.*(cookie|token|auth|secret|session|api-?key).*",
)


async def perform(outgoing: Outgoing) -> HttpResponse:
    """Make a request, once. What it returns and raises is in the docstring of the tool."""
    call = _Call(outgoing, _format(outgoing.url))
    request = _request(outgoing, call)
    try:
        with quiet_libraries():
            async with asyncio.timeout(outgoing.limit.total_seconds()) as clock, _client() as client:
                response, content, complete = await _exchange(client, request, call)
    except TimeoutError:
        if not clock.expired():
            raise
        raise call.broken(f"did not answer within {format_duration(outgoing.limit)}") from None
    except (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.DecodingError) as err:
        raise call.error(f"failed: {err}") from None
    except httpx.TransportError as err:
        if _is_untrusted(err):
            raise call.error(f"failed, for the certificate of the host is not trusted: {err}") from None
        raise call.broken(f"failed: {str(err) or type(err).__name__}") from None
    except httpx.InvalidURL as err:
        raise call.error(f"is redirected to something that is no URL: {err}") from None
    _logger.debug("%s: %d, %d bytes", call.what, response.status_code, len(content))
    if outgoing.raise_for_status and (response.status_code >= 400 or response.has_redirect_location):
        raise call.refused(response, content)
    return HttpResponse(
        status=response.status_code,
        url=_format(str(response.url)),
        headers={
            name: call.credentials.hide(value)
            for name, value in response.headers.items()
            if not _NOT_KEPT.fullmatch(name)
        },
        body=call.credentials.hide_in(_body(response, content, complete, call)),
    )


@dataclass
class _Call:
    """One call on its way: what is known of it, and what is raised of it."""

    outgoing: Outgoing
    where: str
    sent: bool = False
    secret_headers: set[str] = field(default_factory=set)
    credentials: Credentials = field(default_factory=lambda: Credentials(_TOOL))

    @property
    def follows(self) -> bool:
        """Whether it goes where it is redirected to."""
        return self.outgoing.follow_redirects and self.outgoing.method in ("GET", "HEAD")

    @property
    def what(self) -> str:
        return f"{self.outgoing.method} {self.where}"

    def credential(self, header: str, variable: str, target: httpx.URL) -> str:
        """Return the value of a variable, for a header, if the operator lets it go there."""
        _refuse_unlisted(variable, target)
        self.secret_headers.add(header)
        return self.credentials.read(variable, f"the header {header!r}")

    async def trace(self, event: str, info: Any) -> None:
        """Take what httpcore says (https://www.encode.io/httpcore/extensions/#trace)."""
        # From here on the other side may have it.
        if event.endswith("send_request_headers.started"):
            self.sent = True

    def error(self, what: str, **details: Any) -> ServiceError:
        """Return one that nothing repeats."""
        return ServiceError(self.credentials.hide(f"{self.what} {what}"), tool=_TOOL, **details)

    def broken(self, what: str, **details: Any) -> ServiceError:
        """Return a failure that may be gone the next time."""
        if self.sent and not self.outgoing.repeatable:
            return self.error(
                f"{what}. It may have been carried out, so it is not repeated; idempotent=True says that it may be"
                " (the other side takes the Idempotency-Key that it carries).",
                **details,
            )
        text = self.credentials.hide(f"{self.what} {what}")
        return TransientServiceError(text, tool=_TOOL, sent=self.sent, **details)

    def refused(self, response: httpx.Response, content: bytes) -> ServiceError:
        """Return the error of an answer that is one."""
        status = response.status_code
        text = " ".join(_decode(response, content, "replace").split())
        shown = shorten(self.credentials.hide(text), _SHOWN)
        said = f"was answered with {status} {_phrase(status)}".rstrip() + (f": {shown}" if shown else "")
        if response.has_redirect_location:
            target = _format(str(response.url.join(response.headers["location"])))
            why = f"more than {_MAX_REDIRECTS} times" if self.follows else "which is not followed; ask there"
            return self.error(f"is redirected ({status}) to {target}, {why}", status=status)
        if status in (401, 403):
            said += (
                ". Check the credential in the environment of the worker"
                if self.secret_headers
                else '. It carried no credential: auth_env="…" names the environment variable that holds one'
            )
        fault = fault_of(httpx.HTTPStatusError("", request=response.request, response=response))
        if fault is None:
            return self.error(said, status=status)
        return self.broken(said, status=status, retry_after=fault.retry_after)


def _request(outgoing: Outgoing, call: _Call) -> httpx.Request:
    target = _target(outgoing, call)
    bodies = {"json": outgoing.json, "form": outgoing.form, "body": outgoing.body}
    if len(given := [name for name, value in bodies.items() if value is not None]) > 1:
        raise call.error(f"has {' and '.join(given)}; give one of them")
    headers = httpx.Headers(
        {
            "Accept": "*/*",
            "Accept-Encoding": "gzip, deflate",
            "User-Agent": f"terse-temporal/{__version__}",
        }
    )
    headers.update(outgoing.headers)
    for name, variable in outgoing.headers_env.items():
        headers[name] = call.credential(name, variable, target)
    if outgoing.auth_env is not None:
        headers["Authorization"] = f"Bearer {call.credential('Authorization', outgoing.auth_env, target)}"
    if outgoing.method not in ("GET", "HEAD"):
        headers.setdefault("Idempotency-Key", current_step().idempotency_key)
    return httpx.Request(
        outgoing.method,
        target,
        headers=headers,
        json=outgoing.json,
        data=outgoing.form,
        content=outgoing.body,
        extensions={"trace": call.trace},
    )


def _client() -> httpx.AsyncClient:
    # The limit of the whole call takes the place of httpx's own.
    return httpx.AsyncClient(verify=_tls(), timeout=None, follow_redirects=False)


@functools.lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    return httpx.create_ssl_context()


async def _exchange(
    client: httpx.AsyncClient, request: httpx.Request, call: _Call
) -> tuple[httpx.Response, bytes, bool]:
    """Return the answer, with as much of its content as is of use, and whether that is all of it."""
    for redirects in range(_MAX_REDIRECTS + 1):
        response = await client.send(request, stream=True)
        try:
            following = response.next_request if call.follows and redirects < _MAX_REDIRECTS else None
            if following is None:
                whole = response.is_success or not call.outgoing.raise_for_status
                return response, *await _content(response, _most() if whole else _READ_FOR_ERROR)
        finally:
            await response.aclose()
        if _origin(following.url) != _origin(request.url):
            for name in call.secret_headers:
                following.headers.pop(name, None)
        request = following
    raise AssertionError("the last one is returned")


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _most() -> int:
    """Return how many bytes of an answer are taken: what can be recorded, and of what comes from outside not all."""
    return min(largest_payload(), _MOST_STORED)


async def _content(response: httpx.Response, limit: int) -> tuple[bytes, bool]:
    content = bytearray()
    # Decompressed, and counted so: a small answer may be the compressed form of a huge one.
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > limit:
            return bytes(content[:limit]), False
    return bytes(content), True


def _body(response: httpx.Response, content: bytes, complete: bool, call: _Call) -> Any:
    done = "" if call.outgoing.method in ("GET", "HEAD", "OPTIONS") else " The request has been carried out."
    if not complete:
        raise call.error(
            f"was answered with more than {_most():,} bytes, the most that is taken.{done} Ask for less, or"
            " make the request in a step of your own that stores the answer and returns where it is.",
            status=response.status_code,
        )
    if not content:
        return None
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        text = _decode(response, content, "replace" if kind.startswith("text/") else "strict")
    except UnicodeDecodeError:
        raise call.error(
            f"was answered with {len(content):,} bytes of {kind or 'an unknown type'}, which is not text.{done} Make"
            " the request in a step of your own that stores the answer and returns where it is.",
            status=response.status_code,
        ) from None
    if kind == "application/json" or kind.endswith("+json"):
        try:
            return json.loads(text, parse_constant=_no_json, parse_float=_finite)
        except (ValueError, RecursionError):
            pass
    return text


def _finite(number: str) -> float:
    found = float(number)
    if not math.isfinite(found):  # 1e999
        raise ValueError("a number that is too large")
    return found


def _no_json(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _decode(response: httpx.Response, content: bytes, errors: str) -> str:
    return content.decode(_codec(response.headers.get("content-type", "")), errors)


def _codec(content_type: str) -> str:
    """Return the codec for an answer: UTF-8 where it names none, or one that is not for text of this kind.

    The other side chooses, and Python has codecs that take hours (`punycode`), raise what is no decoding error (`idna`)
    or mean something else altogether (`unicode_escape`).
    """
    found = _CHARSET.search(content_type, 0, 1000)
    try:
        name = codecs.lookup(found[1]).name if found else "utf-8"
    except (LookupError, ValueError):
        return "utf-8"
    return name if _CODECS.fullmatch(name) else "utf-8"


def _target(outgoing: Outgoing, call: _Call) -> httpx.URL:
    try:
        target = httpx.URL(outgoing.url)
    except httpx.InvalidURL as err:
        raise ServiceError(f"{_TOOL}: the URL cannot be read: {err}", tool=_TOOL) from None
    if target.scheme not in ("http", "https") or not target.host:
        raise ServiceError(
            f"{_TOOL}: {call.where!r} is not a URL; give one that begins with https:// or http://", tool=_TOOL
        )
    if target.userinfo:
        raise ServiceError(
            f"{_TOOL}: the URL to {target.host!r} holds a user name or a password, and what a job passes to a tool"
            ' is recorded in its history. Put the credential into the environment: headers_env={"Authorization":'
            ' "CRM_BASIC"}, with "Basic …" in it',
            tool=_TOOL,
        )
    # By itself httpx would put the parameters in place of the query that the URL has.
    return target.copy_merge_params(outgoing.params) if outgoing.params else target


def _format(url: str) -> str:
    """Return a URL for messages: without user name, query and fragment."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(no URL)"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}" if parts.netloc else parts.path


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _refuse_unlisted(variable: str, target: httpx.URL) -> None:
    """Keep to the operator's list of variables that may be sent, and where to.

    The names come from a job's code or its input, and the list is in the hands of whoever runs the worker. Without one,
    the code is trusted. A model never is: it is refused such arguments before they are recorded, but a call may have
    been recorded by another version of this package.
    """
    step = getattr(current_execution(), "step_context", None)
    by_model = step is not None and step.by_model
    listed = os.environ.get("TERSE_HTTP_CREDENTIALS")
    if listed is None and not by_model:
        return
    for entry in (listed or "").split():
        name, at, place = entry.partition("@")
        if name == variable and (_is_place(place, target) if at else not by_model):
            return
    netloc = target.netloc.decode()
    place = netloc if target.scheme == "https" else f"{target.scheme}://{netloc}"
    raise ServiceError(
        f"{_TOOL} may not send the environment variable {variable!r} to {f'{target.scheme}://{netloc}'!r}"
        f"{' in a call that a model makes' if by_model else ''}: TERSE_HTTP_CREDENTIALS, on this worker, does not list"
        f' it. Add "{variable}@{place}" to that if it is right.',
        tool=_TOOL,
    )


def _is_place(entry: str, target: httpx.URL) -> bool:
    """Return whether an entry of the list, `host`, `host:port` or `scheme://host:port`, is where a request goes."""
    try:
        return _origin(httpx.URL(entry if "://" in entry else f"https://{entry}")) == _origin(target)
    except httpx.InvalidURL:
        return False


def _is_untrusted(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


_is_quiet: ContextVar[bool] = ContextVar("terse_temporal.http.quiet", default=False)


class _Quiet(logging.Filter):
    """httpx logs the URL with its query, and httpcore the headers of the answer with its cookies.

    Loggers belong to the process, whose other uses of httpx are not ours to silence: only our own calls are.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        return not _is_quiet.get()


_QUIET: Final = ForeignLogFilter(
    _Quiet(), ["httpx", *(f"httpcore.{part}" for part in ("connection", "http11", "http2", "proxy", "socks"))]
)


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Keep what httpx logs of the requests of a block out of the logs: their addresses."""
    token = _is_quiet.set(True)
    try:
        with _QUIET:
            yield
    finally:
        _is_quiet.reset(token)
