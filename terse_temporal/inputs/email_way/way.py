"""What is given to ask by mail, and what is sent when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Final

from pydantic import Field, ValidationError

from ...errors import InputError
from ...tools.builtin.email.models import OneAddress, parsed
from ..links import question_link
from ..questions import InputQuestion
from ..ways import InputWay
from .content import answered_mail, question_mail
from .sending import Mail, Sent, send_mails

__all__ = ["EmailWay", "email"]

#: Recipients of a question. Each gets a mail of their own.
_MOST_RECIPIENTS: Final = 50


class EmailWay(InputWay):
    """Asks by mail.

    Attributes:
        to: the recipients.
    """

    way_name: ClassVar[str] = "email"

    to: Annotated[tuple[OneAddress, ...], Field(min_length=1, max_length=_MOST_RECIPIENTS)]

    async def ask(self, question: InputQuestion) -> Any:
        mails = {each: self._question_mail(question, each) for each in self._recipients()}
        return (await send_mails(mails, question)).to_json()

    async def remind(self, question: InputQuestion, sent: Any, number: int) -> None:
        before = Sent.read(sent)
        mails = {
            each: self._question_mail(question, each, reminder=number, follows=before.message(each))
            for each in self._recipients()
        }
        await send_mails(mails, question)

    async def close(self, question: InputQuestion, sent: Any, outcome: Mapping[str, Any]) -> None:
        before = Sent.read(sent)
        by = str(outcome.get("by") or "")
        # Whoever has answered knows.
        others = [each for each in self._recipients() if each.casefold() != by.casefold()]
        content = answered_mail(question, outcome)
        if others:
            await send_mails({each: Mail(self._name(each), content, before.message(each)) for each in others}, question)

    def _question_mail(self, question: InputQuestion, recipient: str, *, reminder: int = 0, follows: str = "") -> Mail:
        content = question_mail(question, question_link(question, recipient), reminder=reminder)
        return Mail(self._name(recipient), content, follows)

    def _recipients(self) -> dict[str, str]:
        """Return the recipients as they were given, by their addresses alone: whose answer it is."""
        found: dict[str, str] = {}
        for each in self.to:
            found.setdefault(parsed(each).addr_spec, each)
        return found

    def _name(self, recipient: str) -> str:
        return self._recipients()[recipient]


def email(to: str | Sequence[str]) -> EmailWay:
    """Ask by mail: each recipient gets one of their own, with a link to the page by which the answer is theirs.

    It is sent through the server of `SMTP_HOST`, as by the tool `email.send`, with the same settings. The link is made
    of `TERSE_GATEWAY_URL` and `TERSE_GATEWAY_KEY`; where these are not set, the mail says how to answer without. What
    opens links, as programs that check mails do, answers nothing. When the question is over, the other recipients are
    told.

    Args:
        to: one address or up to 50, each as `ada@example.com` or `Ada <ada@example.com>`. The address is who has
            answered, `answer.respondent`, and what `respond_by=` is compared with.

    Raises:
        InputError: one is no address, or there are too many, or none.

    Where some mails cannot be sent, those go without; the next reminder tries them again. Where none can, this way
    could not ask.
    """
    given = (to,) if isinstance(to, str) else to
    try:
        return EmailWay.model_validate({"to": given})
    except ValidationError as err:
        found = err.errors()
        # An address that is none also counts as missing.
        found = [each for each in found if len(each["loc"]) > 1] or found
        wrong = "; ".join(each["msg"].removeprefix("Value error, ") for each in found[:3])
        raise InputError(f"inputs.email(): {wrong}") from None
