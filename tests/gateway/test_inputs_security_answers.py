"""An answer that is too much, fits nothing, or comes second is refused, on the page and by the API."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.enums.v1 import EventType

from ..bench import Bench, Run, cache_on
from ..inputs.asking import answered, asked
from ..inputs.jobs_asking import asks, asks_for_a_form
from .asking_gateway import ADA, asking_gateway, bearer, link_to, set_secrets
from .test_input_page import FROM_THE_PAGE, Browser, hidden, text_of

_MIB = 2**20


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    set_secrets(monkeypatch)


async def _updates(run: Run) -> int:
    events = (await run.fetch_history()).events
    return sum(each.event_type == EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED for each in events)


@cache_on
async def test_what_does_not_fit(bench: Bench, tmp_path: Path) -> None:
    """A megabyte, an option that is none, a text that does not go with it: the run does not notice."""
    async with bench.worker(asks), asking_gateway(bench.env.client, tmp_path / "spool") as client:
        run = await bench.start(asks)
        question = await asked(run)
        where = f"/api/inputs/{run.id}/1/answer"
        browser = Browser(client, link_to({"id": run.id, "run": question["run"], "number": "1"}, respondent="bob"))
        page = await browser.open()
        program = bearer(ADA)
        large = await client.post(browser.link, data={**hidden(page), "choice": "yes", "text": "x" * _MIB})
        assert (large.status_code, large.text[:15]) == (413, "<!doctype html>")
        large = await client.post(where, json={"choice": "yes", "text": "x" * _MIB}, headers=program)
        assert (large.status_code, large.json()["error"]) == (413, "body_too_large")
        for given, status in (
            ({"choice": "yes", "text": "x" * 20_000}, 422),
            ({"choice": "perhaps"}, 422),
            ({"choice": "YES"}, 422),
            ({"choice": ""}, 422),
            ({}, 422),
            ({"choice": "no", "text": "but"}, 422),
        ):
            assert (await client.post(where, json=given, headers=program)).status_code == status, given
            await browser.send(status, page, **given)
        twice = await browser.send(422, page, choice=["nonsense", "yes"])
        assert "Ship it?" in text_of(twice)
        unfit: list[dict[str, Any]] = [
            {"choice": "yes", "data": {"a": 1}},
            {"data": {"choice": "yes"}},
            {"text": "yes"},
            {"choice": "yes", "by": "two\nlines"},
            {"choice": "yes", "by": "x" * 201},
        ]
        for each in unfit:
            refused = await client.post(where, json=each, headers=program)
            assert (refused.status_code, refused.json()["error"]) == (422, "wrong"), each
        deep: list[object] = []
        for _ in range(150):
            deep = [deep]
        assert (await client.post(where, json={"data": {"a": deep}}, headers=program)).status_code in (400, 422)
        assert await _updates(run) == 0
        assert await answered(run) == {}
        await browser.send(200, page, choice="yes", text="x" * 10_000)
        assert await _updates(run) == 1
        await run.terminate()


@cache_on
async def test_two_at_the_same_moment(bench: Bench, tmp_path: Path) -> None:
    """One is taken, whichever way it came, and the others are told who was first."""
    async with bench.worker(asks), asking_gateway(bench.env.client, tmp_path / "spool") as client:
        run = await bench.start(asks)
        question = await asked(run)
        path = link_to({"id": run.id, "run": question["run"], "number": "1"}, respondent="bob")
        typed = {**hidden((await client.get(path)).text), "choice": "no"}
        where = f"/api/inputs/{run.id}/1/answer"
        answers = await asyncio.gather(
            client.post(path, data=typed, headers=FROM_THE_PAGE),
            *(
                client.post(where, json={"choice": "yes", "by": f"p{number}"}, headers=bearer(ADA))
                for number in range(6)
            ),
        )
        statuses = sorted(each.status_code for each in answers)
        assert statuses[0] == 200
        assert set(statuses[1:]) <= {409, 410}
        by = (await answered(run))["1"]["by"]
        assert by in ("bob", *(f"p{number}" for number in range(6)))
        for each in answers[1:]:
            if each.status_code == 409:
                assert each.json()["by"] == by
        assert await _updates(run) == 1
        await run.terminate()


@cache_on
async def test_fields_that_are_none(bench: Bench, tmp_path: Path) -> None:
    """What a form does not have is not in the answer, by whichever name; by the API it is refused as the model says."""
    async with bench.worker(asks_for_a_form), asking_gateway(bench.env.client, tmp_path / "spool") as client:
        run = await bench.start(asks_for_a_form)
        question = await asked(run)
        browser = Browser(client, link_to({"id": run.id, "run": question["run"], "number": "1"}, respondent="bob"))
        extra = {"__class__": "x", "by": "boss", "data": "{}", "run": "another", "choice": "yes", "title.x": "y"}
        await browser.send(200, title="good", **extra)
        assert await bench.result(run) == ["GOOD", None, "small", [], "bob"]
