"""`email.send` hands a message to a server over TLS, says whom it was taken for, and repeats only what was not."""

from __future__ import annotations

import asyncio
import base64
import sys
from collections.abc import AsyncIterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from terse_temporal import toolbox
from terse_temporal.errors import MissingExtraError, ServiceError, StepInputError, TransientError
from terse_temporal.tools.builtin.email import client as _smtp

from ..bench import Bench, scheduled
from ..servers import Certificate, MailServer, closed_port, http_server, mail_server, make_certificate
from ..waiting import until_logged
from .jobs_builtin import calls_a_tool

HI: dict[str, Any] = {"to": "ada@example.com", "subject": "Hi", "text": "Hello"}


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return make_certificate(tmp_path)


@pytest_asyncio.fixture(loop_scope="session")
async def server(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MailServer]:
    """A server with STARTTLS and a login, as the environment has it."""
    async with mail_server(certificate.context) as running:
        configure(monkeypatch, running)
        monkeypatch.setenv("SMTP_CA_FILE", str(certificate.file))
        monkeypatch.setenv("SMTP_USERNAME", "robot@example.org")
        monkeypatch.setenv("SMTP_PASSWORD", running.password)
        yield running


def configure(monkeypatch: pytest.MonkeyPatch, server: MailServer, security: str | None = None) -> None:
    monkeypatch.setenv("SMTP_HOST", "127.0.0.1")
    monkeypatch.setenv("SMTP_PORT", str(server.port))
    monkeypatch.setenv("SMTP_FROM", "Robot <robot@example.org>")
    if security is not None:
        monkeypatch.setenv("SMTP_SECURITY", security)


