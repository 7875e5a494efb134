"""The link to the page of a question, as a way to ask sends it.

It is made where the step runs, from the worker's environment: `TERSE_GATEWAY_URL`, where people reach the gateway, and
`TERSE_GATEWAY_KEY`, which has to be that of the gateway. What is wrong with either is for the gateway to say.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

from ..diagnostics.redaction import name_secret_variable
from .questions import InputQuestion
from .tokens import InputToken, make_token

__all__ = ["GATEWAY_KEY", "GATEWAY_URL", "SHORTEST_KEY", "link_problem", "question_link", "question_token"]

#: Where people reach the gateway: `https://hooks.acme.example`.
GATEWAY_URL: Final = "TERSE_GATEWAY_URL"

#: What links are signed with. Of several with commas between, the first signs, and all are valid.
GATEWAY_KEY: Final = "TERSE_GATEWAY_KEY"

#: Characters of a key below which the gateway takes none.
SHORTEST_KEY: Final = 16


def question_link(
    question: InputQuestion, respondent: str = "", *, environ: Mapping[str, str] | None = None
) -> str | None:
    """Return the address of the page of a question, or `None` where the environment does not say where that is.

    Args:
        question: as a way to ask is given it.
        respondent: whom it is sent to: what is answered by it is theirs. Empty is nobody in particular.
        environ: another environment, for tests.
    """
    found = os.environ if environ is None else environ
    base = found.get(GATEWAY_URL, "").strip().rstrip("/")
    token = question_token(question, respondent, environ=environ)
    if token is None or not _is_address(base):
        return None
    return f"{base}/inputs/{token}"


def link_problem(environ: Mapping[str, str] | None = None) -> str | None:
    """Return why there are no links though the environment says where the gateway is, or `None`: for a log.

    Args:
        environ: another environment, for tests.
    """
    found = os.environ if environ is None else environ
    url, key = found.get(GATEWAY_URL, "").strip(), found.get(GATEWAY_KEY, "").split(",")[0].strip()
    if not url:
        return None
    if not _is_address(url):
        return f"questions have no links, as {GATEWAY_URL} does not begin with https:// or http://"
    if not key:
        return f"questions have no links, as {GATEWAY_KEY} is not set: the key of the gateway"
    if len(key) < SHORTEST_KEY:
        return f"questions have no links, as {GATEWAY_KEY} has fewer than {SHORTEST_KEY} characters"
    return None


def question_token(
    question: InputQuestion, respondent: str = "", *, environ: Mapping[str, str] | None = None
) -> str | None:
    """Return the token of a question, which whoever answers it shows, or `None` where there is no key to sign it with.

    Args:
        question, respondent, environ: as `question_link` takes them.
    """
    found = os.environ if environ is None else environ
    if environ is None:
        name_secret_variable(GATEWAY_KEY)
    # While a key is replaced, the new one stands first.
    key = found.get(GATEWAY_KEY, "").split(",")[0].strip()
    if len(key) < SHORTEST_KEY:
        return None
    token = InputToken(question.namespace, question.id, question.run, question.number, respondent)
    return make_token(token, [key.encode()])


def _is_address(url: str) -> bool:
    return url.lower().startswith(("https://", "http://"))
