"""A model cannot give what a tool keeps for code, however it spells it, and no credential goes where it says."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio

from terse_temporal.engine.wire.calls import StepCall, read_call
from terse_temporal.errors import ServiceError, StepInputError
from terse_temporal.execution.in_place import execution_for_call
from terse_temporal.serialization.keys import fold
from terse_temporal.tools import find_tool

from ..bench import Bench
from ..model_server import ModelServer, calls, says
from ..servers import HttpServer, http_server
from . import jobs_code_only as jobs


def spellings(name: str) -> Iterator[str]:
    """The ways to write a name that are read as that name."""
    words = name.strip("_").split("_")
    for joined, cases in itertools.product(
        ("_", "__", ""), itertools.product((str.lower, str.upper, str.title), repeat=len(words))
    ):
        for end in ("", "_"):
            yield joined.join(case(word) for case, word in zip(cases, words, strict=True)) + end


KEPT = [
    ("http.request", {"method": "GET", "url": "http://127.0.0.1/"}, "auth_env", "DB_PASSWORD"),
    ("http.request", {"method": "GET", "url": "http://127.0.0.1/"}, "headers_env", {"X-Leak": "DB_PASSWORD"}),
    ("email.send", {"to": "a@example.com", "subject": "s", "text": "t"}, "from_", "ceo@example.com"),
    ("codeonly.secret", {"note": "n"}, "auth_env", "DB_PASSWORD"),
]


@pytest.mark.parametrize(("tool", "given", "kept", "value"), KEPT)
def test_every_spelling_is_refused(tool: str, given: dict[str, Any], kept: str, value: Any) -> None:
    found = find_tool(tool)
    assert found.from_json(given, by_model=True)
    for name in {kept, *spellings(kept)}:
        assert fold(name) == fold(kept)
        assert found.from_json({**given, name: value})[kept] == value
        with pytest.raises(StepInputError, match="for a model"):
            found.from_json({**given, name: value}, by_model=True)


def test_arguments_without_a_name_of_their_own() -> None:
    """Where all further arguments are for code, none of them is a model's to give."""
    found = find_tool("codeonly.secret")
    for name in ("anything", "others", "auth-env", "_auth_env"):
        with pytest.raises(StepInputError, match="for a model"):
            found.from_json({"note": "n", name: "x"}, by_model=True)


@pytest_asyncio.fixture(loop_scope="session")
async def server() -> AsyncIterator[HttpServer]:
    async with http_server() as running:
        yield running


async def test_in_a_run(bench: Bench, model: ModelServer, server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is sent; the model is told, and shown no such argument. A tool knows who calls it."""
    monkeypatch.setenv("DB_PASSWORD", "hunter2-hunter2")
    leak = {"method": "GET", "url": server.url}
    model.script = [
        calls(
            ("http_request", {**leak, "authEnv": "DB_PASSWORD"}),
            ("http_request", {**leak, "HEADERS_ENV": {"X-Leak": "DB_PASSWORD"}}),
            ("codeonly_secret", {"note": "model"}),
        ),
        says("done"),
    ]
    async with bench.worker(jobs.answer):
        run = await bench.start(jobs.answer)
        assert await bench.result(run) == [
            "done",
            {"note": "code", "auth_env": "CRM", "others": {"more": 1}, "by_model": False},
        ]
    assert server.requests == []
    told = [each["content"] for each in model.requests[1]["messages"] if each["role"] == "tool"]
    assert ["'auth_env' for a model" in told[0], "'headers_env' for a model" in told[1]] == [True, True]
    assert json.loads(told[2])["by_model"] is True
    shown = {each["function"]["name"]: each["function"]["parameters"] for each in model.requests[0]["tools"]}
    assert not {"auth_env", "headers_env"} & set(shown["http_request"]["properties"])
    assert set(shown["codeonly_secret"]["properties"]) == {"note"}


def test_who_asks_is_recorded() -> None:
    call = StepCall(function="@tool:http.request", job="j", key="k", timeout=1.0, by_model=True)
    assert read_call(json.loads(json.dumps(call.to_wire()))) == call
    assert "by_model" not in replace(call, by_model=False).to_wire()


@pytest.mark.parametrize(
    ("listed", "is_sent"),
    [
        (None, False),
        ("", False),
        ("CRM_TOKEN", False),
        ("CRM_TOKEN@127.0.0.1", False),
        ("CRM_TOKEN@{place}", False),
        ("OTHER@http://{place}", False),
        ("OTHER CRM_TOKEN@http://{place}", True),
    ],
)
async def test_credentials_of_a_recorded_call(
    server: HttpServer, monkeypatch: pytest.MonkeyPatch, listed: str | None, is_sent: bool
) -> None:
    """A call of a model's that names a credential all the same, as one that was recorded before, needs it listed."""
    monkeypatch.setenv("CRM_TOKEN", "sesame-open")
    monkeypatch.delenv("TERSE_HTTP_CREDENTIALS", raising=False)
    if listed is not None:
        monkeypatch.setenv("TERSE_HTTP_CREDENTIALS", listed.format(place=server.url.removeprefix("http://")))
    given = {"method": "GET", "url": server.url, "auth_env": "CRM_TOKEN"}
    request = replace(find_tool("http.request").template, arguments=given, as_json=True, by_model=True)
    if is_sent:
        await execution_for_call().call(request)
        assert server.requests[0].headers["authorization"] == "Bearer sesame-open"
        return
    with pytest.raises(ServiceError, match=r"CRM_TOKEN@http://127\.0\.0\.1:\d+") as caught:
        await execution_for_call().call(request)
    assert "in a call that a model makes" in str(caught.value)
    assert server.requests == []
