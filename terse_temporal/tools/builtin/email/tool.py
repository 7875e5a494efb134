"""Built-in tools of the toolbox `email`: `email.send`, on aiosmtplib."""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from dataclasses import dataclass
from datetime import timedelta
from email.headerregistry import Address
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, model_validator

from ....durations import format_duration, parse_duration
from ...registry import toolbox
from ..extras import extra

__all__ = ["Attachment", "Email", "EmailReceipt", "addresses", "parsed", "send"]

#: The longest that sending may be given. A step's attempt ends after ten minutes.
_LONGEST: Final = timedelta(minutes=9)

#: An address as RFC 5321 has it, without quoted local parts, comments and address literals, which nobody's mailbox has
#: and which are how parsers are led astray.
_ADDRESS: Final = re.compile(
    r"(?=.{1,254}\Z)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?",
    re.ASCII,
)


#: The start of an encoded word (RFC 2047): what follows is read as what it stands for, line breaks among it.
_ENCODED_WORD: Final = re.compile(r"=\?[^?]*\?[bq]\?", re.IGNORECASE)

#: A name before an address: in quotation marks, or words of what has no meaning of its own there (RFC 5322, 3.2.3).
_QUOTED_NAME: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')
_PLAIN_NAME: Final = re.compile(r'[^"(),:;<>@\[\\\]]*')

#: Characters of one line, and of all addresses in one argument; how many these may be. What goes into a header comes
#: from outside as often as not, and the standard library's writer of headers is quadratic.
_LONGEST_LINE: Final = 1_000
_LONGEST_LIST: Final = 50_000
_MOST_ADDRESSES: Final = 500


def _one_line(value: str) -> str:
    if len(value) > _LONGEST_LINE:
        raise ValueError(f"it has {len(value):,} characters, and a line of a header has {_LONGEST_LINE:,} at most")
    # Whatever Python takes for the end of a line may become one in a header: U+2028 and U+0085 too. Half of a surrogate
    # pair cannot be written.
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in value):
        raise ValueError("it holds a line break or another control character, which a header cannot")
    if _ENCODED_WORD.search(value):
        raise ValueError(
            "it holds an encoded word (RFC 2047), which stands for another text, perhaps one of several lines: write"
            " that text itself, in Unicode, and leave the encoding to this tool"
        )
    return value


def parsed(value: str) -> Address:
    """One address, with or without a name: `ada@example.com`, `Ada <ada@example.com>`."""
    name, bracket, address = _one_line(value).strip().rpartition("<")
    if bracket and address.endswith(">"):
        name, address = name.strip(), address[:-1]
    if _ADDRESS.fullmatch(address) and "=?" not in value:
        if quoted := _QUOTED_NAME.fullmatch(name):
            return Address(re.sub(r"\\(.)", r"\1", quoted[1]), addr_spec=address)
        if _PLAIN_NAME.fullmatch(name):
            return Address(name, addr_spec=address)
    raise ValueError(
        f'{value!r} is not an address; give one such as "ada@example.com", "Ada <ada@example.com>" or, for a name with'
        " punctuation, '\"Lovelace, Ada\" <ada@example.com>' (a domain that is not ASCII in its xn-- form)"
    )


def _address(value: str) -> str:
    parsed(value)
    return value


def addresses(value: str | list[str] | None) -> list[str]:
    """One address or several as a list of them, each checked."""
    given = [value] if isinstance(value, str) else value or []
    if len(given) > _MOST_ADDRESSES or sum(map(len, given)) > _LONGEST_LIST:
        raise ValueError(
            f"{len(given):,} addresses of {sum(map(len, given)):,} characters are too many for one message:"
            f" {_MOST_ADDRESSES} and {_LONGEST_LIST:,} at most. Send several"
        )
    return [_address(each) for each in given]


def _duration(value: str) -> str:
    if parse_duration(value) > _LONGEST:
        raise ValueError(f"sending is given {format_duration(_LONGEST)} at most")
    return value


OneAddress = Annotated[str, AfterValidator(_address)]
Addresses = Annotated[str | list[str], AfterValidator(addresses)]
Line = Annotated[str, AfterValidator(_one_line)]
Duration = Annotated[str, AfterValidator(_duration)]


