"""Jobs whose updates are called again, fail, or give what cannot be kept."""

from __future__ import annotations

import threading
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

from terse_temporal import Event, create_job
from terse_temporal.errors import StateValueError
from terse_temporal.state import State

from ..effects import record


def merge(old: Any, new: dict[str, Any]) -> Any:
    """Changes its further argument, and the value."""
    old = old or {"calls": 0}
    old["calls"] += 1
    new["seen"] = new.get("seen", 0) + 1
    return {**old, **new}


@create_job(name="changes-its-arguments", durable=True)
async def changes_its_arguments(event: Event, state: State) -> Any:
    """An update whose function changes what it is given."""
    await state.set("k", {"calls": 0})
    return await state.update("k", merge, {"a": 1})


@create_job(name="changes-its-arguments-in-place")
async def changes_its_arguments_in_place(event: Event, state: State) -> Any:
    """The same in a job that is not durable."""
    await state.set("k", {"calls": 0})
    return await state.update("k", merge, {"a": 1})


def unreachable(value: Any, effects: str) -> Any:
    record(effects, "called")
    raise ConnectionError("the function's own")


async def fails(event: Event, state: State) -> str:
    """An update whose function fails in a way that a store's call is tried again after."""
    try:
        await state.update("k", unreachable, event.effects)
    except ConnectionError as error:
        return str(error)
    return "made"


fails_durably = create_job(name="update-fails", durable=True, on_trigger=fails)
fails_in_place = create_job(name="update-fails-in-place", on_trigger=fails)


def thread(value: Any) -> str:
    return threading.current_thread().name


@create_job(name="which-thread", durable=True)
async def which_thread(event: Event, state: State) -> Any:
    """Where the function of an update runs."""
    return await state.update("k", thread)


async def keeps_much(event: Event, state: State) -> list[Any]:
    """An update that gives more than the server takes, beside a small one."""
    try:
        await state.update("k", lambda value, size: "x" * size, event.size)
        said = "kept"
    except StateValueError as error:
        said = str(error)
    return [said, await state.get("k") is None, await state.set("small", 1)]


much = create_job(name="much", durable=True, on_trigger=keeps_much)
much_in_place = create_job(name="much-in-place", on_trigger=keeps_much)


def exclaimed(text: str) -> str:
    return f"{text}!"


def stripped(value: Any) -> int:
    return int(value.strip())


def lowered(text: str) -> str:
    return text.strip().lower()


Kept = {
    "stable": Annotated[str, AfterValidator(lowered)],
    "grows": Annotated[str, AfterValidator(exclaimed)],
    "only a string": Annotated[int, BeforeValidator(stripped)],
    "pairs": dict[tuple[int, int], int],
    "set": set[str],
}


async def converts(event: Event, state: State) -> list[Any]:
    """Values of types whose validators change what they get."""
    said: list[Any] = [await state.set("stable", " Ada "), await state.get("stable"), await state.get("stable")]
    said.append(await state.update("stable", lambda name: f"{name} L. "))
    said.append(sorted(await state.set("set", {"b", "a", "c"})))
    for key, value in (("grows", "a"), ("only a string", " 5 ")):
        try:
            said.append(await state.set(key, value))
        except StateValueError as error:
            said.append(str(error))
    try:
        said.append(await state.update("pairs", lambda value: {(1, 2): 3}))
    except StateValueError as error:
        said.append(str(error))
    said += [await state.get(key) for key in ("grows", "only a string", "pairs")]
    return said


converts_durably = create_job(name="converts", durable=True, states=Kept, on_trigger=converts)
converts_in_place = create_job(name="converts-in-place", states=Kept, on_trigger=converts)


@create_job(name="counts-each-run", durable=True)
async def counts_each_run(event: Event, state: State) -> Any:
    """Counts one for each run."""
    return await state.update("runs", lambda n: (n or 0) + 1)


@create_job(name="counts-each-run-in-place")
async def counts_each_run_in_place(event: Event, state: State) -> Any:
    """The same in a job that is not durable."""
    return await state.update("runs", lambda n: (n or 0) + 1)


def never_awaits(event: Event, state: State) -> bool:
    return not state.get("seen")  # type: ignore[truthy-bool]  # that is the mistake


@create_job(name="filter-that-does-not-await", durable=True, filter=never_awaits)
async def never_awaited(event: Event) -> str:
    """A filter that takes a coroutine for its answer."""
    return "ran"


async def wanted(state: State) -> bool:
    return bool(await state.get("wanted"))


@create_job(name="filter-by-lambda", durable=True, filter=lambda event, state: wanted(state))
async def filter_by_lambda(event: Event) -> str:
    """A lambda that gives the coroutine of what it calls."""
    return "ran"
