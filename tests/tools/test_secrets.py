"""No credential that a built-in tool uses gets into a history or a log, whether the call succeeds or fails."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import json
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from terse_temporal import Job
from terse_temporal.testing import JobEnvironment

from ..bench import Bench, Run
from ..effects import Effects
from ..servers import Answer, HttpServer, MailServer, Request, closed_port, http_server, mail_server, make_certificate
from .jobs_builtin import calls_a_tool, calls_a_tool_in_place, fails_by_a_tool, leaks

TOKEN = "sesame/open+4711"
API_KEY = "key-of-the-crm-0815"
BASIC = base64.b64encode(b"ada:basic-password").decode()
BOT_TOKEN = "xoxb-1234-not-a-real-token"
PASSWORD = "right-password"
WRONG = "wrong-password"
PROXY = "proxy-password"

#: Each credential, also in the ways that a protocol writes it.
SECRETS = {
    form
    for secret in (TOKEN, API_KEY, BASIC, "basic-password", BOT_TOKEN, PASSWORD, WRONG, PROXY)
    for form in (secret, quote(secret, safe=""), json.dumps(secret)[1:-1], base64.b64encode(secret.encode()).decode())
} | {
    base64.b64encode(f"{first}\0robot\0{password}".encode()).decode()
    for first in ("", "robot")
    for password in (PASSWORD, WRONG)
}


#: Texts that are to be in the histories: the calls came as far as they were meant to.
SAID = [
    '"status":201',
    "Bearer (hidden)",
    "was answered with 401",
    "was answered with 500",
    "did not answer within",
    "'NOT_THERE'",
    "invalid_auth",
    "ada@example.com",
    "queued as 4711",
    "is it (hidden)?",
    "you said (hidden)",
    "cannot be reached",
    "All connection attempts failed",
]


@pytest.fixture
def logs() -> Iterator[io.StringIO]:
    """Everything that is logged, by every logger, from DEBUG on, with tracebacks."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s"))
    # What the servers log, here in the same process, is theirs: conversations, and the URLs that they were asked for.
    handler.addFilter(lambda record: record.name not in ("mail.log", "aiohttp.access"))
    names = [name for name, found in logging.root.manager.loggerDict.items() if isinstance(found, logging.Logger)]
    # Some get their first logger when they are first used.
    names += ["httpx", "httpcore", "httpcore.http11", "httpcore.connection", "slack_sdk", "aiosmtplib", "temporalio"]
    loggers = [logging.root, *map(logging.getLogger, names)]
    levels = [each.level for each in loggers]
    for each in loggers:
        each.setLevel(logging.DEBUG)
    logging.root.addHandler(handler)
    try:
        yield text
    finally:
        logging.root.removeHandler(handler)
        for each, level in zip(loggers, levels, strict=True):
            each.setLevel(level)


@pytest.fixture
def bench(env: JobEnvironment, task_queue: str, effects: Effects) -> Bench:
    # Whatever the cache does, what is recorded is the same.
    return Bench(env, 1000, task_queue, effects)


@pytest_asyncio.fixture(loop_scope="session")
async def web(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[HttpServer]:
    """A web server that sends back all that it is sent, for any path the status of that name."""
    monkeypatch.setenv("CRM_TOKEN", TOKEN)
    monkeypatch.setenv("CRM_KEY", API_KEY)
    monkeypatch.setenv("CRM_BASIC", f"Basic {BASIC}")
    async with http_server() as running:
        running.usual = echo
        monkeypatch.setenv("SLACK_API_URL", f"{running.url}/slack")
        monkeypatch.setenv("SLACK_BOT_TOKEN", BOT_TOKEN)
        yield running


def echo(request: Request) -> Answer:
    sent = {"headers": request.headers, "body": request.text}
    if request.path.startswith("/slack"):
        text = json.loads(request.text)["text"]
        slack: dict[str, Any] = {"ok": text == "ok", "error": text, "channel": "C1", "ts": "1.0", "sent": sent}
        slack["response_metadata"] = {"messages": [request.headers["authorization"]]}
        return Answer(500 if text == "500" else 200, json=slack)
    status = int(request.path[1:4])
    headers = {"Set-Cookie": f"sid={TOKEN}", "X-Echo": request.headers.get("authorization", "")}
    if status == 302:
        headers["Location"] = f"/200?token={TOKEN}"
    return Answer(status, json=sent, headers=headers, after=1 if request.path.endswith("slow") else 0)


@pytest_asyncio.fixture(loop_scope="session")
async def mail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MailServer]:
    certificate = make_certificate(tmp_path)
    async with mail_server(certificate.context) as running:
        for name, value in {
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(running.port),
            "SMTP_FROM": "robot@example.org",
            "SMTP_CA_FILE": str(certificate.file),
            "SMTP_USERNAME": "robot",
            "SMTP_PASSWORD": PASSWORD,
        }.items():
            monkeypatch.setenv(name, value)
        yield running


