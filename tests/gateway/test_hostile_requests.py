"""Whatever is sent, a request is read or refused and nothing else raised; what was not signed never gets through."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from terse_temporal.gateway.refusals import RefusedDelivery
from terse_temporal.gateway.requests import NoDelivery, RequestReader
from terse_temporal.gateway.secrets import GatewaySecrets
from terse_temporal.gateway.signing import signed_headers
from terse_temporal.triggers import Delivery, Triggers

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
SECRET = "0123456789abcdef"
STANDARD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

TRIGGERS = {
    "standard": Triggers.webhook.on_request(),
    "workos": Triggers.webhook.on_request(secret="WORKOS_SECRET", scheme="workos"),
    "attio": Triggers.webhook.on_request(secret="ATTIO_SECRET", scheme="attio"),
    "unsigned": Triggers.webhook.on_request(secret=None),
}
READER = RequestReader(
    GatewaySecrets.read(
        {
            "GITHUB_WEBHOOK_SECRET": f"another secret,{SECRET}".replace(" ", "-"),
            "STRIPE_WEBHOOK_SECRET": SECRET,
            "SLACK_SIGNING_SECRET": SECRET,
            "LINEAR_WEBHOOK_SECRET": SECRET,
            "TERSE_WEBHOOK_SECRET": STANDARD,
            "WORKOS_SECRET": SECRET,
            "ATTIO_SECRET": SECRET,
        },
        triggers=TRIGGERS.values(),
    ),
    TRIGGERS,
)

#: A body of each sender, and which of the headers are signed, or are the signature.
BODIES: dict[str, tuple[dict[str, Any], set[str]]] = {
    "github": ({"action": "opened"}, {"X-Hub-Signature-256"}),
    "stripe": ({"id": "evt_1", "type": "invoice.paid"}, {"Stripe-Signature"}),
    "slack": (
        {"type": "event_callback", "event_id": "Ev1", "event": {"type": "message"}},
        {"X-Slack-Signature", "X-Slack-Request-Timestamp"},
    ),
    "linear": ({"type": "Issue", "action": "create"}, {"Linear-Signature"}),
    "standard": ({"email": "ada@example.com"}, {"webhook-id", "webhook-timestamp", "webhook-signature"}),
    "workos": ({"id": "event_1"}, {"WorkOS-Signature"}),
    "attio": ({"events": []}, {"Attio-Signature"}),
}


def signed(sender: str, raw: bytes) -> dict[str, str]:
    """Return the headers of a request as the sender makes it."""
    if sender not in TRIGGERS:
        return signed_headers(sender, raw, secret=SECRET, id="d-1", now=NOW, kind="pull_request.opened")
    scheme = TRIGGERS[sender].scheme
    secret = None if sender == "unsigned" else STANDARD if scheme == "standard" else SECRET
    return signed_headers("webhook", raw, secret=secret, id="d-1", now=NOW, scheme=scheme)


def read(sender: str, headers: dict[str, str] | list[tuple[str, str]], raw: bytes) -> Delivery | NoDelivery:
    source, job = ("webhook", sender) if sender in TRIGGERS else (sender, None)
    return READER.read_request(source, headers, raw, job=job, now=NOW)


def refused(sender: str, headers: dict[str, str] | list[tuple[str, str]], raw: bytes) -> tuple[int, str]:
    """Return status and code of the refusal, which says nothing of the secret or the body."""
    with pytest.raises(RefusedDelivery) as caught:
        read(sender, headers, raw)
    assert SECRET not in caught.value.message
    assert len(caught.value.message) < 200
    return caught.value.status, caught.value.code


@pytest.mark.parametrize("sender", BODIES)
def test_any_change_of_one_bit_is_refused(sender: str) -> None:
    """Of the body, and of every header that is signed, or is the signature, every bit is tried."""
    body, names = BODIES[sender]
    raw = json.dumps(body).encode()
    headers = signed(sender, raw)
    assert isinstance(read(sender, headers, raw), Delivery)
    for bit in range(len(raw) * 8):
        changed = bytearray(raw)
        changed[bit // 8] ^= 1 << bit % 8
        assert refused(sender, headers, bytes(changed)) == (401, "signature_invalid")
    assert names <= headers.keys()
    for name in names:
        value = headers[name].encode("latin-1")
        for bit in range(len(value) * 8):
            changed = bytearray(value)
            changed[bit // 8] ^= 1 << bit % 8
            if changed.strip(b" \t") == value:
                continue
            status, _ = refused(sender, headers | {name: changed.decode("latin-1")}, raw)
            assert status == 401
        assert refused(sender, {each: text for each, text in headers.items() if each != name}, raw)[0] == 401
        twice = [*headers.items(), (name.upper(), headers[name])]
        assert refused(sender, twice, raw) == (401, "header_invalid")


_TEXTS = st.one_of(
    st.text(max_size=30),
    st.text("0123456789abcdef=,v1t. ", max_size=80),
    st.sampled_from(["sha256=", "t=,v1=", "v0=", "v1,", "-1", "1e9", "9" * 400, "٣", "\ud800", "\x00", "t=1,v1=ü"]),
)
_NAMES = sorted({name for _, names in BODIES.values() for name in names} | {"X-GitHub-Event", "Content-Type"})


@settings(max_examples=100, deadline=None)
@given(
    sender=st.sampled_from(sorted(BODIES)),
    headers=st.lists(st.tuples(st.sampled_from(_NAMES) | st.text(max_size=20), _TEXTS), max_size=12),
    raw=st.binary(max_size=60),
)
def test_what_is_made_up_is_refused(sender: str, headers: list[tuple[str, str]], raw: bytes) -> None:
    """Nothing but the refusal is raised, whatever the headers are."""
    assert refused(sender, headers, raw)[0] == 401


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                sorted(["id", "type", "action", "event", "event_id", "trigger_id", "challenge", "payload"])
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


@settings(max_examples=100, deadline=None)
@given(
    sender=st.sampled_from([*sorted(BODIES), "unsigned"]),
    raw=_JSON.map(lambda body: json.dumps(body).encode()) | st.binary(max_size=40),
    more=st.lists(st.tuples(st.text(max_size=10), st.text(max_size=30)), max_size=4),
    id=st.text(max_size=12),
    form=st.booleans(),
)
def test_what_is_signed_is_read_or_refused(
    sender: str, raw: bytes, more: list[tuple[str, str]], id: str, form: bool
) -> None:
    """A sender signs whatever its users make it send."""
    headers = [(name, value) for name, value in signed(sender, raw).items() if value != "d-1" or sender == "standard"]
    headers += (
        [] if sender == "standard" else [("X-GitHub-Delivery", id), ("Idempotency-Key", id), ("Linear-Delivery", id)]
    )
    if form:
        headers = [each for each in headers if each[0] != "Content-Type"]
        headers.append(("content-type", "application/x-www-form-urlencoded; charset=utf-8"))
    try:
        found: Delivery | NoDelivery | RefusedDelivery = read(sender, [*headers, *more], raw)
    except RefusedDelivery as refusal:
        found = refusal
    if isinstance(found, RefusedDelivery):
        assert found.status == 400
    elif isinstance(found, Delivery):
        assert found.id.isprintable()
        assert found.id.isascii()
        assert 1 <= len(found.id) <= 200
        assert json.loads(json.dumps(found.body, allow_nan=False)) == found.body
        json.dumps(dict(found.headers))


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "body_not_json"),
        (b"{", "body_not_json"),
        (b'{"a": 1} {}', "body_not_json"),
        (b"\xef\xbb\xbf{}", "body_not_json"),
        (b'{"a": "\xff"}', "body_not_json"),
        (b'{"a": "\\ud800"}', "body_not_json"),
        (b'{"a": NaN}', "body_not_json"),
        (b'{"a": -Infinity}', "body_not_json"),
        (b'{"a": [1e999]}', "body_not_json"),
        (b'{"a": ' + b"9" * 10_000 + b"}", "body_not_json"),
        (b'{"a": ' * 202 + b"1" + b"}" * 202, "body_too_deep"),
        (b"[" * 500_000, "body_too_deep"),
        (b'{"a":' * 150_000, "body_too_deep"),
        (b"[" * 100_000 + b"]" * 100_000, "body_too_deep"),
    ],
    ids=lambda each: each[:12] if isinstance(each, bytes) else each,
)
@pytest.mark.parametrize("sender", ["github", "unsigned"])
def test_a_body_that_is_no_json_is_refused(sender: str, raw: bytes, code: str) -> None:
    began = time.process_time()
    assert refused(sender, signed(sender, raw), raw) == (400, code)
    assert time.process_time() - began < 1


def test_a_body_of_too_many_values_is_refused_before_it_is_read() -> None:
    """A list takes three bytes in JSON, and sixty of memory."""
    raw = b'{"a":[' + b"[]," * 2_000_000 + b"[]]}"
    began = time.process_time()
    assert refused("github", signed("github", raw), raw) == (413, "body_too_large")
    assert time.process_time() - began < 1


def test_of_equal_keys_the_last_counts() -> None:
    raw = b'{"id": "evt_1", "type": "a", "id": "evt_2"}'
    found = read("stripe", signed("stripe", raw), raw)
    assert isinstance(found, Delivery)
    assert found.id == "evt_2"


def test_a_vendors_body_is_an_object() -> None:
    for raw in (b"[]", b"1", b"null", b'"text"'):
        assert refused("stripe", signed("stripe", raw), raw) == (400, "body_not_an_object")


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"a=1", "payload_missing"),
        (b"payload={}&payload={}", "payload_missing"),
        (b"payload=%ff", "body_not_a_form"),
        (b'payload={"a":"%ff"}', "body_not_a_form"),
        (b"payload", "body_not_a_form"),
        (b"\xff=1", "body_not_a_form"),
        (b"&" * 500, "body_not_a_form"),
        (b"payload={}" + b"&a=1" * 100, "body_not_a_form"),
        (b"payload=1", "body_not_an_object"),
        (b"payload={", "body_not_json"),
    ],
)
def test_a_form_without_a_payload_is_refused(payload: bytes, code: str) -> None:
    headers = signed("slack", payload) | {"Content-Type": "application/x-www-form-urlencoded"}
    assert refused("slack", headers, payload) == (400, code)


@pytest.mark.parametrize("id", ["", " ", "a b", "ü", "x" * 201, "a\nb", "x" * 5_000], ids=lambda each: each[:5])
def test_an_id_is_bounded_and_printable(id: str) -> None:
    for sender, header in (
        ("github", "X-GitHub-Delivery"),
        ("linear", "Linear-Delivery"),
        ("attio", "Idempotency-Key"),
    ):
        raw = json.dumps(BODIES[sender][0]).encode()
        status, code = refused(sender, signed(sender, raw) | {header: id}, raw)
        assert status == 400
        assert code in ("delivery_id_missing", "delivery_id_invalid", "header_invalid")
    for sender, field in (("stripe", "id"), ("slack", "event_id"), ("workos", "id")):
        raw = json.dumps({**BODIES[sender][0], field: id}).encode()
        assert refused(sender, signed(sender, raw), raw)[0] == 400


@pytest.mark.parametrize("kind", ["", "a b", "\n", "x" * 101, "<b>"], ids=lambda each: each[:5])
def test_the_name_of_an_event_is_bounded_and_printable(kind: str) -> None:
    raw = json.dumps({"id": "evt_1", "type": kind}).encode()
    assert refused("stripe", signed("stripe", raw), raw) == (400, "event_type_invalid")
    raw = json.dumps({"action": kind or " "}).encode()
    assert refused("github", signed("github", raw), raw) == (400, "event_type_invalid")


def test_a_challenge_is_a_text_of_bounded_length() -> None:
    for challenge in (None, 1, "", "x" * 1_001, {"a": 1}):
        raw = json.dumps({"type": "url_verification", "challenge": challenge}).encode()
        assert refused("slack", signed("slack", raw), raw) == (400, "challenge_invalid")


@pytest.mark.parametrize("sender", ["stripe", "standard", "workos"])
def test_many_signatures_cost_no_more_than_one(sender: str) -> None:
    """The body is hashed once for each secret, and a header that is longer than vendors make it is not read."""
    raw = json.dumps(BODIES[sender][0] | {"text": "x" * 1_000_000}).encode()
    headers = signed(sender, raw)
    name = next(each for each in headers if each.lower().endswith("signature"))
    other = " v1,AAAA" if sender == "standard" else ",v1=00"
    assert isinstance(read(sender, headers | {name: headers[name] + other * 400}, raw), Delivery)
    began = time.process_time()
    assert refused(sender, headers | {name: headers[name] + other * 200_000}, raw) == (401, "header_invalid")
    assert time.process_time() - began < 0.5


def test_what_is_nowhere_is_not_found() -> None:
    for source, job in (("gitlab", None), ("webhook", None), ("webhook", "no-such-job"), ("webhook", "")):
        with pytest.raises(RefusedDelivery) as caught:
            READER.read_request(source, {}, b"{}", job=job, now=NOW)
        assert (caught.value.status, caught.value.code) == (404, "not_found")


def test_jobs_see_headers_without_credentials_and_not_too_many() -> None:
    raw = b"{}"
    sent = [
        *signed("attio", raw).items(),
        ("User-Agent", "acme/1"),
        ("X-Seen", "a"),
        ("x-seen", "b"),
        ("Authorization", "Bearer abc"),
        ("Cookie", "a=b"),
        ("X-Api-Key", "abc"),
        ("X-Gitlab-Token", "abc"),
        ("X-Acme-Signature", "abc"),
        ("X-Forwarded-For", "10.0.0.1"),
        ("Proxy-Authorization", "abc"),
        ("X-Long", "x" * 1_001),
        ("X-Escape", "\x1b[2J"),
        ("X-Half", "\ud800"),
        ("a b", "c"),
    ]
    found = read("attio", sent, raw)
    assert isinstance(found, Delivery)
    assert found.headers == {
        "content-type": "application/json",
        "idempotency-key": "d-1",
        "user-agent": "acme/1",
        "x-seen": "a, b",
    }
    found = read("unsigned", [(f"x-{number}", "v") for number in range(1_000)], raw)
    assert isinstance(found, Delivery)
    assert len(found.headers) == 64
