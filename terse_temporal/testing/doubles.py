"""The test double of one step or tool, and what it was called with."""

from __future__ import annotations

import asyncio
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ..diagnostics.text import did_you_mean
from ..errors import TestDoubleError
from ..execution.invocation import run_function
from ..execution.test_doubles import FunctionCall
from ..serialization.serializer import shared_serializer
from ..serialization.signatures import parameter_types
from ..serialization.value_problems import ValueProblem
from .generated_values import check_fits, complete

__all__ = ["Call", "Double", "NamedDouble", "Record", "arguments_by_name"]


@dataclass(frozen=True)
class Call:
    """One call of a step or tool, real or not; every attempt is one.

    Attributes:
        name: of the step or tool.
        arguments: by name, without those that were left to their defaults.
        idempotency_key: the same for all attempts of one step.
        attempt: 1 for the first.
    """

    name: str
    arguments: Mapping[str, Any]
    idempotency_key: str = field(default="", compare=False)
    attempt: int = field(default=1, compare=False)

    def __str__(self) -> str:
        given = ", ".join(f"{name}={value!r}" for name, value in self.arguments.items())
        return f"{self.name}({given})"


@dataclass(frozen=True)
class _Function:
    function: Callable[..., Any]
    #: Of the test that gave it, where that runs in one: what it awaits belongs there.
    loop: asyncio.AbstractEventLoop | None

    async def called(self, positional: Sequence[Any], keywords: Mapping[str, Any], name: str) -> Any:
        self._check_call(positional, keywords, name)
        here = asyncio.get_running_loop()
        if self.loop is None or self.loop is here or not inspect.iscoroutinefunction(self.function):
            return await run_function(self.function, positional, keywords)
        if self.loop.is_closed():
            raise TestDoubleError(f"the function {self._name!r} of a test was called after the test had ended")
        if not self.loop.is_running():  # that of a fixture, which waits there for its end
            return await run_function(self.function, positional, keywords)
        return await asyncio.wrap_future(
            asyncio.run_coroutine_threadsafe(self.function(*positional, **keywords), self.loop)
        )

    @property
    def _name(self) -> str:
        return str(getattr(self.function, "__name__", self.function))

    def _check_call(self, positional: Sequence[Any], keywords: Mapping[str, Any], name: str) -> None:
        """Refuse a call that the function does not take. What a step gets is not known before."""
        try:
            signature = inspect.signature(self.function)
        except (TypeError, ValueError):
            return
        try:
            signature.bind(*positional, **keywords)
        except TypeError as err:
            given = ", ".join([*map(repr, positional), *(f"{key}={value!r}" for key, value in keywords.items())])
            raise TestDoubleError(
                f"{self._name!r} cannot be the test double of {name!r}, which was called as {name}({given}): {err}"
            ) from None


