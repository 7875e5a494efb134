"""Finding and answering a question for whoever shows it: the page, the API, Slack. Bounded in time.

What stands in the memo of a run is read without a worker, and says at once that somebody was faster or that time is up.
Only a worker takes an answer: with none there, the server holds an update for as long as somebody waits for it, and
perhaps longer. So that a person does not wait with it, this gives up after some seconds and says so. The same answer
sent again is the same update, and counts once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, Protocol, TypeAlias

from temporalio.client import Client, WorkflowUpdateRPCTimeoutOrCancelledError

from ...errors import AnswerRefusedError, RunNotFoundError, ServerUnavailableError, SpoolError
from ...inputs.questions import InputQuestion
from ...runs.inputs import answer_question, find_question, questions_of

__all__ = ["InputOutcome", "OutcomeKind", "answer_found", "answer_input", "find_input"]

#: Seconds for the server to say what is asked.
_TO_FIND: Final = 5.0

#: Seconds for a worker to take an answer, all in all. Where one has died, the server waits ten for it before it asks
#: another.
_TO_ANSWER: Final = 11.0

#: Seconds for a worker to say the rest of a long question.
_TO_READ: Final = 3.0

#: Seconds for what the server says without a worker: how a question was over, that this very answer was taken before.
_TO_RECALL: Final = 1.0

OutcomeKind: TypeAlias = Literal["taken", "wrong", "answered", "closed", "not_allowed", "away", "no_worker"]


class Connected(Protocol):
    """What has a client: a `Gateway`."""

    async def client(self) -> Client:
        """Return it; raises `ServerUnavailableError` while the server does not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InputOutcome:
    """What became of an answer, or why there is no question to answer.

    Texts in it may be of anybody's making.

    Attributes:
        kind: `"taken"`; `"wrong"`, it does not fit; `"answered"`, somebody was faster; `"closed"`, nobody is asked any
            more; `"not_allowed"`, it is not this person's to answer; `"away"`, Temporal does not answer; `"no_worker"`,
            no worker has taken it yet: it may still count, and may be sent again.
        message: why, in a sentence.
        fields: of `"wrong"`, what is wrong by the fields of the form, or by `choice` and `text`.
        by: of `"answered"`, who was first, where that is known.
        by_name: what that person is called.
        ended: how the question was over, `"answered"`, `"timed_out"` or `"withdrawn"`; or an empty string.
        at: when, where that is known.
        choice: likewise, the option that was chosen.
        label: what that is called.
        digest: what the answer was to.
    """

    kind: OutcomeKind
    message: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    by: str = ""
    by_name: str = ""
    ended: str = ""
    at: datetime | None = None
    choice: str | None = None
    label: str = ""
    digest: str = ""


async def find_input(
    gateway: Connected, id: str, number: str, *, run: str = "", namespace: str = ""
) -> InputQuestion | InputOutcome:
    """Return an open question, or why there is none: `"answered"`, `"closed"`, `"away"` or `"no_worker"`. Never raises.

    It is in full, but for one that the memo has no room for while no worker is there: that has `is_short`.

    Args:
        gateway: whose client asks.
        id: the workflow id of the run.
        number: of the question.
        run: the run id before any reset that it has to be of, as a token says it; empty is any.
        namespace: that it has to be of, likewise.
    """
    try:
        async with asyncio.timeout(_TO_FIND):
            return await _find(await gateway.client(), id, number, run, namespace)
    except TimeoutError:
        return InputOutcome(kind="away", message=f"the Temporal server does not answer within {_TO_FIND:g} seconds")
    except (ServerUnavailableError, SpoolError) as error:
        return InputOutcome(kind="away", message=str(error))


