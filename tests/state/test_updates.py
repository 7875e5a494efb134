"""What the function of an update may do and give."""

from __future__ import annotations

from pathlib import Path

import pytest

from terse_temporal import Job
from terse_temporal.errors import StateValueError
from terse_temporal.state import Stored, open_store
from terse_temporal.testing import JobEnvironment

from ..bench import Bench
from .jobs_state import count
from .jobs_updates import (
    changes_its_arguments,
    changes_its_arguments_in_place,
    converts_durably,
    converts_in_place,
    fails_durably,
    fails_in_place,
    much,
    much_in_place,
    which_thread,
)
from .memory import MemoryStore
from .stores import state_of, temporal_store

pytestmark = pytest.mark.parametrize("cache", [1000], indirect=True)


@pytest.mark.parametrize("job", [changes_its_arguments, changes_its_arguments_in_place], ids=lambda job: job.name)
async def test_a_function_that_changes_what_it_is_given(bench: Bench, job: Job) -> None:
    """Called again, it is given the value and the arguments as they were."""
    store = MemoryStore()
    async with bench.worker(job, state_store=store):
        assert await bench.result(await bench.start(job)) == {"calls": 1, "a": 1, "seen": 1}
    # A store that is false while it is empty is the one that is used.
    assert store.values == {"k": {"calls": 1, "a": 1, "seen": 1}}


@pytest.mark.parametrize("job", [fails_durably, fails_in_place], ids=lambda job: job.name)
async def test_a_function_that_fails_is_not_tried_again(bench: Bench, job: Job) -> None:
    """What it raises fails the call at once, also where the same of the store would be tried again."""
    assert await bench.run(job) == "the function's own"
    assert bench.effects.lines() == ["called"]


async def test_a_plain_function_is_on_the_workers_threads(bench: Bench) -> None:
    """It runs on the threads of steps, which do not hold up the end of the worker."""
    assert (await bench.run(which_thread)).startswith("terse-step")


@pytest.mark.parametrize("kept", ["temporal", "database"])
@pytest.mark.parametrize("job", [much, much_in_place], ids=lambda job: job.name)
async def test_too_large(bench: Bench, job: Job, kept: str, tmp_path: Path) -> None:
    """What it gives beyond the server's limit is refused before it is sent, and the state goes on."""
    async with open_store(f"sqlite:///{tmp_path / 'state.db'}") as store:
        options = {"state_store": store} if kept == "database" else {}
        async with bench.worker(job, **options):
            said = await bench.result(await bench.start(job, size=2_500_000))
    assert said[0].startswith(f"state.update('k') in the job {job.name!r}: its function gave 2,500,002 bytes")
    assert said[1:] == [True, 1]


async def test_more_than_the_state_may_have(bench: Bench) -> None:
    """On Temporal a value beyond what a state may have is refused before it is sent, by `set` and `update`."""
    of = state_of("more", bench.task_queue)

    async def change(stored: Stored | None) -> str:
        return "x" * 1_500_000

    async with bench.worker(count):
        store = await temporal_store(bench.env)
        with pytest.raises(StateValueError, match="1,048,576 at most"):
            await store.update(of, "k", change, write="a")
        with pytest.raises(StateValueError, match="1,048,576 at most"):
            await store.set(of, "k", "x" * 1_500_000, write="b")
        assert await store.items(of) == {}


async def test_computed_from_a_value_that_another_has_replaced(
    env: JobEnvironment, cache: int, task_queue: str
) -> None:
    """A function that refuses what this worker has seen last is asked again about the value of now."""
    of = state_of("stale", task_queue)

    async def zero(stored: Stored | None) -> int:
        return 0

    async def take(stored: Stored | None) -> int:
        if not stored or stored.value <= 0:
            raise ValueError("out of stock")
        return int(stored.value) - 1

    async with env.worker([count], task_queue=task_queue, max_cached_workflows=cache):
        one, other = await temporal_store(env), await temporal_store(env)
        assert await one.update(of, "n", zero, write="a") == 0
        await other.set(of, "n", 10, write="b")
        assert await one.update(of, "n", take, write="c") == 9
        await one.set(of, "n", 0, write="d")
        with pytest.raises(ValueError, match="out of stock"):
            await one.update(of, "n", take, write="e")


@pytest.mark.parametrize("job", [converts_durably, converts_in_place], ids=lambda job: job.name)
async def test_types_that_convert(bench: Bench, job: Job) -> None:
    """What is set is what is read, each time; a value that would be read back as another is refused."""
    said = await bench.run(job)
    assert said[:5] == ["ada", "ada", "ada", "ada l.", ["a", "b", "c"]]
    assert "state.set('grows') in the job" in said[5]
    assert "the value at $ is 'a!' and would be read back as 'a!!'" in said[5]
    assert "could not be read back from 5: makes a validator of its type raise AttributeError" in said[6]
    assert "state.update('pairs') in the job" in said[7]
    assert "could not be read back from {'1,2': 3}" in said[7]
    assert said[8:] == [None, None, None]
