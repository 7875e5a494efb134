"""What the gateway answers, as its OpenAPI description shows it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, Field

__all__ = [
    "ANSWERED",
    "REFUSALS",
    "Alive",
    "Ready",
    "Refused",
    "TakenAnswer",
    "answered_with",
    "describe_delivery",
    "refused_with",
]


class TakenAnswer(BaseModel):
    """The delivery is written down. It starts its runs, if it starts any."""

    id: str = Field(description="The delivery's own id.", examples=["evt_1PgafyB7WZ01zgkWA2Xc1nGz"])
    runs: list[str] = Field(
        description="The workflow ids of the runs that it starts; none where no job is for it.",
        examples=[["onboard-customer/stripe:evt_1PgafyB7WZ01zgkWA2Xc1nGz"]],
    )


class Pong(BaseModel):
    """The answer to GitHub's ping. It starts nothing."""

    ok: bool


class Challenge(BaseModel):
    """The answer to Slack's question whether the address is the gateway's. It starts nothing."""

    challenge: str


class ModalReply(BaseModel):
    """What Slack is to do with the modal in which a question was answered. It starts nothing."""

    response_action: str = Field(description="`clear`, `errors` or `update`.", examples=["clear"])
    errors: dict[str, str] | None = Field(default=None, description="What is wrong, by the blocks of the modal.")
    view: dict[str, Any] | None = Field(default=None, description="What it shows instead.")


class WrongField(BaseModel):
    """A field of the body that a job cannot take."""

    field: str = Field(examples=["customer.email"])
    problem: str = Field(description="The kind of mistake.", examples=["missing"])


class Refused(BaseModel):
    """The request is refused, and nothing was started."""

    error: str = Field(description="One word for programs.", examples=["signature_invalid"])
    message: str = Field(description="A sentence for people.")
    fields: list[WrongField] | None = Field(default=None, description="With 422: the wrong fields.")


class Alive(BaseModel):
    """The process answers."""

    status: str = Field(examples=["ok"])


class Ready(BaseModel):
    """Whether deliveries can be taken in. That Temporal is away does not keep them from being."""

    status: str = Field(examples=["ok"])
    temporal: str = Field(description="`connected`, or `away`: then deliveries wait.", examples=["connected"])


#: What an address answers with 200.
ANSWERED: Final[Mapping[str, Any]] = {
    "github": TakenAnswer | Pong,
    "stripe": TakenAnswer,
    "slack": TakenAnswer | Challenge | ModalReply,
    "linear": TakenAnswer,
    "webhook": TakenAnswer,
}

#: The same in words, where there is more to say.
_ANSWERED_WITH: Final = {
    "slack": "It is written down, or was an answer to a question. The answer to a button or a form is empty, or says"
    " what becomes of the form of a question."
}

_REASONS: Final = {
    400: "The body cannot be read, or does not say which delivery it is.",
    401: "The signature is missing, wrong or too old.",
    404: "There is no such address.",
    405: "The address takes no requests with this method.",
    408: "The body came too slowly.",
    413: "The body is too large.",
    415: "The body is compressed, or no JSON.",
    422: "Every job that the delivery is for refuses it.",
    429: "Too many requests from one address.",
    431: "The headers are too large.",
    500: "Something went wrong in the gateway.",
    503: "The gateway is full or busy, or has no secret for this sender.",
}

#: With which an address for deliveries refuses.
REFUSALS: Final = (400, 401, 408, 413, 415, 422, 429, 431, 500, 503)

#: The headers by which each sender says who it is, and what it sends.
_HEADERS: Final[dict[str, dict[str, str]]] = {
    "github": {
        "X-Hub-Signature-256": "`sha256=` and the HMAC-SHA256 of the body in hexadecimal.",
        "X-GitHub-Event": "The name of the event.",
        "X-GitHub-Delivery": "The delivery's own id.",
    },
    "stripe": {"Stripe-Signature": "`t=<seconds>,v1=<hex>`: the HMAC-SHA256 of `<seconds>.<body>`."},
    "slack": {
        "X-Slack-Signature": "`v0=` and the HMAC-SHA256 of `v0:<seconds>:<body>` in hexadecimal.",
        "X-Slack-Request-Timestamp": "Seconds.",
    },
    "linear": {
        "Linear-Signature": "The HMAC-SHA256 of the body in hexadecimal.",
        "Linear-Delivery": "The delivery's own id.",
    },
}


def answered_with(source: str) -> dict[int | str, dict[str, Any]]:
    """Return the descriptions of all answers of an address for deliveries."""
    return {
        200: {"description": _ANSWERED_WITH.get(source, "It is written down.")},
        **refused_with(*([404] if source == "webhook" else []), *REFUSALS),
    }


def refused_with(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the descriptions of answers that refuse."""
    described: dict[int | str, dict[str, Any]] = {}
    for status in statuses:
        described[status] = {"model": Refused, "description": _REASONS[status]}
        if status in (429, 503):
            described[status]["headers"] = {
                "Retry-After": {"description": "Seconds, where waiting helps.", "schema": {"type": "integer"}}
            }
    return described


def describe_delivery(source: str) -> dict[str, Any]:
    """Return what the description of an address has beside what FastAPI finds out: the body, and the headers."""
    content: dict[str, Any] = {"application/json": {"schema": {} if source == "webhook" else {"type": "object"}}}
    if source in ("github", "slack"):
        content["application/x-www-form-urlencoded"] = {
            "schema": {
                "type": "object",
                "required": ["payload"],
                "properties": {"payload": {"type": "string", "contentMediaType": "application/json"}},
            }
        }
    return {
        "requestBody": {"required": True, "content": content},
        "parameters": [
            {"name": name, "in": "header", "required": True, "description": text, "schema": {"type": "string"}}
            for name, text in _HEADERS.get(source, {}).items()
        ],
    }
