"""`wait_for_input`: a question to a person, in the handler of a durable job."""

from __future__ import annotations

import functools
from collections.abc import Coroutine, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, TypeAlias, TypeVar, overload

from pydantic import BaseModel

from ..durations import to_timedelta
from ..errors import DurationError, InputError
from ..execution.input_requests import InputRequest, RecordedAnswer
from ..execution.protocol import durable_execution
from ..serialization.codec import Codec, type_name
from ..serialization.value_problems import ValueProblem
from .answers import InputAnswer, answer_check
from .forms import form_beginning_with, form_schema, initial_values
from .questions import QUESTION_VERSION, InputOption, approval_options, question_json
from .ways import InputWay, WaySteps, way_steps

__all__ = ["approval_request", "wait_for_input"]

_M = TypeVar("_M", bound=BaseModel)
_Time: TypeAlias = "str | timedelta | None"
_Initial: TypeAlias = "BaseModel | Mapping[str, Any] | None"
_Via: TypeAlias = "InputWay | Sequence[InputWay] | None"

#: So that a question that stays open does not fill a history.
_SHORTEST_BETWEEN: Final = timedelta(minutes=1)

_CALL: Final = "wait_for_input()"


@overload
def wait_for_input(
    *,
    prompt: str,
    schema: type[_M],
    initial: _Initial = None,
    details: Mapping[str, Any] | None = None,
    via: _Via = None,
    timeout: _Time = None,
    remind_every: _Time = None,
    respond_by: Sequence[str] | None = None,
) -> Coroutine[Any, Any, InputAnswer[_M]]: ...


@overload
def wait_for_input(
    *,
    prompt: str,
    options: Sequence[InputOption] | None = None,
    schema: None = None,
    initial: None = None,
    details: Mapping[str, Any] | None = None,
    via: _Via = None,
    timeout: _Time = None,
    on_timeout: str | None = None,
    remind_every: _Time = None,
    respond_by: Sequence[str] | None = None,
) -> Coroutine[Any, Any, InputAnswer]: ...


