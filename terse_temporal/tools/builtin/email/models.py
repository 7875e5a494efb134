"""The parts of a message, each checked: addresses, lines of headers, attachments; and what the server said."""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from email.headerregistry import Address
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, model_validator

__all__ = ["Addresses", "Attachment", "Email", "EmailReceipt", "Line", "OneAddress", "addresses", "parsed"]

#: An address as RFC 5321 has it, without quoted local parts, comments and address literals, which nobody's mailbox has
#: and which are how parsers are led astray.
#: Not by `email-validator`: it refuses what is internal (`root@localhost`, domains that end with `.local` or `.test`),
#: and takes what is not ASCII, for which a server must know SMTPUTF8.
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
            "it holds an encoded word (RFC 2047), which stands for another string, perhaps one of several lines: write"
            " that text itself, in Unicode, and leave the encoding to this tool"
        )
    return value


def parsed(value: str) -> Address:
    """Return one address, with or without a name: `ada@example.com`, `Ada <ada@example.com>`."""
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
    """Return one address or several as a list of them, each checked."""
    given = [value] if isinstance(value, str) else value or []
    if len(given) > _MOST_ADDRESSES or sum(map(len, given)) > _LONGEST_LIST:
        raise ValueError(
            f"{len(given):,} addresses of {sum(map(len, given)):,} characters are too many for one message:"
            f" {_MOST_ADDRESSES} and {_LONGEST_LIST:,} at most. Send several"
        )
    return [_address(each) for each in given]


OneAddress = Annotated[str, AfterValidator(_address)]
Addresses = Annotated[str | list[str], AfterValidator(addresses)]
Line = Annotated[str, AfterValidator(_one_line)]


class Attachment(BaseModel):
    """A file in a message. It travels in the history, so all of a message is 2 MiB at most.

    Attributes:
        filename: what it is called there.
        text: its content, or
        base64: its content where that is not text.
        content_type: such as `application/pdf`; without it `text/plain` for a string, else `application/octet-stream`.
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
        """Return what is in it."""
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
    """A message, its parts checked.

    Attributes:
        key: what its `Message-ID` is made of; `None` is the idempotency key of the step.
        headers: further ones, each a name and one line.
    """

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
    key: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
