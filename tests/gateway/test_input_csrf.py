"""An answer is sent by the page of its question in the same browser: anything else is refused, and the run not told."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from terse_temporal.gateway import build_app
from terse_temporal.gateway.inputs.csrf import form_token, is_genuine
from terse_temporal.serialization.wire_names import WAITING_MEMO

from ..bench import Bench, cache_on
from ..inputs.asking import memo_of
from ..inputs.jobs_asking import asks
from .test_input_page import FROM_THE_PAGE, KEY, hidden, link, run_of, served, text_of

_KEYS = [KEY.encode()]


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERSE_GATEWAY_KEY", f"{KEY},{'o' * 32}")


def test_a_token_is_of_one_form() -> None:
    """Of one cookie, one link and one person; with either of the keys, while one is replaced."""
    token = form_token(_KEYS, "cookie", "link", "ada")
    assert is_genuine(token, [b"another", *_KEYS], "cookie", "link", "ada")
    for given, cookie, of, by in (
        (token, "another", "link", "ada"),
        (token, "cookie", "another", "ada"),
        (token, "cookie", "link", "eve"),
        (token[:-1], "cookie", "link", "ada"),
        ("", "cookie", "link", "ada"),
        ("\ud800é", "cookie", "link", "ada"),
    ):
        assert not is_genuine(given, _KEYS, cookie, of, by)
    assert not is_genuine(token, [], "cookie", "link", "ada")


@cache_on
async def test_what_another_site_sends(bench: Bench, tmp_path: Path) -> None:
    """However much of the page it knows. What the browser says is the page's own is asked to be sent again."""
    async with bench.worker(asks), served(tmp_path, bench.env.client) as client:
        run = await bench.start(asks)
        address = link(run, await run_of(run))
        page = await client.get(address)
        assert "set-cookie" in page.headers
        cookie = page.headers["set-cookie"].lower()
        assert all(part in cookie for part in ("httponly", "samesite=lax", "path=/inputs"))
        assert "secure" not in cookie
        genuine = {**hidden(page.text), "choice": "yes", "text": "mine"}
        for site in ("cross-site", "same-site", "nonsense"):
            refused = await client.post(address, data=genuine, headers={"Sec-Fetch-Site": site})
            assert (refused.status_code, refused.text[:15]) == (403, "<!doctype html>")
            assert "another site" in text_of(refused.text)
            assert "mine" not in refused.text
        for fields, sent, kept in (
            ({"choice": "yes", "text": "mine"}, FROM_THE_PAGE, True),
            ({"choice": "yes", "text": "mine", "terse-csrf": "0" * 64}, {}, False),
        ):
            refused = await client.post(address, data=fields, headers=sent)
            assert (refused.status_code, "mine" in refused.text) == (403, kept)
            assert "Your answer was not sent" in text_of(refused.text)
        # The token of a page that was opened by somebody else.
        async with httpx.AsyncClient(base_url="http://gateway", transport=client._transport) as another:
            assert (await another.post(address, data=genuine, headers=FROM_THE_PAGE)).status_code == 403
        for body, kind, status in (
            (b'{"choice": "yes"}', "application/json", 415),
            (b"choice=yes&terse-csrf=%ff", "application/x-www-form-urlencoded", 400),
            (b"a=1&" * 6_000, "application/x-www-form-urlencoded", 400),
            (b"text=" + b"y" * 2**20, "application/x-www-form-urlencoded", 413),
        ):
            answer = await client.post(address, content=body, headers={"Content-Type": kind})
            assert (answer.status_code, answer.text[:15]) == (status, "<!doctype html>")
        assert "1" in await memo_of(run, WAITING_MEMO)
        assert (await client.post(address, data=genuine, headers=FROM_THE_PAGE)).status_code == 200
        await run.terminate()


@cache_on
async def test_opening_a_link_answers_nothing(bench: Bench, tmp_path: Path) -> None:
    """However often, by whichever method that only asks, and whatever stands behind it."""
    async with bench.worker(asks), served(tmp_path, bench.env.client) as client:
        run = await bench.start(asks)
        address = link(run, await run_of(run))
        for number in range(10):
            opened = await client.request("HEAD" if number % 2 else "GET", f"{address}?choice=yes&text=x")
            assert opened.status_code == 200
            assert opened.headers["cache-control"] == "no-store"
            assert opened.headers["referrer-policy"] == "no-referrer"
            assert "default-src 'none'" in opened.headers["content-security-policy"]
        assert "Press “Yes” to confirm it" in text_of((await client.get(f"{address}?choice=yes")).text)
        assert "1" in await memo_of(run, WAITING_MEMO)
        await run.terminate()


@cache_on
async def test_mounted_below_a_path_and_behind_https(bench: Bench, tmp_path: Path) -> None:
    """The form is sent to where the page is, and the cookie to nowhere else, over https alone."""
    gateway = build_app([], client=bench.env.client, spool=tmp_path / "spool")
    outer = FastAPI()
    outer.mount("/edge", gateway)
    transport = httpx.ASGITransport(outer)
    async with bench.worker(asks), httpx.AsyncClient(base_url="https://acme.example", transport=transport) as client:
        run = await bench.start(asks)
        address = f"/edge{link(run, await run_of(run))}"
        page = await client.get(address)
        cookie = page.headers["set-cookie"].lower()
        assert "path=/edge/inputs;" in cookie
        assert "secure" in cookie
        assert 'action="' not in page.text
        sent = await client.post(address, data={**hidden(page.text), "choice": "yes"}, headers=FROM_THE_PAGE)
        assert "Thank you" in text_of(sent.text)
        assert (await client.get("/edge/inputs/x")).text[:15] == "<!doctype html>"
        await run.terminate()
    await gateway.state.gateway.stop()