async def recorded(run: Run) -> str:
    """A whole history as text: every event as JSON, and after it whatever in it is base64, decoded."""
    history = (await run.fetch_history()).to_json()
    decoded: list[str] = []

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            for item in value.values():
                walk(item)
        elif isinstance(value, list):
            for item in value:
                walk(item)
        elif isinstance(value, str):
            with contextlib.suppress(ValueError):
                decoded.append(base64.b64decode(value, validate=True).decode("utf-8", "replace"))

    walk(json.loads(history))
    return "\n".join([history, *decoded])


def found(text: str) -> list[str]:
    """The credentials in a string."""
    return sorted(secret for secret in SECRETS if secret in text)


def requests(url: str) -> list[tuple[str, dict[str, Any]]]:
    """Calls of `http.request` that succeed, and that fail in every way."""
    credentials: dict[str, Any] = {"auth_env": "CRM_TOKEN", "headers_env": {"X-Api-Key": "CRM_KEY"}}
    return [
        ("http.request", {"method": method, "url": at, **credentials, **more})
        for method, at, more in [
            ("GET", f"{url}/200", dict[str, Any]()),
            ("GET", f"{url}/200", {"auth_env": None, "headers_env": {"Authorization": "CRM_BASIC"}}),
            ("POST", f"{url}/201", {"json": {"a": 1}}),
            ("GET", f"{url}/302", {}),
            ("POST", f"{url}/302", {}),
            ("GET", f"{url}/401", {}),
            ("GET", f"{url}/403", {"raise_for_status": False}),
            ("POST", f"{url}/500", {}),
            ("POST", f"{url}/200/slow", {"timeout": "200ms"}),
            ("GET", f"{url}/200", {"auth_env": "NOT_THERE"}),
        ]
    ]


async def test_nothing_leaks(
    bench: Bench,
    web: HttpServer,
    mail: MailServer,
    logs: io.StringIO,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """With every way to succeed and to fail, of every tool, no credential is in a history, a log or the output."""
    # One that is not used here, and that slack_sdk writes to its log when it finds it.
    monkeypatch.setenv("HTTPS_PROXY", f"http://ada:{PROXY}@127.0.0.1:1")
    refused = f"http://127.0.0.1:{await closed_port()}"
    texts = ["ok", "invalid_auth", "500", "ratelimited"]
    messages = [("slack.send_message", {"channel_id": "C1", "message": text}) for text in texts]
    letter = ("email.send", {"to": "ada@example.com", "subject": "A subject", "text": "Hello"})
    mail.says["MAIL"] = [f"550 you said {PASSWORD}"]
    runs: list[Run] = []
    async with bench.worker(calls_a_tool, calls_a_tool_in_place, fails_by_a_tool, leaks):

        async def all_of(*calls: tuple[str, dict[str, Any]], jobs: Sequence[Job]) -> None:
            started = [
                await bench.start(job, tool=tool, arguments=arguments) for tool, arguments in calls for job in jobs
            ]
            runs.extend(started)
            await asyncio.gather(*(bench.result(run) for run in started), return_exceptions=True)

        # In a job that catches what a call raises, in one that fails by it, and in one that is not durable.
        jobs = [calls_a_tool, fails_by_a_tool, calls_a_tool_in_place]
        await all_of(*requests(web.url), *messages, letter, jobs=jobs)
        assert mail.messages
        monkeypatch.setenv("SMTP_PASSWORD", WRONG)
        mail.says["AUTH"] = ["535 is it {password}?"] * 6
        await all_of(letter, jobs=jobs)
        # Nobody listens there, and it is tried again. In place that would take a quarter of a minute.
        monkeypatch.setenv("SMTP_PORT", refused.rpartition(":")[2])
        monkeypatch.setenv("SLACK_API_URL", refused)
        post = {"method": "POST", "url": refused, "auth_env": "CRM_TOKEN"}
        await all_of(letter, messages[0], ("http.request", post), jobs=jobs[:2])
        histories = [await recorded(run) for run in runs]
        output = logs.getvalue() + "".join(capfd.readouterr())

        # What was said is there, so it would have been seen.
        everything = "\n".join(histories)
        for said in SAID:
            assert said in everything, said
        assert f"{web.url}/401 was answered with 401" in output
        assert {secret for history in histories for secret in found(history)} == set()
        assert found(output) == []

        # And with the same eyes a job is caught that does leak.
        run = await bench.start(leaks)
        assert await bench.result(run) == {"leaked": TOKEN}
    assert found(await recorded(run)) == [TOKEN]
    assert found(logs.getvalue()) == [TOKEN]


async def test_the_servers_got_them(web: HttpServer) -> None:
    """The credentials are on the wire, and what the server sends back has them all."""
    for header in ("authorization", "x-api-key"):
        answer = echo(Request("GET", "/200", {}, {header: TOKEN}, ""))
        assert found(json.dumps(answer.json)) == [TOKEN]
    assert web.requests == []