def message_of(server: MailServer, number: int = 0) -> EmailMessage:
    """A message that the server has taken."""
    message = message_from_bytes(server.messages[number][1], policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


async def failed(**arguments: Any) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        await toolbox.email.send(**{**HI, **arguments})
    return caught.value


async def test_a_message(server: MailServer) -> None:
    """A message goes out encrypted and logged in, with its headers, to everybody, and bcc is not among them."""
    receipt = await toolbox.email.send(
        to=["Ada Lovelace <ada@example.com>", "Zoë <zoe@example.com>"],
        cc="bob@example.com",
        bcc="eve@example.com",
        reply_to="desk@example.org",
        subject="Grüße ✓",
        text="Hello, Zoë\n.\n",
        html="<p>Hello, Zoë</p>",
        attachments=[
            {"filename": "a.csv", "text": "a,é", "content_type": "text/csv"},
            {"filename": "ü.bin", "base64": base64.b64encode(b"\x00\xff").decode()},
        ],
    )
    assert server.logins == [("robot@example.org", server.password)]
    everybody = ["ada@example.com", "zoe@example.com", "bob@example.com", "eve@example.com"]
    assert server.messages[0][0] == everybody
    assert (receipt.accepted, receipt.refused, receipt.response) == (everybody, {}, "250 OK queued as 4711")
    message = message_of(server)
    assert message["From"] == "Robot <robot@example.org>"
    assert message["To"] == "Ada Lovelace <ada@example.com>, Zoë <zoe@example.com>"
    assert (message["Cc"], message["Reply-To"], message["Bcc"]) == ("bob@example.com", "desk@example.org", None)
    assert message["Subject"] == "Grüße ✓"
    assert message["Message-ID"] == receipt.message_id
    assert message["Message-ID"].endswith("@example.org>")
    assert message["Date"].datetime.tzinfo is not None
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert plain.get_content().splitlines() == ["Hello, Zoë", "."]
    assert html.get_content().strip() == "<p>Hello, Zoë</p>"
    attached = [(each.get_filename(), each.get_content()) for each in message.iter_attachments()]
    assert attached == [("a.csv", "a,é"), ("ü.bin", b"\x00\xff")]
    assert b"eve" not in server.messages[0][1]


async def test_tls_from_the_start(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> None:
    """With SMTP_SECURITY=tls the connection is encrypted at once."""
    async with mail_server(certificate.context, from_the_start=True) as server:
        configure(monkeypatch, server, "tls")
        monkeypatch.setenv("SMTP_CA_FILE", str(certificate.file))
        await toolbox.email.send(**HI, from_="desk@example.org")
    assert message_of(server)["From"] == "desk@example.org"


async def test_never_silently_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server without STARTTLS gets nothing, unless SMTP_SECURITY=none says so."""
    async with mail_server(None) as server:
        configure(monkeypatch, server)
        error = await failed()
        assert "STARTTLS extension not supported by server. Nothing was sent" in str(error)
        assert not isinstance(error, TransientError)
        assert server.commands == []
        configure(monkeypatch, server, "none")
        assert (await toolbox.email.send(**HI)).accepted == ["ada@example.com"]


async def test_no_password_in_the_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without encryption a password goes to this machine only."""
    monkeypatch.setenv("SMTP_USERNAME", "robot")
    monkeypatch.setenv("SMTP_PASSWORD", "right-password")
    async with mail_server(None, plain_login=True) as server:
        configure(monkeypatch, server, "none")
        await toolbox.email.send(**HI)
        assert server.logins == [("robot", "right-password")]
        monkeypatch.setenv("SMTP_HOST", "mail.example.com")
        text = str(await failed())
    assert "for everyone to read" in text
    assert "right-password" not in text


async def test_a_certificate_that_is_not_trusted(server: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate that nobody vouches for is an error that names SMTP_CA_FILE; nothing is sent, nor tried again."""
    monkeypatch.delenv("SMTP_CA_FILE")
    error = await failed()
    assert "certificate that is not trusted" in str(error)
    assert "SMTP_CA_FILE" in str(error)
    assert not isinstance(error, TransientError)
    assert (server.logins, server.commands) == ([], [])


async def test_the_wrong_kind_of_tls(server: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """TLS from the start against a server that begins in the open is an error that names the settings."""
    monkeypatch.setenv("SMTP_SECURITY", "tls")
    assert "Check SMTP_PORT and SMTP_SECURITY" in str(await failed())


async def test_a_login_that_is_refused(server: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong password is an error with the server's code, without the password, even where the server quotes it."""
    monkeypatch.setenv("SMTP_PASSWORD", "wrong-password")
    server.says["AUTH"] = ["535 5.7.8 what is {password}?"] * 2
    error = await failed()
    assert error.code == "535"
    assert "check SMTP_USERNAME and SMTP_PASSWORD" in str(error)
    assert "what is (hidden)?" in str(error)
    assert server.commands == []


@pytest.mark.parametrize(
    ("says", "commands"),
    [
        ({"MAIL": ["451 later"]}, ["MAIL", "MAIL", "RCPT", "DATA"]),
        ({"RCPT": ["450 grey"]}, ["MAIL", "RCPT", "MAIL", "RCPT", "DATA"]),
        ({"RCPT": ["cut"]}, ["MAIL", "RCPT", "MAIL", "RCPT", "DATA"]),
        ({"DATA": ["452 full"]}, ["MAIL", "RCPT", "DATA", "MAIL", "RCPT", "DATA"]),
    ],
    ids=["mail-4yz", "rcpt-4yz", "rcpt-cut", "data-4yz"],
)
async def test_what_was_not_taken_is_sent_again(
    server: MailServer, says: dict[str, list[str]], commands: list[str]
) -> None:
    """After a 4yz, and when the connection breaks before the message is on its way, it is sent again and taken once."""
    server.says = says
    await toolbox.email.send(**HI)
    assert server.commands == commands
    assert len(server.messages) == 1


@pytest.mark.parametrize(
    ("says", "code", "said"),
    [
        ({"MAIL": ["550 no"]}, "550", "refused the sender 'robot@example.org': 550 no"),
        ({"RCPT": ["550 unknown"]}, "550", "refused everybody whom the message is for: ada@example.com: 550 unknown"),
        ({"DATA": ["554 spam"]}, "554", "refused the message: 554 spam"),
        ({"DATA": ["cut"]}, None, "It may have taken the message, so that is not sent again"),
    ],
    ids=["mail-5yz", "rcpt-5yz", "data-5yz", "data-cut"],
)
async def test_what_is_sent_once(server: MailServer, says: dict[str, list[str]], code: str | None, said: str) -> None:
    """After a 5yz, and when the connection breaks after the message was on its way, it is not sent again."""
    server.says = says
    error = await failed()
    assert said in str(error)
    assert error.code == code
    assert server.commands.count("MAIL") == 1
    assert server.messages == []


async def test_no_answer_in_time(server: MailServer) -> None:
    """A server that takes the message and says nothing may have it: it is not sent again."""
    server.says["DATA"] = ["silence"]
    assert "did not answer in time. It may have taken the message" in str(await failed(timeout="500ms"))
    assert server.commands == ["MAIL", "RCPT", "DATA"]


async def test_nobody_listens(
    server: MailServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Where nobody listens nothing was sent, and it is sent when somebody does."""
    monkeypatch.setenv("SMTP_PORT", str(await closed_port()))
    sending = asyncio.create_task(toolbox.call("email.send", HI))
    await until_logged(caplog, "tried again in")
    monkeypatch.setenv("SMTP_PORT", str(server.port))
    assert (await sending).accepted == ["ada@example.com"]


async def test_some_are_refused(server: MailServer) -> None:
    """Where some are refused the others get it, and the result says who did not and why."""
    server.says["RCPT eve@example.com"] = ["550 5.1.1 no such user"]
    receipt = await toolbox.email.send(**{**HI, "to": ["ada@example.com", "eve@example.com"]})
    assert receipt.accepted == ["ada@example.com"]
    assert receipt.refused == {"eve@example.com": "550 5.1.1 no such user"}
    assert server.messages[0][0] == ["ada@example.com"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"to": "ada"},
        {"to": "ada@example.com\nBcc: eve@example.com"},
        {"to": "ada@example.com, eve@example.com"},
        {"to": "<ada@example.com> RCPT TO:<eve@example.com>"},
        {"to": "ada@exämple.com"},
        {"to": "ada@-example.com"},
        {"to": '"ada> eve"@example.com'},
        {"cc": ["ada@example.com", ""]},
        {"from_": "Ada\r\nX: y <ada@example.com>"},
        {"subject": "Hi\r\nBcc: eve@example.com"},
        {"subject": "Hi\u2028Bcc: eve@example.com"},
        {"subject": "Hi\x85Bcc: eve@example.com"},
        {"attachments": [{"filename": "a\nb", "text": ""}]},
        {"attachments": [{"filename": "a"}]},
        {"attachments": [{"filename": "a", "base64": "?"}]},
        {"attachments": [{"filename": "a", "text": "", "content_type": "text/plain; x=1\ny"}]},
        {"attachments": [{"filename": "a", "text": "", "content_type": "multipart/mixed"}]},
        {"timeout": "1h"},
    ],
    ids=str,
)
def test_what_cannot_be_sent(wrong: dict[str, Any]) -> None:
    """A bad address, and a line break where a header would get it, is refused before anything is scheduled."""
    with pytest.raises(StepInputError):
        toolbox.email.send(**{**HI, **wrong})  # type: ignore[unused-coroutine]


async def test_nothing_to_send(server: MailServer) -> None:
    """A message without a string, or for nobody, is refused."""
    assert "neither text nor html" in str(await failed(text=None))
    assert "nobody to send to" in str(await failed(to=[]))


async def test_the_settings(server: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting that is missing or wrong is an error that names it."""
    for name, value, said in [
        ("SMTP_CA_FILE", "/nowhere.pem", "SMTP_CA_FILE cannot be read"),
        ("SMTP_PORT", "smtp", "SMTP_PORT is 'smtp'"),
        ("SMTP_SECURITY", "ssl", "SMTP_SECURITY is 'ssl'; it may be 'starttls', 'tls' or 'none'"),
        ("SMTP_FROM", "robot", "SMTP_FROM: 'robot' is not an address"),
        ("SMTP_FROM", "", "set SMTP_FROM"),
        ("SMTP_PASSWORD", "", "'SMTP_PASSWORD'"),
        ("SMTP_USERNAME", "", "'SMTP_USERNAME'"),
        ("SMTP_HOST", "", "'SMTP_HOST'"),
    ]:
        with monkeypatch.context() as patch:
            patch.setenv(name, value)
            assert said in str(await failed())
    assert server.commands == []


async def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without aiosmtplib, the error says what to install."""
    monkeypatch.setitem(sys.modules, "aiosmtplib", None)
    monkeypatch.delitem(sys.modules, "terse_temporal.tools.builtin.email.client", raising=False)
    with pytest.raises(MissingExtraError, match=r'pip install "terse-temporal\[email\]"'):
        await toolbox.email.send(**HI)


@pytest.mark.parametrize(
    ("reply", "commands", "transient"),
    [("451 later", 2, None), ("554 spam", 1, False), ("cut", 1, True)],
)
async def test_a_durable_job(
    bench: Bench, server: MailServer, reply: str, commands: int, transient: bool | None
) -> None:
    """In a durable job it is one step, sent again only where the server has not taken it, under one Message-ID."""
    server.says["DATA"] = [reply]
    async with bench.worker(calls_a_tool):
        run = await bench.start(calls_a_tool, tool="email.send", arguments=HI)
        told = await bench.result(run)
    assert await scheduled(run) == ["email.send"]
    assert server.commands.count("DATA") == commands
    if transient is None:
        assert told["accepted"] == ["ada@example.com"]
        assert message_of(server)["Message-ID"] == told["message_id"]
    else:
        assert (told["is a step error"], told["transient"]) == (True, transient)


async def test_not_a_mail_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Something else that listens there is an error."""
    async with http_server() as server:
        monkeypatch.setenv("SMTP_HOST", "127.0.0.1")
        monkeypatch.setenv("SMTP_PORT", server.url.rpartition(":")[2])
        monkeypatch.setenv("SMTP_FROM", "robot@example.org")
        assert "did not answer in time" in str(await failed(timeout="200ms"))
    assert _smtp._is_loopback("127.0.0.1")
    assert _smtp._is_loopback("localhost")
    assert not _smtp._is_loopback("mail.example.com")
