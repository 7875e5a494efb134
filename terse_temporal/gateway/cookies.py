"""Cookies of the pages: below which path they are sent, and whether over https alone."""

from __future__ import annotations

from fastapi import Request

__all__ = ["cookie_path", "is_https"]


def cookie_path(request: Request) -> str:
    """Return the path below which the pages are, where the gateway is mounted in another app too."""
    return f"{request.scope.get('root_path', '')}/inputs"


def is_https(request: Request) -> bool:
    """Return whether a request came over https, as far as is known."""
    # Whatever proxy says so is believed: all it does is to keep a cookie from the sender's own connections.
    forwarded = request.headers.get("x-forwarded-proto", "").partition(",")[0]
    return "https" in (request.url.scheme, forwarded.strip().lower())
