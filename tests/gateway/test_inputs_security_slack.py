"""What comes through Slack counts as what Slack has signed, whatever else it says: who, which question, and once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
import pytest_asyncio

from terse_temporal.gateway.signing import signed_headers

from ..bench import Bench, Run, cache_on
from ..inputs.asking import answered, asked
from ..inputs.jobs_hostile import HOSTILE
from ..inputs.slack_workspace import SECRET, TOKEN, Workspace, workspace
from ..waiting import until
from .asking_gateway import ADA, asking_gateway, bearer, link_to, set_secrets
from .jobs_slack import asks_in_slack
from .test_input_page import FROM_THE_PAGE, Browser, hidden, text_of


@pytest_asyncio.fixture(loop_scope="session")
async def slack(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Workspace]:
    """The workspace, in which worker and gateway have their app."""
    set_secrets(monkeypatch)
    async with workspace() as found:
        monkeypatch.setenv("SLACK_API_URL", found.url)
        monkeypatch.setenv("SLACK_BOT_TOKEN", TOKEN)
        monkeypatch.setenv("SLACK_SIGNING_SECRET", SECRET)
        yield found


def _signed(body: bytes, *, secret: str = SECRET, ago: float = 0) -> dict[str, str]:
    now = datetime.now(UTC) - timedelta(seconds=ago)
    return dict(signed_headers("slack", body, secret=secret, id="", now=now))


async def _known(run: Run) -> dict[str, Any]:
    return {"id": run.id, "run": (await asked(run))["run"], "number": "1"}


@cache_on
async def test_three_ways_at_the_same_moment(bench: Bench, slack: Workspace, tmp_path: Path) -> None:
    """A click, the page and the API: one is taken, and each of the others is told by whom."""
    async with bench.worker(asks_in_slack), asking_gateway(bench.env.client, tmp_path / "spool") as client:
        run = await bench.start(asks_in_slack)
        message = await slack.message()
        path = link_to(await _known(run), respondent="bob")
        typed = {**hidden((await client.get(path)).text), "choice": "no"}
        click = slack.click(message, "No", user="UEVE00001", name=HOSTILE)
        _, page, program = await asyncio.gather(
            slack.send(client, click),
            client.post(path, data=typed, headers=FROM_THE_PAGE),
            client.post(f"/api/inputs/{run.id}/1/answer", json={"choice": "no"}, headers=bearer(ADA)),
        )

        async def is_over() -> bool:
            return "1" in await answered(run)

        await until(is_over, "one was taken")
        past = (await answered(run))["1"]
        assert past["by"] in ("UEVE00001", "bob", "ada")
        assert (page.status_code == 200) == (past["by"] == "bob")
        assert (program.status_code == 200) == (past["by"] == "ada")
        assert page.status_code in (200, 409, 410)
        assert program.status_code in (200, 409)


@cache_on
async def test_who_it_was_is_shown_as_text(bench: Bench, slack: Workspace, tmp_path: Path) -> None:
    """The name that somebody has given themselves, on the page of who comes late, and in what the API says."""
    async with bench.worker(asks_in_slack), asking_gateway(bench.env.client, tmp_path / "spool") as client:
        run = await bench.start(asks_in_slack)
        known = await _known(run)
        name = HOSTILE[:60]
        await slack.send(client, slack.click(await slack.message(), "No", user="UEVE00001", name=name))

        async def is_over() -> bool:
            return "1" in await answered(run)

        await until(is_over, "it was taken")
        late = await Browser(client, link_to(known, respondent="bob")).open(410)
        assert name in text_of(late)
        assert "<script" not in late
        api = (await client.get(f"/api/inputs/{run.id}/1", headers=bearer(ADA))).json()
        assert (api["by"], api["by_name"]) == ("UEVE00001", name)


@cache_on
async def test_a_link_in_a_button_answers_as_who_clicks(bench: Bench, slack: Workspace, tmp_path: Path) -> None:
    """A token that was sent to the boss by mail makes nobody the boss in Slack."""
    async with bench.worker(asks_in_slack), asking_gateway(bench.env.client, tmp_path / "spool") as client:
        run = await bench.start(asks_in_slack, respond_by=["boss@acme.example", "UBOSS0001"])
        token = link_to(await _known(run), respondent="boss@acme.example").rpartition("/")[2]
        click = slack.click(await slack.message(), "No", user="UEVE00001", name="boss@acme.example")
        click["actions"][0]["value"] = token
        await slack.send(client, click)
        assert await answered(run) == {}
        click["user"] |= {"id": "UBOSS0001"}
        await slack.send(client, click)

        async def is_over() -> bool:
            return "1" in await answered(run)

        await until(is_over, "it was taken")
        assert (await answered(run))["1"]["by"] == "UBOSS0001"


@cache_on
async def test_what_slack_has_not_signed(bench: Bench, slack: Workspace, tmp_path: Path) -> None:
    """Unsigned, signed by another, changed afterwards, or sent again after five minutes: the run is not told."""
    async with bench.worker(asks_in_slack), asking_gateway(bench.env.client, tmp_path / "spool") as client:
        run = await bench.start(asks_in_slack)
        body = urlencode({"payload": json.dumps(slack.click(await slack.message(), "No"))}).encode()
        for headers, sent in (
            ({}, body),
            (_signed(body, secret="another-secret-of-tests"), body),
            (_signed(body), body + b"&x=y"),
            (_signed(body, ago=301), body),
            ({**_signed(body), "X-Slack-Request-Timestamp": "0"}, body),
        ):
            kind = {"content-type": "application/x-www-form-urlencoded"}
            refused: httpx.Response = await client.post("/webhooks/slack", content=sent, headers={**kind, **headers})
            assert refused.status_code == 401
        assert await answered(run) == {}
        await run.terminate()
