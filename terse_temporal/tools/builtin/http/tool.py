"""Built-in tools of the toolbox `http`: `http.request`, on httpx.

Whether a request may be repeated depends on its method, and a toolbox knows only the tool. So the tool is declared as
one that may be repeated, and what it raises makes the difference: a failure after which the request may have been
carried out is a `TransientError` where the method is safe or idempotent (RFC 9110, 9.2), and otherwise a plain
`ToolError`, which nothing repeats.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, Final

from pydantic import AfterValidator

from ....diagnostics.text import shorten
from ....durations import format_duration, parse_duration
from ...toolbox import toolbox
from ..extras import extra
from .models import HttpResponse, Outgoing

__all__ = ["request"]

#: Methods that may be repeated: RFC 9110, 9.2.2.
_REPEATABLE: Final = frozenset(["DELETE", "GET", "HEAD", "OPTIONS", "PUT", "TRACE"])

#: The longest that a request may be given. A step's attempt ends after ten minutes.
_LONGEST: Final = timedelta(minutes=9)

#: What a name of a header is made of (RFC 9110, 5.6.2).
_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,200}")

#: Headers by which a credential would come from the job.
_FOR_CREDENTIALS: Final = frozenset(["authorization", "proxy-authorization", "cookie"])


#: Headers that say how the message itself is sent, which the HTTP library knows.
_OF_THE_CONNECTION: Final = frozenset(
    [
        "connection",
        "content-length",
        "expect",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ]
)


def _method(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z]{1,20}", value):
        raise ValueError('give the method of a request, such as "GET"')
    return value.upper()


def _header_names(value: dict[str, str]) -> dict[str, str]:
    for name in value:
        if not _TOKEN.fullmatch(name):
            raise ValueError(f"{shorten(repr(name), 100)} is not the name of a header")
        if name.lower() in _OF_THE_CONNECTION:
            raise ValueError(
                f"the header {name!r} says how a message is sent, which is not for the caller to say: leave it out, and"
                " it is sent as it has to be"
            )
    return value


def _headers(value: dict[str, str]) -> dict[str, str]:
    for name, text in _header_names(value).items():
        if not f"{name}{text}".isascii() or not f"{name}{text}".isprintable():
            raise ValueError(f"the header {name!r} holds a line break or a character that is not printable ASCII")
        if name.lower() in _FOR_CREDENTIALS:
            raise ValueError(
                f"the header {name!r} is a credential, and what a job passes to a tool is recorded in its history."
                ' Put it into the environment of the worker, and give the name of the variable: auth_env="CRM_TOKEN"'
                ' for "Authorization: Bearer …", or headers_env={"Cookie": "CRM_COOKIE"}'
            )
    return value


def _duration(value: str) -> str:
    if parse_duration(value) > _LONGEST:
        raise ValueError(f"a request is given {format_duration(_LONGEST)} at most")
    return value


Method = Annotated[str, AfterValidator(_method)]
Headers = Annotated[dict[str, str], AfterValidator(_headers)]
HeadersEnv = Annotated[dict[str, str], AfterValidator(_header_names)]
Duration = Annotated[str, AfterValidator(_duration)]


# The word "idempotent" is what the toolbox knows; which failures pass for transient is decided here, by the method.
@toolbox.tool("http.request", idempotent=True, code_only=["auth_env", "headers_env"])
async def request(
    method: Method,
    url: str,
    *,
    params: dict[str, Any] | None = None,
    headers: Headers | None = None,
    json: Any = None,
    form: dict[str, Any] | None = None,
    body: str | None = None,
    timeout: Duration = "30s",  # noqa: ASYNC109  # a job has no other way to say so
    auth_env: str | None = None,
    headers_env: HeadersEnv | None = None,
    idempotent: bool = False,
    follow_redirects: bool = True,
    raise_for_status: bool = True,
) -> HttpResponse:
    """Make an HTTP request, and return the answer: its status, headers, and body as JSON or text.

    Args:
        method: such as `"GET"`.
        url: `http://` or `https://`, without a user name or password.
        params: added to the query of the URL.
        headers: of the request; not those that hold credentials, nor `Content-Length` and others of the connection.
        json: sent as JSON. Give this, `form` or `body`, or none of them.
        form: sent as a form is.
        body: sent as it is, as UTF-8; say what it is with a `Content-Type` header.
        timeout: of the whole request, with redirects; at most 9 minutes.
        auth_env: the environment variable whose value is sent as `Authorization: Bearer …`.
        headers_env: headers whose values are in the environment: `{"X-Api-Key": "CRM_KEY"}`.
        idempotent: the other side takes the `Idempotency-Key`, or the request by its nature may be carried out twice,
            so that a POST or PATCH is repeated as a PUT is.
        follow_redirects: of GET and HEAD, five at most. Credentials go to no other host. Other methods' never are.
        raise_for_status: a status of 400 and more, and a redirect that is not followed, is an error. With `False` it is
            returned, and so not repeated.

    Raises:
        ToolError: the answer is such an error (its `.status`), is not text, or is larger than 2 MiB; an environment
            variable is missing. `TransientError`, which is one, where the request is repeated: a connection that
            never came about, for any method; for GET, HEAD, OPTIONS, PUT, DELETE and with `idempotent=True` also one
            that broke, 408, 425, 429 and 5xx. Five times in all, and not before a `Retry-After`.
        MissingExtraError: httpx is not installed.

    Every method but GET and HEAD carries the step's idempotency key as `Idempotency-Key`, unless `headers` has one.
    A worker that is lost during a request repeats it, whatever the method.
    """
    with extra("http"):
        from .client import perform  # noqa: PLC0415  # an extra, and a handler may be what loads this module
    return await perform(
        Outgoing(
            method=method,
            url=url,
            params=params,
            headers=headers or {},
            json=json,
            form=form,
            body=body,
            limit=parse_duration(timeout),
            auth_env=auth_env,
            headers_env=headers_env or {},
            repeatable=idempotent or method in _REPEATABLE,
            follow_redirects=follow_redirects,
            raise_for_status=raise_for_status,
        )
    )
