"""Questions to a person, looked at and answered by a client: for the command line, a page, a program of the user's.

What is asked stands in the memo of the run, so that no worker is needed to see it; one takes the answer.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, Final

from temporalio.client import Client, WorkflowExecution, WorkflowQueryFailedError, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from ..engine.wire.continued import carried_journal
from ..engine.wire.journal import wire_to_payload
from ..errors import AnswerRefusedError, RunNotFoundError
from ..execution.input_requests import AnswerProblem
from ..inputs.answers import check_size
from ..inputs.questions import InputQuestion, read_question
from ..serialization.wire_names import INPUT_QUERY, INPUT_UPDATE, WAITING_MEMO
from .first_event import first_event
from .questions import PastQuestion, past_questions, read_objects
from .requests import request

__all__ = [
    "answer_question",
    "asked_at_start",
    "find_question",
    "list_questions",
    "page_of_questions",
    "questions_of",
    "refused_answer",
]

_NOT_LISTED: Final = "questions cannot be listed"

#: Runs of a request for some; and that are looked at for a page of questions.
_SMALLEST_PAGE: Final = 20
_LARGEST_PAGE: Final = 100
_MOST_LOOKED_AT: Final = 1_000

#: Requests for a page that are under way at once. One after the other, a hundred take seconds of a server far away.
_AT_ONCE: Final = 10

_KINDS: Final = ("wrong", "not_allowed", "answered", "closed")


async def list_questions(client: Client, *, job: str | None = None) -> AsyncIterator[InputQuestion]:
    """Yield what runs ask, the newest run first, with its questions in their order.

    Args:
        client: of the server.
        job: only of runs of this job.

    Raises:
        ServerUnavailableError: no server answers, or it refuses.

    One request for a page of open runs, and one for each that asks something. The list may be a second or two late, as
    the server's visibility is.
    """
    runs = client.list_workflows(_query(job))
    while (run := await request(anext(runs, None), _NOT_LISTED, client)) is not None:
        for question in await _asked_by(client, run):
            yield question


async def page_of_questions(
    client: Client, *, job: str | None = None, token: bytes | None = None, most: int
) -> tuple[list[InputQuestion], bytes | None]:
    """Return some of what runs ask, the newest run first, and a token for what follows; `None` at the end.

    Args:
        client: of the server.
        job: only of runs of this job.
        token: that of the page before; it is the server's, for the same job.
        most: about how many. There are more where the last runs ask several each, and fewer, or none, where a thousand
            runs were looked at.

    Raises:
        ServerUnavailableError: no server answers, or it refuses.

    One request for up to a hundred runs, and one for each that asks something, ten of these at a time.
    """
    found: list[InputQuestion] = []
    looked_at = 0
    while True:
        size = max(_SMALLEST_PAGE, min(_LARGEST_PAGE, most - len(found)))
        runs = client.list_workflows(_query(job), page_size=size, next_page_token=token)
        await request(runs.fetch_next_page(), _NOT_LISTED, client)
        found += await _asked_by_each(client, runs.current_page or ())
        looked_at += size
        token = runs.next_page_token or None
        if token is None or len(found) >= most or looked_at >= _MOST_LOOKED_AT:
            return found, token


async def questions_of(client: Client, id: str) -> tuple[list[InputQuestion], dict[str, PastQuestion]]:
    """Return what a run asks, and by their numbers its last questions that are over. Two requests.

    Args:
        client: of the server.
        id: the workflow id.

    Raises:
        RunNotFoundError: there is no run of that id.
        ServerUnavailableError: no server answers, or it refuses.
    """
    open_, over, _ = await _looked_at(client, id)
    return open_, over


async def _looked_at(client: Client, id: str) -> tuple[list[InputQuestion], dict[str, PastQuestion], str | None]:
    """Return what `questions_of` returns, and the job's name where the memo has no room for all that is open."""
    try:
        run = await request(client.get_workflow_handle(id).describe(), f"the run {id!r} cannot be looked at", client)
    except RPCError as err:
        raise RunNotFoundError(id) from err
    fields = run.raw_info.memo.fields
    over = await past_questions(client, fields)
    if run.close_time is not None or WAITING_MEMO not in fields:
        return [], over, None
    waiting = await read_objects(client, fields, WAITING_MEMO)
    if not waiting or await asked_at_start(client, run):
        return [], over, None
    has_more = any("more" in each and "event" not in each for each in waiting.values())
    return _questions(client, run, waiting), over, run.workflow_type if has_more else None


