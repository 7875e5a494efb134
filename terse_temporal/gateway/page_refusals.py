"""Refusals where a person looks at a page."""

from __future__ import annotations

from typing import Final

from fastapi.responses import HTMLResponse

from .pages.question_page import notice_page
from .pages.rendering import html_response
from .refusals import Refusal, Send

__all__ = ["is_page", "refusal_page", "send_refusal_page"]

_HEADINGS: Final = {
    403: "This was not sent",
    404: "There is nothing here",
    413: "This is too long",
    429: "Too many requests",
    500: "Something went wrong",
    503: "Too much is going on here",
}


def is_page(path: str) -> bool:
    """Return whether a person looks at what is answered there."""
    return path == "/inputs" or path.startswith("/inputs/")


def refusal_page(refusal: Refusal) -> HTMLResponse:
    """Return a refusal as a page."""
    page = notice_page(
        heading=_HEADINGS.get(refusal.status, "This cannot be answered"),
        paragraphs=[refusal.message],
        tone="warning",
    )
    return html_response(page, refusal.status, refusal.headers)


async def send_refusal_page(send: Send, refusal: Refusal) -> None:
    """Answer a request of which nothing was answered yet."""
    page = refusal_page(refusal)
    await send({"type": "http.response.start", "status": page.status_code, "headers": page.raw_headers})
    await send({"type": "http.response.body", "body": page.body})
