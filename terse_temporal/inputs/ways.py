"""Ways to ask: who is told that a run waits for a person, and how.

A way is a pydantic model with a method for each occasion, and each call of one is a step of its own: it happens once,
however often the job is replayed, and is tried again when it fails. What travels to the step are the class, by its
name in a module, and the fields, as JSON; so a way holds no connection and no secret, which are in the environment.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, ClassVar, Final

from pydantic import BaseModel, ConfigDict

from ..diagnostics.text import shorten
from ..errors import InputError, StepInputError, StepOutputError
from ..execution.input_requests import ASKING
from ..execution.protocol import RetryRule, StepRequest, current_execution
from ..execution.retries import mark_not_retryable
from ..serialization.codec import type_name
from ..serialization.serializer import Serializer, shared_serializer
from ..serialization.value_problems import ValueProblem
from ..serialization.wire_names import INPUT_ASK, INPUT_CLOSE, INPUT_REMIND, SDK_REFERENCE
from .questions import InputQuestion, read_question

__all__ = [
    "DELIVERY_VERSION",
    "InputWay",
    "WaySteps",
    "ask_by",
    "asked_listeners",
    "close_by",
    "remind_by",
    "way_steps",
]

DELIVERY_VERSION: Final = 1

#: For about two minutes. A way that could not ask by then asks when it would remind.
_ASK_RETRY: Final = RetryRule(max_attempts=8, initial=1.0, multiplier=2.0, max_delay=60.0, on=(Exception,), faults=None)
#: For some seconds: a run that ends waits for this.
_CLOSE_RETRY: Final = RetryRule(
    max_attempts=4, initial=1.0, multiplier=2.0, max_delay=10.0, on=(Exception,), faults=None
)

_TIMEOUT: Final = timedelta(minutes=1)

#: Bytes of what a way returns, as JSON, which every reminder is given.
_MOST_SENT: Final = 64 * 1024

#: Ways of one question.
_MOST_WAYS: Final = 10

#: What the methods of a way are given.
_METHODS: Final = {
    "ask": ("question",),
    "remind": ("question", "sent", "number"),
    "close": ("question", "sent", "outcome"),
}

#: What is called in a step before a way asks, in this process: `dev` has the link of every question logged.
asked_listeners: Final[list[Callable[[InputWay, InputQuestion], None]]] = []


class InputWay(BaseModel):
    """A way to ask a person: derive from it, at the top of a module, with `ask`.

        class Pager(InputWay):
            number: str

            async def ask(self, question):
                return await page(self.number, question.prompt, key=current_step().idempotency_key)

    Each method is a step: it happens once, may be tried again where it fails, with the same idempotency key, and sees
    nothing of the handler. Its fields are written into the run's history: put no secret into one.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")

    #: What it is called where people read it; by default the name of the class.
    way_name: ClassVar[str] = ""

    async def ask(self, question: InputQuestion) -> Any:
        """Ask.

        Args:
            question: what is asked, by which run.

        Returns:
            JSON, of 64 KiB at most, which `remind` and `close` are given: where the message is.
        """
        raise NotImplementedError(f"{type(self).__qualname__} has no ask()")

    async def remind(self, question: InputQuestion, sent: Any, number: int) -> None:
        """Remind, if the question has a `remind_every`. A way without this reminds nobody.

        Args:
            question: what is asked.
            sent: what `ask` has returned.
            number: of the reminder, counted from 1.
        """

    async def close(self, question: InputQuestion, sent: Any, outcome: Mapping[str, Any]) -> None:
        """Say that nobody is asked any more. A way without this leaves what it has sent.

        Args:
            question: what was asked.
            sent: what `ask` has returned.
            outcome: `ended` (`"answered"`, `"timed_out"` or `"withdrawn"`); of an answer also `by` and `choice`, the
                option, or `None`; and where these are known `by_name`, what that person is called, `label`, what the
                option is, and `via`, the name of the way.
        """

    def used(self) -> InputWay:
        """Return the way that asks: itself, unless it stands for another."""
        return self

    @classmethod
    def can_remind(cls) -> bool:
        """Return whether it has a `remind` of its own."""
        return cls.remind is not InputWay.remind

    @classmethod
    def can_close(cls) -> bool:
        """Return whether it has a `close` of its own."""
        return cls.close is not InputWay.close


class WaySteps:
    """The steps that a way is.

    Args:
        way: its class.
        options: its fields, as JSON.

    Attributes:
        name: of the way, for people.
    """

    def __init__(self, way: type[InputWay], options: Mapping[str, Any]) -> None:
        self._way = way
        self._options = dict(options)
        self.name = way.way_name or way.__name__

    def asks(self, question: Mapping[str, Any]) -> StepRequest:
        """Return the step that asks. Its result is that of `ask_by`."""
        return self._step(INPUT_ASK, ask_by, _ASK_RETRY, {"question": question})

    def reminds(self, question: Mapping[str, Any], sent: Any, number: int) -> StepRequest:
        """Return the step that reminds."""
        return self._step(INPUT_REMIND, remind_by, _CLOSE_RETRY, {"question": question, "sent": sent, "number": number})

    def closes(self, question: Mapping[str, Any], sent: Any, outcome: Mapping[str, Any]) -> StepRequest:
        """Return the step that says that nobody is asked any more."""
        return self._step(INPUT_CLOSE, close_by, _CLOSE_RETRY, {"question": question, "sent": sent, "outcome": outcome})

    def _step(self, name: str, run: Any, retry: RetryRule, arguments: Mapping[str, Any]) -> StepRequest:
        return StepRequest(
            run=run,
            name=name,
            timeout=_TIMEOUT,
            on_interrupt="retry",
            retry=retry,
            arguments={"options": self._options, **arguments},
            types={"way": self._way},
            reference=f"{SDK_REFERENCE}{name}",
            as_json=True,
            built_in=ASKING,
            label=self.name,
        )


