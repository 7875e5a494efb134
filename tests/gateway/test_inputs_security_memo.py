"""A memo is anybody's writing: whatever stands in one, list, pages and API show it or leave it out, and the others."""

from __future__ import annotations

import json
import re
import uuid
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from temporalio import workflow
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from terse_temporal.serialization.wire_names import WAITING_MEMO

from ..bench import Bench, cache_on
from ..inputs.asking import asked, memo_of
from ..inputs.jobs_asking import asks
from ..waiting import until
from .asking_gateway import ADA, asking_gateway, bearer, link_to, set_secrets
from .test_input_page import Browser


def _deep(levels: int) -> Any:
    value: Any = "bottom"
    for _ in range(levels):
        value = [value]
    return value


_CIRCLE = {"type": "object", "properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"$ref": "#/$defs/a"}}}
_NUMBERS = {
    "type": "object",
    "properties": {"n": {"type": "number", "minimum": float("-inf"), "maximum": float("nan"), "default": 1e400}},
}

#: By their numbers.
_QUESTIONS: dict[str, Any] = {
    "nan": {"prompt": "nan", "details": [["x", float("nan")], ["y", float("inf")]]},
    "half": {"prompt": "half \ud800\u202e", "options": [{"id": "\ud800", "label": "\udfff"}], "respond_by": ["\ud800"]},
    "deep": {"prompt": "deep", "details": [["x", _deep(400)]], "tool": "t", "arguments": _deep(400)},
    "times": {"prompt": "times", "since": "0001-01-01T00:00:00+14:00", "until": "9999-12-31T23:59:59-14:00"},
    "types": {"prompt": "types", "options": 7, "form": [], "details": {"x": 1}, "run": 5, "via": "x", "fields": 1},
    "circle": {"prompt": "circle", "form": _CIRCLE},
    "numbers": {"prompt": "numbers", "form": _NUMBERS},
    "choices": {
        "prompt": "choices",
        "form": {"type": "object", "properties": {"c": {"enum": ["\ud800", float("nan"), 1e400]}}},
        "fields": ["c"],
    },
    "long": {"prompt": "x" * 100_000, "details": [["y" * 10_000, "z" * 100_000]]},
    "../../healthz": {"prompt": "path"},
    "<b>": {"prompt": "tag"},
    "\ud800": {"prompt": "number"},
    "many": {"prompt": "many", "options": [{"id": str(number), "label": "x"} for number in range(2_000)]},
}


@workflow.defn(name="asks-what-it-likes")
class AsksWhatItLikes:
    """A workflow of somebody's own."""

    @workflow.run
    async def run(self) -> None:
        workflow.upsert_memo({WAITING_MEMO: {number: {"v": 1, **each} for number, each in _QUESTIONS.items()}})
        await workflow.wait_condition(lambda: False)


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    set_secrets(monkeypatch)


@cache_on
async def test_whatever_is_in_a_memo(bench: Bench, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    nobody = f"nobody-{uuid.uuid4()}"
    server = bench.env.client
    runner = UnsandboxedWorkflowRunner()
    async with (
        bench.worker(asks),
        Worker(server, task_queue=nobody, workflows=[AsksWhatItLikes], workflow_runner=runner),
        asking_gateway(server, tmp_path / "spool") as client,
    ):
        own = await server.start_workflow(AsksWhatItLikes.run, id=nobody, task_queue=nobody)
        run = await bench.start(asks)
        await asked(run)

        async def has_asked() -> bool:
            return bool(await memo_of(own, WAITING_MEMO))

        await until(has_asked, "the memo is written")
        program = bearer(ADA)
        found: dict[str, dict[str, Any]] = {}

        async def is_listed() -> bool:
            listed = await client.get("/api/inputs?limit=100", headers=program)
            assert listed.status_code == 200
            rows = json.loads(listed.content, parse_constant=_no_json)["questions"]
            found.update({each["number"]: each for each in rows if each["id"] == nobody})
            return bool(found) and run.id in listed.text

        await until(is_listed, "both are listed")
        assert {"nan", "half", "times", "types", "long", "../../healthz", "<b>", "many"} <= set(found)
        for number in found:
            path = f"/api/inputs/{nobody}/{quote(number.encode('utf-8', 'replace'), safe='')}"
            shown = await client.get(path, headers=program)
            assert shown.status_code in (200, 404, 503), number
            json.loads(shown.content, parse_constant=_no_json)
            refused = await client.post(f"{path}/answer", json={"choice": "x"}, headers=program)
            assert refused.status_code in (404, 410, 422, 503), number

        await client.post("/inputs/login", data={"token": ADA})
        page = await client.get("/inputs")
        assert page.status_code == 200
        assert run.id in page.text
        links = re.findall(
            rf'<a href="(/inputs/[^"]+)">[^<]*</a></h2>\s*<p class="asks"><b>[^<]*</b> {nobody}', page.text
        )
        assert len(links) == len(found)
        for link in links:
            browser = Browser(client, unescape(link))
            opened = await client.get(browser.link)
            assert opened.status_code in (200, 410, 501, 503)
            sent = await client.post(browser.link, data={"choice": "x", "n": "1", "c": "x", "a": "b"})
            assert sent.status_code in (403, 410, 422, 501, 503)
        await client.get(link_to({"id": nobody, "run": "5", "number": "\ud800"}))
        await own.terminate()
        await run.terminate()
    assert "failed unexpectedly" not in caplog.text


def _no_json(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")
