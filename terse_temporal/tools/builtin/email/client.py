"""What `email.send` does, on aiosmtplib.

What may be repeated is told by how far the conversation has come (RFC 5321, 3.3). Until the text of the message goes
out, nothing has happened, and a connection that breaks is one on which nothing was sent. After that a server that says
nothing may have taken the message. A reply of 4yz, at any point, says by definition that it has not (4.2.1).
"""

from __future__ import annotations

import asyncio
import base64
import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.headerregistry import Address
from email.message import EmailMessage
from ipaddress import ip_address
from itertools import zip_longest
from typing import Final, Literal

import aiosmtplib

from ....diagnostics.text import shorten
from ....errors import ServiceError, TransientServiceError
from ....jobs.steps import current_step
from ..credentials import Credentials
from .models import Email, EmailReceipt, parsed

__all__ = ["deliver"]

_TOOL: Final = "email.send"

#: 7-bit, so that every server takes it as it is.
_POLICY: Final = policy.SMTP.clone(cte_type="7bit")

#: The ports of RFC 6409 (submission), RFC 8314 (submission over TLS) and RFC 5321.
_PORTS: Final = {"starttls": 587, "tls": 465, "none": 25}


async def deliver(email: Email) -> EmailReceipt:
    """Send a message, once. What it returns and raises is in the docstring of the tool."""
    settings = _Settings.read(email.from_)
    if email.text is None and email.html is None:
        raise _wrong(" has neither text nor html; give one of them, or both")
    recipients = list(dict.fromkeys(parsed(each).addr_spec for each in (*email.to, *email.cc, *email.bcc)))
    if not recipients:
        raise _wrong(" has nobody to send to; give `to`, `cc` or `bcc`")
    # On a thread, for it may take a second: the standard library writes long headers slowly.
    message, written = await asyncio.to_thread(_write, email, settings.sender)
    delivery = _Delivery(settings)
    seconds = email.limit.total_seconds()
    client = aiosmtplib.SMTP(
        hostname=settings.host,
        port=settings.port,
        use_tls=settings.security == "tls",
        start_tls=settings.security == "starttls",
        tls_context=settings.tls,
        timeout=seconds,
    )
    try:
        with delivery.failures():
            async with asyncio.timeout(seconds):
                response = await delivery.deliver(client, written, recipients)
        # The message is delivered, whatever becomes of the goodbye.
        with suppress(aiosmtplib.SMTPException, TimeoutError, OSError):
            await client.quit(timeout=5)
    finally:
        client.close()
    return EmailReceipt(
        message_id=str(message["Message-ID"]),
        accepted=[each for each in recipients if each not in delivery.refused],
        refused={
            each: settings.credentials.hide(f"{err.code} {err.message}") for each, err in delivery.refused.items()
        },
        response=settings.credentials.hide(response),
    )


