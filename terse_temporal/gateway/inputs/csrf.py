"""That an answer is sent by the page of its question, opened in the same browser, and by nothing else.

A form has a token in it that is signed for the link, for who answers, and for a cookie that the page has set: another
site can neither read the one nor set the other. Browsers also say where a request comes from (`Sec-Fetch-Site`), over
https and on this machine; what says that it comes from elsewhere is refused before anything of it is read. The header
`Origin` says nothing here: with `Referrer-Policy: no-referrer` it is `null`.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Sequence
from typing import Final

from fastapi import Request, Response

from ..cookies import cookie_path, is_https
from ..refusals import Refusal
from ..signatures import mac

__all__ = ["FORM_FIELD", "check_site", "form_cookie", "form_token", "is_genuine", "set_form_cookie"]

#: The field of a form with its token. No field of a model has a hyphen in its name.
FORM_FIELD: Final = "terse-csrf"

COOKIE: Final = "terse_form"

#: In front of what is signed, so that no token is valid for anything else. Part of every token.
_LABEL: Final = b"terse.input-form.1\0"

_COOKIE: Final = re.compile(r"[A-Za-z0-9_-]{20,64}", re.ASCII)

_OWN: Final = ("same-origin", "none")


def check_site(request: Request) -> None:
    """Refuse what a browser says that another site has sent."""
    site = request.headers.get("sec-fetch-site")
    if site is not None and site.strip().lower() not in _OWN:
        raise Refusal(403, "cross_site", "This was sent by another site, and not by the page of the question.")


def form_cookie(request: Request) -> str:
    """Return what the cookie of a browser holds, or what a new one is to hold."""
    found = request.cookies.get(COOKIE, "")
    return found if _COOKIE.fullmatch(found) else secrets.token_urlsafe(24)


def set_form_cookie(request: Request, response: Response, value: str) -> None:
    """Let the browser have the cookie, until it is closed.

    `Lax`: it comes with a link that is opened in a program for mails in the same browser, so that the pages which are
    open already go on with theirs; and like `Strict` not with a form that another site sends.
    """
    if request.cookies.get(COOKIE) != value:
        response.set_cookie(
            COOKIE, value, path=cookie_path(request), secure=is_https(request), httponly=True, samesite="lax"
        )


def form_token(keys: Sequence[bytes], cookie: str, link: str, by: str) -> str:
    """Return the token of a form.

    Args:
        keys: of which the first signs.
        cookie: of the browser.
        link: the token in the address of the page.
        by: who answers, as the page says.
    """
    return _signature(keys[0], cookie, link, by)


def is_genuine(given: str, keys: Sequence[bytes], cookie: str, link: str, by: str) -> bool:
    """Return whether a token is that of the form. In constant time; never raises."""
    token = given.encode("utf-8", "surrogatepass")
    fits = False
    for key in keys:
        fits |= hmac.compare_digest(_signature(key, cookie, link, by).encode(), token)
    return fits


def _signature(key: bytes, cookie: str, link: str, by: str) -> str:
    # Neither a cookie nor a link has a NUL in it.
    return mac(key, _LABEL, cookie.encode(), b"\0", link.encode(), b"\0", by.encode("utf-8", "surrogatepass")).hex()
