"""Built-in tools of the toolbox `email`: `email.send`, on aiosmtplib."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Final

from pydantic import AfterValidator

from ....durations import format_duration, parse_duration
from ...toolbox import toolbox
from ..extras import extra
from .models import Addresses, Attachment, Email, EmailReceipt, Line, OneAddress, addresses

__all__ = ["send"]

#: The longest that sending may be given. A step's attempt ends after ten minutes.
_LONGEST: Final = timedelta(minutes=9)


def _duration(value: str) -> str:
    if parse_duration(value) > _LONGEST:
        raise ValueError(f"sending is given {format_duration(_LONGEST)} at most")
    return value


Duration = Annotated[str, AfterValidator(_duration)]


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
