"""What a store promises, whichever it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from terse_temporal.state import StateStore, Stored, open_store
from terse_temporal.testing import JobEnvironment

from .jobs_state import count
from .stores import add_one, state_of, temporal_store


@pytest_asyncio.fixture(params=["temporal", "sqlite", "postgresql"])
async def store(
    request: pytest.FixtureRequest, env: JobEnvironment, task_queue: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[StateStore]:
    if request.param == "temporal":
        async with env.worker([count], task_queue=task_queue):
            yield await temporal_store(env)
        return
    url = f"sqlite:///{tmp_path_factory.mktemp('state')}/state.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_server")
    async with open_store(url) as opened:
        yield opened


async def test_values(store: StateStore, task_queue: str) -> None:
    """What is set is read, any JSON, and null is a value; what is deleted is not set."""
    of = state_of("a job: of 100 %", task_queue)
    assert isinstance(store, StateStore)
    assert await store.get(of, "key") is None
    assert await store.items(of) == {}
    values: list[Any] = [None, 0, -1.5, "ä 'x' \" \u2028", {"b": [1, {"a": None}], "a": True}, [], 2**53, ""]
    for number, value in enumerate(values):
        await store.set(of, "key", value, write=f"set-{number}")
        assert await store.get(of, "key") == Stored(value)
    await store.set(of, "ключ ' % _", 1, write="other")
    assert await store.items(of) == {"key": "", "ключ ' % _": 1}
    await store.delete(of, "key", write="delete")
    await store.delete(of, "nothing", write="delete-nothing")
    assert await store.items(of) == {"ключ ' % _": 1}


async def test_states_do_not_mix(store: StateStore, task_queue: str) -> None:
    """Two jobs have two states, also where their names are made of the same pieces."""
    one, other = state_of("b:c", task_queue), state_of("b%3Ac", task_queue)
    await store.set(one, "key", 1, write="w")
    await store.set(other, "key", 2, write="w")
    assert (await store.get(one, "key"), await store.get(other, "key")) == (Stored(1), Stored(2))


async def test_a_repeated_write(store: StateStore, task_queue: str) -> None:
    """A write whose key has been applied changes nothing, and an update gives what it gave then."""
    of = state_of("repeated", task_queue)
    assert await store.update(of, "n", add_one, write="first") == 1
    assert await store.update(of, "n", add_one, write="first") == 1
    assert await store.update(of, "n", add_one, write="second") == 2
    assert await store.update(of, "n", add_one, write="first") == 1
    await store.set(of, "n", 10, write="third")
    assert await store.update(of, "n", add_one, write="second") == 2
    await store.set(of, "n", 20, write="fourth")
    await store.set(of, "n", 10, write="third")
    assert await store.get(of, "n") == Stored(20)
    await store.delete(of, "n", write="fifth")
    await store.set(of, "n", 30, write="sixth")
    await store.delete(of, "n", write="fifth")
    assert await store.get(of, "n") == Stored(30)
    assert await store.update(of, "n", add_one, write="second") == 2


async def test_the_same_write_at_once(store: StateStore, task_queue: str) -> None:
    """An attempt that was given up and still goes on, beside the next one: one of them applies."""
    of = state_of("at-once", task_queue)
    results = await asyncio.gather(*(store.update(of, "n", add_one, write="same") for _ in range(5)))
    assert results == [1] * 5
    assert await store.get(of, "n") == Stored(1)


async def test_many_keys_at_once(store: StateStore, task_queue: str) -> None:
    """Reads and writes of many keys at once do not get in each other's way."""
    of = state_of("many", task_queue)

    async def one(number: int) -> None:
        key = f"key {number % 10}"
        await store.update(of, key, add_one, write=f"u{number}")
        assert await store.get(of, key) is not None

    await asyncio.gather(*(one(number) for number in range(60)))
    assert await store.items(of) == {f"key {number}": 6 for number in range(10)}


async def test_an_update_that_fails(store: StateStore, task_queue: str) -> None:
    """What the change raises comes out, nothing is written, and the next update is not held up."""
    of = state_of("fails", task_queue)

    async def fail(stored: Stored | None) -> int:
        raise ZeroDivisionError

    await store.set(of, "n", 1, write="a")
    with pytest.raises(ZeroDivisionError):
        await store.update(of, "n", fail, write="b")
    assert await store.update(of, "n", add_one, write="b") == 2


async def test_a_repeated_update_that_would_fail_now(store: StateStore, task_queue: str) -> None:
    """An update that has been made gives what it gave then, also where its change refuses the value of now."""
    of = state_of("would-fail", task_queue)

    async def take(stored: Stored | None) -> int:
        if not stored or stored.value <= 0:
            raise ValueError("out of stock")
        return int(stored.value) - 1

    await store.set(of, "n", 1, write="a")
    assert await store.update(of, "n", take, write="b") == 0
    assert await store.update(of, "n", take, write="b") == 0
    with pytest.raises(ValueError, match="out of stock"):
        await store.update(of, "n", take, write="c")
    await store.delete(of, "n", write="d")
    assert await store.update(of, "n", take, write="b") == 0
    assert await store.items(of) == {}


async def test_numbers(store: StateStore, task_queue: str) -> None:
    """Numbers, and texts that look like them, stay what they are."""
    of = state_of("numbers", task_queue)
    values: list[Any] = [1.0, -0.0, 1e16, 0.1, 2**64, 10**22 + 1, 1, True, "5", "1.0", "1e3", "null"]
    for number, value in enumerate(values):
        await store.set(of, "n", value, write=f"{number}")
        found = await store.get(of, "n")
        assert found is not None
        assert repr(found.value) == repr(value)


async def test_a_change_has_a_value_of_its_own(store: StateStore, task_queue: str) -> None:
    """What a change does to the value that it is given, nobody else sees, unless it returns it."""
    of = state_of("own", task_queue)
    await store.set(of, "k", {"list": []}, write="a")

    async def spoil(stored: Stored | None) -> Any:
        assert stored is not None
        stored.value["list"].append("spoilt")
        await asyncio.sleep(0.01)
        raise ZeroDivisionError

    results = await asyncio.gather(
        store.update(of, "k", spoil, write="b"), store.get(of, "k"), store.get(of, "k"), return_exceptions=True
    )
    assert isinstance(results[0], ZeroDivisionError)
    assert list(results[1:]) == [Stored({"list": []})] * 2
    assert await store.get(of, "k") == Stored({"list": []})
