"""A mail server beside a worker that asks by mail, and what recipients have got."""

from __future__ import annotations

from collections.abc import AsyncIterator
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
import pytest_asyncio

from terse_temporal.inputs.email_way import sending

from ..servers import MailServer, mail_server

__all__ = ["KEY", "mails", "server", "texts"]

KEY = "k" * 32


@pytest_asyncio.fixture(loop_scope="session")
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MailServer]:
    """A mail server, and the address of a gateway, as the environment of the worker has them."""
    monkeypatch.setenv("TERSE_GATEWAY_KEY", KEY)
    monkeypatch.setenv("TERSE_GATEWAY_URL", "https://hooks.acme.example/")
    async with mail_server(None) as running:
        monkeypatch.setenv("SMTP_HOST", "127.0.0.1")
        monkeypatch.setenv("SMTP_PORT", str(running.port))
        monkeypatch.setenv("SMTP_SECURITY", "none")
        monkeypatch.setenv("SMTP_FROM", "Robot <robot@example.org>")
        monkeypatch.setattr(sending, "_AGAIN_AFTER", (0.0, 0.0))
        yield running


def mails(server: MailServer) -> dict[str, list[EmailMessage]]:
    """What each recipient has got."""
    found: dict[str, list[EmailMessage]] = {}
    for recipients, content in server.messages:
        message = message_from_bytes(content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        (to,) = recipients
        found.setdefault(to, []).append(message)
    return found


def texts(message: EmailMessage) -> tuple[str, str]:
    """A mail as plain text and as HTML."""
    plain, html = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None
    assert html is not None
    return plain.get_content().replace("\r\n", "\n"), html.get_content().replace("\r\n", "\n")
