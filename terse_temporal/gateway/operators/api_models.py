"""What the API of questions takes and answers, as its OpenAPI description shows it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from ..answers import Refused, refused_with
from .listing import LONGEST_AFTER, LONGEST_JOB

__all__ = [
    "Answer",
    "NotTaken",
    "OpenQuestion",
    "PastQuestion",
    "Questions",
    "Taken",
    "answer_body",
    "answer_refusals",
    "list_parameters",
    "place_parameters",
    "refusals",
]


class Option(BaseModel):
    """One of the answers to choose from."""

    id: str = Field(description="What an answer has as its choice.")
    label: str
    description: str
    free_text: bool = Field(description="Whether a text may go with it.")


class OpenQuestion(BaseModel):
    """A question that is open. With options one is chosen, with a form there are its fields, else there is a text.

    Texts in it may be of anybody's making, a model among them.
    """

    state: Literal["open"]
    id: str = Field(description="The workflow id of the run.", examples=["onboard-customer/stripe:evt_1P"])
    number: str = Field(description="Of the question in the run.", examples=["1"])
    run: str = Field(description="The run id, as it was before any reset. Sent with an answer, no other run takes it.")
    job: str
    prompt: str
    options: list[Option]
    form: dict[str, Any] | None = Field(description="The JSON schema of the form, its fields in their order.")
    details: dict[str, Any] = Field(description="What is shown beside it, as a table.")
    since: datetime | None
    until: datetime | None = Field(description="When nobody is asked any more.")
    on_timeout: str | None = Field(description="The option that counts then.")
    respond_by: list[str] = Field(description="Who may answer; empty is everybody.")
    via: list[str] = Field(description="The ways by which people are told.")
    tool: str | None = Field(default=None, description="Of an approval: the tool that is to be called.")
    arguments: Any = Field(default=None, description="Likewise, with what.")
    because: str | None = Field(default=None, description="Likewise, why a person is asked.")
    is_short: bool = Field(description="Whether there is more of it, which only a worker has.")
    link: str | None = Field(description="The page for people; none without TERSE_GATEWAY_URL and TERSE_GATEWAY_KEY.")


class PastQuestion(BaseModel):
    """A question that is over, for as long as the run remembers it."""

    state: Literal["answered", "timed_out", "withdrawn"]
    id: str
    number: str
    by: str = Field(description="Who has answered; empty where that is not known.")
    by_name: str = Field(description="What they are called.")
    choice: str | None
    label: str | None = Field(description="What the choice is called.")
    at: datetime | None


class Questions(BaseModel):
    """Some of the questions that are open, those of the newest run first."""

    questions: list[OpenQuestion]
    next: str | None = Field(
        description="For the parameter `after` of the next request; null at the end. A page may have none, and a next."
    )


class Answer(BaseModel):
    """An answer: a choice, perhaps with a text, or a text alone, or the data of a form."""

    model_config = ConfigDict(extra="forbid", strict=True)

    choice: str | None = Field(default=None, description="The id of an option.")
    text: str = ""
    data: dict[str, Any] | None = Field(default=None, description="The fields of the form.")
    by: str | None = Field(
        default=None, description="Who answers, which respond_by is compared with. By default the operator."
    )
    by_name: str = Field(default="", description="What they are called, to be shown, where that is something else.")
    run: str = Field(default="", description="That of the question: so that no other run of the id takes it.")


class Taken(BaseModel):
    """The run has the answer."""

    status: Literal["taken"]
    by: str


class NotTaken(Refused):
    """The answer is not taken. With 503 it may still count, and may be sent again: the same answer counts once."""

    by: str | None = Field(default=None, description="With 409: who was first.")
    by_name: str | None = Field(default=None, description="With 409: what they are called.")
    choice: str | None = Field(default=None, description="With 409: what they have chosen.")
    label: str | None = Field(default=None, description="With 409: what that is called.")
    at: datetime | None = Field(default=None, description="With 409 and 410: when.")


_COMMON: Final = (401, 429, 431, 500, 503)

_LINES: Final = {
    400: "The parameters, or the body, are not as they are described.",
    401: "The token of the operator is missing or wrong.",
    403: "Only some people may answer this question, and this is none of them: `not_allowed`.",
    404: "There is no such run, or no such question in it.",
    409: "It was answered before: `answered`, with who was first.",
    410: "Nobody is asked any more: `closed`.",
    422: "The answer does not fit the question: `wrong`, with its wrong fields.",
    429: "Too many requests, or too many wrong tokens, from one address.",
    503: "There are no operators (`not_configured`), Temporal does not answer (`away`), or no worker has taken the"
    " answer yet (`no_worker`).",
}


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the descriptions of answers that refuse, those among them that everything may be refused with."""
    described = refused_with(*statuses, *_COMMON)
    for status, one in described.items():
        one["description"] = _LINES.get(int(status), one["description"])
    described[401]["headers"] = {"WWW-Authenticate": {"description": "`Bearer`.", "schema": {"type": "string"}}}
    return described


def answer_refusals() -> dict[int | str, dict[str, Any]]:
    """Return the same of an answer."""
    described = refusals(400, 404, 408, 413, 415)
    for status in (403, 409, 410, 422, 503):
        described.setdefault(status, {"description": _LINES[status]})["model"] = NotTaken
    return described


def answer_body() -> dict[str, Any]:
    """Return the description of the body of an answer."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": Answer.model_json_schema()}}}}


def list_parameters(most: int, default: int) -> dict[str, Any]:
    """Return the description of the parameters of the list."""
    described = {
        "job": ("Only of runs of this job.", {"type": "string", "minLength": 1, "maxLength": LONGEST_JOB}),
        "limit": ("About how many.", {"type": "integer", "minimum": 1, "maximum": most, "default": default}),
        "after": ("`next` of the page before.", {"type": "string", "maxLength": LONGEST_AFTER}),
    }
    return {
        "parameters": [
            {"name": name, "in": "query", "required": False, "description": text, "schema": schema}
            for name, (text, schema) in described.items()
        ]
    }


def place_parameters() -> dict[str, Any]:
    """Return the description of the places of a path in which a question is named."""
    described = {"id": "The workflow id of the run.", "number": "Of the question."}
    return {
        "parameters": [
            {"name": name, "in": "path", "required": True, "description": text, "schema": {"type": "string"}}
            for name, text in described.items()
        ]
    }
