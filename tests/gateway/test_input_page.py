"""A question is answered on its page, by a link that is bound to it: in whatever state it and its run are."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from html import unescape
from pathlib import Path

import httpx
import pytest
from temporalio.client import Client

from terse_temporal.errors import ServerUnavailableError
from terse_temporal.gateway import build_app
from terse_temporal.gateway.inputs.csrf import form_token
from terse_temporal.gateway.operator_sessions import make_session
from terse_temporal.gateway.operator_tokens import Operator
from terse_temporal.inputs import InputToken, make_token

from ..bench import Bench, Run, cache_on
from ..inputs.asking import answered, asked, idle
from ..inputs.jobs_asking import asks, asks_for_a_form, asks_in_time, asks_many

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


def link(asking: Run, of: str, respondent: str = "ada", **changed: str) -> str:
    token = {"namespace": "default", "id": asking.id, "run": of, "number": "1", "respondent": respondent, **changed}
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
        assert "You have answered it" in text_of(await browser.send(409, late, choice="no"))
        token = form_token([KEY.encode()], client.cookies["terse_form"], another.link.rpartition("/")[2], "bob")
        said = text_of(await another.send(409, f'<input type="hidden" name="terse-csrf" value="{token}">', choice="no"))
        assert "Somebody was faster" in said
        assert "Answer Yes" in said
        assert (await answered(run))["1"]["via"] == "page"
        await asked(run, "2")
        text = Browser(client, link(run, of, "bob", number="2"))
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


@cache_on
async def test_who_may_not_answer(bench: Bench, tmp_path: Path) -> None:
    """Whoever is not in `respond_by` sees the question, without anything to send, and what they send is refused."""
    async with bench.worker(asks), served(tmp_path, bench.env.client) as client:
        run = await bench.start(asks, respond_by=["Ada"])
        of = await run_of(run)
        for respondent in ("eve", ""):
            page = await Browser(client, link(run, of, respondent)).open()
            assert "Ship it?" in page
            assert "Only some people may answer" in text_of(page)
            assert "<form" not in page
        eve = Browser(client, link(run, of, "eve"))
        token = form_token([KEY.encode()], client.cookies["terse_form"], eve.link.rpartition("/")[2], "eve")
        page = await eve.send(403, f'<input type="hidden" name="terse-csrf" value="{token}">', choice="yes")
        assert "Only some people may answer" in text_of(page)
        await Browser(client, link(run, of, "ada")).send(200, choice="yes")
        await run.terminate()


@cache_on
async def test_what_is_over(bench: Bench, tmp_path: Path) -> None:
    """It says how: time was up, it was withdrawn, its run has ended, it is of another run or namespace."""
    async with served(tmp_path, bench.env.client) as client:
        async with bench.worker(asks_in_time):
            run = await bench.start(asks_in_time)
            of = await run_of(run)
            await bench.result(run)
        for number, said in (("1", "Time is up"), ("2", "Time is up"), ("3", "This is not asked any more")):
            assert said in text_of(await Browser(client, link(run, of, number=number)).open(410))
        for changed in ({"run": "another"}, {"namespace": "another"}, {"id": "another"}, {"number": "7"}):
            assert "This question is not open" in text_of(await Browser(client, link(run, of, **changed)).open(410))


# A server waits ten seconds for a worker that has kept a run, before it asks another.
@pytest.mark.parametrize("cache", [0], indirect=True)
async def test_no_worker(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The question is shown without one. An answer is not taken for good: it says so, keeps it, and counts it once."""
    async with served(tmp_path, bench.env.client) as client:
        async with bench.worker(asks):
            run = await bench.start(asks)
            of = await run_of(run)
            await idle(run)
        browser = Browser(client, link(run, of))
        with monkeypatch.context() as patched:
            patched.setattr("terse_temporal.gateway.inputs.answering._TO_ANSWER", 0.5)
            page = await browser.send(503, choice="yes", text="fine <b>")
        assert "no worker of this job" in text_of(page)
        assert "fine &lt;b&gt;" in page
        async with bench.worker(asks):
            assert "Thank you" in text_of(await browser.send(200, page, choice="yes", text="fine <b>"))
            await run.terminate()