def wait_for_input(
    *,
    prompt: str,
    options: Sequence[InputOption] | None = None,
    schema: Any = None,
    initial: _Initial = None,
    details: Mapping[str, Any] | None = None,
    via: _Via = None,
    timeout: _Time = None,
    on_timeout: str | None = None,
    remind_every: _Time = None,
    respond_by: Sequence[str] | None = None,
) -> Coroutine[Any, Any, InputAnswer[Any]]:
    """Ask a person, and wait for the answer: durably, as `sleep` does.

    The first answer that fits is taken; one that does not fit is refused, and the run does not notice. Waits may race
    with anything, by `asyncio.timeout` and `asyncio.wait`: a question that is cancelled is withdrawn. So it goes on to
    somebody else after two days:

        try:
            async with asyncio.timeout(2 * 24 * 3600):
                answer = await wait_for_input(prompt=…, via=team)
        except TimeoutError:
            answer = await wait_for_input(prompt=…, via=boss)

    Args:
        prompt: what is asked: up to 4,000 characters.
        options: the answers to choose from, up to 20. Without options and schema the answer is a text.
        schema: a pydantic model whose fields make a form, in the place of options: of up to 50 texts, numbers, yes or
            no, dates, choices (`Literal`, `Enum`), and lists of texts or choices, each also `| None`. `LongText` is a
            text of several lines.
        initial: what the form begins with, and what counts where an answer leaves a field out: a model, such as what
            `generate_text` has drafted, or JSON by the names of fields. It may be some of them.
        details: what is shown beside the question, as a table: JSON by names.
        via: a way to ask, or several; the first answer counts, whichever way it comes. Without one it is asked by
            `TERSE_ASK_BY` of the worker's environment: `slack:C0612345678`, `email:ops@acme.example` or `page`, whose
            link the worker logs. Without that too nobody is told: the question is in the list of the gateway, and in
            `terse-temporal inputs list`.
        timeout: how long to wait; without it for as long as it takes.
        on_timeout: the id of the option that counts as chosen then.
        remind_every: how long between two reminders: a minute at least. They end with the answer, or after a thousand.
        respond_by: who may answer: addresses, user ids or names, as the way by which the answer comes knows people,
            whatever their case. Whoever can reach the Temporal server may say that they are anybody.

    Returns:
        What to await for the answer: `.choice`, `.text`, `.data`, `.respondent`, `.respondent_name`,
            `.answered_at`.

    Raises:
        DurableOnlyError: called anywhere but in the handler of a durable job. Raised by the call, as the next two.
        InputError: it cannot be asked like that, or the form can be none. Raised when awaited: what was answered has
            come to be refused by the schema.
        DurationError: the timeout, or the time between reminders, is none.
        InputTimeoutError: when awaited: nobody answered in that time, and there is no `on_timeout`. It is also a
            `TimeoutError`.
        StepError: when awaited: none of the ways could ask. It was tried for two minutes.

    Costs two history events for showing the question and taking it away, two for the answer, two for a timeout; and
    three for each way and each time that it asks, reminds or closes, with the tasks of the run that go with them; and
    two for each run that asks by `TERSE_ASK_BY`. A question is 24 KiB at most as JSON, and an answer 64.
    """
    execution = durable_execution(_CALL)
    limit = None if timeout is None else to_timedelta(timeout)
    between = None if remind_every is None else to_timedelta(remind_every)
    if between is not None and between < _SHORTEST_BETWEEN:
        raise DurationError(f"{_CALL}: remind_every={remind_every!r}; a minute is the least")
    if options is not None and schema is not None:
        raise InputError(f"{_CALL}: give options= to choose from, or schema= for a form, and not both")
    if initial is not None and schema is None:
        raise InputError(f"{_CALL}: initial= is what a form begins with, and there is no schema=")
    if on_timeout is not None and limit is None:
        raise InputError(f"{_CALL}: on_timeout={on_timeout!r} without timeout=: nothing would end the wait")
    codec = None
    form = None
    begins: Mapping[str, Any] = {}
    if schema is not None:
        form = form_schema(schema, execution.serializer, _CALL)
        if initial is not None:
            begins = initial_values(form, initial, execution.serializer, _CALL)
            form = form_beginning_with(form, begins)
        codec = execution.serializer.codec(schema)
    shown = question_json(
        prompt,
        options=options,
        form=form,
        details=details,
        respond_by=respond_by,
        on_timeout=on_timeout,
        call=_CALL,
    )
    request = InputRequest(
        shown,
        answer_check(shown, codec, begins),
        functools.partial(_read, codec, schema, begins),
        ways=way_steps(via, execution.serializer, _CALL),
        timeout=limit,
        on_timeout=on_timeout,
        remind_every=between,
    )
    return execution.ask(request)


def approval_request(
    tool: str, arguments: Any, because: str | None = None, ways: Sequence[WaySteps] = ()
) -> InputRequest:
    """Return the question whether a tool may be called.

    Args:
        tool: its name.
        arguments: as JSON.
        because: why a person is asked, where that is not for the tool alone.
        ways: by which a person is asked; without any by the worker's default.
    """
    shown: dict[str, Any] = {
        "v": QUESTION_VERSION,
        "prompt": f"May {tool} be called?",
        "options": approval_options(),
        "tool": tool,
        "arguments": arguments,
    }
    if because is not None:
        shown["because"] = because
    return InputRequest(shown, answer_check(shown, None), lambda recorded: recorded, ways=ways)


def _read(codec: Codec | None, schema: Any, initial: Mapping[str, Any], recorded: RecordedAnswer) -> InputAnswer[Any]:
    data = None
    if codec is not None:
        try:
            data = codec.load({**initial, **recorded.data})
        except ValueProblem as problem:
            raise InputError(
                f"{_CALL}: what was answered does not fit schema={type_name(schema)} any more, which has changed since:"
                f" {problem}"
            ) from None
    name = recorded.respondent_name or recorded.respondent
    return InputAnswer(recorded.choice, recorded.text, data, recorded.respondent, recorded.answered_at, name)