class Attachment(BaseModel):
    """A file in a message. It travels in the history, so all of a message is 2 MiB at most.

    Attributes:
        filename: what it is called there.
        text: its content, or
        base64: its content where that is not text.
        content_type: such as `application/pdf`; without it `text/plain` for a text, else `application/octet-stream`.
    """

    filename: Line
    text: str | None = None
    base64: str | None = None
    content_type: Annotated[str, AfterValidator(_one_line)] | None = None

    @model_validator(mode="after")
    def _check(self) -> Attachment:
        if (self.text is None) == (self.base64 is None):
            raise ValueError("give the content as `text` or as `base64`")
        # What is made of parts is not made of bytes.
        kind = r"(?!multipart/|message/)[\w.+-]+/[\w.+-]+"
        if self.content_type is not None and not re.fullmatch(kind, self.content_type, re.ASCII | re.IGNORECASE):
            raise ValueError('give a content_type such as "application/pdf"')
        self.content()
        return self

    def content(self) -> bytes:
        """What is in it."""
        if self.text is not None:
            return self.text.encode()
        try:
            return base64.b64decode(self.base64 or "", validate=True)
        except binascii.Error as err:
            raise ValueError(f"its base64 cannot be read: {err}") from None


class EmailReceipt(BaseModel):
    """What the server said.

    Attributes:
        message_id: of the message, as its header has it.
        accepted: the addresses that the server has taken it for.
        refused: those that it has not, and what it said.
        response: its answer to the message, which tells most servers' own id for it.
    """

    message_id: str
    accepted: list[str]
    refused: dict[str, str]
    response: str


@dataclass(frozen=True, kw_only=True)
class Email:
    """A message, its parts checked."""

    to: list[str]
    cc: list[str]
    bcc: list[str]
    reply_to: list[str]
    from_: str | None
    subject: str
    text: str | None
    html: str | None
    attachments: list[Attachment]
    limit: timedelta


# Who a message is from is not for a model to say: mail servers take it from whoever has logged in.
@toolbox.tool("email.send", code_only=["from_"])
async def send(
    to: Addresses,
    subject: Line,
    *,
    text: str | None = None,
    html: str | None = None,
    cc: Addresses | None = None,
    bcc: Addresses | None = None,
    reply_to: Addresses | None = None,
    from_: OneAddress | None = None,
    attachments: list[Attachment] | None = None,
    timeout: Duration = "1m",  # noqa: ASYNC109  # a job has no other way to say so
) -> EmailReceipt:
    """Send an email.

    Args:
        to: one address or a list of them, each as `ada@example.com` or `Ada <ada@example.com>`. 500 at most.
        subject: one line, of 1,000 characters at most.
        text: the message as plain text, and
        html: as HTML: one of them, or both for the reader's program to choose from.
        cc: as `to`.
        bcc: likewise; these are not in the message.
        reply_to: where answers go.
        from_: the sender, instead of `SMTP_FROM`.
        attachments: files, with their content.
        timeout: for all of it; at most 9 minutes.

    Returns:
        Whom the server has taken it for, and whom not: that some are refused is no error.

    Raises:
        StepInputError: an address is none, a line is more than one, or stands for something else (an encoded word of
            RFC 2047); before anything is scheduled.
        ToolError: the server refused the message or everybody it is for, or the login (its `.code` is the reply's);
            it does not speak TLS; an environment variable is missing or wrong.
        TransientError: one that may be gone the next time. Tried again, five times in all: when the connection
            failed before the message was on its way, and after a reply of 4yz, by which the server has not taken it.
            Not tried again: when the connection broke after that, for the server may have taken it.
        MissingExtraError: aiosmtplib is not installed.

    The `Message-ID` is made of the step's idempotency key. A message that is sent again, because its worker was lost
    meanwhile, carries the same one: many mail programs and servers then show it once, and a log tells that it is one
    message. No standard makes them.
    """
    with extra("email"):
        from .client import deliver  # noqa: PLC0415  # an extra, and a handler may be what loads this module
    return await deliver(
        Email(
            to=addresses(to),
            cc=addresses(cc),
            bcc=addresses(bcc),
            reply_to=addresses(reply_to),
            from_=from_,
            subject=subject,
            text=text,
            html=html,
            attachments=attachments or [],
            limit=parse_duration(timeout),
        )
    )
