"""The page of a question, `/inputs/{token}`: GET shows it and answers nothing, POST answers.

The token says which question of which run it is, and perhaps whom the link was sent to, who then is who answers; else
that is the operator who is logged in, or nobody in particular.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse

from ...diagnostics.logs import logger_of
from ...diagnostics.text import shorten
from ...inputs.mistakes import plain_mistakes
from ...inputs.questions import InputQuestion
from ...inputs.tokens import InputToken, read_token
from ...inputs.webpage_way import WebpageWay
from ..cookies import cookie_path
from ..gateway import Gateway
from ..operator_sessions import operator_of
from ..operator_tokens import Operators
from ..pages.question_page import notice_page, question_page
from ..pages.rendering import html_response
from ..secrets import GATEWAY_KEY
from .answering import InputOutcome, answer_found, find_input
from .csrf import FORM_FIELD, check_site, form_cookie, form_token, is_genuine, set_form_cookie
from .outcomes import STATUS, outcome_page, thanks_page
from .typed import Typed, answer_of, read_typed

__all__ = ["add_input_page"]

_logger = logger_of("gateway")

#: Characters of an id in the log, which is of anybody's making.
_LONGEST: Final = 120

#: Seconds after which it makes sense to try again what Temporal or a worker was away for.
_RETRY_AFTER: Final = 10


def add_input_page(app: FastAPI, gateway: Gateway, operators: Operators) -> None:
    """Add the page of a question to the app.

    Args:
        app: of the gateway.
        gateway: it.
        operators: those who may be logged in.
    """
    page = _InputPage(gateway, operators)
    for method, endpoint in (("GET", page.show), ("HEAD", page.show), ("POST", page.take)):
        app.add_api_route("/inputs/{token}", endpoint, methods=[method], include_in_schema=False, response_model=None)


@dataclass(frozen=True)
class _Link:
    """A link that was opened.

    Attributes:
        text: its token.
        token: what that says.
        by: who answers; empty where that is nobody in particular.
        keys: that the gateway signs with.
        cookie: of the browser.
        list_link: the address of the list of all questions, where an operator has opened it; else empty.
    """

    text: str
    token: InputToken
    by: str
    keys: tuple[bytes, ...]
    cookie: str
    list_link: str

    @property
    def csrf(self) -> str:
        """The token of its form."""
        return form_token(self.keys, self.cookie, self.text, self.by)

    def is_genuine(self, typed: Typed) -> bool:
        """Return whether what was typed was sent by its form.

        The cookie of an operator does not come with a link that another site has: then the page has said nobody, and it
        is the operator who answers.
        """
        given = next(iter(typed.get(FORM_FIELD, ())), "")
        return any(is_genuine(given, self.keys, self.cookie, self.text, by) for by in (self.by, ""))


class _InputPage:
    def __init__(self, gateway: Gateway, operators: Operators) -> None:
        self._gateway = gateway
        self._operators = operators

    async def show(self, token: str, request: Request) -> HTMLResponse:
        """Show a question."""
        link = self._link(token, request)
        if isinstance(link, HTMLResponse):
            return link
        found = await self._find(link)
        if isinstance(found, InputOutcome):
            page = outcome_page(found, by=link.by, again=link.text, list_link=link.list_link)
            return _answer(request, link, STATUS[found.kind], page)
        chosen = request.query_params.get("choice", "")
        return _question(request, link, 200, found, chosen=chosen)

    async def take(self, token: str, request: Request) -> HTMLResponse:
        """Take an answer."""
        check_site(request)
        link = self._link(token, request)
        if isinstance(link, HTMLResponse):
            return link
        sent = await read_typed(request)
        typed = {name: texts for name, texts in sent.items() if name != FORM_FIELD}
        found = await self._find(link)
        if not link.is_genuine(sent):
            return self._not_genuine(request, link, found, typed)
        if isinstance(found, InputOutcome):
            return _late(request, link, found, typed)
        if found.is_short:
            return _question(request, link, 503, found, typed=typed)
        try:
            given = answer_of(found, typed)
        except ValueError:
            return _question(request, link, 422, found)
        outcome = await answer_found(self._gateway, found, **given, by=link.by, via=WebpageWay.way_name)
        _logger.info(
            "question %s of %s, answered on the page: %s",
            shorten(link.token.number, _LONGEST),
            shorten(link.token.id, _LONGEST),
            outcome.kind,
        )
        return _after(request, link, found, outcome, typed)

    def _link(self, text: str, request: Request) -> _Link | HTMLResponse:
        keys = self._gateway.secrets.gateway_keys
        if not keys:
            page = notice_page(
                heading="Links cannot be checked here",
                paragraphs=[f"{GATEWAY_KEY} is not set where this gateway runs. It has to be the key of the worker."],
                tone="warning",
            )
            return html_response(page, 503)
        token = read_token(text, keys)
        if token is None:
            page = notice_page(
                heading="This link is not valid",
                paragraphs=["It may have been cut off, or is very old. Open it from the message that it was sent in."],
                tone="warning",
            )
            return html_response(page, 404)
        operator = None if token.respondent else operator_of(request, self._operators)
        by = token.respondent or ("" if operator is None else operator.name)
        return _Link(text, token, by, keys, form_cookie(request), cookie_path(request) if operator else "")

    async def _find(self, link: _Link) -> InputQuestion | InputOutcome:
        token = link.token
        return await find_input(self._gateway, token.id, token.number, run=token.run, namespace=token.namespace)

    def _not_genuine(
        self, request: Request, link: _Link, found: InputQuestion | InputOutcome, typed: Typed
    ) -> HTMLResponse:
        """Ask to send it again. What was typed is kept only where the browser says that this site has sent it."""
        is_own = request.headers.get("sec-fetch-site") == "same-origin"
        kept = typed if is_own else {}
        if isinstance(found, InputOutcome):
            page = outcome_page(
                found, by=link.by, again=link.text, typed=kept, csrf=link.csrf, list_link=link.list_link
            )
            return _answer(request, link, STATUS[found.kind], page)
        notice = (
            "Your answer was not sent: this page was open for long, or the browser takes no cookies of it. Please look"
            " at it once more, and send it again."
        )
        return _question(request, link, 403, found, typed=kept, notice=notice)


def _after(request: Request, link: _Link, question: InputQuestion, outcome: InputOutcome, typed: Typed) -> HTMLResponse:
    """Return the page after an answer was sent."""
    status = STATUS[outcome.kind]
    if outcome.kind == "taken":
        return _answer(request, link, status, thanks_page(question, typed, link.by, link.list_link))
    if outcome.kind == "wrong":
        mistakes = plain_mistakes(question, outcome.fields) or {"": outcome.message}
        return _question(request, link, status, question, typed=typed, mistakes=mistakes)
    if outcome.kind in ("answered", "closed"):
        return _late(request, link, outcome, typed)
    return _question(request, link, status, question, typed=typed, notice=_NOTICES[outcome.kind])


def _late(request: Request, link: _Link, outcome: InputOutcome, typed: Typed) -> HTMLResponse:
    """Return the page after an answer that finds no open question."""
    status = 409 if outcome.kind == "answered" else STATUS[outcome.kind]
    return _answer(
        request, link, status, outcome_page(outcome, by=link.by, typed=typed, csrf=link.csrf, list_link=link.list_link)
    )


_NOTICES: Final[Mapping[str, str]] = {
    "away": "Your answer was not sent: what runs the jobs does not answer. What you have entered is kept. Try again in"
    " a minute.",
    "no_worker": "Your answer was not taken yet: it seems that no worker of this job is running. It may still count"
    " when there is one. What you have entered is kept; sent again, it counts once.",
    "not_allowed": "Only some people may answer this question, and this link is of none of them.",
    "not_logged_in": "Only some people may answer this question. Open the link that was sent to you; or log in, where"
    " operators have their list, and open it from there.",
}


def _question(
    request: Request,
    link: _Link,
    status: int,
    question: InputQuestion,
    *,
    typed: Typed | None = None,
    mistakes: Mapping[str, str] | None = None,
    notice: str = "",
    chosen: str = "",
) -> HTMLResponse:
    """Return the page of an open question. One with a form of which none can be made says so."""
    if question.is_short:
        outcome = InputOutcome(kind="no_worker")
        page = outcome_page(outcome, by=link.by, again=link.text, typed=typed, csrf=link.csrf, list_link=link.list_link)
        return _answer(request, link, 503, page)
    allowed = {each.casefold() for each in question.respond_by}
    may_answer = not allowed or link.by.casefold() in allowed
    page = question_page(
        question,
        csrf=link.csrf,
        typed=typed or {},
        mistakes=mistakes or {},
        notice=notice or ("" if may_answer else _NOTICES["not_allowed" if link.by else "not_logged_in"]),
        answering_as=link.by,
        chosen=chosen,
        may_answer=may_answer,
        list_link=link.list_link,
    )
    return _answer(request, link, status, page)


def _answer(request: Request, link: _Link, status: int, page: str) -> HTMLResponse:
    response = html_response(page, status, {"Retry-After": str(_RETRY_AFTER)} if status == 503 else {})
    set_form_cookie(request, response, link.cookie)
    return response
