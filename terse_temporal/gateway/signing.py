"""Signing as vendors sign: for tests of jobs, and for whoever sends webhooks to a gateway."""

from __future__ import annotations

import base64
from datetime import datetime
from typing import Final

from ..triggers.signature_schemes import SCHEMES, HmacSignature, StandardWebhooks
from .secrets import decode_standard
from .signatures import mac

__all__ = ["signed_headers"]

_FORM: Final = "application/x-www-form-urlencoded"


def signed_headers(
    source: str,
    raw_body: bytes,
    *,
    secret: str | None,
    id: str,
    now: datetime,
    kind: str = "",
    scheme: str | HmacSignature = "standard",
) -> dict[str, str]:
    """Return the headers that a delivery comes with.

    Args:
        source: the vendor, or `"webhook"`.
        raw_body: exactly what will be sent.
        secret: as the vendor shows it. `None` for a webhook that is not signed.
        id: the delivery's own, where it stands in a header. Those of Stripe and Slack are in the body, as given.
        now: when it is signed.
        kind: of the event, `"pull_request.opened"`, which GitHub and Linear send in a header.
        scheme: of a `"webhook"`.

    Raises:
        GatewaySecretError: the secret is none of Standard Webhooks, where it has to be.
        KeyError: there is no such source or scheme.
    """
    is_form = source in ("slack", "github") and raw_body.startswith(b"payload=")
    headers = {"Content-Type": _FORM if is_form else "application/json"}
    if source == "slack":
        return headers | _slack(raw_body, secret or "", now)
    if source == "github":
        headers["X-GitHub-Event"] = kind.partition(".")[0]
    elif source == "linear":
        headers["Linear-Event"] = kind.partition(".")[0]
    if source == "webhook" and secret is None:
        return headers | {"Idempotency-Key": id}
    signs = SCHEMES[source if source != "webhook" else scheme] if isinstance(scheme, str) else scheme
    if isinstance(signs, StandardWebhooks):
        return headers | _standard(raw_body, secret or "", id, now)
    return headers | _hmac(signs, raw_body, secret or "", id, now)


def _slack(raw_body: bytes, secret: str, now: datetime) -> dict[str, str]:
    time = str(int(now.timestamp()))
    signature = mac(secret.encode(), b"v0:", time.encode(), b":", raw_body).hex()
    return {"X-Slack-Request-Timestamp": time, "X-Slack-Signature": f"v0={signature}"}


def _standard(raw_body: bytes, secret: str, id: str, now: datetime) -> dict[str, str]:
    time = str(int(now.timestamp()))
    made = mac(decode_standard("The secret", secret), id.encode(), b".", time.encode(), b".", raw_body)
    signature = f"v1,{base64.b64encode(made).decode()}"
    return {"webhook-id": id, "webhook-timestamp": time, "webhook-signature": signature}


def _hmac(scheme: HmacSignature, raw_body: bytes, secret: str, id: str, now: datetime) -> dict[str, str]:
    if scheme.timestamp is None:
        headers = {scheme.header: scheme.prefix + mac(secret.encode(), raw_body).hex()}
    else:
        time = str(int(now.timestamp() * (1_000 if scheme.timestamp == "milliseconds" else 1)))
        headers = {scheme.header: f"t={time},v1={mac(secret.encode(), time.encode(), b'.', raw_body).hex()}"}
    return headers if scheme.id_header is None else {**headers, scheme.id_header: id}
