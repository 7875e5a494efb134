"""A question in Slack is answered there: who answers is known, and everybody sees what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from temporalio.client import Client

from terse_temporal.errors import ServerUnavailableError
from terse_temporal.gateway import build_app
from terse_temporal.gateway.inputs import answering
from terse_temporal.gateway.slack_answers import taking
from terse_temporal.inputs import InputOption, InputQuestion
from terse_temporal.inputs.slack_way.message import question_blocks
from terse_temporal.inputs.slack_way.modal import ModalAbout, answer_view
from terse_temporal.inputs.tokens import InputToken, make_token

from ..bench import Bench, cache_on
from ..inputs.asking import answered, asked
from ..inputs.slack_workspace import SECRET, TOKEN, Workspace, shown_in, workspace
from ..waiting import until
from .jobs_slack import asks_for_a_form_in_slack, asks_in_slack, reminds_in_slack, takes_clicks

KEY = "k" * 32

ADA = {"user": "UADA00001", "name": "ada"}
BOB = {"user": "UBOB00001", "name": "bob"}


@pytest_asyncio.fixture(loop_scope="session")
async def slack(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Workspace]:
    """The workspace, in which worker and gateway have their app."""
    async with workspace() as found:
        for name, value in {
            "SLACK_API_URL": found.url,
            "SLACK_BOT_TOKEN": TOKEN,
            "SLACK_SIGNING_SECRET": SECRET,
            "TERSE_GATEWAY_KEY": KEY,
            "TERSE_GATEWAY_URL": "https://hooks.acme.example",
        }.items():
            monkeypatch.setenv(name, value)
        yield found


@asynccontextmanager
async def gateway(spool: Path, client: Client | None) -> AsyncIterator[httpx.AsyncClient]:
    """A gateway of a server, or of one that is away, which has a job that is for clicks."""

    async def away() -> Client:
        raise ServerUnavailableError("no Temporal server answers: this is a test.")

    app = build_app([takes_clicks], client=client, connect=None if client else away, spool=spool / "spool")
    async with httpx.AsyncClient(base_url="http://gateway", transport=httpx.ASGITransport(app)) as requests:
        yield requests
    await app.state.gateway.stop()


async def test_a_button(bench: Bench, slack: Workspace, tmp_path: Path) -> None:
    """A click answers, the message says who has chosen what, and whoever is late is told, alone."""
    async with bench.worker(asks_in_slack), gateway(tmp_path, bench.env.client) as requests:
        run = await bench.start(asks_in_slack)
        message = await slack.message()
        late, mine = slack.click(message, "No", **BOB), slack.click(message, "No", **ADA)
        assert await slack.send(requests, mine) is None
        assert await bench.result(run) == ["no", "", "UADA00001"]
        said = shown_in((await slack.message(changed=True))["blocks"])
        assert "Ship it?" in said
        assert "No by @UADA00001" in said
        assert "Open the page" not in said
        assert await slack.send(requests, late) is None
        assert slack.last_said == "Somebody was faster, and the first answer counts: No by @UADA00001."
        assert await slack.send(requests, mine) is None
        assert slack.last_said == "You have answered this already: No."
        over = (await answered(run))["1"]
        assert (over["by"], over["via"]) == ("UADA00001", "slack")
    assert len(slack.messages) == 1
    assert list(slack.edits.values()) == [1]


@cache_on
async def test_an_option_with_a_text(bench: Bench, slack: Workspace, tmp_path: Path) -> None:
    """Its button opens a modal; sent when somebody else was faster, that says so instead."""
    async with bench.worker(asks_in_slack), gateway(tmp_path, bench.env.client) as requests:
        run = await bench.start(asks_in_slack, more=6)
        message = await slack.message()
        assert await slack.send(requests, slack.click(message, "Yes…", **ADA)) is None
        assert await slack.send(requests, slack.click(message, "Yes…", **BOB)) is None
        mine, late = slack.views
        sent = slack.submission(mine, {"text": {"value": "at <noon>"}}, **ADA)
        assert await slack.send(requests, sent) == {"response_action": "clear"}
        assert await bench.result(run) == ["yes", "at <noon>", "UADA00001"]
        told = await slack.send(requests, sent)  # as after a broken connection
        assert "You have answered this already: Yes" in shown_in(told["view"]["blocks"])
        told = await slack.send(requests, slack.submission(late, {"text": {"value": "no"}}, **BOB))
        assert told["response_action"] == "update"
        assert "Somebody was faster" in shown_in(told["view"]["blocks"])
    assert slack.said == []


@cache_on
async def test_a_menu(bench: Bench, slack: Workspace, tmp_path: Path) -> None:
    """What is chosen from a menu is the answer; what is no option any more is refused."""
    async with bench.worker(asks_in_slack), gateway(tmp_path, bench.env.client) as requests:
        run = await bench.start(asks_in_slack, more=6)
        click = slack.click(await slack.message(), "Option 4")
        forged = {**click, "actions": [{**click["actions"][0], "selected_option": {"value": "nothing"}}]}
        assert await slack.send(requests, forged) is None
        assert "choose one of" in slack.last_said
        another = slack.click(await slack.message(), "Option 5", **BOB)
        before = len(slack.said)
        await asyncio.gather(slack.send(requests, click), slack.send(requests, another))  # one counts
        result = await bench.result(run)
        assert result in (["o4", "", "UADA00001"], ["o5", "", "UBOB00001"])
        await until(lambda: len(slack.said) == before + 1, "the other is told")
        assert "Somebody was faster" in slack.last_said
        assert result[2] in slack.last_said


@cache_on
async def test_a_form_and_a_text(bench: Bench, slack: Workspace, tmp_path: Path) -> None:
    """A mistake stands beside its field, with what was typed still there; put right, it is the answer."""
    async with bench.worker(asks_for_a_form_in_slack), gateway(tmp_path, bench.env.client) as requests:
        run = await bench.start(asks_for_a_form_in_slack)
        await slack.send(requests, slack.click(await slack.message(), "Fill in…"))
        typed: dict[str, dict[str, Any]] = {
            "field:title": {"value": "ab"},
            "field:count": {"value": "0"},
            "field:labels": {"value": "a\nb"},
        }
        told = await slack.send(requests, slack.submission(slack.views[0], typed))
        assert told["response_action"] == "errors"
        assert told["errors"]["field:title"] == "This should have at least 3 characters"
        assert set(told["errors"]) == {"field:title", "field:count"}
        typed |= {"field:title": {"value": "abc"}, "field:count": {"value": "7"}}
        assert await slack.send(requests, slack.submission(slack.views[0], typed)) == {"response_action": "clear"}
        await slack.send(requests, slack.click(await slack.message(2), "Answer…", **BOB))
        told = await slack.send(requests, slack.submission(slack.views[1], {"text": {"value": " "}}, **BOB))
        assert told == {"response_action": "errors", "errors": {"text": "write something"}}
        await slack.send(requests, slack.submission(slack.views[1], {"text": {"value": "Eve"}}, **BOB))
        assert await bench.result(run) == ["ABC", 7, "small", ["a", "b"], "Eve", "UBOB00001"]


@cache_on
async def test_who_may_not_answer(bench: Bench, slack: Workspace, tmp_path: Path) -> None:
    """Whoever may is told by the message; whoever may not is refused, by a click as by a modal."""
    async with bench.worker(asks_in_slack), gateway(tmp_path, bench.env.client) as requests:
        run = await bench.start(asks_in_slack, respond_by=["uada00001", "UADA00001"])
        message = await slack.message()
        assert "For @UADA00001" in shown_in(message["blocks"])
        await slack.send(requests, slack.click(message, "No", **BOB))
        assert "you are none of them" in slack.last_said
        await slack.send(requests, slack.click(message, "Yes…", **BOB))
        told = await slack.send(requests, slack.submission(slack.views[0], {}, **BOB))
        assert "you are none of them" in told["errors"]["text"]
        await slack.send(requests, slack.click(message, "No", **ADA))
        assert await bench.result(run) == ["no", "", "UADA00001"]


@cache_on
async def test_reminders_and_the_end(bench: Bench, slack: Workspace) -> None:
    """Reminders are in the thread of the message and seen in the channel; it says when time is up."""
    async with bench.worker(reminds_in_slack):
        assert await bench.result(await bench.start(reminds_in_slack)) == "no"
    asks, *reminders = slack.messages.values()
    assert [(each["thread_ts"], each["reply_broadcast"]) for each in reminders] == [(asks["ts"], True)] * 2
    assert "Reminder 2: Renew?" in shown_in(reminders[1]["blocks"])
    assert "Nobody answered in time, and this counts: No" in shown_in(asks["blocks"])


@cache_on
@pytest.mark.parametrize("more", [0, 6], ids=["buttons", "menu"])
async def test_a_message_of_which_nobody_has_heard(bench: Bench, slack: Workspace, tmp_path: Path, more: int) -> None:
    """A connection that breaks once the message is posted does not make it two, by its metadata, or by its buttons."""
    slack.cut = ["chat.postMessage"]
    slack.shows_metadata = bool(more)
    async with bench.worker(asks_in_slack), gateway(tmp_path, bench.env.client) as requests:
        run = await bench.start(asks_in_slack, more=more)
        message = await slack.message()
        await slack.send(requests, slack.click(message, "No"))
        assert (await bench.result(run))[0] == "no"
        assert "No by @UADA00001" in shown_in((await slack.message(changed=True))["blocks"])
    assert len(slack.messages) == 1


@cache_on
async def test_without_a_worker(
    bench: Bench, slack: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slack is answered in time; whoever clicked is told afterwards, and a modal stays open with what was typed."""
    monkeypatch.setattr(taking, "_PATIENCE", 0.3)
    monkeypatch.setattr(answering, "_TO_ANSWER", 0.6)
    async with bench.worker(asks_in_slack):
        run = await bench.start_on_the_wall_clock(asks_in_slack)
        await asked(run)
        message = await slack.message()
    async with gateway(tmp_path, bench.env.client) as requests:
        await slack.send(requests, slack.click(message, "Yes…"))
        told = await slack.send(requests, slack.submission(slack.views[0], {"text": {"value": "x"}}))
        assert "no worker of this job" in told["errors"]["text"]
        await slack.send(requests, slack.click(message, "No"))
        await until(lambda: bool(slack.said), "who clicked is told")
        assert "no worker of this job" in slack.last_said
    await run.terminate()


