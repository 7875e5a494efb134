"""The second argument of a handler."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Mapping
from datetime import timedelta
from typing import Any, Final, Generic, overload

from typing_extensions import TypeVar

from ..errors import NotInRunError, NotInStepError, StateValueError
from ..execution.protocol import Execution, RetryRule, StepRequest, current_execution, may_record
from ..serialization.json_text import encoded_size, fresh
from ..serialization.payload_limits import over_limit
from ..serialization.wire_names import SDK_REFERENCE, STATE_DELETE, STATE_GET, STATE_SET, STATE_UPDATE
from . import calls
from .arguments import check_function, dumped_data
from .keeping import JobState
from .schema import StateSchema
from .store import Stored

__all__ = ["State", "WatchedState", "current_state"]

_StatesT = TypeVar("_StatesT", default=object)

#: A store that cannot be reached may be there in a minute, as after a failover: tried again for about ten.
_PATIENCE: Final = RetryRule(max_attempts=24, initial=1.0, multiplier=2.0, max_delay=30.0, on=(), faults="any")

#: Of one attempt: far above what a store takes, with an update that waits for its turn after many others.
_TIMEOUT: Final = timedelta(minutes=10)

#: Characters of a key in the Web UI. A summary over 400 bytes, with what is not ASCII escaped, fails the workflow task.
_SHOWN: Final = 60


class State(Generic[_StatesT]):
    """What a job keeps between its runs, shared by all of them: the second argument of a handler, and of a filter.

    `State[Kept]` is that of a job with `states=Kept`. Type checkers know its keys and their types by the stub that
    `terse-temporal generate` writes; without that, and as `State`, values are `Any`.

    Each call is a step: in a durable job it runs once, and a replay takes its result from the history. A `get` is a
    local step, of one history event; the others cost three, and about two round trips to the server more than it takes
    the store. In a job that is not durable, and in a step, it runs in place.

    Calls are checked when they are made, before anything is scheduled: a key that is not declared raises
    `UnknownStateKeyError`, a value that does not fit `StateValueError`.

    `get` and then `set` may lose what another run has written between the two. `update` may not.
    """

    __slots__ = ("_schema",)

    def __init__(self, schema: StateSchema) -> None:
        self._schema = schema

    def get(self, key: str) -> Coroutine[Any, Any, Any]:
        """Return the value of a key, as its declared type.

        Args:
            key: one of the declared keys; without `states=` any text of up to 200 characters.

        Returns:
            What to await. A key that is not set gives its default, a fresh one each time, or `None`.

        Raises:
            UnknownStateKeyError: the key is not declared.
            StateValueError: when awaited: what is stored does not fit the type that the key has now.

        It sees every write that has returned before it, of any run.
        """
        self._schema.key(key, STATE_GET)
        return self._load(key, self._called(STATE_GET, key, {}), STATE_GET)

    def set(self, key: str, value: Any) -> Coroutine[Any, Any, Any]:
        """Set a key, whatever it holds.

        Args:
            key: as for `get`.
            value: what fits the declared type; without `states=` anything that is JSON.

        Returns:
            What to await; it gives the value.

        Raises:
            UnknownStateKeyError: the key is not declared.
            StateValueError: the value does not fit, is not JSON, or is too large. Also when awaited: the whole state
                becomes larger than its store takes.
        """
        self._schema.key(key, STATE_SET)
        data = self._schema.dump(key, value, STATE_SET)
        if not may_record(size := encoded_size(data)):
            remedy = "Store the data elsewhere, and keep where it is."
            raise StateValueError(
                f"state.set({key!r}) in the job {self._schema.job!r}: the value is {over_limit(size, remedy)}"
            )
        call = self._called(STATE_SET, key, {"value": data, **self._attempt()})
        return self._load(key, call, STATE_SET, Stored(data))

    # Two, so that a checker knows what a lambda takes.
    @overload
    def update(self, key: str, function: Callable[[Any], Any]) -> Coroutine[Any, Any, Any]: ...

    @overload
    def update(
        self, key: str, function: Callable[..., Any], argument: Any, /, *arguments: Any
    ) -> Coroutine[Any, Any, Any]: ...

    def update(self, key: str, function: Callable[..., Any], *arguments: Any) -> Coroutine[Any, Any, Any]:
        """Replace a value by what a function makes of it: atomic, however many runs do it at once.

        Args:
            key: as for `get`.
            function: called with the value (or the default, or `None`) and the arguments; returns the new one. A `def`,
                `async def` or lambda. In a durable job it runs where steps do and sees nothing of the handler. It is
                called again when another write came between, so it should do nothing but compute.
            arguments: further data for it, as JSON, validated by its annotations.

        Returns:
            What to await; it gives the new value.

        Raises:
            UnknownStateKeyError: the key is not declared.
            StepIsolationError: the function reads a variable of the handler.
            StepInputError: it does not take these arguments, or they are not JSON.
            StateValueError: when awaited: what it returns does not fit, or what is stored does not.
        """
        self._schema.key(key, STATE_UPDATE)
        call = f"state.update({key!r}) in the job {self._schema.job!r}"
        execution = _execution(STATE_UPDATE)
        check_function(function, arguments, call, travels=execution.records_calls)
        given: dict[str, Any] = {"arguments": dumped_data(function, arguments, call, execution.serializer)}
        if not execution.records_calls:
            given["in_place"] = True
        return self._load(key, self._called(STATE_UPDATE, key, given, {"function": function}), STATE_UPDATE)

    def delete(self, key: str) -> Coroutine[Any, Any, None]:
        """Unset a key, so that it reads as its default again; nothing if it is not set.

        Args:
            key: as for `get`.

        Raises:
            UnknownStateKeyError: the key is not declared.
        """
        self._schema.key(key, STATE_DELETE)
        return self._called(STATE_DELETE, key, self._attempt())

    def _called(
        self,
        name: str,
        key: str,
        arguments: Mapping[str, Any],
        functions: Mapping[str, Callable[..., Any]] | None = None,
    ) -> Coroutine[Any, Any, Any]:
        return _execution(name).call(
            StepRequest(
                run=calls.CALLS[name],
                name=name,
                reference=f"{SDK_REFERENCE}{name}",
                arguments={"key": key, **arguments},
                functions=functions or {},
                timeout=_TIMEOUT,
                on_interrupt="retry",
                retry=_PATIENCE,
                as_json=True,
                # It changes nothing, so that it may be done again.
                local=name == STATE_GET,
                summary=key[:_SHOWN],
            )
        )

    def _load(
        self, key: str, call: Coroutine[Any, Any, Any], name: str, answer: Stored | None = None
    ) -> Coroutine[Any, Any, Any]:
        """Return what a call gives, or the answer that is known before, as the type."""

        async def load() -> Any:
            given = await call
            # Of this run's own copy of the module, whose types are those that the handler names. What was set is the
            # store's by now, perhaps in memory.
            return self._schema.load_answer(key, given if answer is None else fresh(answer.value), name)

        return load()

    def _attempt(self) -> dict[str, int]:
        """In place within a step that runs again: which attempt, because what it sets is set again."""
        execution = current_execution()
        if execution is not None and execution.step_context is not None:
            return {"again": execution.step_context.attempt - 1}
        return {}

    def __repr__(self) -> str:
        return f"<State of {self._schema.job!r}>"


def current_state() -> State:
    """Return the state of the job whose step is running: in a step, where the handler's `state` does not reach.

    Raises:
        NotInStepError: no step of a job is running here.

    Nothing of it is recorded: a step that runs again makes its calls again. What it sets is set again. An update that
    an attempt before has made, the n-th of the step and of the same key and arguments, is not made twice.
    """
    execution = current_execution()
    state = None if execution is None else execution.state
    if not isinstance(state, JobState):
        raise NotInStepError("current_state() was called outside a step. A handler takes it as its second argument.")
    return State(state.schema)


def _execution(call: str) -> Execution:
    execution = current_execution()
    if execution is None:
        raise NotInRunError(
            f"{call}() was called outside a run: a job's state is there in its handler, filter and steps"
        )
    return execution


class WatchedState(State):
    """The state for what may be a plain function, where a call that nobody awaits does nothing, or looks true."""

    __slots__ = ("_made",)

    def __init__(self, schema: StateSchema) -> None:
        super().__init__(schema)
        self._made: list[Coroutine[Any, Any, Any]] = []

    def forgotten(self) -> bool:
        """Return whether a call was made and nobody has awaited it. Such calls are closed."""
        unawaited = [call for call in self._made if inspect.getcoroutinestate(call) == inspect.CORO_CREATED]
        # The outer one of a pair comes last, and holds the other.
        for call in reversed(unawaited):
            call.close()
        return bool(unawaited)

    def _called(self, *arguments: Any) -> Coroutine[Any, Any, Any]:
        self._made.append(call := super()._called(*arguments))
        return call

    def _load(self, *arguments: Any) -> Coroutine[Any, Any, Any]:
        self._made.append(call := super()._load(*arguments))
        return call