async def find_question(client: Client, id: str, number: str, *, run: str = "") -> InputQuestion:
    """Return an open question, in full.

    Args:
        client: of the server.
        id: the workflow id.
        number: of the question.
        run: the run id before any reset that it has to be of, as a token says it; empty is any.

    Raises:
        AnswerRefusedError: it is not open: `.kind` is `"answered"`, with `.by` and `.by_name`, or `"closed"`.
        RunNotFoundError: there is no run of that id.
        ServerUnavailableError: no server answers, or it refuses.
    """
    open_, over, job = await _looked_at(client, id)
    for question in open_:
        if question.number == number and run in ("", question.run):
            return await _in_full(client, question) if question.is_short else question
    if job is not None and number not in over:
        try:
            unlisted = await _read(client, InputQuestion(id, run, number, job, client.namespace))
        except RPCError as err:
            raise RunNotFoundError(id) from err
        if unlisted is not None and run in ("", unlisted.run):
            return unlisted
    past = over.get(number)
    if past is not None and run in ("", past.run) and past.ended == "answered":
        by = f" by {past.by_name!r}" if past.by_name else ""
        raise AnswerRefusedError(
            f"question {number!r} of the run {id!r} was answered before{by}",
            kind="answered",
            by=past.by,
            by_name=past.by_name,
        )
    raise AnswerRefusedError(f"question {number!r} of the run {id!r} is not open", kind="closed")


async def answer_question(
    client: Client,
    id: str,
    number: str | None,
    *,
    run: str = "",
    choice: str | None = None,
    text: str = "",
    data: Any = None,
    by: str = "",
    by_name: str = "",
    via: str = "",
    of: str = "",
) -> None:
    """Answer a question. It returns when the run has taken the answer, for which its worker has to be there.

    The same answer given twice, as by a browser that sends it again, is one.

    Args:
        client: of the server.
        id: the workflow id.
        number: of the question; `None` is the only one that is open.
        run: the run id before any reset that it has to be of; empty is any.
        choice: the id of an option.
        text: what goes with it, or is the answer.
        data: of a form, as JSON.
        by: who answers.
        by_name: what that person is called, where it is something else.
        via: the name of the way by which the answer came.
        of: the `digest` of the question, where that is known: the answer does not count for another.

    Raises:
        AnswerRefusedError: the run does not take it: `.kind`, `.fields`, `.by`, `.by_name`.
        RunNotFoundError: there is no run of that id.
        ServerUnavailableError: no server answers, or it refuses.
    """
    given: dict[str, Any] = {"id": number, "run": run, "choice": choice, "text": text, "data": data}
    given |= {"by": by, "by_name": "" if by_name == by else by_name, "via": via}
    answer = {name: each for name, each in given.items() if each not in (None, "")}
    try:
        check_size(answer)
    except AnswerProblem as problem:
        raise AnswerRefusedError(problem.message, kind=problem.kind) from None
    # In the id too: after a reset the same answer to another question is another.
    answer |= {"of": of} if of else {}
    known = json.dumps([id, answer], sort_keys=True, default=str).encode()
    sending = client.get_workflow_handle(id).execute_update(
        INPUT_UPDATE, answer, id=f"answer-{hashlib.sha256(known).hexdigest()[:32]}" if number is not None else None
    )
    try:
        await request(sending, f"the run {id!r} cannot be answered", client)
    except WorkflowUpdateFailedError as err:
        raise refused_answer(err) from err
    except RPCError as err:
        if err.status != RPCStatusCode.NOT_FOUND:
            raise AnswerRefusedError(f"the server does not pass the answer on: {err.message}") from err
        # Which says who was first, or that there is no run.
        last = next(reversed((await questions_of(client, id))[1]), None) if number is None else number
        if last is not None:
            await find_question(client, id, last, run=run)
        raise AnswerRefusedError(f"the run {id!r} has ended, and asks nobody", kind="closed") from err


