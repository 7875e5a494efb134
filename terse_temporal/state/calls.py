"""What `state.get`, `set`, `update` and `delete` do, where they run: in an activity, or in place.

They are found by name (`@sdk:state.get`), and their arguments are written to histories: plain JSON, checked by the
handler against the types of its own run and here against those of the worker.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from ..errors import StateValueError, StepInputError
from ..execution.invocation import run_function
from ..execution.protocol import StepContext, may_record
from ..execution.retries import mark_not_retryable
from ..serialization.json_text import encoded_size, fresh
from ..serialization.payload_limits import over_limit
from ..serialization.serializer import shared_serializer
from ..serialization.value_problems import ValueProblem
from ..serialization.wire_names import STATE_DELETE, STATE_GET, STATE_SET, STATE_UPDATE
from .arguments import argument_types
from .keeping import JobState, here
from .store import Stored

__all__ = ["CALLS"]


async def get(key: str) -> Any:
    """Return the value of a key; of one that is not set the default, or `None`."""
    state, _ = here("state.get()")
    schema = state.schema
    stored = await state.store.get(state.of, schema.key(key, STATE_GET))
    value = schema.load(key, stored, STATE_GET)
    if stored is not None:
        # As it is: it fits, and a validator that changes what it gets must not do so once more than for a `set`.
        return stored.value
    # A default goes through JSON too; that it is no value of its type, where it is None, must not matter.
    return None if value is None else schema.dump(key, value, STATE_GET)


async def set(key: str, value: Any, again: int = 0) -> None:  # noqa: A001  # the call is named so
    """Set a key."""
    state, step = here("state.set()")
    state.schema.load(state.schema.key(key, STATE_SET), Stored(value), STATE_SET)
    await state.store.set(state.of, key, value, write=_write(state, step, again))


async def delete(key: str, again: int = 0) -> None:
    """Unset a key."""
    state, step = here("state.delete()")
    await state.store.delete(state.of, state.schema.key(key, STATE_DELETE), write=_write(state, step, again))


async def update(key: str, arguments: Sequence[Any], *, function: Callable[..., Any], in_place: bool = False) -> Any:
    """Replace a value by what a function makes of it."""
    state, step = here("state.update()")
    schema = state.schema
    schema.key(key, STATE_UPDATE)

    async def change(stored: Stored | None) -> Any:
        # Its own each time: a function may change what it is given, and is called again after another write.
        own = None if stored is None else Stored(fresh(stored.value))
        given = [schema.load(key, own, STATE_UPDATE), *_load_arguments(function, fresh(arguments), key)]
        try:
            value = await run_function(function, given, {}, threads=state.threads)
        except Exception as err:
            # Only the store's own failures are tried again; this one is the function's, whatever it is.
            mark_not_retryable(err)
            raise
        data = schema.dump(key, value, STATE_UPDATE)
        if not may_record(size := encoded_size(data)):
            remedy = "Store the data elsewhere, and keep where it is."
            raise StateValueError(
                f"state.update({key!r}) in the job {schema.job!r}: its function gave {over_limit(size, remedy)}"
            )
        return data

    write = _write(state, step, *((key, arguments) if in_place else ()))
    async with state.queues.turn(state.of, key):
        return await state.store.update(state.of, key, change, write=write)


def _load_arguments(function: Callable[..., Any], arguments: Sequence[Any], key: str) -> list[Any]:
    try:
        types = argument_types(function, len(arguments)) if arguments else []
        return [shared_serializer.codec(type_).load(each) for type_, each in zip(types, arguments, strict=True)]
    except ValueProblem as problem:
        raise StepInputError(f"state.update({key!r}): an argument: {problem}") from None


def _write(state: JobState, step: StepContext, *more: Any) -> str:
    """Return the key of a write.

    It is made of the run, the step, and what else tells it from another write of a step that runs again.

    The run is the one that was started or reset: whoever resets a run wants its writes made again, and an attempt of an
    activity that is repeated has the run id of the one before.

    In place, within a step, the n-th call of the next attempt has the key of the n-th call of this one. A `set` is made
    again then, as everything that the step does; an update has happened, if it is the same.
    """
    return hashlib.sha256(json.dumps([state.run_id, step.idempotency_key, *more]).encode()).hexdigest()[:32]


#: By activity type.
CALLS: Final[Mapping[str, Callable[..., Any]]] = {
    STATE_GET: get,
    STATE_SET: set,
    STATE_UPDATE: update,
    STATE_DELETE: delete,
}
