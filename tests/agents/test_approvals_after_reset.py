"""After a reset an approval counts for the call that somebody has approved, and not for another of the same number."""

from __future__ import annotations

import pytest

from terse_temporal.runs.inputs import answer_question, find_question

from ..bench import Bench, Run
from ..model_server import ModelServer, calls, says
from . import jobs_agents as jobs
from .approvals import waiting


async def _approve(bench: Bench, run: Run, number: str, *, names_it: bool = True) -> None:
    """Approve a call, as who has looked at it does; or as a client does that says the number alone."""
    await waiting(run, number)
    question = await find_question(bench.env.client, run.id, number)
    of = question.digest if names_it else ""
    await answer_question(bench.env.client, run.id, number, choice="approve", by="Grace", of=of)


@pytest.mark.parametrize(
    ("note", "names_it", "counts"),
    [("hi", True, True), ("bye", True, False), ("hi", False, False)],
    ids=["the same call", "another call", "by its number alone"],
)
async def test_reset(bench: Bench, model: ModelServer, note: str, names_it: bool, counts: bool) -> None:
    given = {"effects": str(bench.effects), "email": "ada@example.com", "note": "hi"}
    again = {**given, "note": note}
    model.script = [calls(("desk_add_note", given)), says("done")]
    async with bench.worker(jobs.approvals):
        run = await bench.start(jobs.approvals)
        for number in ("1", "2"):
            await _approve(bench, run, number, names_it=names_it)
        await bench.result(run)
        made = len(bench.effects.lines())
        model.script = [calls(("desk_add_note", again)), says("done")]
        forked = await bench.reset(run)
        if not counts:
            shown = (await waiting(forked))["1"]
            assert shown["arguments"] == again
            assert len(bench.effects.lines()) == made
            await _approve(bench, forked, "1")
        if not names_it:
            await _approve(bench, forked, "2")
        await bench.result(forked)
    assert bench.effects.lines()[made].rsplit(" ", 1)[0] == f"note ada@example.com {note}"
