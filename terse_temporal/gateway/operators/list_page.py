"""`/inputs`: the questions that runs ask, for operators who are logged in, and the way in and out."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from ...diagnostics.logs import logger_of
from ...diagnostics.text import one_line, shorten
from ...inputs.questions import InputQuestion
from ...inputs.tokens import InputToken, make_token
from ..cookies import cookie_path
from ..delivery_log import DeliveryLog
from ..gateway import Gateway
from ..inputs.csrf import check_site
from ..inputs.typed import read_typed
from ..operator_sessions import begin_session, end_session
from ..pages.question_page import notice_page
from ..pages.rendering import html_response, render
from ..pages.showing import show_time
from ..refusals import Refusal
from ..secrets import GATEWAY_KEY
from .guard import NOT_CONFIGURED, Guard
from .listing import page_for

__all__ = ["add_list_page"]

_logger = logger_of("gateway")

#: Questions of a page.
_MOST: Final = 50

#: Characters of what is asked, in a row; of a name, and of a token that is looked at.
_LONGEST_PROMPT: Final = 300
_LONGEST_NAME: Final = 200
_LONGEST_TOKEN: Final = 1_000


def add_list_page(app: FastAPI, gateway: Gateway, guard: Guard) -> None:
    """Add the list to an app, before what has all addresses below its own.

    Args:
        app: that of the gateway.
        gateway: whose questions are listed.
        guard: which lets operators in.
    """
    page = _ListPage(gateway, guard)
    for path, method, endpoint in (
        ("/inputs", "GET", page.show),
        ("/inputs", "HEAD", page.show),
        ("/inputs/login", "GET", page.go_to_list),
        ("/inputs/login", "POST", page.log_in),
        ("/inputs/logout", "GET", page.go_to_list),
        ("/inputs/logout", "POST", page.log_out),
    ):
        app.add_api_route(path, endpoint, methods=[method], include_in_schema=False, response_model=None)


class _ListPage:
    def __init__(self, gateway: Gateway, guard: Guard) -> None:
        self._gateway = gateway
        self._guard = guard
        self._log = DeliveryLog()

    async def show(self, request: Request) -> Response:
        """Show the list; to who is not logged in the form to do so, and without operators how there can be some."""
        if not self._guard.is_configured:
            page = notice_page(
                heading="The list of questions is off", paragraphs=[_sentence(NOT_CONFIGURED)], tone="info"
            )
            return html_response(page, 503)
        operator = self._guard.logged_in(request)
        if operator is None:
            return _login_page(request, 401)
        questions: list[InputQuestion] = []
        following, status, notice = None, 200, ""
        try:
            found = await page_for(self._gateway, operator, request.query_params, _MOST)
            questions, following = found.questions, found.next
        except Refusal as refusal:
            status, notice = refusal.status, refusal.message
        if not self._gateway.secrets.gateway_keys:
            notice = f"{GATEWAY_KEY} is not set where this gateway runs, and without it no question can be opened."
        job = request.query_params.get("job", "")
        html = render(
            "list.html",
            operator=operator.name,
            here=cookie_path(request),
            rows=[self._row(request, each) for each in questions],
            notice=notice,
            job=shorten(one_line(job), _LONGEST_NAME),
            is_first="after" not in request.query_params,
            next="" if following is None else "?" + urlencode({**({"job": job} if job else {}), "after": following}),
        )
        return html_response(html, status)

    async def go_to_list(self, request: Request) -> Response:
        """Show the list instead of what only takes something."""
        return RedirectResponse(cookie_path(request), 303, {"Cache-Control": "no-store"})

    async def log_in(self, request: Request) -> Response:
        """Let somebody in who has the token of an operator."""
        check_site(request)
        token = next(iter((await read_typed(request)).get("token", ())), "").strip()[:_LONGEST_TOKEN]
        try:
            operator = self._guard.check(request, token)
        except Refusal as refusal:
            self._log.refused("inputs/login", refusal, 0.0)
            return _login_page(request, refusal.status, refusal)
        _logger.info("operator %s has logged in", shorten(operator.name, _LONGEST_NAME))
        response = RedirectResponse(cookie_path(request), 303, {"Cache-Control": "no-store"})
        begin_session(request, response, operator)
        return response

    async def log_out(self, request: Request) -> Response:
        """Take the cookie away. What another site sends comes without one, and takes none away."""
        check_site(request)
        response = RedirectResponse(cookie_path(request), 303, {"Cache-Control": "no-store"})
        if self._guard.in_browser(request) is not None:
            end_session(request, response)
        return response

    def _row(self, request: Request, question: InputQuestion) -> dict[str, Any]:
        keys = self._gateway.secrets.gateway_keys
        now = datetime.now(UTC)
        token = InputToken(question.namespace, question.id, question.run, question.number)
        return {
            "link": f"{cookie_path(request)}/{make_token(token, keys)}" if keys else "",
            "prompt": shorten(one_line(" ".join(question.prompt.split())), _LONGEST_PROMPT),
            "job": shorten(one_line(question.job), _LONGEST_NAME),
            "run_id": shorten(one_line(question.id), _LONGEST_NAME),
            "since": show_time(question.since, now) if question.since else "",
            "until": show_time(question.until, now) if question.until else "",
            "respond_by": shorten(one_line(", ".join(question.respond_by)), _LONGEST_NAME),
        }


def _login_page(request: Request, status: int, refusal: Refusal | None = None) -> HTMLResponse:
    headers = {} if refusal is None else refusal.headers
    mistake = "" if refusal is None else _sentence(refusal.message)
    if seconds := headers.get("retry-after"):
        mistake += f" Try again in {seconds} seconds."
    html = render("login.html", action=f"{cookie_path(request)}/login", mistake=mistake)
    return html_response(html, status, {"WWW-Authenticate": "Bearer", **headers} if status == 401 else headers)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
