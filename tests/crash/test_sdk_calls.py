"""`kill -9` at every boundary of a job of tools, model turns and state: every finished call happened exactly once."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest
import pytest_asyncio

from ..model_server import ModelServer, calls, turn_of
from .processes import Case, at_once, result

#: In the order in which a run comes to them, with the call that is not finished there, and so happens again.
POINTS = {
    "shop.reserve: began": None,
    "shop.reserve: effect": "shop.reserve",
    "reserve: recorded": None,
    "turn 0: answered": "turn 0",
    "desk.search: began": None,
    "desk.search: effect": "desk.search",
    "turn 1: answered": "turn 1",
    "desk.note: began": None,
    "desk.note: effect": "desk.note",
    "turn 2: answered": "turn 2",
    "answer: recorded": None,
    "state: recorded": None,
    "shop.charge: began": None,
    "shop.charge: effect": "shop.charge",
    "charge: recorded": None,
}

TOOLS = ["shop.reserve", "desk.search", "desk.note", "shop.charge"]

#: Workers at once, of which each imports a model's client.
AT_ONCE = asyncio.Semaphore(6)


def answer(body: dict[str, Any]) -> dict[str, Any]:
    """Three turns: a tool, another tool, the answer. The prompt says where the tools are to leave their effects."""
    where = {"effects": _prompt(body)}
    return (
        calls(("desk_search", where)),
        calls(("desk_note", where)),
        calls(("final_result", {"found": "it"})),
    )[turn_of(body)]


@pytest_asyncio.fixture(loop_scope="session")
async def model(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ModelServer]:
    """A model that the workers' environment names."""
    async with ModelServer().serving() as server:
        server.answer = answer
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789abcdef")
        monkeypatch.setenv("TERSE_MODEL", "openai:gpt-5-mini")
        yield server


async def survives(case: Case, model: ModelServer, point: str, again: str | None, **options: Any) -> None:
    """Kill the worker there, start another: what was not finished happens again, with its key, and all else once."""
    async with AT_ONCE:
        async with case.worker(crash_at=point, **options) as first:
            run = await case.start("sdk")
            assert await first.ended() == -signal.SIGKILL
        async with case.worker(**options):
            assert await result(run) == ["shop.reserve", "it", 1, "shop.charge", 1]
    expected = Counter([*TOOLS, *(f"turn {number}" for number in range(3))]) + Counter([again] if again else [])
    turns = Counter(f"turn {turn_of(body)}" for body in model.requests if _prompt(body) == str(case.marks))
    assert case.marks.count("effect") + turns == expected
    assert case.marks.one_key_for_each_step()


def _prompt(body: dict[str, Any]) -> str:
    return next(str(message["content"]) for message in body["messages"] if message["role"] == "user")


async def test_finished_calls_once(new_case: Callable[..., Case], model: ModelServer) -> None:
    """Wherever its worker is killed, a run ends right: what was finished happened once, what was not again."""

    def case(point: str, **options: Any) -> Coroutine[Any, Any, None]:
        return survives(new_case(jobs="tests/crash/jobs_sdk.py"), model, point, POINTS[point], **options)

    # The next worker replays the run whatever its cache. Where the handler itself is killed, the first has, at zero.
    cases = {point: case(point) for point in POINTS}
    for point in ("answer: recorded", "charge: recorded"):
        cases[f"{point}, cache at zero"] = case(point, max_cached_workflows=0)
    await at_once(cases)
