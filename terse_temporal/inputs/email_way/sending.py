"""Sending the mails of one step: each by itself, and none twice where others fail."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic
from typing import Any, Final

from ...diagnostics.logs import logger_of
from ...diagnostics.redaction import error_text
from ...errors import ServiceError, TransientServiceError
from ...jobs.steps import current_step
from ...tools.builtin.email.models import Email
from ...tools.builtin.extras import extra
from ..questions import InputQuestion
from .content import Content

__all__ = ["Mail", "Sent", "send_mails"]

_logger: Final = logger_of("worker")

#: For one mail, and seconds after which none is begun. A step of a way has a minute, and one that is cut off would send
#: all of them once more.
_LIMIT: Final = timedelta(seconds=15)
_BEGIN_WITHIN: Final = 40.0

#: Mails that are on their way at once.
_AT_ONCE: Final = 5

#: Seconds after which what has failed is tried again, where others were sent.
_AGAIN_AFTER: Final = (1.0, 4.0)

#: Characters of why a mail was not sent.
_LONGEST_REASON: Final = 300

#: So that no vacation notice is sent back (RFC 3834, 5).
_HEADERS: Final = {"Auto-Submitted": "auto-generated"}


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail.

    Attributes:
        to: the recipient, perhaps with a name.
        content: what stands in it.
        follows: the `Message-ID` of the mail that it belongs to; empty of the first.
    """

    to: str
    content: Content
    follows: str = ""


@dataclass(slots=True)
class Sent:
    """What has become of mails, by the addresses of the recipients: what the step that asks records.

    Attributes:
        messages: the `Message-ID` of each that was sent.
        failed: why the others were not.
    """

    messages: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return it as it is recorded."""
        return {"v": 1, "messages": self.messages, "failed": self.failed}

    @classmethod
    def read(cls, recorded: Any) -> Sent:
        """Return what was recorded, which may be anybody's writing."""
        messages = recorded.get("messages") if isinstance(recorded, Mapping) else None
        kept = messages.items() if isinstance(messages, Mapping) else ()
        return cls({str(to): each for to, each in kept if isinstance(each, str) and _is_message_id(each)})

    def message(self, recipient: str) -> str:
        """Return the `Message-ID` of the mail that somebody has got; empty where that is not known."""
        return self.messages.get(recipient, "")


async def send_mails(mails: Mapping[str, Mail], question: InputQuestion) -> Sent:
    """Send mails, in a step.

    Args:
        mails: by the address of the recipient.
        question: what they are about.

    Raises:
        ServiceError: none was sent.
    """
    with extra("email"):
        import aiosmtplib  # noqa: F401, PLC0415  an extra, which is missed here and not once for each mail
    sent = Sent()
    left = dict(mails)
    until = monotonic() + _BEGIN_WITHIN
    for pause in (*_AGAIN_AFTER, None):
        errors = await _send_each(left, list(mails), sent, until)
        # Those that may succeed the next time. Where nothing was sent at all, the step is tried again as a whole.
        left = {to: left[to] for to, err in errors.items() if isinstance(err, TransientServiceError)}
        sent.failed |= {to: error_text(err, _LONGEST_REASON) for to, err in errors.items()}
        if not sent.messages:
            raise next(iter(errors.values()))
        if not left or pause is None:
            break
        await asyncio.sleep(pause)
    for to, why in sent.failed.items():
        _logger.warning("run   %s  question %s: no mail to %s: %s", question.id, question.number, to, why)
    return sent


async def _send_each(mails: Mapping[str, Mail], places: list[str], sent: Sent, until: float) -> dict[str, ServiceError]:
    """Send mails, note which were, and return why the others were not."""
    errors: dict[str, ServiceError] = {}
    free = asyncio.Semaphore(_AT_ONCE)

    async def send(to: str, mail: Mail) -> None:
        async with free:
            if monotonic() > until:
                errors[to] = ServiceError("no time was left to send it: the mail server is slow", tool="email.send")
                return
            try:
                sent.messages[to] = await _send(mail, places.index(to))
                sent.failed.pop(to, None)
            except TransientServiceError as err:
                if err.sent:  # perhaps; and a second one would be worse than none, for there is the page
                    sent.messages[to] = ""
                else:
                    errors[to] = err
            except ServiceError as err:
                errors[to] = err

    await asyncio.gather(*(send(to, mail) for to, mail in mails.items()))
    return errors


async def _send(mail: Mail, place: int) -> str:
    """Send one, and return its `Message-ID`."""
    from ...tools.builtin.email.client import deliver  # noqa: PLC0415  likewise

    thread = {"In-Reply-To": mail.follows, "References": mail.follows} if mail.follows else {}
    receipt = await deliver(
        Email(
            to=[mail.to],
            cc=[],
            bcc=[],
            reply_to=[],
            from_=None,
            subject=mail.content.subject,
            text=mail.content.text,
            html=mail.content.html,
            attachments=[],
            limit=_LIMIT,
            # The same on every attempt, so that a second one is seen to be the first.
            key=f"{current_step().idempotency_key}.{place}",
            headers=_HEADERS | thread,
        )
    )
    return receipt.message_id


def _is_message_id(text: str) -> bool:
    return len(text) <= 500 and text.isascii() and text.isprintable() and text.startswith("<") and text.endswith(">")
