"""Who sends a request: an operator with a token in a header, or with the cookie that they got when they logged in.

A cookie says until when it is valid, signed with the operator's own token. So nothing is kept, every gateway takes it,
and it ends with its time, or when the token is taken out of the environment. To log out deletes it in the browser.
"""

from __future__ import annotations

import hmac
import re
import time
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from .cookies import cookie_path, is_https
from .operator_tokens import Operator, Operators
from .signatures import mac

__all__ = [
    "COOKIE",
    "SESSION_SECONDS",
    "bearer_token",
    "begin_session",
    "end_session",
    "make_session",
    "operator_of",
    "read_session",
]

COOKIE: Final = "terse_operator"

#: A working day.
SESSION_SECONDS: Final = 12 * 3600

#: In front of what is signed, so that no cookie is valid for anything else. Part of every cookie.
_LABEL: Final = b"terse.operator-session.1\0"

_COOKIE: Final = re.compile(r"([0-9]{1,12})\.([0-9a-f]{64})", re.ASCII)

#: Characters of a header with a token, above which it is none.
_LONGEST: Final = 2_000


def make_session(operator: Operator, now: float) -> str:
    """Return the value of a cookie that is valid from now on, for a working day.

    Args:
        operator: whose it is.
        now: Unix time in seconds.
    """
    until = str(int(now) + SESSION_SECONDS)
    return f"{until}.{_signature(operator, until)}"


def read_session(text: str, operators: Operators, now: float) -> Operator | None:
    """Return whose cookie this is, or `None` if it is nobody's or over. In constant time; never raises.

    Args:
        text: anybody's.
        operators: those that there are.
        now: Unix time in seconds.
    """
    if (parts := _COOKIE.fullmatch(text)) is None:
        return None
    until, given = parts.groups()
    found = None
    for each in operators:
        if hmac.compare_digest(_signature(each, until), given):
            found = each
    # Later than one that is made now would be was made by a clock that is wrong.
    return found if now < int(until) <= now + SESSION_SECONDS + 60 else None


def operator_of(request: Request, operators: Operators) -> Operator | None:
    """Return the operator who is logged in in the browser that sends a request; `None` for everybody else."""
    text = request.cookies.get(COOKIE, "")
    return read_session(text, operators, time.time()) if text else None


def bearer_token(request: Request) -> str | None:
    """Return the token in the header of a program's request, or `None` where there is none."""
    scheme, _, token = request.headers.get("authorization", "")[:_LONGEST].partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def begin_session(request: Request, response: Response, operator: Operator) -> None:
    """Let the browser have a cookie: sent by no other site, seen by no script, over https alone where it came so."""
    response.set_cookie(
        COOKIE,
        make_session(operator, time.time()),
        max_age=SESSION_SECONDS,
        path=cookie_path(request),
        secure=is_https(request),
        httponly=True,
        samesite="strict",
    )


def end_session(request: Request, response: Response) -> None:
    """Take the cookie away."""
    response.delete_cookie(
        COOKIE, path=cookie_path(request), secure=is_https(request), httponly=True, samesite="strict"
    )


def _signature(operator: Operator, until: str) -> str:
    return mac(operator.token, _LABEL, until.encode()).hex()