async def asked_at_start(client: Client, run: WorkflowExecution) -> bool:
    """Return whether what the memo of a run says of questions was said when it was started, and so asks nothing.

    A run asks while it runs. So that was written by whoever started it, to look like a question, or is of the run that
    this one continues, and answered. One that has continued as new by itself has what it began with in what it carries.
    One request.

    Raises:
        ServerUnavailableError: no server answers, or it refuses.
    """
    reading = first_event(client, run.id, run.run_id)
    try:
        # The id of the run is the server's own, so that it has no other reason to refuse.
        event = await request(
            reading, f"the run {run.id!r} cannot be looked at", client, answers=[RPCStatusCode.NOT_FOUND]
        )
    except RPCError:  # it has ended, and is gone
        return False
    now = run.raw_info.memo.fields[WAITING_MEMO]
    journal = await carried_journal(event, client.data_converter)
    if journal is None:
        return event.workflow_execution_started_event_attributes.memo.fields.get(WAITING_MEMO) == now
    wire = journal.manifest.memo.get(WAITING_MEMO)
    if wire is None:
        return False
    converter = client.data_converter
    try:
        # What is carried was decoded by the codec when it was written.
        was = converter.payload_converter.from_payloads([wire_to_payload(wire, journal.large)])
        return was == await converter.decode([now])
    except Exception:  # of whatever converter, or written by hand
        return True


async def _in_full(client: Client, question: InputQuestion) -> InputQuestion:
    """Return a question that is shown in short as the run itself has it; as it is where no worker answers."""
    try:
        return await _read(client, question) or question
    except RPCError:
        return question


async def _read(client: Client, question: InputQuestion) -> InputQuestion | None:
    """Return a question as the run itself has it, which takes a worker; `None` where it is not open."""
    asking = client.get_workflow_handle(question.id).query(INPUT_QUERY, question.number)
    try:
        wire = await request(asking, f"question {question.number!r} cannot be read", client)
    except WorkflowQueryFailedError:
        return None
    if not isinstance(wire, Mapping):
        return None
    known = {"id": question.id, "number": question.number, "job": question.job, "namespace": question.namespace}
    return read_question(wire, **known)


def refused_answer(error: WorkflowUpdateFailedError) -> AnswerRefusedError:
    """Return what a run has refused an answer with."""
    cause = error.cause
    message = str(getattr(cause, "message", cause))
    details: Any = cause.details[0] if isinstance(cause, ApplicationError) and cause.details else {}
    if not isinstance(details, Mapping):
        details = {}
    fields, kind = details.get("fields"), details.get("kind")
    return AnswerRefusedError(
        message,
        kind=kind if kind in _KINDS else "wrong",
        fields={str(name): str(each) for name, each in fields.items()} if isinstance(fields, Mapping) else {},
        by=str(details.get("by") or ""),
        by_name=str(details.get("by_name") or ""),
    )


def _query(job: str | None) -> str:
    query = "ExecutionStatus = 'Running'"
    if job is not None:
        quoted = job.replace("\\", "\\\\").replace("'", "\\'")
        query += f" AND WorkflowType = '{quoted}'"
    return query


async def _asked_by_each(client: Client, runs: Iterable[WorkflowExecution]) -> list[InputQuestion]:
    free = asyncio.Semaphore(_AT_ONCE)

    async def asked_by(run: WorkflowExecution) -> list[InputQuestion]:
        async with free:
            return await _asked_by(client, run)

    return [question for found in await asyncio.gather(*map(asked_by, runs)) for question in found]


async def _asked_by(client: Client, run: WorkflowExecution) -> list[InputQuestion]:
    """Return what a run asks, in the order in which it does."""
    fields = run.raw_info.memo.fields
    waiting = await read_objects(client, fields, WAITING_MEMO)
    if not waiting or await asked_at_start(client, run):
        return []
    return _questions(client, run, waiting)


def _questions(client: Client, run: WorkflowExecution, waiting: Mapping[str, Any]) -> list[InputQuestion]:
    known = {"id": run.id, "job": run.workflow_type, "namespace": client.namespace}
    read = (read_question(wire, number=number, **known) for number, wire in waiting.items())
    return [each for each in read if each is not None]