OPTIONS = (InputOption("yes", "Yes", free_text=True), InputOption("no", "No"))
QUESTION = InputQuestion("a/1", "r", "1", "a", "default", "Ship it?", options=OPTIONS)


def posted(question: InputQuestion = QUESTION, key: str = KEY) -> tuple[dict[str, Any], str]:
    """A message that asks, without a run, and its token."""
    token = make_token(InputToken("default", question.id, question.run, question.number), [key.encode()])
    return {"ts": "1.0", "channel": "C1", "blocks": question_blocks(question, token, None)}, token


async def test_while_temporal_is_away(slack: Workspace, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever clicks is told to try again, and a modal stays open with what was typed. The log has no address of it."""
    caplog.set_level("DEBUG")
    message, token = posted()
    async with gateway(tmp_path, None) as requests:
        assert await slack.send(requests, slack.click(message, "No")) is None
        assert "does not answer. Try again" in slack.last_said
        view = answer_view(QUESTION, ModalAbout(token, "yes"))
        told = await slack.send(requests, slack.submission(view, {"text": {"value": "x-typed"}}))
        assert "does not answer. Try again" in told["errors"]["text"]
    logged = "\n".join(each.getMessage() for each in caplog.records if not each.name.startswith("aiohttp"))  # Slack's
    assert "slack - answer: 200, away" in logged
    for secret in ("/said/", token, "x-typed", TOKEN):
        assert secret not in logged


@cache_on
async def test_what_is_forged(bench: Bench, slack: Workspace, tmp_path: Path) -> None:
    """A token of another key, cut, of another run or of no run, answers nothing; nor is anything kept of it all."""
    async with bench.worker(asks_in_slack), gateway(tmp_path, bench.env.client) as requests:
        run = await bench.start(asks_in_slack)
        click = slack.click(await slack.message(), "No")
        action = click["actions"][0]

        async def says(**changed: Any) -> str:
            before = len(slack.said)
            assert await slack.send(requests, {**click, "actions": [{**action, **changed}]}) is None
            return slack.last_said if len(slack.said) > before else ""

        assert "another key" in await says(value=posted(key="another-key-of-this-test")[1])
        assert "another key" in await says(value=action["value"][:-2] + "x")
        assert "another key" in await says(value="x" * 2_000)
        assert "another key" in await says(value=None)
        of_no_run = posted()[1]
        assert "not open any more" in await says(value=of_no_run)
        token = InputToken("default", run.id, "another-run", "1")
        assert "not open any more" in await says(value=make_token(token, [KEY.encode()]))
        assert "choose one of" in await says(action_id="terse.input.choose.v1:<!channel>")
        # What answers nothing: the link to the page, what another release has, what has no user.
        assert await says(action_id="terse.input.page.v1") == ""
        assert await says(action_id="terse.input.another.v9") == ""
        assert await slack.send(requests, {**click, "user": {"id": "<!channel>"}}) is None
        assert (
            await slack.send(requests, {"type": "view_submission", "view": {"callback_id": "terse.input.x.v9"}}) is None
        )
        modal = slack.submission(answer_view(QUESTION, ModalAbout(of_no_run, "yes")), {})
        assert (await slack.send(requests, modal))["response_action"] == "update"
        unsigned = await requests.post("/webhooks/slack", json=click)
        assert unsigned.status_code == 401
        assert (await asked(run))["prompt"] == "Ship it?"
        # Not even Slack can have the gateway ask somebody else.
        here = slack.url.replace("127.0.0.1", "localhost").removesuffix("/api")
        for elsewhere in (f"{here}/said/9", "http://hooks.slack.com/", "https://evil.example/hooks.slack.com", "[", ""):
            before = len(slack.said)
            await slack.send(requests, {**click, "response_url": elsewhere, "actions": [{**action, "value": "x"}]})
            assert len(slack.said) == before
        assert await kept(requests) == 0
        await run.terminate()


async def kept(requests: httpx.AsyncClient) -> int:
    """How many deliveries are in the spool."""
    transport = requests._transport
    assert isinstance(transport, httpx.ASGITransport)
    app: Any = transport.app
    opened = await app.state.gateway._opening
    return len(await opened.spool.waiting(10))


@cache_on
async def test_a_modal_that_cannot_be_opened(
    bench: Bench, slack: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever clicked gets the link to the page, and the log says what is the matter."""
    async with bench.worker(asks_in_slack), gateway(tmp_path, bench.env.client) as requests:
        run = await bench.start(asks_in_slack)
        message = await slack.message()
        click = slack.click(message, "Yes…")
        await slack.send(requests, {**click, "trigger_id": "an-old-one"})
        assert "https://hooks.acme.example/inputs/" in slack.last_said
        assert "expired_trigger_id" in caplog.text
        monkeypatch.delenv("SLACK_BOT_TOKEN")
        await slack.send(requests, click)
        assert "https://hooks.acme.example/inputs/" in slack.last_said
        assert "SLACK_BOT_TOKEN is not set where this gateway runs" in caplog.text
        assert slack.views == []
        assert "k" * 20 not in caplog.text
        await run.terminate()


@cache_on
async def test_other_clicks_are_deliveries(bench: Bench, slack: Workspace, tmp_path: Path) -> None:
    """A click on a button of the user's own goes to the jobs that are for it."""
    message, _ = posted()
    click = slack.click(message, "No")
    async with gateway(tmp_path, None) as requests:
        await slack.send(requests, {**click, "actions": [{**click["actions"][0], "action_id": "oil"}]})
        await asyncio.sleep(0)
        assert await kept(requests) == 1
    assert slack.said == []
