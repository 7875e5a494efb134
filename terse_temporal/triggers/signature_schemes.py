"""How the senders of webhooks sign: what stands in which header.

These are only descriptions, which a trigger names. The gateway checks the signatures (`gateway/signatures.py`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final, Literal

__all__ = ["SCHEMES", "HmacSignature", "SchemeName", "StandardWebhooks", "scheme_problem"]

#: The schemes that a trigger may name by a word.
SchemeName = Literal["standard", "github", "stripe", "linear", "workos", "attio"]

#: What HTTP allows as the name of a header, and no longer than anybody's.
_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")


@dataclass(frozen=True, kw_only=True)
class HmacSignature:
    """An HMAC-SHA256 of the body, in hexadecimal, in a header: what nearly all senders have that follow no standard.

    Without `timestamp` only the body is signed, so that whoever has seen a request may send it again, under another id
    as well where that stands in a header: what was signed holds the gateway back from nothing but changes. With it the
    header is `t=<time>,v1=<hexadecimal>`, as Stripe has it, and `<time>.<body>` is signed.

    Attributes:
        header: that the signature stands in: `"Attio-Signature"`.
        prefix: what stands in front of the hexadecimal digits: `"sha256="`.
        timestamp: the unit of the time that is signed with the body; `None` if there is none.
        max_age: seconds after which a signed time is too old. One in the future is let through, as vendors do.
        id_header: the header with the delivery's own id, the same when it is sent again.
        id_field: the field of the body with it: `"id"`. With neither, an `Idempotency-Key` or `webhook-id` that is
            sent is the id; else what is signed together with a time is; else each request is a delivery of its own.
    """

    header: str
    prefix: str = ""
    timestamp: Literal["seconds", "milliseconds"] | None = None
    max_age: int = 300
    id_header: str | None = None
    id_field: str | None = None

    def __str__(self) -> str:
        given = [each.name for each in fields(self) if getattr(self, each.name) != each.default]
        return f"HmacSignature({', '.join(f'{name}={getattr(self, name)!r}' for name in given)})"


@dataclass(frozen=True, kw_only=True)
class StandardWebhooks:
    """The scheme of standardwebhooks.com: id, time and body are signed; the secret begins with `whsec_`.

    Attributes:
        max_age: seconds by which the signed time may be older than the gateway's, or newer.
    """

    max_age: int = 300


SCHEMES: Final[Mapping[str, StandardWebhooks | HmacSignature]] = {
    "standard": StandardWebhooks(),
    "github": HmacSignature(header="X-Hub-Signature-256", prefix="sha256=", id_header="X-GitHub-Delivery"),
    "stripe": HmacSignature(header="Stripe-Signature", timestamp="seconds", id_field="id"),
    # Its body has a time too, which is not looked at: whether retries, up to six hours later, are stamped anew is not
    # documented.
    "linear": HmacSignature(header="Linear-Signature", id_header="Linear-Delivery"),
    "workos": HmacSignature(header="WorkOS-Signature", timestamp="milliseconds", max_age=180, id_field="id"),
    "attio": HmacSignature(header="Attio-Signature", id_header="Idempotency-Key"),
}


def scheme_problem(scheme: Any) -> str | None:
    """Return what is wrong with a scheme as a trigger was given it, or `None`."""
    if isinstance(scheme, str):
        if scheme in SCHEMES:
            return None
        return f"scheme={scheme!r} is none of {', '.join(map(repr, SCHEMES))}"
    if not isinstance(scheme, HmacSignature):
        return f"scheme={scheme!r} is neither the name of a scheme nor an HmacSignature"
    for name in ("header", "id_header"):
        header = getattr(scheme, name)
        if header is not None and not (isinstance(header, str) and _HEADER.fullmatch(header)):
            return f"{name}={header!r} is not the name of an HTTP header"
    if not isinstance(scheme.prefix, str) or not scheme.prefix.isascii():
        return f"prefix={scheme.prefix!r} is not a text in ASCII"
    if scheme.timestamp not in (None, "seconds", "milliseconds"):
        return f'timestamp={scheme.timestamp!r} is not "seconds", "milliseconds" or None'
    if scheme.timestamp is not None and scheme.prefix:
        return f"prefix={scheme.prefix!r} goes with no timestamp: then the header is t=…,v1=…"
    if isinstance(scheme.max_age, bool) or not isinstance(scheme.max_age, int) or not 1 <= scheme.max_age <= 86_400:
        return f"max_age={scheme.max_age!r} is not a number of seconds from 1 to 86400"
    if scheme.id_field is not None and (not isinstance(scheme.id_field, str) or not scheme.id_field):
        return f"id_field={scheme.id_field!r} is not the name of a field"
    if scheme.id_header is not None and scheme.id_field is not None:
        return "id_header= and id_field= are both given, and the id stands in one place"
    return None
