"""A program with the token of an operator lists the questions that runs ask, shows them in full, and answers them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from terse_temporal.gateway.operators.api_models import PastQuestion, Questions

from ..bench import Bench, cache_on
from ..inputs import jobs_asking as jobs
from ..inputs.asking import asked
from ..waiting import until
from .asking_gateway import ADA, BASE, PROGRAM, asking_gateway, bearer, set_secrets


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    set_secrets(monkeypatch)


async def _listed(program: httpx.AsyncClient, job: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after: dict[str, str] = {}
    while True:
        page = (await program.get("/api/inputs", params={"job": job, "limit": "1", **after})).json()
        Questions.model_validate(page)
        found += page["questions"]
        if page["next"] is None:
            return found
        after = {"after": page["next"]}


@cache_on
async def test_listed_shown_and_answered(bench: Bench, tmp_path: Path) -> None:
    """From the list to the result of the run, each question with what it takes; a second answer is told by whom."""
    async with bench.worker(jobs.asks), asking_gateway(bench.env.client, tmp_path / "spool") as program:
        program.headers.update(bearer(PROGRAM))
        run = await bench.start(jobs.asks)
        other = await bench.start(jobs.asks)
        await asked(run)
        await asked(other)

        async def is_listed() -> bool:
            return {each["id"] for each in await _listed(program, "asks")} >= {run.id, other.id}

        await until(is_listed, "both are listed")
        rows = await _listed(program, "asks")
        (row,) = [each for each in rows if each["id"] == run.id]
        where = f"/api/inputs/{run.id}/1"
        shown = (await program.get(where)).json()
        assert shown == row
        assert (shown["state"], shown["prompt"], shown["form"]) == ("open", "Ship it?", None)
        assert list(shown["details"].items()) == [("zone", "B"), ("amount", 5)]
        assert shown["options"][1] == {
            "id": "no",
            "label": "No",
            "description": "Nothing happens",
            "free_text": False,
        }
        assert shown["link"].startswith(f"{BASE}/inputs/")

        wrong = await program.post(f"{where}/answer", json={"choice": "perhaps"})
        assert (wrong.status_code, wrong.json()["error"]) == (422, "wrong")
        assert wrong.json()["fields"] == [{"field": "choice", "problem": "choose one of the options"}]
        given = {"choice": "yes", "text": "at noon", "by": "eve@acme.example", "by_name": "Eve", "run": shown["run"]}
        elsewhere = await program.post(f"{where}/answer", json={**given, "run": "another"})
        assert (elsewhere.status_code, elsewhere.json()["error"]) == (410, "closed")
        taken = await program.post(f"{where}/answer", json=given)
        assert (taken.status_code, taken.json()) == (200, {"status": "taken", "by": "eve@acme.example"})
        again = await program.post(f"{where}/answer", json=given)
        assert again.status_code == 200  # the same answer is one
        late = await program.post(f"{where}/answer", json={"choice": "no"}, headers=bearer(ADA))
        assert (late.status_code, late.json()["error"]) == (409, "answered")
        assert [late.json()[name] for name in ("by", "by_name", "choice")] == ["eve@acme.example", "Eve", "yes"]
        over = (await program.get(where)).json()
        assert [over[name] for name in ("state", "by", "by_name")] == ["answered", "eve@acme.example", "Eve"]
        assert over["at"].endswith("+00:00")
        PastQuestion.model_validate(over)

        await asked(run, "2")
        text = await program.post(f"/api/inputs/{run.id}/2/answer", json={"text": "Bob"}, headers=bearer(ADA))
        assert text.json()["by"] == "ada"
        assert (await bench.result(run))[:4] == ["yes", "at noon", "eve@acme.example", "Bob"]
        for missing in ("nobody/1", f"{other.id}/7", f"{other.id}/%00", "a/b/c", "x" * 1_001 + "/1"):
            unknown = await program.get(f"/api/inputs/{missing}")
            assert (unknown.status_code, unknown.json()["error"]) == (404, "not_found"), missing
        await other.terminate()


@cache_on
async def test_a_form(bench: Bench, tmp_path: Path) -> None:
    """Its JSON schema is there, each wrong field is named, and only those whom it asks may answer."""
    async with bench.worker(jobs.asks_for_a_form), asking_gateway(bench.env.client, tmp_path / "spool") as program:
        program.headers.update(bearer(ADA))
        run = await bench.start(jobs.asks_for_a_form)
        await asked(run)
        where = f"/api/inputs/{run.id}/1"
        form = (await program.get(where)).json()["form"]
        assert list(form["properties"]) == ["title", "count", "size", "labels"]
        assert form["properties"]["title"]["minLength"] == 3
        wrong = await program.post(f"{where}/answer", json={"data": {"title": "x", "count": 0}})
        assert sorted(each["field"] for each in wrong.json()["fields"]) == ["count", "title"]
        assert (await program.post(f"{where}/answer", json={"data": {"title": "good"}})).status_code == 200
        assert await bench.result(run) == ["GOOD", None, "small", [], "ada"]


@cache_on
async def test_who_may_answer(bench: Bench, tmp_path: Path) -> None:
    async with bench.worker(jobs.asks), asking_gateway(bench.env.client, tmp_path / "spool") as program:
        run = await bench.start(jobs.asks, respond_by=["Boss@Acme.example"])
        await asked(run)
        where = f"/api/inputs/{run.id}/1/answer"
        refused = await program.post(where, json={"choice": "yes"}, headers=bearer(ADA))
        assert (refused.status_code, refused.json()["error"]) == (403, "not_allowed")
        nobody = await program.post(where, json={"choice": "yes", "by": ""}, headers=bearer(ADA))
        assert (nobody.status_code, nobody.json()["error"]) == (403, "not_allowed")
        given = {"choice": "yes", "by": "boss@acme.example"}
        assert (await program.post(where, json=given, headers=bearer(ADA))).status_code == 200
        await run.terminate()


async def test_bodies_and_parameters_that_are_none(tmp_path: Path) -> None:
    async with asking_gateway(None, tmp_path / "spool") as program:
        program.headers.update(bearer(ADA))
        for body in (b"", b"[]", b"{", b'{"choice": 1}', b'{"chosen": "yes"}', b'{"data": []}', b'{"text": "\\ud800"}'):
            answer = await program.post("/api/inputs/x/1/answer", content=body)
            assert answer.status_code == 400, body
            assert answer.json()["error"] in ("body_invalid", "body_not_json")
        for query in ("limit=0", "limit=101", "limit=x", "limit=²", "after=x", "after=AAAA", "job=a%0ab"):
            assert (await program.get(f"/api/inputs?{query}")).status_code == 400, query
        # What is asked of a server that is away is answered at once, and says when to ask again.
        for away in (await program.get("/api/inputs"), await program.get("/api/inputs/x/1")):
            assert (away.status_code, away.json()["error"], away.headers["retry-after"]) == (503, "away", "5")
        posted = await program.post("/api/inputs/x/1/answer", json={"choice": "yes"})
        assert (posted.status_code, posted.json()["error"], posted.headers["retry-after"]) == (503, "away", "5")
