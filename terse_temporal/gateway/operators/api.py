"""`/api/inputs`: the questions that runs ask, for a front end of the user's own."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from fastapi import Depends, FastAPI
from fastapi.security import HTTPBearer
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from ...diagnostics.logs import logger_of
from ...diagnostics.text import shorten
from ...inputs.links import question_link
from ...inputs.questions import InputQuestion
from ...runs.input_json import moment_json, question_json
from ..bodies import read_json
from ..gateway import Gateway
from ..inputs.answering import InputOutcome, answer_input, find_input
from ..refusals import Refusal
from .api_models import (
    Answer,
    OpenQuestion,
    PastQuestion,
    Questions,
    Taken,
    answer_body,
    answer_refusals,
    list_parameters,
    place_parameters,
    refusals,
)
from .guard import Guard
from .listing import page_for

__all__ = ["add_api_routes"]

_logger = logger_of("gateway")

#: Characters of an id or a name in the log.
_LONGEST_SHOWN: Final = 120

#: Questions of a page.
_MOST: Final = 100
_DEFAULT: Final = 50

#: What an answer from here says as the way by which it came.
_VIA: Final = "api"

_STATUSES: Final = {"wrong": 422, "answered": 409, "closed": 410, "not_allowed": 403, "away": 503, "no_worker": 503}

#: Nothing of a question stays in a cache on the way.
_HEADERS: Final = {"cache-control": "no-store", "x-content-type-options": "nosniff"}

_RETRY_AFTER: Final = "5"

#: Characters of a workflow id, as the server has it, and of the number of a question; and what either may have.
_LONGEST_ID: Final = 1_000
_LONGEST_NUMBER: Final = 20
_UTF8: Final = re.compile("[^\0\ud800-\udfff]*")


def add_api_routes(app: FastAPI, gateway: Gateway, guard: Guard) -> None:
    """Add the API to an app.

    Args:
        app: that of the gateway.
        gateway: whose client it uses.
        guard: which lets operators in.
    """
    api = _Api(gateway, guard)
    # For the description alone: the guard is what lets somebody in.
    described = [Depends(HTTPBearer(auto_error=False, scheme_name="operator"))]
    app.add_api_route(
        "/api/inputs",
        api.list,
        methods=["GET"],
        summary="List the questions that runs ask",
        description="The newest run first. It may be a second or two late, as the visibility of the server is.",
        operation_id="list_inputs",
        tags=["inputs"],
        response_model=Questions,
        responses=refusals(400),
        openapi_extra=list_parameters(_MOST, _DEFAULT),
        dependencies=described,
    )
    app.add_api_route(
        # A workflow id may have slashes in it.
        "/api/inputs/{id:path}/{number}",
        api.show,
        methods=["GET"],
        summary="Show a question in full, or who has answered it",
        operation_id="show_input",
        tags=["inputs"],
        response_model=OpenQuestion | PastQuestion,
        responses=refusals(404),
        openapi_extra=place_parameters(),
        dependencies=described,
    )
    app.add_api_route(
        "/api/inputs/{id:path}/{number}/answer",
        api.answer,
        methods=["POST"],
        summary="Answer a question",
        description="It is taken when the run has it, for which its worker has to be there.",
        operation_id="answer_input",
        tags=["inputs"],
        response_model=Taken,
        responses=answer_refusals(),
        openapi_extra=answer_body(),
        dependencies=described,
    )


class _Api:
    """What answers."""

    def __init__(self, gateway: Gateway, guard: Guard) -> None:
        self._gateway = gateway
        self._guard = guard

    async def list(self, request: Request) -> Response:
        """Return a page of questions."""
        operator = self._guard.admit(request)
        limit = request.query_params.get("limit", str(_DEFAULT))
        if not (limit.isascii() and limit.isdigit() and len(limit) < 10 and 1 <= int(limit) <= _MOST):
            raise Refusal(400, "limit_invalid", f"The parameter limit is a number from 1 to {_MOST}.")
        page = await page_for(self._gateway, operator, request.query_params, int(limit))
        return _json({"questions": [_open(each) for each in page.questions], "next": page.next})

    async def show(self, request: Request) -> Response:
        """Return a question."""
        self._guard.admit(request)
        workflow_id, number = request.path_params["id"], request.path_params["number"]
        _check_place(workflow_id, number)
        found = await find_input(self._gateway, workflow_id, number)
        if isinstance(found, InputQuestion):
            return _json(_open(found))
        if found.kind == "away":
            return _not_taken(found)
        if not found.ended:
            raise _not_found()
        return _json({"state": found.ended, "id": workflow_id, "number": number, **_end(found)})

    async def answer(self, id: str, number: str, request: Request) -> Response:
        """Answer a question."""
        operator = self._guard.admit(request)
        _check_place(id, number)
        answer = _read_answer(await request.body())
        by = operator.name if answer.by is None else answer.by
        outcome = await answer_input(
            self._gateway,
            id,
            number,
            run=answer.run,
            choice=answer.choice,
            text=answer.text,
            data=answer.data,
            by=by,
            by_name=answer.by_name,
            via=_VIA,
        )
        _logger.info(
            "question %s of %s, answered by the API with the token of %s: %s",
            shorten(number, _LONGEST_SHOWN),
            shorten(id, _LONGEST_SHOWN),
            shorten(operator.name, _LONGEST_SHOWN),
            outcome.kind,
        )
        return _json({"status": "taken", "by": by}) if outcome.kind == "taken" else _not_taken(outcome)


def _check_place(id: str, number: str) -> None:
    if len(id) > _LONGEST_ID or len(number) > _LONGEST_NUMBER or not _UTF8.fullmatch(id + number):
        raise _not_found()


def _not_found() -> Refusal:
    return Refusal(404, "not_found", "There is no such run, or no such question in it.")


def _open(question: InputQuestion) -> dict[str, Any]:
    found = {
        "state": "open",
        **question_json(question),
        "is_short": question.is_short,
        "link": question_link(question),
    }
    try:
        json.dumps(found, allow_nan=False)
    except (ValueError, RecursionError):
        # A memo is anybody's writing, and Python reads and writes NaN, which is no JSON: one question that has it is
        # not to keep the others from being listed.
        found |= {"details": {}, "form": None, "is_short": True}
        if "arguments" in found:
            found["arguments"] = None
    return found


def _read_answer(raw: bytes) -> Answer:
    try:
        return Answer.model_validate(read_json(raw))
    except ValidationError as error:
        fields = [
            {"field": ".".join(map(str, each["loc"])) or "(the body)", "problem": each["msg"]}
            for each in error.errors(include_input=False, include_url=False, include_context=False)
        ]
        raise Refusal(400, "body_invalid", "The body is no answer.", fields=fields[:20]) from None


def _not_taken(outcome: InputOutcome) -> Response:
    status = _STATUSES[outcome.kind]
    said: dict[str, Any] = {"error": outcome.kind, "message": outcome.message}
    if outcome.fields:
        said["fields"] = [{"field": name, "problem": problem} for name, problem in outcome.fields.items()]
    if outcome.kind == "answered":
        said |= _end(outcome)
    elif outcome.at is not None:
        said["at"] = moment_json(outcome.at)
    return _json(said, status, {"retry-after": _RETRY_AFTER} if status == 503 else {})


def _end(outcome: InputOutcome) -> dict[str, Any]:
    """Return how a question was over."""
    return {
        "by": outcome.by,
        "by_name": outcome.by_name or outcome.by,
        "choice": outcome.choice,
        "label": outcome.label or None,
        "at": moment_json(outcome.at),
    }


def _json(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    # In ASCII, in which half of a surrogate pair can be written too.
    body = json.dumps(content, allow_nan=False)
    return Response(body, status, {**_HEADERS, **(headers or {})}, "application/json")