@dataclass
class _Settings:
    """The server, from the environment."""

    credentials: Credentials
    host: str
    port: int
    security: Literal["starttls", "tls", "none"]
    sender: Address
    username: str | None = None
    password: str | None = None
    tls: ssl.SSLContext | None = None

    @classmethod
    def read(cls, from_: str | None) -> _Settings:
        """Read and check it.

        Raises:
            ServiceError: something is missing or wrong; the message names the variable.
        """
        credentials = Credentials(_TOOL)
        host = _require("SMTP_HOST", "the name of the mail server")
        security = _variable("SMTP_SECURITY") or "starttls"
        if security not in _PORTS:
            raise _wrong(f": SMTP_SECURITY is {security!r}; it may be 'starttls', 'tls' or 'none'")
        port = _variable("SMTP_PORT") or str(_PORTS[security])
        if not port.isdecimal() or not 0 < int(port) < 65536:
            raise _wrong(f": SMTP_PORT is {port!r}; give a number from 1 to 65535")
        sender = from_ or _variable("SMTP_FROM")
        if sender is None:
            raise _wrong(" has no sender: give from_=…, or set SMTP_FROM in the environment of the worker")
        try:
            address = parsed(sender)
        except ValueError as err:
            raise _wrong(f": SMTP_FROM: {err}") from None
        settings = cls(credentials, host, int(port), security, address)  # type: ignore[arg-type]  # checked above
        if security != "none":
            settings.tls = _tls(_variable("SMTP_CA_FILE"))
        if _variable("SMTP_USERNAME") or _variable("SMTP_PASSWORD"):
            settings._read_login()
        return settings

    def _read_login(self) -> None:
        if self.security == "none" and not _is_loopback(self.host):
            raise _wrong(
                f": SMTP_SECURITY=none would send SMTP_PASSWORD over the network to {self.host!r} for"
                " everyone to read. Set SMTP_SECURITY to 'starttls' or 'tls', or unset SMTP_USERNAME and SMTP_PASSWORD."
            )
        # Often the sender's address, and no secret.
        self.username = _require("SMTP_USERNAME", "its login")
        self.password = self.credentials.read("SMTP_PASSWORD", "its login")
        # What AUTH PLAIN sends (RFC 4616), of which a server may quote the whole.
        for login in (f"\0{self.username}\0{self.password}", f"{self.username}\0{self.username}\0{self.password}"):
            self.credentials.name(base64.b64encode(login.encode()).decode())


@dataclass
class _Delivery:
    """One conversation with the server."""

    settings: _Settings
    sent: bool = False
    refused: dict[str, aiosmtplib.SMTPRecipientRefused] = field(default_factory=dict)

    @property
    def where(self) -> str:
        return f"{_TOOL}: the server {self.settings.host}:{self.settings.port}"

    async def deliver(self, client: aiosmtplib.SMTP, message: bytes, recipients: list[str]) -> str:
        """Send the message, and return the server's answer to it."""
        await client.connect()
        if self.settings.username is not None and self.settings.password is not None:
            await client.login(self.settings.username, self.settings.password)
        await client.mail(self.settings.sender.addr_spec)
        for each in recipients:
            try:
                await client.rcpt(each)
            except aiosmtplib.SMTPRecipientRefused as err:
                if err.code == 421:  # it closes the connection (RFC 5321, 3.8)
                    raise
                self.refused[each] = err
        if len(self.refused) == len(recipients):
            raise self._nobody()
        self.sent = True
        response = await client.data(message)
        return f"{response.code} {response.message}"

    def _nobody(self) -> ServiceError:
        said = "; ".join(f"{each}: {err.code} {err.message}" for each, err in self.refused.items())
        text = f"refused everybody whom the message is for: {shorten(self.settings.credentials.hide(said), 1000)}"
        codes = [err.code for err in self.refused.values()]
        passing = [code for code in codes if 400 <= code < 500]
        # With one who may be there the next time it is worth another try.
        return self._transient(text, sent=False, code=str(passing[0])) if passing else self._error(text, str(codes[0]))

    @contextmanager
    def failures(self) -> Iterator[None]:
        """Raise what a tool raises for what the library raises within the block."""
        try:
            yield
        except aiosmtplib.SMTPResponseException as err:
            text = f"{_requested_delay(err)}: {err.code} {err.message}"
            if 400 <= err.code < 500:
                raise self._transient(text, sent=False, code=str(err.code)) from None
            raise self._error(text, str(err.code)) from None
        except (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPConnectError, TimeoutError, OSError) as err:
            if (reason := _tls_problem(err)) is not None:
                raise self._error(reason) from None
            what = f"broke the connection: {err}" if self.sent else f"cannot be reached: {err}"
            late = isinstance(err, TimeoutError)
            raise self._transient("did not answer in time" if late else what, sent=self.sent) from None
        except aiosmtplib.SMTPException as err:
            raise self._error(f"cannot be used: {err}{_advice(str(err))}") from None

    def _transient(self, what: str, *, sent: bool, code: str | None = None) -> ServiceError:
        if sent:
            what += ". It may have taken the message, so that is not sent again"
        text = self.settings.credentials.hide(f"{self.where} {what}")
        return TransientServiceError(text, tool=_TOOL, sent=sent, code=code)

    def _error(self, what: str, code: str | None = None) -> ServiceError:
        return ServiceError(self.settings.credentials.hide(f"{self.where} {what}"), tool=_TOOL, code=code)


