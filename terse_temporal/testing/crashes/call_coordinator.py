"""Test doubles for functions, across the border between a test and its worker process.

A test double is in the test's process, where it can count and script; the real function is in the worker's, with its
context. So the worker begins: it offers a call; the answer is the outcome, or "make the real call", after which it
tells what came of it, and so on. What the real function gave goes out to the test double as a copy; where that is
handed on as it is, the original is used.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...engine.code.builtin_functions import known_function
from ...engine.code.functions import FunctionIndex
from ...errors import CrashTestError, UnknownFunctionError
from ...execution.test_doubles import CallDoubles, FunctionCall
from .channel import Channel, Handler
from .pickling import Unsendable, pickle_or_replace, pickle_value, unpickle_value

__all__ = ["CallCoordinator", "offer_call"]


@dataclass(frozen=True, slots=True)
class _SentCall:
    """A `FunctionCall` on its way. What may not be picklable is in bytes of its own."""

    name: str
    reference: str
    function: bytes
    positional: Sequence[bytes]
    keywords: Mapping[str, bytes]
    job: str
    key: str
    attempt: int
    within: str


async def offer_call(channel: Channel, call: FunctionCall) -> Any:
    """In the worker process: offer a call to the test's test doubles, and return or raise what they make of it."""
    conversation, answer = await channel.ask("call", _pack_call(call))
    made: Any = None
    while True:
        match answer:
            case ("proceed",):
                try:
                    made = await call.proceed()
                    outcome: Any = ("returned", pickle_or_replace(made, f"the result of {call.name!r}"))
                except asyncio.CancelledError:
                    channel.tell("abandon", conversation)
                    raise
                except Exception as err:
                    made, outcome = err, ("raised", pickle_or_replace(err, f"the exception of {call.name!r}"))
                answer = await channel.ask("proceeded", conversation, outcome)
            case ("as made",):
                return made
            case ("as raised",):
                raise made
            case ("return", data):
                return _unpickle_outcome(data, call.name)
            case _:
                raise _unpickle_outcome(answer[1], call.name)


class CallCoordinator:
    """In the test's process: takes the calls that one worker process offers.

    Args:
        doubles: what they are offered to.
        index: the functions of the jobs.
    """

    def __init__(self, doubles: CallDoubles, index: FunctionIndex) -> None:
        self._doubles = doubles
        self._index = index
        self._numbers = itertools.count()
        self._open: dict[int, _OfferedCall] = {}
        self._tasks: set[asyncio.Future[Any]] = set()

    @property
    def handlers(self) -> dict[str, Handler]:
        """What answers the worker process."""
        return {"call": self._call, "proceeded": self._proceed, "abandon": self._abandon}

    async def close(self) -> None:
        """Cancel them, as the steps that asked: the process is gone, and nobody waits for these any more."""
        for number in list(self._open):
            await self._abandon(number)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=1)  # one that does not let itself be cancelled is left

    async def _call(self, sent: _SentCall) -> Any:
        number = next(self._numbers)
        conversation = self._open[number] = _OfferedCall(sent.name)
        task = conversation.begin(self._doubles.call, _receive(sent, self._index, conversation.proceed))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return number, await self._next(number, conversation)

    async def _proceed(self, number: int, outcome: tuple[str, bytes]) -> Any:
        conversation = self._open[number]
        conversation.proceeded(outcome)
        return await self._next(number, conversation)

    async def _abandon(self, number: int) -> None:
        if (conversation := self._open.pop(number, None)) is not None:
            conversation.cancel()

    async def _next(self, number: int, conversation: _OfferedCall) -> Any:
        try:
            answer = await conversation.next()
        except BaseException:
            await self._abandon(number)
            raise
        if answer != ("proceed",):
            del self._open[number]
        return answer


