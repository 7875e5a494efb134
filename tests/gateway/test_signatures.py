"""What a vendor has signed is let through, within its time; the vendors' own published examples are."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from terse_temporal.gateway.headers import Headers
from terse_temporal.gateway.refusals import RefusedDelivery
from terse_temporal.gateway.secrets import decode_standard
from terse_temporal.gateway.signatures import verify_hmac, verify_slack, verify_standard
from terse_temporal.gateway.signing import signed_headers
from terse_temporal.triggers.signature_schemes import SCHEMES, HmacSignature, StandardWebhooks

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)

#: A secret that fits each scheme, and another.
SECRETS = {
    "standard": ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"),
    "slack": ("8f742231b10e8888abcd99yyyzzz85a5", "0123456789abcdef0123456789abcdef"),
    **dict.fromkeys(("github", "stripe", "linear", "workos", "attio"), ("a secret that is one", "another that is one")),
}


def verify(scheme: str, headers: dict[str, str], body: bytes, *secrets: str, now: float = NOW.timestamp()) -> None:
    """Check a request by a scheme that has a name."""
    received = Headers(headers)
    if scheme == "slack":
        verify_slack(received, body, [each.encode() for each in secrets], now)
    elif isinstance(found := SCHEMES[scheme], StandardWebhooks):
        verify_standard(found, received, body, [decode_standard("S", each) for each in secrets], now)
    else:
        verify_hmac(found, received, body, [each.encode() for each in secrets], now)


def sign(scheme: str, body: bytes, secret: str, now: datetime = NOW) -> dict[str, str]:
    """Sign a request by a scheme that has a name."""
    if scheme == "slack":
        return signed_headers("slack", body, secret=secret, id="Ev1", now=now)
    return signed_headers("webhook", body, secret=secret, id="msg_1", now=now, scheme=scheme)


def refused(scheme: str, headers: dict[str, str], body: bytes, *secrets: str, now: float = NOW.timestamp()) -> str:
    """Return the code of the refusal."""
    with pytest.raises(RefusedDelivery) as caught:
        verify(scheme, headers, body, *secrets, now=now)
    assert caught.value.status == 401
    return caught.value.code


def test_the_example_of_github() -> None:
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    verify("github", {"X-Hub-Signature-256": signature}, b"Hello, World!", "It's a Secret to Everybody")


def test_the_example_of_slack() -> None:
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&"
        b"channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&"
        b"response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F"
        b"96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    headers = {
        "X-Slack-Request-Timestamp": "1531420618",
        "X-Slack-Signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
    }
    verify("slack", headers, body, "8f742231b10e8888abcd99yyyzzz85a5", now=1531420618)


def test_the_example_of_standard_webhooks() -> None:
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    verify("standard", headers, b'{"test": 2432232314}', "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", now=1614265330)


def test_what_the_library_of_standard_webhooks_signs_is_let_through_and_the_other_way_round() -> None:
    secret, body, now = SECRETS["standard"][0], '{"name": "Ada Λ"}', datetime.now(UTC)
    signature = Webhook(secret).sign("msg_1", now, body)
    headers = {"webhook-id": "msg_1", "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature}
    verify("standard", headers, body.encode(), secret, now=now.timestamp())
    assert Webhook(secret).verify(body, sign("standard", body.encode(), secret, now)) == {"name": "Ada Λ"}


@pytest.mark.parametrize("scheme", SECRETS)
def test_the_secret_decides_and_while_it_is_replaced_both_do(scheme: str) -> None:
    old, new = SECRETS[scheme]
    headers = sign(scheme, b"{}", old)
    verify(scheme, headers, b"{}", old)
    verify(scheme, headers, b"{}", new, old)
    verify(scheme, headers, b"{}", old, new)
    assert refused(scheme, headers, b"{}", new) == "signature_invalid"
    assert refused(scheme, headers, b"{ }", old) == "signature_invalid"
    assert refused(scheme, {}, b"{}", old) == "signature_missing"


@pytest.mark.parametrize(
    ("scheme", "oldest", "newest"),
    [
        ("stripe", 300, None),
        ("slack", 300, 300),
        ("standard", 300, 300),
        ("workos", 180, None),
        ("github", None, None),
        ("linear", None, None),
        ("attio", None, None),
    ],
)
def test_a_time_that_is_signed_has_bounds(scheme: str, oldest: int | None, newest: int | None) -> None:
    secret, at = SECRETS[scheme][0], NOW.timestamp()
    headers = sign(scheme, b"{}", secret)
    for bound, sign_of in ((oldest, 1), (newest, -1)):
        if bound is None:
            verify(scheme, headers, b"{}", secret, now=at + sign_of * 400 * 86_400)
        else:
            verify(scheme, headers, b"{}", secret, now=at + sign_of * bound)
            late = at + sign_of * (bound + 1)
            assert refused(scheme, headers, b"{}", secret, now=late) == "timestamp_stale"


def test_several_signatures_of_which_one_fits_and_others_of_other_versions() -> None:
    secret = "a secret that is one"
    time, fits = sign("stripe", b"{}", secret)["Stripe-Signature"].split(",")
    for header in (f"{time},v1={'0' * 64},{fits},v0=abc", f"{fits}, {time}", f"{time},{fits},t2=1,nonsense"):
        verify("stripe", {"Stripe-Signature": header}, b"{}", secret)
    assert refused("stripe", {"Stripe-Signature": f"{time},{fits.replace('v1', 'v0')}"}, b"{}", secret)
    assert refused("stripe", {"Stripe-Signature": f"{time},{time},{fits}"}, b"{}", secret)
    secret = SECRETS["standard"][0]
    headers = sign("standard", b"{}", secret)
    fits = headers["webhook-signature"]
    for signatures in (f"v1a,AAAA {fits}", f"{fits} v1,AAAA v2 ,,", f"v1 {fits}"):
        verify("standard", {**headers, "webhook-signature": signatures}, b"{}", secret)
    assert refused("standard", {**headers, "webhook-signature": fits.replace("v1,", "v1a,")}, b"{}", secret)


@pytest.mark.parametrize(("scheme", "header"), [("github", "X-Hub-Signature-256"), ("slack", "X-Slack-Signature")])
def test_what_stands_before_the_digits_is_part_of_a_signature(scheme: str, header: str) -> None:
    secret = SECRETS[scheme][0]
    headers = sign(scheme, b"{}", secret)
    for wrong in (headers[header].partition("=")[2], headers[header].replace("=", "=0"), headers[header].upper()):
        assert refused(scheme, headers | {header: wrong}, b"{}", secret) == "signature_invalid"
    for wrong in ("ü", "x" * 5_000):
        assert refused(scheme, headers | {header: wrong}, b"{}", secret) == "header_invalid"


def test_an_hmac_of_another_name() -> None:
    scheme = HmacSignature(header="X-Acme-Sig", prefix="sha256:")
    headers = signed_headers("webhook", b"{}", secret="a secret", id="1", now=NOW, scheme=scheme)
    assert headers["X-Acme-Sig"].startswith("sha256:")
    assert verify_hmac(scheme, Headers(headers), b"{}", [b"a secret"], 0) is None
    bare = {"X-Acme-Sig": headers["X-Acme-Sig"].removeprefix("sha256:")}
    with pytest.raises(RefusedDelivery):
        verify_hmac(scheme, Headers(bare), b"{}", [b"a secret"], 0)
