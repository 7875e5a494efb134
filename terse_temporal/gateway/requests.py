"""From a request to a delivery: who signed it, what it is called, and what is in it.

The signature is checked before anything of the body is looked at. What a delivery is called, its own id, then decides
what a redelivery is, and becomes part of a workflow id; so it is bounded and printable.

Not every id is signed. GitHub, Linear and Attio sign the body alone: somebody who has seen one of their requests may
send it again under another id, and start its jobs again. The connection keeps others from seeing them.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from ..triggers.deliveries import Delivery
from ..triggers.signature_schemes import SCHEMES, HmacSignature, StandardWebhooks
from ..triggers.webhook import WebhookTrigger
from .bodies import read_form, read_json
from .headers import Headers
from .refusals import RefusedDelivery
from .secrets import VENDOR_SECRETS, GatewaySecrets
from .signatures import verify_hmac, verify_slack, verify_standard
from .slack_interactions import is_of_a_question

__all__ = ["Handshake", "NoDelivery", "RequestReader", "SlackInteraction"]

#: A delivery's own id. Those of vendors are UUIDs, or have up to 60 characters.
_ID: Final = re.compile(r"[!-~]{1,200}")

#: What an event may be called.
_KIND: Final = re.compile(r"[A-Za-z0-9_:.-]{1,100}")

#: Characters of what Slack wants back.
_LONGEST_CHALLENGE: Final = 1_000

#: Headers that are the id of a request to a job's own address, where nothing else says what is.
_ID_HEADERS: Final = ("webhook-id", "Idempotency-Key")


class NoDelivery:
    """A genuine request that is no delivery: it starts nothing, and is not kept."""


@dataclass(frozen=True)
class Handshake(NoDelivery):
    """A request of a vendor's that asks whether somebody is there.

    Attributes:
        answer: JSON, to be sent back with 200.
    """

    answer: Any


@dataclass(frozen=True)
class SlackInteraction(NoDelivery):
    """What somebody does in Slack with a question to them.

    Attributes:
        body: as Slack sends it.
    """

    body: dict[str, Any]


class RequestReader:
    """Reads requests, with the secrets that there were at the start.

    Args:
        secrets: as they were read.
        webhooks: the triggers of the jobs that have an address of their own, by the names of the jobs.
    """

    def __init__(self, secrets: GatewaySecrets, webhooks: Mapping[str, WebhookTrigger[Any]]) -> None:
        self._secrets = secrets
        self._webhooks = dict(webhooks)

    def variable(self, name: str) -> str | None:
        """Return the environment variable with the secret of a vendor or of a job's own address."""
        trigger = self._webhooks.get(name)
        return VENDOR_SECRETS.get(name) or (None if trigger is None else trigger.secret)

    def read_request(
        self,
        source: str,
        headers: Mapping[str, str] | Iterable[tuple[str, str]],
        raw_body: bytes,
        *,
        job: str | None = None,
        now: datetime,
        method: str = "POST",
    ) -> Delivery | NoDelivery:
        """Check a request's signature, and read it.

        It hashes the body once for each secret and reads it as JSON, which takes up to 30 ms for a MiB: one that is
        larger than some 100 KB is better read on a thread.

        Args:
            source: the vendor, or `"webhook"` with `job`, whose token was checked.
            headers: as pairs, so that it is seen when one was sent twice; or a mapping.
            raw_body: as it came, with nothing decoded.
            job: the job whose address it was sent to.
            now: by which it is told whether a signature is too old.
            method: of the request.

        Raises:
            RefusedDelivery: 400, 401, 404, or 503 where its secret is not set.
        """
        received = Headers(headers)
        if source == "webhook" and job is not None and (trigger := self._webhooks.get(job)) is not None:
            return self._read_own(trigger, job, received, raw_body, now, method)
        if source not in VENDOR_SECRETS:
            raise RefusedDelivery(404, "not_found", "There is nothing at this address.")
        keys = self._secrets.keys(VENDOR_SECRETS[source])
        if not keys:
            raise _not_configured(VENDOR_SECRETS[source])
        if source == "slack":
            verify_slack(received, raw_body, keys, now.timestamp())
        else:
            verify_hmac(_vendor_scheme(source), received, raw_body, keys, now.timestamp())
        form = source in ("slack", "github")
        body = read_form(received, raw_body) if form else read_json(raw_body)
        if not isinstance(body, dict):
            raise RefusedDelivery(400, "body_not_an_object", "The body is not a JSON object.")
        found = _READERS[source](received, body)
        if isinstance(found, NoDelivery):
            return found
        kind, delivery_id = found
        return Delivery(
            source=source,
            id=_checked_id(delivery_id or _hash(raw_body)),
            kind=_checked_kind(kind),
            body=body,
            received_at=now,
            headers=received.for_jobs(),
            method=method,
        )

    def _read_own(
        self,
        trigger: WebhookTrigger[Any],
        job: str,
        headers: Headers,
        raw: bytes,
        now: datetime,
        method: str,
    ) -> Delivery:
        scheme = SCHEMES[trigger.scheme] if isinstance(trigger.scheme, str) else trigger.scheme
        signed: str | None = None
        if trigger.secret is not None:
            if not self._secrets.has(trigger.secret):
                raise _not_configured(trigger.secret)
            if isinstance(scheme, StandardWebhooks):
                keys = self._secrets.standard_keys(trigger.secret)
                signed = verify_standard(scheme, headers, raw, keys, now.timestamp())
            else:
                signed = verify_hmac(scheme, headers, raw, self._secrets.keys(trigger.secret), now.timestamp())
        body = read_json(raw)
        hidden = (scheme.header,) if isinstance(scheme, HmacSignature) else ()
        return Delivery(
            source="webhook",
            id=_checked_id(_own_id(scheme if trigger.secret is not None else None, headers, body, raw, signed)),
            kind="request",
            body=body,
            received_at=now,
            job=job,
            headers=headers.for_jobs(*hidden),
            method=method,
        )


