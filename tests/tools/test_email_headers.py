"""What is put into a header of a mail stays in that header, whatever it stands for, and takes no time to check."""

from __future__ import annotations

import base64
import time
from collections.abc import AsyncIterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
import pytest_asyncio

from terse_temporal import toolbox
from terse_temporal.errors import ServiceError, StepInputError
from terse_temporal.tools.builtin.email import client as _smtp
from terse_temporal.tools.builtin.email.models import parsed

from ..servers import MailServer, mail_server
from .test_email_tool import HI, configure

LINES = "42\r\nReply-To: evil@evil.example\r\nContent-Type: text/html\r\n\r\n<a href=http://evil.example>Pay</a>"


def q(text: str, charset: str = "utf-8") -> str:
    """An encoded word in quoted-printable."""
    encoded = "".join(chr(byte) if chr(byte).isalnum() else f"={byte:02x}" for byte in text.encode())
    return f"=?{charset}?q?{encoded}?="


def b(text: str) -> str:
    """An encoded word in base64."""
    return f"=?UTF-8?B?{base64.b64encode(text.encode()).decode()}?="


WORDS = {
    "q": q(LINES),
    "Q": q(LINES).replace("?q?", "?Q?"),
    "b": b(LINES),
    "language": q(LINES, "utf-8*en"),
    "inside": f"Your order x{q(LINES)}y",
    "two": f"{q('a')} {q(LINES)}",
    "nested": b(q(LINES)),
    "harmless": q("Zoë"),
    "unknown charset": q(LINES, "x"),
    "no charset": q(LINES, ""),
    "cut off": q(LINES)[:-2],
    "half a character": "\udcff",
}


@pytest.mark.parametrize("word", WORDS.values(), ids=WORDS)
@pytest.mark.parametrize(
    "place",
    [
        lambda word: {"subject": word},
        lambda word: {"to": f"{word} <ada@example.com>"},
        lambda word: {"to": f'"{word}" <ada@example.com>'},
        lambda word: {"cc": [f"{word}@example.com"]},
        lambda word: {"reply_to": f"{word} <ada@example.com>"},
        lambda word: {"from_": f"{word} <ada@example.com>"},
        lambda word: {"attachments": [{"filename": word, "text": "t"}]},
        lambda word: {"attachments": [{"filename": "a", "text": "t", "content_type": word}]},
    ],
    ids=["subject", "name", "quoted name", "address", "reply_to", "from", "filename", "content_type"],
)
def test_encoded_words_are_refused(place: Any, word: str) -> None:
    """Before anything is scheduled, in every header."""
    with pytest.raises(StepInputError):
        toolbox.email.send(**{**HI, **place(word)})  # type: ignore[unused-coroutine]


@pytest_asyncio.fixture(loop_scope="session")
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MailServer]:
    async with mail_server(None) as running:
        configure(monkeypatch, running, "none")
        yield running


async def test_what_looks_alike_arrives_as_it_is(server: MailServer) -> None:
    """Question and quotation marks, brackets, percent signs and other alphabets are text."""
    subject = 'Is a =? b ?= c, "d" <e@f.g>; %0d%0aBcc: x@y.z, \\r\\n Grüße =3D 日本 ' + "a" * 300 + " ?="
    filename = "a\"b; filename*=utf-8''x%0d%0a =? ü\\.txt"
    name = 'Lovelace, "Ada" <evil@evil.example> Countess \\ é'
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    await toolbox.email.send(
        to=[f'"{escaped}" <ada@example.com>', "Ada B. C. <a.b+c=d@example.com>", "<bob@example.com>"],
        subject=subject,
        text="t",
        attachments=[{"filename": filename, "text": "t"}],
    )
    recipients, data = server.messages[0]
    assert recipients == ["ada@example.com", "a.b+c=d@example.com", "bob@example.com"]
    message = message_from_bytes(data, policy=policy.default)
    assert isinstance(message, EmailMessage)
    assert message["Subject"] == subject
    assert [(each.display_name, each.addr_spec) for each in message["To"].addresses] == [
        (name, "ada@example.com"),
        ("Ada B. C.", "a.b+c=d@example.com"),
        ("", "bob@example.com"),
    ]
    # The sender of a header's last line is as good as the first: nothing else is in the message.
    assert set(message.keys()) - {"X-Peer", "X-MailFrom", "X-RcptTo"} == {
        "Message-ID",
        "Date",
        "From",
        "To",
        "Subject",
        "MIME-Version",
        "Content-Type",
    }
    (attachment,) = message.iter_attachments()
    assert set(attachment.keys()) == {
        "Content-Type",
        "Content-Transfer-Encoding",
        "Content-Disposition",
        "MIME-Version",
    }
    assert attachment.get_filename() == filename


async def test_what_python_makes_of_a_header_is_looked_at(server: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Should a header be written out as several all the same, nothing is sent."""

    def careless(*arguments: Any) -> EmailMessage:
        message = real(*arguments)
        message.replace_header("Subject", WORDS["q"])
        return message

    real = _smtp._message
    monkeypatch.setattr(_smtp, "_message", careless)
    try:
        await toolbox.email.send(**HI)
    except ServiceError as err:
        assert "more than that header" in str(err)  # noqa: PT017  # newer releases of Python make one header of it
        assert server.messages == []
    else:
        assert b"\nReply-To:" not in server.messages[0][1]


@pytest.mark.parametrize("character", ['"', "(", "<", "@", "a.", "\\", "=?", "é", "a ", "[", ":"])
def test_checks_take_no_time(character: str) -> None:
    """An address of any length, and any number of them, is checked in far less than a workflow task may take."""
    began = time.process_time()
    for to in (
        character * 30_000,
        f"{character * 400} <a@b.c>",
        f"{character * 30_000} <a@b.c>",
        f"a@{character * 1000}",
        [f'"{character * 40}" <a@b.c>'] * 100_000,
        [character * 20] * 100_000,
    ):
        try:
            toolbox.email.send(**{**HI, "to": to}).close()
        except StepInputError as err:
            assert len(str(err)) < 20_000  # noqa: PT017  # whether it is an address is not what this is about
    assert time.process_time() - began < 5


def test_names() -> None:
    assert parsed(" Ada Lovelace <ada@example.com> ").display_name == "Ada Lovelace"
    for wrong in (
        "Ada, Bob <a@b.c>",
        "a@b.c, d@e.f",
        "a@b.c <d@e.f>",
        "a: b@c.d;",
        "(x) a@b.c",
        '"a" b <a@b.c>',
        "a@b.c>",
    ):
        with pytest.raises(ValueError, match="is not an address"):
            parsed(wrong)
