"""The other side of the built-in tools: real servers on this machine, whose answers are scripted."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import json
import ssl
import time
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aiohttp import web
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class Answer:
    """What a server says to one request.

    Attributes:
        cut: close the connection instead.
        after: seconds to wait before anything.
    """

    status: int = 200
    json: Any = None
    content: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    after: float = 0


@dataclass
class Request:
    """What a server was asked, and when."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    text: str
    at: float = field(default_factory=time.monotonic)

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class HttpServer:
    """Gives the answers of `script` one after the other, then what `usual` makes of a request."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.script: list[Answer] = []
        self.usual: Callable[[Request], Answer] = lambda _: Answer(json={"ok": True})
        self.url = ""

    @property
    def asked(self) -> list[str]:
        """The requests, in few words."""
        return [f"{each.method} {each.path}" for each in self.requests]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        seen = Request(
            request.method,
            request.path,
            dict(request.query),
            {name.lower(): value for name, value in request.headers.items()},
            await request.text(),
        )
        self.requests.append(seen)
        answer = self.script.pop(0) if self.script else self.usual(seen)
        await asyncio.sleep(answer.after)
        if answer.cut:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        if answer.content is not None:
            return web.Response(status=answer.status, body=answer.content, headers=answer.headers)
        return web.json_response(answer.json, status=answer.status, headers=answer.headers)


@asynccontextmanager
async def http_server(tls: ssl.SSLContext | None = None) -> AsyncIterator[HttpServer]:
    """An HTTP server on a port of its own."""
    server = HttpServer()
    app = web.Application(client_max_size=10_000_000)
    app.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)  # 0 is for ever
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        server.url = f"http{'s' if tls else ''}://127.0.0.1:{runner.addresses[0][1]}"
        yield server
    finally:
        await runner.cleanup()


async def closed_port() -> int:
    """A port on which nobody listens."""
    with closing(await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)) as server:
        port: int = server.sockets[0].getsockname()[1]
    return port


class MailServer:
    """Takes messages, and says what it is told to instead of the usual.

    Attributes:
        says: replies by command (`MAIL`, `RCPT`, `DATA`, `AUTH`), or by command and address (`RCPT ada@example.com`),
            each used as often as it is in the list. `cut` closes the connection.
    """

    def __init__(self) -> None:
        self.messages: list[tuple[list[str], bytes]] = []
        self.commands: list[str] = []
        self.logins: list[tuple[str, str]] = []
        self.says: dict[str, list[str]] = {}
        self.password = "right-password"
        self.port = 0

    def _said(self, *keys: str) -> str | None:
        for key in keys:
            if replies := self.says.get(key):
                return replies.pop(0)
        return None

    async def handle_MAIL(  # noqa: N802  # a name of aiosmtpd's
        self, _: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.commands.append("MAIL")
        if (reply := self._said("MAIL")) is not None:
            return reply
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.commands.append("RCPT")
        reply = self._said(f"RCPT {address}", "RCPT")
        if reply == "cut":
            return _cut(server)
        if reply is not None:
            return reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.commands.append("DATA")
        reply = self._said("DATA")
        if reply == "cut":
            return _cut(server)
        if reply == "silence":
            await asyncio.sleep(5)
        if reply is not None:
            return reply
        assert isinstance(envelope.content, bytes)
        self.messages.append((list(envelope.rcpt_tos), envelope.content))
        return "250 OK queued as 4711"

    def login(self, _: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        user, password = data.login.decode(), data.password.decode()
        self.logins.append((user, password))
        reply = self._said("AUTH")
        if reply is not None:
            return AuthResult(success=False, handled=False, message=reply.format(password=password))
        return AuthResult(success=password == self.password, handled=False)


def _cut(server: SMTP) -> str:
    assert isinstance(server.transport, asyncio.WriteTransport)
    server.transport.abort()
    return "421 gone"


@asynccontextmanager
async def mail_server(
    tls: ssl.SSLContext | None, *, from_the_start: bool = False, plain_login: bool = False
) -> AsyncIterator[MailServer]:
    """A mail server on a port of its own.

    Args:
        tls: its certificate; without one it has no STARTTLS.
        from_the_start: it speaks TLS at once.
        plain_login: it takes a login on a connection that is not encrypted.
    """
    server = MailServer()

    def connection() -> SMTP:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a login without TLS is what one test is about
            return SMTP(
                server,
                hostname="mail.example.com",
                tls_context=None if from_the_start else tls,
                authenticator=server.login,
                auth_require_tls=not (from_the_start or plain_login),
                timeout=20,
            )

    listening = await asyncio.get_running_loop().create_server(
        connection, "127.0.0.1", 0, ssl=tls if from_the_start else None
    )
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()


@dataclass
class Certificate:
    """A certificate for 127.0.0.1 and localhost that has signed itself."""

    file: Path
    context: ssl.SSLContext


def make_certificate(folder: Path) -> Certificate:
    """A new certificate, in a file, and the settings of a server that has it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file, key_file = folder / "certificate.pem", folder / "key.pem"
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, key_file)
    return Certificate(file, context)