class Record:
    """The calls of one step or tool, and what is answered."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.calls: list[Call] = []
        #: The real one, as it was called last.
        self.function: Callable[..., Any] | None = None
        self.real = True
        #: How many functions of the test are at it now: those it may hold up.
        self.held = 0
        #: The last `assert`, `pytest.fail` or `pytest.skip` in one. pytest's are no `Exception`.
        self.failed: BaseException | None = None
        self._always: Any = None
        self._in_turn: list[Any] | None = None
        self._given = 0
        #: By idempotency key: what was returned to a step. If it asks again, the answer was lost with its worker.
        self._lost: dict[str, Any] = {}

    def always(self, answer: Any) -> None:
        """Answer every call by this: a value, an exception, or a `_Function`."""
        self.real, self._always, self._in_turn = False, answer, None

    def in_turn(self, answers: Sequence[Any]) -> None:
        """Answer the next calls by these."""
        self.real, self._in_turn, self._given = False, list(answers), len(answers)

    def reset(self) -> None:
        """Make the real call again."""
        self.real, self._always, self._in_turn = True, None, None

    def fresh(self) -> Record:
        """Return one that answers as this will, with its own count of calls."""
        other = Record(self.name)
        other.real, other._always, other._given = self.real, self._always, self._given
        other._in_turn = None if self._in_turn is None else list(self._in_turn)
        return other

    async def answer(self, call: FunctionCall) -> Any:
        """Return what a call gives, which is noted."""
        arguments = arguments_by_name(call)
        self.function = call.function
        self.calls.append(Call(self.name, arguments, call.key, call.attempt))
        if self.real:
            return await call.proceed()
        if self._in_turn is None:
            answer = self._always
        elif call.key in self._lost:
            answer = self._lost[call.key]
        elif self._in_turn:
            answer = self._in_turn.pop(0)
        else:
            raise TestDoubleError(
                f"{self.name!r} was called more often than the test has answers for: it gave {self._given}, and this is"
                f" {self.calls[-1]}. Give more, in_turn(…), or the same always, returns(…)."
            )
        if isinstance(answer, BaseException):
            raise answer.with_traceback(None)  # the same one may have been raised before
        if isinstance(answer, type) and issubclass(answer, BaseException):
            raise answer
        if isinstance(answer, _Function):
            result = check_fits(await self._made(answer, call), call.function, self.name)
        else:
            result = complete(answer, call.function, arguments, self.name)
        self._lost[call.key] = answer
        return result

    async def _made(self, function: _Function, call: FunctionCall) -> Any:
        self.held += 1
        try:
            return await function.called(call.positional, call.keywords, self.name)
        except BaseException as err:
            if isinstance(err, AssertionError) or type(err).__module__ == "_pytest.outcomes":
                self.failed = err
            raise
        finally:
            self.held -= 1


class Double(ABC):
    """The test double of a step or a tool. Until it is told to, the real one is called, and its calls are noted."""

    @property
    @abstractmethod
    def _record(self) -> Record:
        """Of the step or tool, which has to exist."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_"):
            raise TestDoubleError(
                f"{self!r} has nothing to set: {name} = {value!r} would change nothing. Say what it does by a method,"
                " returns(…), raises(…), does(…) or in_turn(…)"
            )
        super().__setattr__(name, value)

    def _check_value(self, value: Any) -> None:  # noqa: B027  not every double knows what the real one gives
        """Refuse a value that the real one could not return."""

    def _check_function(self, function: Callable[..., Any]) -> None:  # noqa: B027  likewise for what it takes
        """Refuse a function that cannot be called as the real one is."""

    @abstractmethod
    def _expected(self, positional: tuple[Any, ...], keywords: dict[str, Any]) -> Mapping[str, Any]:
        """Return the arguments that a test expects, by name."""

    @property
    def calls(self) -> list[Call]:
        """The calls so far, of all runs of the test, in order."""
        return list(self._record.calls)

    def returns(self, value: Any) -> None:
        """Return this from every call.

        Args:
            value: what the real one returns; of a model or dataclass a dict with some of its fields will do.

        Raises:
            TestDoubleError: the real one could not return it.
        """
        self._check_value(value)
        self._record.always(value)

    def raises(self, error: BaseException | type[BaseException]) -> None:
        """Raise this from every call. It is retried as if the real one had raised it."""
        if not (isinstance(error, BaseException) or (isinstance(error, type) and issubclass(error, BaseException))):
            raise TestDoubleError(f"{self._record.name!r} cannot raise {error!r} in a test: give an exception")
        self._record.always(error)

    def does(self, function: Callable[..., Any]) -> None:
        """Call this instead, with the same arguments. An `async def` runs on the loop of the test.

        Raises:
            TestDoubleError: it cannot be called so.
        """
        self._record.always(self._function(function))

    def in_turn(self, *answers: Any) -> None:
        """Answer the next calls by these in turn: exceptions are raised, functions called, values returned.

        A call more is an error of the test.
        """
        record = self._record
        made = []
        for answer in answers:
            is_error = isinstance(answer, BaseException) or (
                isinstance(answer, type) and issubclass(answer, BaseException)
            )
            if inspect.isroutine(answer):
                made.append(self._function(answer))
                continue
            if not is_error:
                self._check_value(answer)
            made.append(answer)
        record.in_turn(made)

    def real(self) -> None:
        """Make the real call again."""
        self._record.reset()

    def called_once_with(self, *positional: Any, **keywords: Any) -> None:
        """Assert that there was one call, with these arguments; those that were left to their defaults do not count."""
        __tracebackhide__ = True
        record, wanted = self._record, self._expected(positional, keywords)
        if len(record.calls) != 1:
            raise AssertionError(f"{record.name} was called {_times(len(record.calls))}, not once{_list_calls(record)}")
        if not _same(wanted, record.calls[0].arguments, record.function):
            raise AssertionError(
                f"{record.name} was called with other arguments:\n  expected: {Call(record.name, wanted)}\n"
                f"  was:      {record.calls[0]}"
            )

    def called_with(self, *positional: Any, **keywords: Any) -> None:
        """Assert that one of the calls had these arguments."""
        __tracebackhide__ = True
        record, wanted = self._record, self._expected(positional, keywords)
        if not any(_same(wanted, call.arguments, record.function) for call in record.calls):
            raise AssertionError(f"there was no call {Call(record.name, wanted)}{_list_calls(record)}")

    def not_called(self) -> None:
        """Assert that there was no call."""
        __tracebackhide__ = True
        if self._record.calls:
            raise AssertionError(f"{self._record.name} was called{_list_calls(self._record)}")

    def _function(self, function: Callable[..., Any]) -> _Function:
        if not callable(function):
            raise TestDoubleError(f"{self._record.name!r} cannot do {function!r} in a test: give a function")
        self._check_function(function)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            loop = None
        return _Function(function, loop)