@cache_on
async def test_a_long_question_without_its_worker(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a memo has no room for is asked of the worker; with none it says so, and offers no wrong form."""
    async with served(tmp_path, bench.env.client) as client:
        async with bench.worker(asks_many):
            run = await bench.start(asks_many, count=6)
            of = await run_of(run, "6")
            page = await Browser(client, link(run, of, number="6")).open()
            assert "y" * 4_000 in page
        monkeypatch.setattr("terse_temporal.gateway.inputs.answering._TO_READ", 0.2)
        page = await Browser(client, link(run, of, number="6")).open(503)
        assert "no worker" in text_of(page)
        assert "<form" not in page
        csrf = form_token([KEY.encode()], client.cookies["terse_form"], link(run, of, number="6").split("/")[2], "ada")
        page = f'<input type="hidden" name="terse-csrf" value="{csrf}">'
        page = await Browser(client, link(run, of, number="6")).send(503, page, text="what I <i>say")
        assert "what I &lt;i&gt;say" in page
        await run.terminate()


async def test_temporal_away(tmp_path: Path) -> None:
    """It says so, and what was typed can be sent again."""
    token = make_token(InputToken("default", "a", "b", "1", "ada"), [KEY.encode()])
    async with served(tmp_path) as client:
        browser = Browser(client, f"/inputs/{token}")
        page = await browser.open(503)
        assert "does not answer" in text_of(page)
        assert f'href="{token}"' in page  # from where it is, wherever a proxy has it
        csrf = form_token([KEY.encode()], client.cookies["terse_form"], token, "ada")
        page = f'<input type="hidden" name="terse-csrf" value="{csrf}">'
        page = await browser.send(503, page, choice="yes", text="</textarea>\nkept")
        assert "What you have entered is kept" in text_of(page)
        assert "&lt;/textarea&gt;\nkept" in page
        assert hidden(page)["terse-csrf"] == csrf


async def test_links_that_are_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """They are pages too, and no token is logged."""
    token = make_token(InputToken("default", "a", "b", "1"), [b"another" * 5])
    async with served(tmp_path) as client:
        for path in (f"/inputs/{token}", "/inputs/x"):
            for method in ("GET", "HEAD", "POST"):
                answer = await client.request(method, path)
                assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
        for path, method, status in ((f"/inputs/{token}/more", "GET", 404), (f"/inputs/{token}", "PUT", 405)):
            answer = await client.request(method, path)
            assert (answer.status_code, answer.text[:15]) == (status, "<!doctype html>")
        large = await client.post(f"/inputs/{token}", content=b"x=" + b"y" * 2**20)
        assert (large.status_code, large.text[:15]) == (404, "<!doctype html>")
        monkeypatch.delenv("TERSE_GATEWAY_KEY")
    async with served(tmp_path) as client:
        assert "TERSE_GATEWAY_KEY is not set" in (await client.get(f"/inputs/{token}")).text
    assert token[:20] not in caplog.text


@cache_on
async def test_who_answers(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whom the link was sent to; by a link that is nobody's the operator who is logged in, or nobody."""
    monkeypatch.setenv("TERSE_OPERATOR_TOKEN", f"grace:{'t' * 32}")
    async with bench.worker(asks), served(tmp_path, bench.env.client) as client:
        run = await bench.start(asks, respond_by=["grace"])
        of = await run_of(run)
        page = await Browser(client, link(run, of, "")).open()
        assert "You answer as" not in text_of(page)
        assert "log in" in text_of(page)
        client.cookies.set("terse_operator", make_session(Operator("grace", b"t" * 32), time.time()))
        assert "this link is of none of them" in text_of(await Browser(client, link(run, of, "ada")).open())
        browser = Browser(client, link(run, of, ""))
        assert "You answer as grace" in text_of(await browser.open())
        assert "Answered by grace" in text_of(await browser.send(200, choice="yes"))
        assert (await answered(run))["1"]["by"] == "grace"
        # The cookie of an operator does not come with a link that another site has, and with what is sent it does.
        another = await bench.start(asks)
        browser = Browser(client, link(another, await run_of(another), ""))
        session = client.cookies["terse_operator"]
        client.cookies.delete("terse_operator")
        page = await browser.open()
        client.cookies.set("terse_operator", session)
        assert "Answered by grace" in text_of(await browser.send(200, page, choice="yes"))
        # Sent again by the browser, and nobody's: it is not said that somebody else was faster.
        client.cookies.delete("terse_operator")
        third = await bench.start(asks)
        browser = Browser(client, link(third, await run_of(third), ""))
        page = await browser.open()
        await browser.send(200, page, choice="no")
        said = text_of(await browser.send(409, page, choice="no"))
        assert "The first answer counts" in said
        assert "faster" not in said
        for each in (run, another, third):
            await each.terminate()
