"""Pages of the questions that runs ask, for the API and for the list."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from temporalio.service import RPCError

from ...errors import ServerUnavailableError, SpoolError
from ...inputs.questions import InputQuestion
from ...runs.inputs import page_of_questions
from ..gateway import Gateway
from ..operator_tokens import Operator
from ..refusals import Refusal
from ..signatures import mac

__all__ = ["LONGEST_AFTER", "LONGEST_JOB", "QuestionsPage", "page_for"]

#: Seconds for the server.
_PATIENCE: Final = 10.0

#: Characters of the name of a job, and of where a page begins, which has a token of the server in it.
LONGEST_JOB: Final = 1_000
LONGEST_AFTER: Final = 4_000

_LABEL: Final = b"terse.input-list.1\0"
_LENGTH: Final = 16


@dataclass(frozen=True, slots=True)
class QuestionsPage:
    """Some questions.

    Attributes:
        questions: those of the newest run first.
        next: where the next page begins, or `None`.
    """

    questions: list[InputQuestion]
    next: str | None


async def page_for(gateway: Gateway, operator: Operator, query: Mapping[str, str], most: int) -> QuestionsPage:
    """Return a page of questions.

    Args:
        gateway: whose client asks.
        operator: who asks. Where a page begins is signed with their token: what the server makes and reads is passed on
            as it was.
        query: the parameters `job` and `after`.
        most: about how many questions.

    Raises:
        Refusal: 400 for a parameter that is none, 503 where the server does not answer.
    """
    job, after = query.get("job") or None, query.get("after") or None
    if job is not None and (len(job) > LONGEST_JOB or not job.isprintable()):
        raise Refusal(400, "job_invalid", "The parameter job is no name of a job.")
    token = None if after is None else _read_place(after, operator, job)
    try:
        async with asyncio.timeout(_PATIENCE):
            client = await gateway.client()
            questions, following = await page_of_questions(client, job=job, token=token, most=most)
    except RPCError:
        raise Refusal(400, "query_refused", "The Temporal server does not take this query.") from None
    except TimeoutError:
        raise _away(f"the Temporal server does not answer within {_PATIENCE:g} seconds") from None
    except (ServerUnavailableError, SpoolError) as error:
        raise _away(str(error)) from error
    return QuestionsPage(questions, None if following is None else _place(following, operator, job))


def _away(why: str) -> Refusal:
    return Refusal(503, "away", "The Temporal server does not answer. Try again.", retry_after=5, why=why)


def _place(token: bytes, operator: Operator, job: str | None) -> str:
    return base64.urlsafe_b64encode(_signature(token, operator, job) + token).decode().rstrip("=")


def _read_place(text: str, operator: Operator, job: str | None) -> bytes:
    wrong = Refusal(400, "after_invalid", "The parameter after is not the next of a page before, for the same job.")
    if len(text) > LONGEST_AFTER or not text.isascii():
        raise wrong
    try:
        signed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise wrong from None
    given, token = signed[:_LENGTH], signed[_LENGTH:]
    if not hmac.compare_digest(_signature(token, operator, job), given):
        raise wrong
    return token


def _signature(token: bytes, operator: Operator, job: str | None) -> bytes:
    about = b"\1" + job.encode("utf-8", "surrogatepass") if job is not None else b"\0"
    return mac(operator.token, _LABEL, about, b"\0", token)[:_LENGTH]
