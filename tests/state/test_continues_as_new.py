"""The workflow of a state continues as new before its history grows, and no write is lost or made twice around it."""

from __future__ import annotations

import asyncio

import pytest

from terse_temporal.engine.state import table as state_table
from terse_temporal.engine.state import workflow as state_workflow
from terse_temporal.engine.state.store import state_workflow_id
from terse_temporal.serialization.json_text import encoded_size
from terse_temporal.state import Stored
from terse_temporal.testing import JobEnvironment

from .jobs_state import count
from .stores import add_one, runs_of, state_of, temporal_store, workers


async def test_under_load(env: JobEnvironment, cache: int, task_queue: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a new run after every third write, and three stores writing at once, each write is made once."""
    monkeypatch.setattr(state_workflow, "WRITES_PER_RUN", 3)
    of = state_of(count, task_queue)
    async with workers(env, [count], 2, task_queue=task_queue, max_cached_workflows=cache):
        stores = [await temporal_store(env) for _ in range(3)]

        async def write(number: int) -> None:
            store = stores[number % 3]
            assert await store.update(of, f"key {number % 5}", add_one, write=f"u{number}") >= 1
            await store.set(of, f"mine {number}", number, write=f"s{number}")
            assert await store.get(of, f"mine {number}") == Stored(number)

        await asyncio.gather(*(write(number) for number in range(30)))
        found = await stores[0].items(of)
        assert {key: value for key, value in found.items() if key.startswith("key")} == dict.fromkeys(
            (f"key {number}" for number in range(5)), 6
        )
        assert len(found) == 35
        # In one message there may be as many writes as a workflow takes at once.
        assert await runs_of(env.client, of) >= 6


async def test_repeated_after_it(env: JobEnvironment, task_queue: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that is repeated in a later run, where the server does not know its id any more, changes nothing."""
    monkeypatch.setattr(state_workflow, "WRITES_PER_RUN", 2)
    of = state_of(count, task_queue)
    async with env.worker([count], task_queue=task_queue):
        store = await temporal_store(env)
        await store.set(of, "in order", {"z": 1, "a": {"y": 2, "b": 3}}, write="first")
        assert [await store.update(of, "n", add_one, write=f"{number}") for number in range(7)] == [1, 2, 3, 4, 5, 6, 7]
        # Keys have their order in whatever run it is that holds them.
        assert str(await store.get(of, "in order")) == str(Stored({"z": 1, "a": {"y": 2, "b": 3}}))
        await store.delete(of, "in order", write="last")
        await store.delete(of, "n", write="gone")
        # The last, whose value is gone, and some before.
        for number in (6, 0, 3):
            assert await store.update(of, "n", add_one, write=f"{number}") == number + 1
        await store.delete(of, "n", write="gone")
        assert await store.items(of) == {}


async def test_the_server_says_when(env: JobEnvironment, task_queue: str) -> None:
    """Large values fill a history before there are many writes: then the server says when it is time."""
    of = state_of(count, task_queue)
    async with env.worker([count], task_queue=task_queue):
        store = await temporal_store(env)
        for number in range(18):
            await store.set(of, "large", f"{number}" * 300_000, write=f"{number}")
        assert await store.get(of, "large") == Stored("17" * 300_000)
        assert await runs_of(env.client, of) >= 2


def test_what_is_carried_along_is_bounded() -> None:
    """However many writes there were, and whatever their size, the input of the next run stays under the limit."""
    table = state_table.StateTable()
    for number in range(8_000):
        key = f"key {number % 7}"
        version = (table.read([key]).get(key) or [None])[0]
        value = "ä" * (5_000 if number % 3 else 20_000)
        write = {"v": 1, "op": "update", "write": f"{number:032}", "key": key, "value": value, "base": version}
        assert table.write(write) == {"value": value}
    kept = table.to_wire()
    assert encoded_size(kept) < 2 * 1024 * 1024 - 300_000
    assert len(kept["applied"]) > 3_000
    again = state_table.StateTable(kept)
    assert again.to_wire() == kept
    # Known for long, its result dropped: it is not applied again, and gives the value there is.
    write = {"v": 1, "op": "update", "write": f"{5_500:032}", "key": "key 5", "value": "new", "base": None}
    before = again.read()
    assert again.write(write) == {"value": before["key 5"][1]}
    assert again.read() == before


async def test_the_id(env: JobEnvironment) -> None:
    """Names with colons do not make the id of another state."""
    assert state_workflow_id(state_of("digest", "terse")) == "terse-state:terse:digest"
    assert state_workflow_id(state_of("b:c", "a")) == "terse-state:a:b%3Ac"
    assert state_workflow_id(state_of("b%3Ac", "a")) == "terse-state:a:b%253Ac"
