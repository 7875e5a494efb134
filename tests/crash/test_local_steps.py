"""`kill -9` within local steps and between them: what is recorded ran once, what is not runs again under its key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from .processes import Case, at_once, result

NewCase = Callable[[], Case]

STEPS = ["price", "stock", "charge", "mail"]

#: Where the worker is killed, and which steps have their effect twice then: with the workflow cache on, where local
#: steps are recorded with the next thing that is waited for; and at zero, where each is an activity.
POINTS: dict[str, tuple[list[str], list[str]]] = {
    "price: effect": (["price"], ["price"]),
    "stock: effect": (["price", "stock"], ["stock"]),
    "stock: known": (["price", "stock"], []),
    "charge: taken": ([], []),
    "charge: effect": (["charge"], ["charge"]),
    "charge: recorded": ([], []),
    "mail: effect": (["mail"], ["mail"]),
    "mail: recorded": ([], []),
}


async def order_survives(case: Case, crash_at: str, again: list[str], **options: Any) -> None:
    async with case.worker(crash_at=crash_at, **options) as first:
        run = await case.start("local-order", task_timeout=10)
        await case.killed(first)
    async with case.worker(**options):
        assert await result(run) == STEPS
    twice = set(again)
    if crash_at.startswith("stock") and case.marks.count("effect")["price"] == 1:
        twice.discard("price")  # on a machine that is so busy that it took a second, and was recorded by itself
    assert case.marks.count("effect") == Counter(STEPS) + Counter(twice)
    assert case.marks.one_key_for_each_step()


async def killed_in_replay(case: Case, **options: Any) -> None:
    """Kill a worker after local steps were recorded, and the next one while it replays them."""
    async with case.worker(crash_at="mail: recorded", **options) as first:
        run = await case.start("local-order", task_timeout=10)
        await case.killed(first)
    async with case.worker(crash_at="charge: replayed", **options) as second:
        await case.killed(second)
    async with case.worker(**options):
        assert await result(run) == STEPS
    assert case.marks.count("effect") == Counter(STEPS)
    assert case.marks.one_key_for_each_step()


async def killed_handed_over(case: Case) -> None:
    """Kill the worker in a local step that goes on as an ordinary one: it runs again within ten seconds elsewhere."""
    async with case.worker() as first, case.worker() as second:
        run = await case.start("local-beside")
        begun = await case.began("slow")
        await case.mark("effect", "quick")  # which is scheduled beside it, so that it was handed over
        owner, other = (first, second) if begun.pid == first.pid else (second, first)
        at = owner.kill()
        again = await case.began("slow", times=2)
        assert again.pid == other.pid
        assert again.at - at < 15  # nine on a machine with time
        case.go.touch()
        assert await result(run) == ["slow", "quick"]
    assert case.marks.count("effect")["slow"] == 1
    assert case.marks.one_key_for_each_step()


async def test_local_steps(new_case: NewCase) -> None:
    """Within a local step, between it and the next one, and in the replay after it; also on a worker with no cache."""
    cases: dict[str, Any] = {"in the replay, cache on": killed_in_replay(new_case())}
    cases["in the replay, cache at zero"] = killed_in_replay(new_case(), max_cached_workflows=0)
    for point, (cached, uncached) in POINTS.items():
        cases[f"{point}, cache on"] = order_survives(new_case(), point, cached)
        if point in ("price: effect", "stock: known"):
            cases[f"{point}, cache at zero"] = order_survives(new_case(), point, uncached, max_cached_workflows=0)
    await at_once(cases)


async def test_one_that_goes_on(new_case: NewCase) -> None:
    """One that takes long, and goes on as an ordinary step: what kills its worker has it run again on the other."""
    await killed_handed_over(new_case())
