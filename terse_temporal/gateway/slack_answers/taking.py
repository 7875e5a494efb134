"""Taking an answer that somebody gives in Slack.

Slack waits for three seconds, and shows a warning then. A click is answered by that time, with nothing; what becomes of
it is seen by the message, which the run changes, or is said to whoever clicked. A modal stays open until it is
answered, with what was typed: so it is answered with what is wrong, also where that is that nobody has taken it yet.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ...diagnostics.logs import logger_of
from ...diagnostics.redaction import error_text
from ...diagnostics.text import shorten
from ...errors import TerseError
from ...inputs.forms import Form, read_form
from ...inputs.links import question_link
from ...inputs.mistakes import plain_mistakes
from ...inputs.questions import InputQuestion
from ...inputs.slack_way import SlackWay
from ...inputs.slack_way import rich_text as rich
from ...inputs.slack_way.api import BOT_TOKEN, call_slack
from ...inputs.slack_way.modal import ModalAbout, answer_view, notice_view
from ...inputs.slack_way.submissions import modal_errors, submitted_form, submitted_text
from ...inputs.tokens import InputToken, read_token
from ..gateway import Gateway
from ..inputs.answering import InputOutcome, answer_found, find_input
from ..secrets import GATEWAY_KEY
from ..slack_interactions import Click, Submission, read_click, read_submission
from .notices import outcome_note, plain_note, say

__all__ = ["SlackAnswers", "SlackReply"]

_logger = logger_of("gateway")

#: Seconds of the three that Slack waits, which the network has some of too.
_PATIENCE: Final = 2.3

#: Characters of an id in the log, which is of anybody's making.
_LONGEST: Final = 120

_NOT_VALID: Final = "This cannot be answered here: it was made with another key than this gateway has."


@dataclass(frozen=True)
class SlackReply:
    """The answer to Slack.

    Attributes:
        content: JSON; `None` is an empty body.
        outcome: a word for the log.
        rest: what is still to be done, once Slack is answered.
    """

    content: dict[str, Any] | None
    outcome: str
    rest: Callable[[], Awaitable[None]] | None = None


class SlackAnswers:
    """Takes answers to questions.

    Args:
        gateway: whose client and keys these need.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def take(self, body: Mapping[str, Any]) -> SlackReply:
        """Take what somebody does with a question, and return what Slack is answered with in time.

        Args:
            body: as Slack sends it, its signature checked.
        """
        if body.get("type") == "view_submission":
            submission = read_submission(body)
            return SlackReply(None, "ignored") if submission is None else await self._take_submission(submission)
        click = read_click(body)
        if click is None:
            return SlackReply(None, "ignored")
        taking = asyncio.create_task(self._take_click(click))
        await asyncio.wait([taking], timeout=_PATIENCE)
        if taking.done():
            return SlackReply(None, taking.result())

        async def rest() -> None:
            await taking

        return SlackReply(None, "under way", rest)

    async def _take_click(self, click: Click) -> str:
        token = self._read(click.token)
        if token is None:
            await say(click.response_url, [rich.text(_NOT_VALID, 200)])
            return "not valid"
        found = await self._find(token)
        if isinstance(found, InputOutcome):
            return await self._tell(click, found)
        option = next((each for each in found.options if each.id == click.choice), None)
        if click.choice is None or (option is not None and option.free_text):
            return await self._open(click, found)
        return await self._tell(click, await self._answer(click, found, choice=click.choice), found)

    async def _tell(self, click: Click, outcome: InputOutcome, question: InputQuestion | None = None) -> str:
        """Tell whoever clicked what has become of it. What was taken, the message says to all."""
        if outcome.kind != "taken":
            await say(click.response_url, outcome_note(outcome, click.user, question))
        return outcome.kind

    async def _open(self, click: Click, question: InputQuestion) -> str:
        """Open the modal in which a text is written, or a form is filled in."""
        if question.is_short:
            return await self._tell(click, InputOutcome(kind="no_worker"))
        problem = "" if os.environ.get(BOT_TOKEN, "").strip() else f"{BOT_TOKEN} is not set where this gateway runs"
        try:
            if not problem:
                view = answer_view(question, ModalAbout(click.token, click.choice))
                await call_slack("views.open", {"trigger_id": click.trigger, "view": view})
                return "modal"
        except (TerseError, ValueError) as error:
            problem = error_text(error)
        _logger.warning("a question in Slack cannot be answered there, for the modal cannot be opened: %s", problem)
        link = question_link(question)
        note = "The form cannot be opened here. Use the link to the page." if link is None else "This cannot be opened."
        await say(click.response_url, [rich.text(note, 200)], link)
        return "no modal"

    async def _take_submission(self, submission: Submission) -> SlackReply:
        try:
            async with asyncio.timeout(_PATIENCE):
                return await self._submit(submission)
        except TimeoutError:
            return _wrong(submission, InputOutcome(kind="no_worker"))

    async def _submit(self, submission: Submission) -> SlackReply:
        token = self._read(submission.token)
        if token is None:
            return _over("not valid", [rich.text(_NOT_VALID, 200)])
        found = await self._find(token)
        if isinstance(found, InputOutcome):
            return _after(submission, found)
        form = None
        given: dict[str, Any]
        if found.form is not None and not found.options:
            try:
                form = read_form(found.form)
            except ValueError:
                return _wrong(submission, InputOutcome(kind="wrong", message="its form cannot be read"))
            given = {"data": submitted_form(form, submission.state)}
        else:
            given = {"choice": submission.choice, "text": submitted_text(submission.state)}
        outcome = await self._answer(submission, found, **given)
        return _after(submission, outcome, found, form)

    def _read(self, text: str) -> InputToken | None:
        keys = self._gateway.secrets.gateway_keys
        if not keys:
            _logger.warning("answers of Slack cannot be taken: %s is not set where this gateway runs", GATEWAY_KEY)
        return read_token(text, keys)

    async def _find(self, token: InputToken) -> InputQuestion | InputOutcome:
        return await find_input(self._gateway, token.id, token.number, run=token.run, namespace=token.namespace)

    async def _answer(self, by: Click | Submission, question: InputQuestion, **given: Any) -> InputOutcome:
        outcome = await answer_found(
            self._gateway, question, **given, by=by.user, by_name=by.user_name, via=SlackWay.way_name
        )
        _logger.info(
            "question %s of %s, answered in Slack: %s",
            shorten(question.number, _LONGEST),
            shorten(question.id, _LONGEST),
            outcome.kind,
        )
        return outcome


def _after(
    submission: Submission, outcome: InputOutcome, question: InputQuestion | None = None, form: Form | None = None
) -> SlackReply:
    if outcome.kind == "taken":
        return SlackReply({"response_action": "clear"}, outcome.kind)
    if outcome.kind in ("answered", "closed"):
        return _over(outcome.kind, outcome_note(outcome, submission.user, question))
    return _wrong(submission, outcome, question, form)


def _wrong(
    submission: Submission, outcome: InputOutcome, question: InputQuestion | None = None, form: Form | None = None
) -> SlackReply:
    """Return the answer with which the modal stays open, as it was filled in."""
    wrong = outcome.fields if question is None else plain_mistakes(question, outcome.fields)
    errors = modal_errors(wrong, plain_note(outcome_note(outcome, submission.user)), form, submission.blocks)
    return SlackReply({"response_action": "errors", "errors": errors} if errors else None, outcome.kind)


def _over(outcome: str, note: list[dict[str, Any]]) -> SlackReply:
    return SlackReply({"response_action": "update", "view": notice_view("Not taken", note)}, outcome)