def way_steps(via: Any, serializer: Serializer, call: str) -> tuple[WaySteps, ...]:
    """Return the ways of a question.

    Args:
        via: a way, several, or `None`.
        serializer: of the run.
        call: in whose name to complain.

    Raises:
        InputError: something in it is no way, or its fields cannot be recorded.
    """
    given = [] if via is None else [via] if isinstance(via, InputWay) else via
    if not isinstance(given, list | tuple) or len(given) > _MOST_WAYS:
        raise InputError(
            f"{call}: via={shorten(repr(via), 60)}; give a way to ask, such as inputs.slack(channel=…) or"
            f" inputs.email(to=…), or a list of up to {_MOST_WAYS}"
        )
    return tuple(_steps_of(each, serializer, call) for each in given)


def _steps_of(way: Any, serializer: Serializer, call: str) -> WaySteps:
    if not isinstance(way, InputWay):
        raise InputError(f"{call}: via={shorten(repr(way), 60)} is no way to ask: it does not derive from InputWay")
    cls = type(way)
    if cls.ask is InputWay.ask:
        raise InputError(
            f"{call}: via={type_name(cls)}(…) cannot ask: give it a method ask: async def ask(self, question)"
        )
    for name, given in _METHODS.items():
        _check_method(cls, name, given, call)
    try:
        return WaySteps(cls, serializer.codec(cls).record(way).data)
    except ValueProblem as problem:
        raise InputError(f"{call}: via={type_name(cls)}(…): {problem}") from None


def _check_method(cls: type[InputWay], name: str, given: tuple[str, ...], call: str) -> None:
    """Refuse a method that could not be called: else it is found out when people have been asked."""
    method = getattr(cls, name)
    signature = f"async def {name}({', '.join(('self', *given))})"
    if not inspect.iscoroutinefunction(inspect.unwrap(method)):
        raise InputError(f"{call}: via={type_name(cls)}(…): {name} is no coroutine function; write {signature}")
    try:
        inspect.signature(method).bind(None, *given)
    except TypeError as err:
        raise InputError(
            f"{call}: via={type_name(cls)}(…): {name} is called with something else: {err}; write {signature}"
        ) from None


async def ask_by(*, way: Any, options: Mapping[str, Any], question: Mapping[str, Any]) -> dict[str, Any]:
    """Ask by a way: what runs behind a step `input.ask`. Parameters and result are formats.

    Returns:
        `v`, `sent` (what the way has returned), `reminds` and `closes`: whether it has these. So that a run does the
        same on a replay when a way has learned one since.
    """
    asking, asked = _way(way, options, question)
    for each in asked_listeners:
        each(asking.used(), asked)
    sent = await asking.ask(asked)
    return {
        "v": DELIVERY_VERSION,
        "sent": _recordable(asking, sent),
        "reminds": asking.can_remind(),
        "closes": asking.can_close(),
    }


def _recordable(way: InputWay, sent: Any) -> Any:
    """Return what a way has returned, as JSON."""
    try:
        written = shared_serializer.codec(Any).record(sent)
        size = len(written.text)
        problem = f"{size:,} bytes, and {_MOST_SENT:,} are the most" if size > _MOST_SENT else ""
    except ValueProblem as err:
        problem = str(err)
    if not problem:
        return written.data
    error = StepOutputError(f"{type_name(type(way))}.ask() has asked, and what it returned: {problem}", step=INPUT_ASK)
    # Somebody has been asked, and would be asked again.
    mark_not_retryable(error)
    raise error


async def remind_by(
    *, way: Any, options: Mapping[str, Any], question: Mapping[str, Any], sent: Any, number: int
) -> None:
    """Remind by a way: what runs behind a step `input.remind`. The parameters are a format."""
    reminding, asked = _way(way, options, question)
    await reminding.remind(asked, sent, number)


async def close_by(
    *, way: Any, options: Mapping[str, Any], question: Mapping[str, Any], sent: Any, outcome: Mapping[str, Any]
) -> None:
    """Say by a way that nobody is asked any more: what runs behind a step `input.close`. Parameters are a format."""
    closing, asked = _way(way, options, question)
    await closing.close(asked, sent, outcome)


def _way(way: Any, options: Mapping[str, Any], question: Mapping[str, Any]) -> tuple[InputWay, InputQuestion]:
    """Return a way and a question as they are in the history, which may be anybody's writing."""
    if not (isinstance(way, type) and issubclass(way, InputWay)):
        raise StepInputError(f"{way!r} is no way to ask: it does not derive from InputWay")
    execution = current_execution()
    run = None if execution is None else execution.run
    known = {
        "id": "" if run is None else run.id,
        "namespace": "" if execution is None else execution.server_namespace,
        "number": str(question.get("number") or ""),
        "job": str(question.get("job") or ""),
    }
    asked = read_question(question, **known)
    if asked is None:
        raise StepInputError("there is no question in what a step that asks was given")
    made: InputWay = shared_serializer.codec(way).load(dict(options))
    return made, asked