def _vendor_scheme(source: str) -> HmacSignature:
    scheme = SCHEMES[source]
    assert isinstance(scheme, HmacSignature)
    return scheme


def _own_id(
    scheme: StandardWebhooks | HmacSignature | None, headers: Headers, body: Any, raw: bytes, signed: str | None
) -> str:
    """Return what a request to a job's own address is called.

    Args:
        scheme: that it was checked with; `None` where it is not signed.
        headers: of the request.
        body: as JSON.
        raw: the body as it came.
        signed: what was signed beside the body: the id of Standard Webhooks, or a time.
    """
    if isinstance(scheme, StandardWebhooks):
        return signed or ""
    if scheme is not None and scheme.id_header is not None:
        return headers.one(scheme.id_header)
    if scheme is not None and scheme.id_field is not None:
        found = body.get(scheme.id_field) if isinstance(body, dict) else None
        return found if isinstance(found, str) else str(found) if type(found) is int else ""
    for name in _ID_HEADERS:
        if sent := headers.one(name):
            return sent
    # With a time in it, what is signed is not the same twice, unless somebody sends it again.
    return _hash(f"{signed}.".encode(), raw) if signed is not None else uuid.uuid4().hex


def _read_github(headers: Headers, body: dict[str, Any]) -> tuple[str, str] | Handshake:
    event, action = headers.one("X-GitHub-Event"), body.get("action")
    if event == "ping":
        return Handshake({"ok": True})
    kind = f"{event}.{action}" if event and isinstance(action, str) else event
    return kind, _required(headers.one("X-GitHub-Delivery"))


def _read_stripe(headers: Headers, body: dict[str, Any]) -> tuple[str, str]:
    return _text(body.get("type")), _required(body.get("id"))


def _read_linear(headers: Headers, body: dict[str, Any]) -> tuple[str, str]:
    event, action = _text(body.get("type")), _text(body.get("action"))
    return f"{event}.{action}" if event and action else event, _required(headers.one("Linear-Delivery"))


def _read_slack(headers: Headers, body: dict[str, Any]) -> tuple[str, str] | NoDelivery:
    kind = _text(body.get("type"))
    if kind == "url_verification":
        challenge = _text(body.get("challenge"))
        if not 1 <= len(challenge) <= _LONGEST_CHALLENGE:
            raise RefusedDelivery(400, "challenge_invalid", "The challenge is not a text of a fitting length.")
        return Handshake({"challenge": challenge})
    if kind == "event_callback":
        event = body.get("event")
        return _text(event.get("type")) if isinstance(event, dict) else "", _required(body.get("event_id"))
    if is_of_a_question(body):
        return SlackInteraction(body)
    # What happens in a message or a dialog. The few kinds that have no trigger_id are told apart by their bodies, in
    # which there is a time.
    return kind, _text(body.get("trigger_id"))


_READERS: Final = {
    "github": _read_github,
    "stripe": _read_stripe,
    "linear": _read_linear,
    "slack": _read_slack,
}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _required(id: Any) -> str:
    """Return an id that must be there. An empty one would be made up otherwise, and every redelivery would be new."""
    if not isinstance(id, str) or not id:
        raise RefusedDelivery(400, "delivery_id_missing", "The request does not say which delivery it is.")
    return id


def _checked_id(id: str) -> str:
    if not id:
        raise RefusedDelivery(400, "delivery_id_missing", "The request does not say which delivery it is.")
    if not _ID.fullmatch(id):
        raise RefusedDelivery(
            400, "delivery_id_invalid", "The id of the delivery is longer than 200 characters, or not printable ASCII."
        )
    return id


def _checked_kind(kind: str) -> str:
    if not _KIND.fullmatch(kind):
        raise RefusedDelivery(400, "event_type_invalid", "The request does not say which event it is about.")
    return kind


def _hash(*parts: bytes) -> str:
    made = hashlib.sha256()
    for part in parts:
        made.update(part)
    return made.hexdigest()[:40]


def _not_configured(variable: str) -> RefusedDelivery:
    return RefusedDelivery(
        503, "not_configured", f"This gateway cannot check the signature: {variable} is not set where it runs."
    )
