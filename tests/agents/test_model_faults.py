"""What may pass is tried again, not before the provider wants it; what will not pass is not, and is said."""

from __future__ import annotations

import time
from typing import Any

import pytest

from terse_temporal.errors import ModelError, ModelNotConfiguredError, ModelOutputError, TurnLimitError

from ..bench import Bench, cache_on
from ..model_server import ModelServer, calls, says
from . import jobs_agents as jobs
from .conftest import KEY


async def test_retry_after_is_honoured(bench: Bench, model: ModelServer) -> None:
    model.faults = [(429, {"retry-after": "3"})]
    model.script = [says("Hello")]
    asked: list[float] = []

    async def note(body: dict[str, Any]) -> None:
        asked.append(time.monotonic())

    model.before_answer = note
    started = time.monotonic()
    async with bench.worker(jobs.text):
        run = await bench.start_on_the_wall_clock(jobs.text, name="Ada")
        assert await bench.result(run) == "Hello"
    assert len(model.requests) == 2
    assert asked[0] - started >= 3


async def test_what_may_pass_is_tried_again(bench: Bench, model: ModelServer) -> None:
    model.faults = [(500, {}), "cut", "garbage", (429, {}), (503, {})]
    model.script = [says("Hello")]
    async with bench.worker(jobs.text):
        run = await bench.start(jobs.text, name="Ada")
        assert await bench.result(run) == "Hello"
    assert len(model.requests) == 6


@cache_on
@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
async def test_what_will_not_pass_is_said(bench: Bench, model: ModelServer, status: int) -> None:
    model.faults = [(status, {})]
    failure = await bench.fail(jobs.text, name="Ada")
    assert failure.type == ModelError.__name__
    assert "'openai:gpt-5-mini'" in failure.message
    assert str(status) in failure.message
    assert f"injected {status}" in failure.message
    assert ("Check the " in failure.message) == (". Check the " in failure.message)
    assert KEY not in failure.message
    assert len(model.requests) == 1


async def test_one_that_is_not_there_is_said(bench: Bench, model: ModelServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    failure = await bench.fail(jobs.text, name="Ada")
    assert failure.type == "ModelUnavailableError"
    assert "'openai:gpt-5-mini' could not be reached" in failure.message


async def test_it_may_correct_itself(bench: Bench, model: ModelServer) -> None:
    model.script = [
        calls(("final_result", {"title": "x", "stars": "many"})),
        says("five stars"),
        calls(("final_result", {"title": "x", "stars": 5})),
    ]
    assert (await bench.run(jobs.digest))["stars"] == 5
    assert "stars" in str(model.requests[1]["messages"][-1])
    assert len(model.requests) == 3


async def test_but_not_for_ever(bench: Bench, model: ModelServer) -> None:
    model.script = [calls(("final_result", {"title": "x", "stars": "many"}))] * 9
    failure = await bench.fail(jobs.digest)
    assert failure.type == ModelOutputError.__name__
    assert "'openai:gpt-5-mini'" in failure.message
    assert "stars: " in failure.message
    assert len(model.requests) == 4


async def test_turns_are_limited(bench: Bench, model: ModelServer) -> None:
    given = {"effects": str(bench.effects), "email": "ada@example.com"}
    model.script = [calls(("desk_find_customer", given))] * 9
    failure = await bench.fail(jobs.digest, turns=3)
    assert failure.type == TurnLimitError.__name__
    assert "'openai:gpt-5-mini'" in failure.message
    assert "3 turns" in failure.message
    assert len(model.requests) == 3


@cache_on
@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("TERSE_MODEL", "", "TERSE_MODEL"),
        ("TERSE_MODEL", "gpt-5", "openai:gpt-5"),
        ("TERSE_MODEL", "nobody:gpt-5", "nobody:gpt-5"),
        ("OPENAI_API_KEY", "", "OPENAI_API_KEY"),
    ],
)
async def test_what_is_not_configured_is_said(
    bench: Bench, model: ModelServer, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    if value:
        monkeypatch.setenv(variable, value)
    else:
        monkeypatch.delenv(variable)
        # At an address of somebody else's there may be no key.
        monkeypatch.delenv("OPENAI_BASE_URL")
    failure = await bench.fail(jobs.text, name="Ada")
    assert failure.type == ModelNotConfiguredError.__name__
    assert said in failure.message
    assert model.requests == []


async def test_a_library_that_is_not_installed_is_said(
    bench: Bench, model: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERSE_MODEL", "mistral:mistral-large")
    failure = await bench.fail(jobs.text, name="Ada")
    assert failure.type == "MissingExtraError"
    assert "pydantic-ai-slim[mistral]" in failure.message


@cache_on
async def test_a_conversation_in_place_that_is_too_long_is_said(bench: Bench, model: ModelServer) -> None:
    model.script = [calls(("desk_find_customer", {"effects": str(bench.effects), "email": "a" * 300_000}))] * 9
    failure = await bench.fail(jobs.plain)
    assert failure.type == ModelError.__name__
    assert "too long to go on, at turn 5" in failure.message
