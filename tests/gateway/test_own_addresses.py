"""A request to a job's own address is taken as its trigger says it is signed, and is one delivery by its own id."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from terse_temporal import create_job
from terse_temporal.events import Event, EventModel
from terse_temporal.gateway.job_events import event_for_run
from terse_temporal.gateway.refusals import RefusedDelivery
from terse_temporal.gateway.requests import RequestReader
from terse_temporal.gateway.secrets import GatewaySecrets
from terse_temporal.gateway.signing import signed_headers
from terse_temporal.jobs.event_input import event_type, read_event
from terse_temporal.jobs.registry import collecting
from terse_temporal.triggers import Delivery, HmacSignature, Triggers, WebhookRequest, WebhookTrigger

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
SECRET = "0123456789abcdef"
STANDARD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PLAIN = HmacSignature(header="X-Acme-Mac")
TIMED = HmacSignature(header="X-Acme-Mac", timestamp="seconds")


def own(scheme: Any) -> WebhookTrigger[Any]:
    return Triggers.webhook.on_request(secret="OWN_SECRET", scheme=scheme)


def reader(trigger: WebhookTrigger[Any], **environ: str) -> RequestReader:
    """Return what reads requests to the job `intake`."""
    found = environ or {"TERSE_WEBHOOK_SECRET": STANDARD, "OWN_SECRET": STANDARD}
    return RequestReader(GatewaySecrets.read(found, triggers=[trigger]), {"intake": trigger})


def read(
    trigger: WebhookTrigger[Any],
    body: Any,
    headers: dict[str, str] | None = None,
    *,
    id: str = "msg_1",
    now: datetime = NOW,
) -> Delivery:
    """Send a signed request, with further headers."""
    raw = json.dumps(body).encode()
    secret = None if trigger.secret is None else STANDARD
    sent = signed_headers("webhook", raw, secret=secret, id=id, now=now, scheme=trigger.scheme)
    if headers is not None:
        sent = {name: value for name, value in sent.items() if name != "Idempotency-Key"} | headers
    found = reader(trigger).read_request("webhook", sent, raw, job="intake", now=NOW)
    assert isinstance(found, Delivery)
    return found


def refused(
    trigger: WebhookTrigger[Any], headers: dict[str, str], raw: bytes = b"{}", **environ: str
) -> tuple[int, str]:
    with pytest.raises(RefusedDelivery) as caught:
        reader(trigger, **environ).read_request("webhook", headers, raw, job="intake", now=NOW)
    return caught.value.status, caught.value.code


def test_by_default_it_is_signed_by_standard_webhooks() -> None:
    found = read(Triggers.webhook.on_request(), {"email": "ada@example.com"}, id="msg_7")
    assert (found.source, found.kind, found.id, found.job) == ("webhook", "request", "msg_7", "intake")
    assert found.body == {"email": "ada@example.com"}
    assert found.run_suffix == "webhook:msg_7"
    assert refused(Triggers.webhook.on_request(), {}) == (401, "signature_missing")


@pytest.mark.parametrize(
    ("scheme", "body", "id"),
    [
        ("standard", {}, "msg_1"),
        ("github", {}, "msg_1"),
        ("stripe", {"id": "evt_1"}, "evt_1"),
        ("linear", {}, "msg_1"),
        ("workos", {"id": "event_1"}, "event_1"),
        ("attio", {"events": []}, "msg_1"),
        (HmacSignature(header="X-Mac", id_field="number"), {"number": 17}, "17"),
    ],
)
def test_another_scheme_has_the_id_where_its_sender_puts_it(scheme: Any, body: Any, id: str) -> None:
    trigger = own(scheme)
    assert read(trigger, body).id == id
    assert refused(trigger, {}) == (401, "signature_missing")
    stale = signed_headers(
        "webhook", b"{}", secret=STANDARD, id="1", now=NOW - timedelta(days=1), scheme=trigger.scheme
    )
    if scheme in ("standard", "stripe", "workos"):
        assert refused(trigger, stale) == (401, "timestamp_stale")


def test_a_scheme_without_an_id_takes_one_that_is_sent() -> None:
    for trigger in (own(PLAIN), own(TIMED), Triggers.webhook.on_request(secret=None)):
        assert read(trigger, {}, {"Idempotency-Key": "key-1"}).id == "key-1"
        assert read(trigger, {}, {"webhook-id": "msg_2", "Idempotency-Key": "key-1"}).id == "msg_2"


def test_without_an_id_a_signed_time_tells_requests_apart_and_else_each_is_its_own() -> None:
    first = read(own(TIMED), {"a": 1}, {})
    assert first.id == read(own(TIMED), {"a": 1}, {}).id
    assert first.id != read(own(TIMED), {"a": 2}, {}).id
    assert first.id != read(own(TIMED), {"a": 1}, {}, now=NOW - timedelta(seconds=1)).id
    for trigger in (own(PLAIN), Triggers.webhook.on_request(secret=None)):
        assert read(trigger, {}, {}).id != read(trigger, {}, {}).id


def test_jobs_do_not_see_the_signature_whatever_it_is_called() -> None:
    found = read(own(PLAIN), {}, {"X-Acme-Id": "7"})
    assert found.headers["x-acme-id"] == "7"
    assert "x-acme-mac" not in found.headers


def test_unsigned_on_purpose_it_needs_nothing_but_json() -> None:
    trigger = Triggers.webhook.on_request(secret=None)
    found = RequestReader(GatewaySecrets.read({}), {"intake": trigger}).read_request(
        "webhook", {}, b'["a"]', job="intake", now=NOW, method="PUT"
    )
    assert isinstance(found, Delivery)
    assert (found.body, found.method) == (["a"], "PUT")
    assert refused(trigger, {}, b"a=1") == (400, "body_not_json")


def test_a_secret_that_is_not_set_is_said() -> None:
    """With a status after which senders try again: once it is set, nothing was lost."""
    assert refused(Triggers.webhook.on_request(), {}, OTHER="") == (503, "not_configured")
    with pytest.raises(RefusedDelivery, match="OWN_SECRET is not set where it runs"):
        reader(own("attio"), OTHER="").read_request("webhook", {}, b"{}", job="intake", now=NOW)
    with pytest.raises(RefusedDelivery, match="SLACK_SIGNING_SECRET is not set") as caught:
        reader(own("attio")).read_request("slack", {}, b"{}", now=NOW)
    assert caught.value.status == 503


class Lead(EventModel):
    """A body."""

    email: str


def unannotated(event):  # type: ignore[no-untyped-def]
    pass


def wants_an_event(event: Event) -> None:
    pass


def wants_lead(event: Lead) -> None:
    pass


def wants_request(event: WebhookRequest) -> None:
    pass


def wants_request_of_lead(event: WebhookRequest[Lead]) -> None:
    pass


def event_of(handler: Callable[..., Any], trigger: WebhookTrigger[Any], body: Any) -> Any:
    """Return what the handler of a job with that trigger gets."""
    with collecting():
        job = create_job(name="intake", triggers=[trigger], on_trigger=handler)
    found = event_for_run(job, trigger, read(trigger, body, {"User-Agent": "acme/1"}))
    return read_event(found, event_type(handler, [trigger]), job="intake")


@pytest.mark.parametrize("trigger", [Triggers.webhook.on_request(), Triggers.webhook.on_request(Lead)], ids=repr)
def test_the_event_is_the_body(trigger: WebhookTrigger[Any]) -> None:
    for handler in (unannotated, wants_lead):
        assert event_of(handler, trigger, {"email": "a"}).email == "a"


@pytest.mark.parametrize(
    ("handler", "trigger"),
    [
        (wants_request, Triggers.webhook.on_request()),
        (wants_request_of_lead, Triggers.webhook.on_request(Lead)),
        (unannotated, Triggers.webhook.on_request(WebhookRequest)),
        (unannotated, Triggers.webhook.on_request(WebhookRequest[Lead])),
    ],
)
def test_the_event_is_the_request_where_the_handler_or_the_trigger_says_so(
    handler: Callable[..., Any], trigger: WebhookTrigger[Any]
) -> None:
    event = event_of(handler, trigger, {"email": "a"})
    assert (Event(event.body).email if isinstance(event.body, dict) else event.body.email) == "a"
    assert event.method == "POST"
    assert event.headers["user-agent"] == "acme/1"
    assert "webhook-signature" not in event.headers


@pytest.mark.parametrize("handler", [unannotated, wants_an_event])
def test_a_handler_that_wants_no_type_has_the_body_and_the_request(handler: Callable[..., Any]) -> None:
    """Its event is the body, and what is not a field of that it finds on the request."""
    event = event_of(handler, Triggers.webhook.on_request(), {"email": "a", "method": "phone", "nested": {"n": 1}})
    assert event == {"email": "a", "method": "phone", "nested": {"n": 1}}
    assert event.email == event["email"] == event.body.email == event.body["email"] == "a"
    assert event.body.nested.n == 1
    assert event.method == "phone"
    assert event.headers["user-agent"] == "acme/1"
    again = pickle.loads(pickle.dumps(event))
    assert (again, again.headers) == (event, event.headers)
    assert json.loads(json.dumps(event)) == event
    with pytest.raises(AttributeError, match='no field "phone"'):
        _ = event.phone


def test_it_may_be_started_by_hand_with_the_body_alone() -> None:
    by_hand = read_event({"email": "a"}, event_type(unannotated, [Triggers.webhook.on_request()]), job="intake")
    assert (by_hand, by_hand.body, by_hand.headers, by_hand.method) == ({"email": "a"}, {"email": "a"}, {}, "POST")


def test_the_body_of_a_request_may_be_any_json() -> None:
    assert event_of(unannotated, Triggers.webhook.on_request(), [1, {"deepKey": 2}]).body[1].deep_key == 2
    assert event_of(wants_request, Triggers.webhook.on_request(), [1, {"deepKey": 2}]).body == [1, {"deepKey": 2}]
