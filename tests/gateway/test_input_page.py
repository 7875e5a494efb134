"""A question is answered on its page, by a link that is bound to it: in whatever state it and its run are."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape
from pathlib import Path

import httpx
import pytest
from temporalio.client import Client

from terse_temporal.errors import ServerUnavailableError
from terse_temporal.gateway import build_app
from terse_temporal.inputs import InputToken, make_token

from ..bench import Bench, Run, cache_on
from ..inputs.asking import answered, asked
from ..inputs.jobs_asking import asks, asks_for_a_form

KEY = "k" * 32


class Browser:
    """Opens the page of a question, and sends its form, as a browser does that runs no script."""

    def __init__(self, client: httpx.AsyncClient, link: str) -> None:
        self.client = client
        self.link = link

    async def open(self, status: int = 200, query: str = "") -> str:
        answer = await self.client.get(f"{self.link}{query}")
        assert answer.status_code == status, text_of(answer.text)
        return answer.text

    async def send(self, status: int, /, page: str | None = None, **fields: str | list[str]) -> str:
        """Send what was typed, with what is hidden in the page."""
        page = await self.open() if page is None else page
        answer = await self.client.post(self.link, data={**hidden(page), **fields}, headers=FROM_THE_PAGE)
        assert answer.status_code == status, text_of(answer.text)
        return answer.text


FROM_THE_PAGE = {"Sec-Fetch-Site": "same-origin", "Origin": "null"}


def hidden(page: str) -> dict[str, str]:
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))


def text_of(page: str) -> str:
    """What a person reads."""
    without = re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL)
    return " ".join(unescape(without).split())


@asynccontextmanager
async def served(spool: Path, client: Client | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """A gateway of a server, or of one that is away, and requests to it."""

    async def away() -> Client:
        raise ServerUnavailableError("no Temporal server answers: this is a test.")

    app = build_app([], client=client, connect=None if client else away, spool=spool / "spool")
    async with httpx.AsyncClient(base_url="http://gateway", transport=httpx.ASGITransport(app)) as requests:
        yield requests
    await app.state.gateway.stop()


async def run_of(run: Run, number: str = "1") -> str:
    """The run id that a question is of, once it is asked."""
    return str((await asked(run, number))["run"])


def link(run: Run, of: str, respondent: str = "ada", number: str = "1", **changed: str) -> str:
    token = {"namespace": "default", "id": run.id, "run": of, "number": number, "respondent": respondent, **changed}
    return f"/inputs/{make_token(InputToken(**token), [KEY.encode()])}"


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERSE_GATEWAY_KEY", KEY)


@cache_on
async def test_an_option_and_a_text(bench: Bench, tmp_path: Path) -> None:
    """The page shows what is asked and by whom; the answer is the recipient's; afterwards it says who has answered."""
    async with bench.worker(asks), served(tmp_path, bench.env.client) as client:
        run = await bench.start(asks, respond_by=["ada"])
        of = await run_of(run)
        browser = Browser(client, link(run, of))
        page = await browser.open()
        said = text_of(page)
        for part in ("Ship it?", "asks", run.id, "zone B", "amount 5", "Yes", "Nothing happens", "You answer as ada"):
            assert part in said
        late = await browser.open()
        said = text_of(await browser.send(200, page, choice="yes", text="a < b\r\nfine"))
        assert "Thank you" in said
        assert "Answer Yes" in said
        assert "a < b fine" in said
        assert "You have answered it" in text_of(await browser.open(410))
        another = Browser(client, link(run, of, "bob"))
        assert "Answered by ada" in text_of(await another.open(410))
        assert "Answered by ada" in text_of(await browser.send(410, late, choice="no"))
        assert (await answered(run))["1"]["via"] == "webpage"
        await asked(run, "2")
        text = Browser(client, link(run, of, "bob", "2"))
        assert "write something" in text_of(await text.send(422, text=" "))
        assert "Thank you" in text_of(await text.send(200, text="Grace"))
        assert (await bench.result(run))[:4] == ["yes", "a < b\nfine", "ada", "Grace"]


@cache_on
async def test_a_form(bench: Bench, tmp_path: Path) -> None:
    """A mistake stands beside its field, and what was typed is kept."""
    async with bench.worker(asks_for_a_form), served(tmp_path, bench.env.client) as client:
        run = await bench.start(asks_for_a_form)
        browser = Browser(client, link(run, await run_of(run)))
        page = await browser.send(422, title="ab", count="many", size="large", labels="a <b>\nb")
        assert "at least 3 characters" in text_of(page)
        assert 'value="many"' in page
        assert "a &lt;b&gt;\nb" in page
        assert re.search(r'value="large"[^>]*checked', page)
        page = await browser.send(200, page, title="abc", count="", size="large", labels="a <b>\nb")
        assert "Title abc" in text_of(page)
        assert (await bench.result(run)) == ["ABC", None, "large", ["a <b>", "b"], "ada"]