async def answer_input(
    gateway: Connected,
    id: str,
    number: str,
    *,
    run: str = "",
    namespace: str = "",
    choice: str | None = None,
    text: str = "",
    data: Any = None,
    by: str = "",
    by_name: str = "",
    via: str = "",
) -> InputOutcome:
    """Answer a question. Never raises.

    Args:
        gateway: whose client asks.
        id: the workflow id of the run.
        number: of the question.
        run: the run id before any reset that it has to be of; empty is any.
        namespace: that it has to be of, likewise.
        choice: the id of an option.
        text: what goes with it, or is the answer.
        data: of a form, as JSON.
        by: who answers.
        by_name: what they are called, where that is something else.
        via: the name of the way by which the answer came.
    """
    ends_at = _after(_TO_ANSWER)
    found = await find_input(gateway, id, number, run=run, namespace=namespace)
    given: dict[str, Any] = {"run": run, "choice": choice, "text": text, "data": data, "via": via}
    given |= {"by": by, "by_name": by_name}
    if isinstance(found, InputQuestion):
        return await _answer(gateway, id, number, given | {"of": found.digest}, ends_at)
    if found.kind == "answered" and found.by == by and found.choice == choice:
        # Perhaps it is the same answer, sent again because the first time nobody saw what came of it.
        again = await _answer(gateway, id, number, given | {"of": found.digest}, _after(_TO_RECALL))
        return again if again.kind == "taken" else found
    return found


async def answer_found(
    gateway: Connected,
    question: InputQuestion,
    *,
    choice: str | None = None,
    text: str = "",
    data: Any = None,
    by: str = "",
    by_name: str = "",
    via: str = "",
) -> InputOutcome:
    """Answer a question that `find_input` has returned, which is not looked for again. Never raises.

    The arguments are those of `answer_input`.
    """
    given: dict[str, Any] = {"run": question.run, "choice": choice, "text": text, "data": data, "via": via}
    given |= {"by": by, "by_name": by_name, "of": question.digest}
    return await _answer(gateway, question.id, question.number, given, _after(_TO_ANSWER))


def _after(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds


async def _answer(gateway: Connected, id: str, number: str, given: Mapping[str, Any], ends_at: float) -> InputOutcome:
    try:
        async with asyncio.timeout_at(ends_at):
            client = await gateway.client()
            await answer_question(client, id, number, **given)
    except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError):  # what the SDK makes of a cancellation
        if (task := asyncio.current_task()) is not None and task.cancelling():
            raise asyncio.CancelledError from None
        return InputOutcome(kind="no_worker", message="no worker has taken the answer yet; it may still count")
    except (ServerUnavailableError, SpoolError) as error:
        return InputOutcome(kind="away", message=str(error))
    except RunNotFoundError as error:
        return InputOutcome(kind="closed", message=str(error))
    except AnswerRefusedError as error:
        return await _refused(client, id, number, error, given["run"])
    return InputOutcome(kind="taken")


async def _find(client: Client, id: str, number: str, run: str, namespace: str) -> InputQuestion | InputOutcome:
    if namespace not in ("", client.namespace):
        return InputOutcome(kind="closed", message=f"the question is of another namespace: {namespace!r}")
    try:
        try:
            async with asyncio.timeout(_TO_READ):
                return await find_question(client, id, number, run=run)
        except (TimeoutError, ServerUnavailableError):
            # Perhaps it is only that no worker says the rest of one that the memo has in short, or has no room for.
            open_, _ = await questions_of(client, id)
            if short := [each for each in open_ if each.number == number and run in ("", each.run)]:
                return short[0]
            return InputOutcome(kind="no_worker", message="no worker of the job says what is asked")
    except RunNotFoundError as error:
        return InputOutcome(kind="closed", message=str(error))
    except AnswerRefusedError as error:
        return await _refused(client, id, number, error, run)


async def _refused(client: Client, id: str, number: str, error: AnswerRefusedError, run: str) -> InputOutcome:
    """Return why an answer is refused; of a question that is over, with what is known of its end."""
    kind: OutcomeKind = error.kind  # type: ignore[assignment]  # it is one of these
    outcome = InputOutcome(kind=kind, message=str(error), fields=error.fields, by=error.by, by_name=error.by_name)
    if kind not in ("answered", "closed"):
        return outcome
    try:
        async with asyncio.timeout(_TO_RECALL):
            _, over = await questions_of(client, id)
    except (RunNotFoundError, ServerUnavailableError, TimeoutError):
        return outcome
    past = over.get(number)
    if past is None or run not in ("", past.run):
        return outcome
    return InputOutcome(
        kind=kind,
        message=outcome.message,
        by=past.by or error.by,
        by_name=past.by_name or error.by_name,
        ended=past.ended,
        at=past.at,
        choice=past.choice,
        label=past.label,
        digest=past.digest,
    )
