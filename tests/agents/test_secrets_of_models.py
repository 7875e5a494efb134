"""A provider's key is in no history and no log, whatever goes wrong and however much is logged."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

import pytest
from google.protobuf.json_format import MessageToJson
from temporalio.client import WorkflowFailureError

from ..bench import Bench
from ..model_server import ModelServer, calls, says
from . import jobs_agents as jobs
from . import jobs_model_tools
from .conftest import KEY


async def test_the_key_is_nowhere(bench: Bench, model: ModelServer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    given = {"effects": str(bench.effects), "email": "ada@example.com"}
    histories = []
    async with bench.worker(jobs.text, jobs.digest):
        # The server repeats the key in what it refuses with, as some do.
        faults: list[Any]
        for faults in ([], [(500, {})], [(401, {})], ["cut"], ["garbage"]):
            model.faults = [*faults]
            model.script = [says("a string that is looked for")]
            run = await bench.start(jobs.text, name="Ada")
            with suppress(WorkflowFailureError):
                await bench.result(run)
            histories.append(await run.fetch_history())
        model.script = [calls(("desk_find_customer", given)), calls(("final_result", {"title": "Ada", "stars": 5}))]
        run = await bench.start(jobs.digest)
        await bench.result(run)
        histories.append(await run.fetch_history())
    assert model.keys[0] == f"Bearer {KEY}"
    written = "".join(MessageToJson(event) for history in histories for event in history.events)
    written += "".join(
        payload.decode(errors="replace") for history in histories for payload in _payloads(history.events)
    )
    assert "a string that is looked for" in written
    assert KEY not in written
    logged = "\n".join(f"{record.getMessage()}\n{caplog.handler.format(record)}" for record in caplog.records)
    assert "generate_text" in logged
    assert KEY not in logged


def _payloads(events: object) -> list[bytes]:
    """The data of every payload, at whatever depth."""
    found: list[bytes] = []

    def look(message: object) -> None:
        for field, value in message.ListFields():  # type: ignore[attr-defined]  # a protobuf message
            if field.name == "data" and isinstance(value, bytes):
                found.append(value)
            elif field.type == field.TYPE_MESSAGE:
                if field.message_type.GetOptions().map_entry:
                    for each in value.values():
                        if hasattr(each, "ListFields"):
                            look(each)
                else:
                    for each in value if field.is_repeated else [value]:
                        look(each)

    for event in events:  # type: ignore[attr-defined]  # a sequence of them
        look(event)
    return found


async def test_a_key_that_cannot_be_sent_is_not_recorded(
    bench: Bench, model: ModelServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A key with a slip of the clipboard in it fails at once, and is in no message, history or log."""
    for key in (f"{KEY}…", f"{KEY}\nX"):
        monkeypatch.setenv("OPENAI_API_KEY", key)
        async with bench.worker(jobs_model_tools.text):
            run = await bench.start(jobs_model_tools.text)
            failure = await bench.failure(run)
        assert KEY not in str(failure)
        assert KEY not in str(await run.fetch_history())
    assert KEY not in caplog.text
    assert model.requests == []
