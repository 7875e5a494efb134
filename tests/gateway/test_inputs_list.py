"""Operators log in, see what is asked, open a question and answer it under their name; nobody else sees anything."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from ..bench import Bench, cache_on
from ..inputs import jobs_asking as jobs
from ..inputs.asking import answered, asked
from ..waiting import until
from .asking_gateway import ADA, PROGRAM, asking_gateway, bearer, set_secrets
from .test_input_page import FROM_THE_PAGE, Browser, text_of


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    set_secrets(monkeypatch)


async def _log_in(client: httpx.AsyncClient, token: str = ADA) -> httpx.Response:
    return await client.post("/inputs/login", data={"token": token}, headers=FROM_THE_PAGE)


@cache_on
async def test_from_the_list_to_the_answer(bench: Bench, tmp_path: Path) -> None:
    async with bench.worker(jobs.asks), asking_gateway(bench.env.client, tmp_path / "spool") as client:
        run = await bench.start(jobs.asks)
        await asked(run)
        before = await client.get("/inputs")
        assert before.status_code == 401
        assert "Operator token" in text_of(before.text)
        assert "Ship it?" not in before.text
        logged_in = await _log_in(client)
        assert (logged_in.status_code, logged_in.headers["location"]) == (303, "/inputs")

        async def is_listed() -> bool:
            return run.id in (await client.get("/inputs?job=asks")).text

        await until(is_listed, "it is listed")
        page = (await client.get("/inputs?job=asks")).text
        assert "Logged in as ada" in text_of(page)
        (link,) = re.findall(
            rf'href="(/inputs/[^"]+)">Ship it\?</a></h2>\s*<p class="asks"><b>asks</b> {run.id}<', page
        )
        browser = Browser(client, link)
        assert "You answer as ada" in text_of(await browser.open())
        for shown in (await browser.send(422, choice="perhaps"), await browser.send(200, choice="yes")):
            assert '<a href="/inputs">All questions</a>' in shown
        assert "All questions" in await browser.open(410)
        client.cookies.delete("terse_operator")
        assert "All questions" not in await browser.open(410)
        await _log_in(client)
        assert (await answered(run))["1"]["by"] == "ada"
        out = await client.post("/inputs/logout", headers=FROM_THE_PAGE)
        assert (out.status_code, out.headers["location"]) == (303, "/inputs")
        after = await client.get("/inputs")
        assert (after.status_code, run.id in after.text) == (401, False)
        # A program may look at it as well.
        assert (await client.get("/inputs?job=asks", headers=bearer(PROGRAM))).status_code == 200
        await run.terminate()


@cache_on
async def test_pages(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long list has pages, in which every question is once."""
    monkeypatch.setattr("terse_temporal.gateway.operators.list_page._MOST", 2)
    monkeypatch.setattr("terse_temporal.runs.inputs._SMALLEST_PAGE", 2)
    async with bench.worker(jobs.asks_for_a_year), asking_gateway(bench.env.client, tmp_path / "spool") as client:
        runs = [await bench.start(jobs.asks_for_a_year) for _ in range(5)]
        for run in runs:
            await asked(run)
        await _log_in(client)

        async def walk() -> list[str]:
            found, query = [], "?job=asks-for-a-year"
            while query:
                page = (await client.get(f"/inputs{query}")).text
                found.append(page)
                following = re.search(r'href="(\?[^"]+)" rel="next"', page)
                query = following[1].replace("&amp;", "&") if following else ""
            return found

        async def all_listed() -> bool:
            return sum(run.id in page for page in await walk() for run in runs) == len(runs)

        await until(all_listed, "each is listed once")
        assert len(await walk()) >= 3
        for run in runs:
            await run.terminate()


async def test_the_cookie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No script sees it, no other site sends it, it ends, and over https it stays there."""
    async with asking_gateway(None, tmp_path / "spool") as client:
        plain = (await _log_in(client)).headers["set-cookie"]
        assert plain.startswith("terse_operator=")
        for part in ("HttpOnly", "SameSite=strict", "Path=/inputs", "Max-Age=43200"):
            assert part in plain
        assert "Secure" not in plain
        assert ADA not in plain
        # Temporal is away, which the list says; the login needs none of it.
        listed = await client.get("/inputs")
        assert (listed.status_code, "does not answer" in listed.text) == (503, True)
        value = client.cookies["terse_operator"]
        safe = await client.post("/inputs/login", data={"token": ADA}, headers={"x-forwarded-proto": "https"})
        assert "Secure" in safe.headers["set-cookie"]
    monkeypatch.setenv("TERSE_OPERATOR_TOKEN", f"bob:{PROGRAM}")
    async with asking_gateway(None, tmp_path / "spool") as client:
        stale = await client.get("/inputs", headers={"cookie": f"terse_operator={value}"})
        assert stale.status_code == 401


async def test_without_operators_it_is_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And says how to turn it on; no token is one."""
    monkeypatch.delenv("TERSE_OPERATOR_TOKEN")
    async with asking_gateway(None, tmp_path / "spool") as client:
        page = await client.get("/inputs")
        assert page.status_code == 503
        assert "TERSE_OPERATOR_TOKEN is not set" in text_of(page.text)
        assert "secrets.token_urlsafe" in page.text
        for token in ("", "None", ADA):
            assert (await _log_in(client, token)).status_code == 503
            api = await client.get("/api/inputs", headers=bearer(token))
            assert (api.status_code, api.json()["error"]) == (503, "not_configured")
        assert "set-cookie" not in (await _log_in(client)).headers


async def test_below_a_path(tmp_path: Path) -> None:
    """Mounted in an app of the user's, or behind a proxy with a path, cookie and links stay below that."""
    async with asking_gateway(None, tmp_path / "spool", root_path="/hooks") as client:
        answer = await client.post("/hooks/inputs/login", data={"token": ADA})
        assert answer.headers["location"] == "/hooks/inputs"
        assert "Path=/hooks/inputs;" in answer.headers["set-cookie"]
        assert 'action="/hooks/inputs/logout"' in (await client.get("/hooks/inputs")).text
