"""`terse-temporal inputs`: questions are listed and shown as they are, and answered once."""

from __future__ import annotations

import json
import re
from pathlib import Path

from ..agents.approvals import command
from ..bench import Bench, cache_on
from ..waiting import until
from . import jobs_asking as jobs
from .asking import asked, idle


@cache_on
async def test_listed_shown_and_answered(bench: Bench, tmp_path: Path) -> None:
    """A question is found among all runs, shown with what it takes, and answered; a second answer is told by whom."""
    address = ["--address", bench.env.address]
    async with bench.worker(jobs.asks):
        run = await bench.start(jobs.asks)
        await asked(run)
        listed = await command(tmp_path, "inputs", "list", "--job", "asks", *address)
        assert run.id in listed.stdout
        assert "Ship it?" in listed.stdout
        rows = json.loads((await command(tmp_path, "inputs", "list", "--json", *address)).stdout)
        (row,) = [row for row in rows if row["id"] == run.id]
        assert (row["number"], row["prompt"], list(row["details"].items())) == (
            "1",
            "Ship it?",
            [("zone", "B"), ("amount", 5)],
        )
        shown = await command(tmp_path, "inputs", "show", run.id, *address)
        assert "no  No: Nothing happens" in shown.stdout
        wrong = await command(tmp_path, "inputs", "answer", run.id, "--choice", "perhaps", *address)
        assert (wrong.status, "choose one of 'yes', 'no'" in wrong.stderr) == (2, True)
        given = ["--choice", "yes", "--text", "at noon", "--by", "Ada"]
        answered = await command(tmp_path, "inputs", "answer", run.id, *given, *address)
        assert (answered.status, answered.stderr) == (0, "")
        late = await command(tmp_path, "inputs", "answer", run.id, "1", "--choice", "no", *address)
        assert (late.status, "was answered before by 'Ada'" in late.stderr) == (1, True)
        await asked(run, "2")
        over = json.loads((await command(tmp_path, "inputs", "show", run.id, "--json", *address)).stdout)
        assert [each["number"] for each in over["open"]] == ["2"]
        assert (over["over"]["1"]["by"], over["over"]["1"]["via"]) == ("Ada", "terminal")
        await command(tmp_path, "inputs", "answer", run.id, "2", "--text", "Bob", *address)
        assert (await bench.result(run))[3] == "Bob"
    ended = await command(tmp_path, "inputs", "answer", run.id, "--text", "Eve", *address)
    assert (ended.status, "question '2' of the run" in ended.stderr, "was answered before by" in ended.stderr) == (
        1,
        True,
        True,
    )
    nobody = await command(tmp_path, "inputs", "answer", "nobody", "1", "--text", "x", *address)
    assert (nobody.status, "'nobody'" in nobody.stderr) == (2, True)


@cache_on
async def test_a_form(bench: Bench, tmp_path: Path) -> None:
    """The fields of a form are shown with their limits, and every mistake in what is given is named."""
    address = ["--address", bench.env.address]
    async with bench.worker(jobs.asks_for_a_form):
        run = await bench.start(jobs.asks_for_a_form)
        await asked(run)
        shown = await command(tmp_path, "inputs", "show", run.id, *address)
        assert "title  (text, at least 3)" in shown.stdout
        assert re.findall(r"^  (\w+)  \(", shown.stdout, re.MULTILINE) == ["title", "count", "size", "labels"]
        assert 'size  (choice of small, large, "small" if left out)' in shown.stdout
        data = json.dumps({"title": "x", "count": 0})
        wrong = await command(tmp_path, "inputs", "answer", run.id, "--data", data, *address)
        assert wrong.status == 2
        assert "  title: " in wrong.stderr
        assert "  count: " in wrong.stderr
        data = json.dumps({"title": "good"})
        taken = await command(tmp_path, "inputs", "answer", run.id, "--data", data, "--by", "ada", "--json", *address)
        assert taken.status == 0
        assert json.loads(taken.stdout) == {"id": run.id, "status": "taken", "by": "ada"}
        assert (await bench.result(run))[:2] == ["GOOD", None]


@cache_on
async def test_what_a_run_waits_for(bench: Bench, tmp_path: Path) -> None:
    """`runs why` tells the question and until when, and neither its timer nor that of a reminder."""
    address = ["--address", bench.env.address]
    async with bench.worker(jobs.asks_in_time):
        run = await bench.start_on_the_wall_clock(jobs.asks_in_time)
        await asked(run)
        await until(lambda: bench.effects.lines(), "the way has asked")
        await idle(run)
        why = await command(tmp_path, "runs", "why", run.id, *address)
        await run.terminate()
    assert "waits for the answer to question 1" in why.stdout
    assert "(in 29 d" in why.stdout or "(in 30 d" in why.stdout  # in its first half second
    assert "timer" not in why.stdout
    assert "timeout" not in why.stdout