class _OfferedCall:
    """One call, from the offer to its outcome."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._task: asyncio.Future[Any] | None = None
        self._wanted = asyncio.Event()
        self._outcome: asyncio.Future[Any] | None = None
        self._made: tuple[Any, bytes] | None = None
        self._raised: BaseException | None = None

    def begin(self, double: Callable[[FunctionCall], Any], call: FunctionCall) -> asyncio.Future[Any]:
        self._task = asyncio.ensure_future(double(call))
        return self._task

    def cancel(self) -> None:
        assert self._task is not None
        self._task.cancel()
        # Whatever it still raises, there is nobody to be told.
        self._task.add_done_callback(lambda task: task.cancelled() or task.exception())

    async def proceed(self) -> Any:
        """Return the real call, for the test double."""
        self._outcome = asyncio.get_running_loop().create_future()
        self._wanted.set()
        return await self._outcome

    def proceeded(self, outcome: tuple[str, bytes]) -> None:
        """Take the outcome of the call, which the worker process has made."""
        how, data = outcome
        value = unpickle_value(data)
        assert self._outcome is not None
        if self._outcome.done():  # the test double did not wait for it
            return
        if how == "returned":
            self._made = (value, data)
            self._outcome.set_result(value)
        else:
            self._raised = value
            self._outcome.set_exception(value)

    async def next(self) -> Any:
        """Return what the worker process is to do next: make the real call, or take the outcome."""
        assert self._task is not None
        wanted = asyncio.ensure_future(self._wanted.wait())
        try:
            await asyncio.wait([self._task, wanted], return_when=asyncio.FIRST_COMPLETED)
        finally:
            wanted.cancel()
        if not self._task.done():
            self._wanted.clear()
            return ("proceed",)
        if self._task.cancelled():
            raise CrashTestError(f"the test double of {self._name!r} has cancelled itself")
        error = self._task.exception()
        if error is not None:
            return ("as raised",) if error is self._raised else ("raise", pickle_value(error))
        value = self._task.result()
        if self._made is not None and value is self._made[0] and self._is_unchanged(value, self._made[1]):
            return ("as made",)
        try:
            return ("return", pickle_value(value))
        except Exception as err:
            raise CrashTestError(
                f"the test double of {self._name!r} returned {value!r}, which cannot be pickled for the worker process:"
                f" {err}"
            ) from None

    def _is_unchanged(self, value: Any, data: bytes) -> bool:
        if isinstance(value, Unsendable):
            return True
        try:
            return pickle_value(unpickle_value(data)) == pickle_value(value)
        except Exception:
            return False


def _pack_call(call: FunctionCall) -> _SentCall:
    of = f"of {call.name!r}"
    return _SentCall(
        name=call.name,
        reference=call.reference,
        function=pickle_or_replace(call.function, f"the function {of}"),
        positional=[
            pickle_or_replace(value, f"the argument {number} {of}") for number, value in enumerate(call.positional, 1)
        ],
        keywords={
            name: pickle_or_replace(value, f"the argument {name!r} {of}") for name, value in call.keywords.items()
        },
        job=call.job,
        key=call.key,
        attempt=call.attempt,
        within=call.within,
    )


def _receive(sent: _SentCall, index: FunctionIndex, proceed: Callable[[], Any]) -> FunctionCall:
    try:
        function = known_function(sent.reference, index) or index.resolve(sent.reference)
    except UnknownFunctionError:
        # A call in place has none, and pytest rewrites the asserts of modules, so that a lambda's may differ.
        function = _unpickle_outcome(sent.function, sent.name)
    return FunctionCall(
        name=sent.name,
        reference=sent.reference,
        function=function,
        positional=[_unpickle_outcome(value, sent.name) for value in sent.positional],
        keywords={name: _unpickle_outcome(value, sent.name) for name, value in sent.keywords.items()},
        job=sent.job,
        key=sent.key,
        attempt=sent.attempt,
        within=sent.within,
        proceed=proceed,
    )


def _unpickle_outcome(data: bytes, name: str) -> Any:
    try:
        return unpickle_value(data)
    except Exception as err:
        raise CrashTestError(
            f"a value of {name!r} cannot be read in the other process, where its class is not to be had: {err}. Define"
            " the class in a module that both can import."
        ) from None