def _describe(error: aiosmtplib.SMTPResponseException) -> str:
    return f"{error.code} {error.message}"


def _requested_delay(error: Exception) -> str:
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return "refused the login; check SMTP_USERNAME and SMTP_PASSWORD in the environment of the worker"
    if isinstance(error, aiosmtplib.SMTPSenderRefused):
        return f"refused the sender {error.sender!r}"
    if isinstance(error, aiosmtplib.SMTPConnectError | aiosmtplib.SMTPHeloError):
        return "refused the connection"
    return "refused the message"


def _advice(text: str) -> str:
    if "STARTTLS" in text:
        return (
            ' Nothing was sent, as it would have gone unencrypted. For TLS from the start set SMTP_SECURITY to "tls"'
            ' (port 465); "none" does without.'
        )
    return ""


def _tls_problem(error: BaseException) -> str | None:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return (
                f"has a certificate that is not trusted: {cause.verify_message}. For a certificate authority of your"
                " own set SMTP_CA_FILE to the file with its certificate."
            )
        if isinstance(cause, ssl.SSLError):
            return f"does not speak TLS here: {cause.reason or cause}. Check SMTP_PORT and SMTP_SECURITY."
        cause = cause.__cause__ or cause.__context__
    return None


def _write(email: Email, sender: Address) -> tuple[EmailMessage, bytes]:
    """Return the message, and what is sent of it.

    Raises:
        ServiceError: the standard library made something else of a header than what was given. Nothing is sent.
    """
    message = _message(email, sender)
    written = message.as_bytes(policy=_POLICY)
    # What was given has been checked. This is about what was made of it, which differs between releases of Python.
    read = message_from_bytes(written, policy=policy.compat32)
    for made, again in zip_longest(message.walk(), read.walk()):
        if made is None or again is None or made.keys() != again.keys():
            raise _wrong(": a header holds something that would be read as more than that header. Nothing was sent")
    return message, written


def _message(email: Email, sender: Address) -> EmailMessage:
    message = EmailMessage(policy=_POLICY)
    message["Message-ID"] = f"<{email.key or current_step().idempotency_key}@{sender.domain}>"
    message["Date"] = datetime.now(UTC)
    message["From"] = sender
    for name, given in (("To", email.to), ("Cc", email.cc), ("Reply-To", email.reply_to)):
        if given:
            message[name] = [parsed(each) for each in given]
    message["Subject"] = email.subject
    for name, value in email.headers.items():
        message[name] = value
    if email.text is not None:
        message.set_content(email.text)
    if email.html is not None:
        if email.text is None:
            message.set_content(email.html, subtype="html")
        else:
            message.add_alternative(email.html, subtype="html")
    for each in email.attachments:
        kind = each.content_type or ("text/plain" if each.text is not None else "application/octet-stream")
        maintype, _, subtype = kind.partition("/")
        charset = {"charset": "utf-8"} if each.text is not None else {}
        message.add_attachment(
            each.content(), maintype=maintype, subtype=subtype, filename=each.filename, params=charset
        )
    return message


def _wrong(what: str) -> ServiceError:
    """Return the error for settings or arguments that cannot be."""
    return ServiceError(f"{_TOOL}{what}", tool=_TOOL)


def _variable(name: str) -> str | None:
    return os.environ.get(name, "").strip() or None


def _require(name: str, purpose: str) -> str:
    value = _variable(name)
    if value is None:
        raise _wrong(
            f" needs the environment variable {name!r} for {purpose}, and on this worker it is not set, or"
            " empty. Set it in the environment of the worker."
        )
    return value


def _tls(ca_file: str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as err:
        raise _wrong(f": SMTP_CA_FILE cannot be read: {err}") from None


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