def arguments_by_name(call: FunctionCall) -> dict[str, Any]:
    """Return what a function is called with, by the names of its parameters."""
    try:
        signature = inspect.signature(inspect.unwrap(call.function))
        # In part: of a handler it is the event alone.
        bound = signature.bind_partial(*call.positional, **call.keywords)
    except (TypeError, ValueError):  # a builtin that does not tell its signature, or one that will refuse the call
        return {**{str(index): value for index, value in enumerate(call.positional)}, **call.keywords}
    arguments = dict(bound.arguments)
    for name, parameter in signature.parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            arguments |= arguments.pop(name, {})
    return arguments


def _same(expected: Mapping[str, Any], actual: Mapping[str, Any], function: Callable[..., Any] | None) -> bool:
    """Return whether arguments are the same, also where one side says what the other leaves to its default."""
    defaults = _defaults(function)
    types = _types(function)
    return all(
        name in (expected.keys() | defaults.keys())
        and name in (actual.keys() | defaults.keys())
        and _equal(expected.get(name, defaults.get(name)), actual.get(name, defaults.get(name)), types.get(name, Any))
        for name in expected.keys() | actual.keys()
    )


def _defaults(function: Callable[..., Any] | None) -> dict[str, Any]:
    try:
        parameters = inspect.signature(inspect.unwrap(function)).parameters if function else {}
    except (TypeError, ValueError):
        return {}
    return {name: each.default for name, each in parameters.items() if each.default is not each.empty}


def _types(function: Callable[..., Any] | None) -> dict[str, Any]:
    try:
        return parameter_types(function) if function else {}
    except (NameError, TypeError, ValueError):
        return {}


def _equal(expected: Any, actual: Any, type_: Any) -> bool:
    """Return whether two values are the same, or the same as JSON: a dict that a model was made of equals it.

    Args:
        type_: of the parameter, whose validation may have made one of the other: of an address a list of one.
    """
    if expected == actual:
        return True
    try:
        data = shared_serializer.codec(Any).dump(actual)
        if shared_serializer.codec(Any).dump(expected) == data:
            return True
        if isinstance(expected, Mapping) and isinstance(data, Mapping):
            # Validation lets a field pass that a model does not have, and a misspelt one be its default.
            known = {*data, *getattr(type(actual), "model_fields", ())}
            if not expected.keys() <= known:
                return False
        return type_ is not Any and bool(shared_serializer.codec(type_).check(expected) == actual)
    except ValueProblem:
        return False


def _times(count: int) -> str:
    return "not at all" if not count else "twice" if count == 2 else f"{count} times"


def _list_calls(record: Record) -> str:
    if not record.calls:
        return "; there were no calls at all"
    lines = [f"  {number}. {call}" for number, call in enumerate(record.calls, 1)]
    return "\n".join([":", *lines])


class NamedDouble(Double):
    """A test double that is found by its name, as `jobs.steps["charge"]` is.

    Attributes:
        _table: where it is found, an attribute of the fixture.
    """

    _table: ClassVar[str]
    _name: str

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        known = [each for each in vars(Double) if not each.startswith("_")]
        raise TestDoubleError(
            f"jobs.{self._table}[{self._name!r}] has no {name!r}{did_you_mean(name, known) or '.'} There are"
            f" {', '.join(sorted(known))}"
        )

    def __repr__(self) -> str:
        return f"<jobs.{self._table}[{self._name!r}]>"
