"""Tokens of operators cannot be guessed, cookies not used elsewhere, and no answer leads to another site or is kept."""

from __future__ import annotations

import hmac
from pathlib import Path
from unittest.mock import patch

import pytest

from terse_temporal.gateway.operator_tokens import Operators
from terse_temporal.gateway.rates import AddressRates
from terse_temporal.gateway.secrets import GatewaySecrets

from .asking_gateway import ADA, PROGRAM, asking_gateway, bearer, link_to, set_secrets
from .test_input_page import FROM_THE_PAGE, text_of

_WRONG = "wrong-token-that-somebody-guessed"
_NOWHERE = {"id": "nobody", "run": "none", "number": "1"}


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    set_secrets(monkeypatch)


async def test_guessing_has_to_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After ten wrong tokens the right one is not told apart, on the page and by the API; who is logged in stays so."""
    now = 1_000.0

    def on_our_clock(rate: float, *, burst: float, clock: object) -> AddressRates:
        return AddressRates(rate, burst=burst, clock=lambda: now)

    monkeypatch.setattr("terse_temporal.gateway.operators.guard.AddressRates", on_our_clock)
    async with asking_gateway(None, tmp_path / "spool") as client:
        await client.post("/inputs/login", data={"token": ADA})
        cookie = {"cookie": f"terse_operator={client.cookies['terse_operator']}"}
        client.cookies.clear()
        for number in range(10):
            token = f"{_WRONG}{number}"
            if number % 2:
                refused = await client.post("/inputs/login", data={"token": token})
            else:
                refused = await client.get("/api/inputs", headers=bearer(token))
            assert refused.status_code == 401
            assert token not in refused.text
        for token in (ADA, PROGRAM, _WRONG):
            page = await client.post("/inputs/login", data={"token": token})
            assert (page.status_code, page.headers["retry-after"]) == (429, "10")
            assert "Try again in 10 seconds" in text_of(page.text)
            assert "set-cookie" not in page.headers
            api = await client.get("/api/inputs", headers=bearer(token))
            assert (api.status_code, api.json()["error"]) == (429, "too_many_attempts")
        assert (await client.get("/inputs", headers=cookie)).status_code == 503  # logged in: Temporal is away
        now += 10
        assert (await client.get("/api/inputs", headers=bearer(_WRONG))).status_code == 401
        assert (await client.get("/api/inputs", headers=bearer(ADA))).status_code == 429
        now += 10
        assert (await client.get("/api/inputs", headers=bearer(ADA))).status_code == 503


async def test_others_do_not_wait_for_who_guesses(tmp_path: Path) -> None:
    async with asking_gateway(None, tmp_path / "spool") as client:
        for _ in range(11):
            refused = await client.get("/api/inputs", headers=bearer(_WRONG))
        assert refused.status_code == 429
        client._transport.client = ("198.51.100.9", 1)  # type: ignore[attr-defined]
        assert (await client.get("/api/inputs", headers=bearer(ADA))).status_code == 503


def test_every_token_is_compared() -> None:
    """In constant time, whichever of them it is: how long it takes says nothing."""
    listed = ",".join(f"n{number}:token-of-number-{number}" for number in range(5))
    operators = Operators.of(GatewaySecrets.read({"TERSE_OPERATOR_TOKEN": listed}))
    for token in ("token-of-number-0", "token-of-number-4", "none", ""):
        with patch("terse_temporal.gateway.operator_tokens.hmac.compare_digest", wraps=hmac.compare_digest) as compared:
            operators.of_token(token)
        assert compared.call_count == 5


async def test_what_lets_nobody_in(tmp_path: Path) -> None:
    """A token in the address, another scheme, two in one, the name, the cookie where a program asks."""
    async with asking_gateway(None, tmp_path / "spool") as client:
        await client.post("/inputs/login", data={"token": ADA})
        cookie = {"cookie": f"terse_operator={client.cookies['terse_operator']}"}
        client.cookies.clear()
        for headers in (
            {},
            {"authorization": ADA},
            {"authorization": f"Basic {ADA}"},
            {"authorization": f"Bearer ada:{ADA}"},
            {"authorization": f"Bearer {ADA},{PROGRAM}"},
            {"authorization": f"Bearer {ADA} x"},
            cookie,
        ):
            for path in ("/api/inputs", f"/api/inputs?token={ADA}", "/api/inputs/x/1"):
                refused = await client.get(path, headers=headers)
                assert (refused.status_code, refused.headers["www-authenticate"]) in ((401, "Bearer"), (429, "Bearer"))
                if refused.status_code == 429:
                    break
            client._transport.client = (f"198.51.100.{len(str(headers))}", 1)  # type: ignore[attr-defined]
        assert (await client.post("/api/inputs/x/1/answer", json={"choice": "yes"}, headers=cookie)).status_code == 401
        assert (await client.get(f"/inputs?token={ADA}")).status_code == 401


async def test_other_sites_log_nobody_in_or_out(tmp_path: Path) -> None:
    async with asking_gateway(None, tmp_path / "spool") as client:
        for site in ("cross-site", "same-site"):
            for path in ("/inputs/login", "/inputs/logout"):
                refused = await client.post(path, data={"token": ADA}, headers={"sec-fetch-site": site})
                assert refused.status_code == 403
                assert "set-cookie" not in refused.headers
        # Without its cookie, as another site sends it, the way out takes none away.
        assert "set-cookie" not in (await client.post("/inputs/logout")).headers
        # What is no form of a page cannot log in: that takes a request that browsers ask about first.
        sent = await client.post("/inputs/login", json={"token": ADA})
        assert sent.status_code == 415


async def test_nothing_leads_to_another_site(tmp_path: Path) -> None:
    """Whatever a request says of where it came to or wants to go."""
    elsewhere = {"host": "evil.example", "x-forwarded-host": "evil.example", "x-forwarded-prefix": "//evil.example"}
    async with asking_gateway(None, tmp_path / "spool") as client:
        for path in ("/inputs/login", "/inputs/login?next=//evil.example", "/inputs/login?next=https://evil.example"):
            data = {"token": ADA, "next": "https://evil.example"}
            sent = await client.post(path, data=data, headers={**elsewhere, **FROM_THE_PAGE})
            assert (sent.status_code, sent.headers["location"]) == (303, "/inputs")
            assert "evil" not in str(sent.headers)
        for path in ("/inputs/login?next=//evil.example", "/inputs/logout"):
            assert (await client.get(path, headers=elsewhere)).headers["location"] == "/inputs"
        for path in (
            "//evil.example/inputs",
            "/inputs/",
            "/inputs//evil.example",
            "/api/inputs/",
            "/inputs/\\evil.example",
        ):
            answer = await client.get(f"http://gateway{path}", headers=elsewhere)
            assert "location" not in answer.headers
            assert answer.status_code in (401, 404), path
        page = await client.get("/inputs", headers=elsewhere)
        assert "evil" not in page.text


async def test_headers_of_every_answer(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is kept by a cache, put into a frame, told to other sites, or found by a search; no secret is logged."""
    with caplog.at_level("DEBUG"):
        async with asking_gateway(None, tmp_path / "spool") as client:
            path = link_to(_NOWHERE, respondent="bob@acme.example")
            pages = [
                await client.get("/inputs"),
                await client.get(path),
                await client.get(path + "x"),
                await client.post(path, data={"choice": "a-secret-choice", "text": "a-secret-text"}),
                await client.post("/inputs/login", data={"token": _WRONG}),
                await client.post("/inputs/login", data={"token": ADA}),
                await client.get("/inputs"),
                await client.post("/inputs/logout"),
            ]
            for page in pages:
                assert page.headers["cache-control"] == "no-store"
                if page.status_code != 303:
                    assert "default-src 'none'" in page.headers["content-security-policy"]
                    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
                    assert page.headers["referrer-policy"] == "no-referrer"
                    assert page.headers["x-frame-options"] == "DENY"
                    assert page.headers["x-content-type-options"] == "nosniff"
                    assert "noindex" in page.headers["x-robots-tag"]
            for token in (_WRONG, ADA):
                answer = await client.get("/api/inputs/x/1", headers=bearer(token))
                assert answer.headers["cache-control"] == "no-store"
                assert answer.headers["x-content-type-options"] == "nosniff"
            # Lines and headers of an attacker's are none.
            split = "a%0d%0aSet-Cookie:%20x=y"
            for each in (
                f"/inputs/{split}",
                f"/inputs?job={split}",
                f"/api/inputs?after={split}",
                f"/api/inputs/{split}/1",
            ):
                answer = await client.get(each, headers=bearer(ADA))
                assert "set-cookie" not in answer.headers or "x=y" not in answer.headers["set-cookie"]
                assert answer.status_code in (400, 401, 404, 503)
    said = "\n".join(each.getMessage() for each in caplog.records if each.name.startswith("terse_temporal"))
    for secret in (
        ADA,
        PROGRAM,
        _WRONG,
        path.rpartition("/")[2][:40],
        "a-secret",
        "bob@acme.example",
        "\r",
        "\nSet-Cookie",
    ):
        assert secret not in said
    assert "operator ada has logged in" in said
