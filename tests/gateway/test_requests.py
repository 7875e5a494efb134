"""A signed request becomes a delivery, with the vendor's own id and name of the event; a handshake is answered."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from terse_temporal.gateway.refusals import RefusedDelivery
from terse_temporal.gateway.requests import Handshake, NoDelivery, RequestReader
from terse_temporal.gateway.secrets import GatewaySecrets
from terse_temporal.gateway.signing import signed_headers
from terse_temporal.triggers import Delivery

from ..webhooks import label, payloads

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
SECRET = "0123456789abcdef"
SOURCES = ("github", "stripe", "slack", "linear")
ENVIRON = {
    "GITHUB_WEBHOOK_SECRET": SECRET,
    "STRIPE_WEBHOOK_SECRET": SECRET,
    "SLACK_SIGNING_SECRET": SECRET,
    "LINEAR_WEBHOOK_SECRET": SECRET,
}


def read(source: str, body: Any, *, kind: str = "", **headers: str) -> Delivery | NoDelivery:
    """Sign a body, and read the request. Headers may be changed; an empty one is left out."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = signed_headers(source, raw, secret=SECRET, id="d-1", now=NOW, kind=kind)
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    reader = RequestReader(GatewaySecrets.read(ENVIRON), {})
    return reader.read_request(source, [each for each in sent.items() if each[1]], raw, now=NOW)


def delivery(source: str, body: Any, *, kind: str = "", **headers: str) -> Delivery:
    """Return the delivery that a request is read as."""
    found = read(source, body, kind=kind, **headers)
    assert isinstance(found, Delivery)
    assert (found.source, found.received_at, found.method, found.job) == (source, NOW, "POST", None)
    return found


def refused(source: str, body: Any, *, kind: str = "", **headers: str) -> tuple[int, str]:
    """Return status and code of the refusal."""
    with pytest.raises(RefusedDelivery) as caught:
        read(source, body, kind=kind, **headers)
    return caught.value.status, caught.value.code


@pytest.mark.parametrize(
    ("source", "sent_as", "body", "kind", "id"),
    [
        ("github", "pull_request.opened", {"action": "opened"}, "pull_request.opened", "d-1"),
        ("github", "push", {"ref": "refs/heads/main"}, "push", "d-1"),
        ("stripe", "", {"id": "evt_1P", "type": "invoice.paid"}, "invoice.paid", "evt_1P"),
        ("linear", "Issue", {"type": "Issue", "action": "create", "webhookTimestamp": 1}, "Issue.create", "d-1"),
        ("slack", "", {"type": "event_callback", "event_id": "Ev1", "event": {"type": "message"}}, "message", "Ev1"),
    ],
)
def test_a_vendors_event(source: str, sent_as: str, body: Any, kind: str, id: str) -> None:
    found = delivery(source, body, kind=sent_as)
    assert (found.kind, found.id, found.body) == (kind, id, body)
    assert found.run_suffix == f"{source}:{id}"


def test_what_slack_and_github_send_as_a_form() -> None:
    payload = {"type": "block_actions", "trigger_id": "133.73.88", "text": "a & b = c; ü"}
    found = delivery("slack", urlencode({"payload": json.dumps(payload)}).encode())
    assert (found.kind, found.id, found.body) == ("block_actions", "133.73.88", payload)
    closed = delivery("slack", urlencode({"payload": '{"type": "view_closed"}'}).encode())
    assert closed.kind == "view_closed"
    assert len(closed.id) == 40
    found = delivery("github", urlencode({"payload": '{"action": "opened"}'}).encode(), kind="issues.opened")
    assert (found.kind, found.body) == ("issues.opened", {"action": "opened"})


def test_json_that_is_called_a_form_is_json() -> None:
    """As curl and urllib call it."""
    body = {"type": "event_callback", "event_id": "Ev1", "event": {"type": "message"}}
    assert delivery("slack", body, Content_Type="application/x-www-form-urlencoded").body == body


def test_handshakes_are_answered() -> None:
    assert read("github", {"zen": "Keep it logically awesome."}, kind="ping") == Handshake({"ok": True})
    challenge = {"type": "url_verification", "challenge": "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"}
    assert read("slack", challenge) == Handshake({"challenge": challenge["challenge"]})
    assert refused("slack", challenge, X_Slack_Signature="v0=" + "0" * 64) == (401, "signature_invalid")
    assert refused("github", {}, kind="ping", X_Hub_Signature_256="") == (401, "signature_missing")


_KINDS = {
    "push.1": "push",
    "push.with-new-branch": "push",
    "pull_request.opened.with-organization": "pull_request.opened",
}


@pytest.mark.parametrize("path", [path for source in SOURCES for path in payloads(f"{source}/*")], ids=label)
def test_a_payload_of_a_vendors(path: Path) -> None:
    """Signed as it stands, byte for byte, whichever way it is written."""
    source, raw = path.parent.name, path.read_bytes()
    body = json.loads(raw)
    kind = _KINDS.get(path.stem, path.stem) if source in ("github", "linear") else body["type"]
    if source == "slack" and kind == "block_actions":
        raw = urlencode({"payload": raw.decode()}).encode()
    found = read(source, raw, kind=kind)
    if kind in ("ping", "url_verification"):
        assert isinstance(found, Handshake)
        return
    assert isinstance(found, Delivery)
    assert found.body == body
    assert found.kind == (body["event"]["type"] if kind == "event_callback" else kind)
    ids = {"stripe": body.get("id"), "slack": body.get("event_id") or body.get("trigger_id")}
    assert found.id == ids.get(source, "d-1")
