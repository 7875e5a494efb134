"""Answers to requests that are refused: a status, and a short JSON object."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any

__all__ = ["Refusal", "RefusedDelivery", "Send", "send_refusal"]

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Refusal(Exception):  # noqa: N818  an answer, which is raised
    """A request is refused. Nothing of what was sent is in the texts.

    Attributes:
        status: of the answer.
        code: one word for programs, such as `"body_too_large"`.
        message: a sentence for the sender.
        fields: which fields of the body are wrong, each with the kind of mistake.
        retry_after: seconds after which the sender may try again.
        headers: further headers of the answer.
        about: which delivery it was, for the log, where that is known.
        why: what an operator has to know of it, likewise.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        fields: Sequence[Mapping[str, str]] = (),
        retry_after: int | None = None,
        headers: Mapping[str, str] | None = None,
        about: str = "",
        why: str = "",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.fields = fields
        self.about = about
        self.why = why
        self.headers = dict(headers or {})
        if retry_after is not None:
            self.headers["retry-after"] = str(retry_after)

    def body(self) -> bytes:
        """Return the body of the answer."""
        content: dict[str, Any] = {"error": self.code, "message": self.message}
        if self.fields:
            content["fields"] = list(self.fields)
        return json.dumps(content).encode()


class RefusedDelivery(Refusal):
    """A request is no genuine delivery, or none that can be read."""


async def send_refusal(send: Send, refusal: Refusal) -> None:
    """Answer a request of which nothing was answered yet."""
    body = refusal.body()
    headers = {
        "content-type": "application/json",
        "content-length": str(len(body)),
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        **refusal.headers,
    }
    await send(
        {
            "type": "http.response.start",
            "status": refusal.status,
            "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()],
        }
    )
    await send({"type": "http.response.body", "body": body})
