"""Labels tell steps of one name apart wherever a run is shown, never fail one, and are not compared on replay."""

from __future__ import annotations

import inspect
import json
import logging
from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, SecretStr

from terse_temporal import Event, step
from terse_temporal.cli.following import Follower
from terse_temporal.errors import JobDefinitionError
from terse_temporal.jobs.labels import Template, summary_of
from terse_temporal.runs.timeline import Entry

from ..bench import Bench
from ..versions import replayed, version
from .jobs_labels import labelled

LONG = "é" * 99 + "…"

SHOWN = [
    "fetch (page 07)",
    r"print (one\ntwo, 4, 2)",
    "print ({page.title}, {page.rows[1]}, {copies})",  # there is no second row
    "plain (first)",
    f"plain ({LONG})",
    "plain",
]


async def test_where_they_are_shown(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    """In the log of the worker, in what follows a run, and in the summary, which is as long as the server takes."""
    changed: list[Entry] = []
    with caplog.at_level(logging.INFO, logger="terse_temporal"):
        async with bench.worker(labelled):
            run = await bench.start(labelled)
            follower = Follower(
                bench.env.client, run, bench.task_queue, on_change=changed.append, on_notice=lambda _: None
            )
            assert (await follower.follow()).failure is None
    told = [each.getMessage() for each in caplog.records]
    assert [line.split("  ")[2].split(" done in")[0] for line in told if line.startswith("step ")] == SHOWN
    summaries = [
        each.user_metadata.summary.data
        for each in (await run.fetch_history()).events
        if each.HasField("activity_task_scheduled_event_attributes")
    ]
    assert [json.loads(each) if each else "" for each in summaries][3:] == ["first", "é" * 40, ""]
    # What is followed is what the server has, so no more than the summary.
    titles = [*SHOWN[:4], f"plain ({'é' * 40})", "plain"]
    assert [entry.title for entry in follower.timeline.entries] == titles
    assert all(f"step  {entry.title}  done" in entry.line() for entry in changed)


async def test_a_deploy_may_change_them(bench: Bench, tmp_path: Path) -> None:
    """A run goes on with other labels, or none, with code that is otherwise the same and with one for two steps."""
    source = """
from terse_temporal import create_job, job_step, step

@step(label="page {number}")
def fetch(number: int):
    return number

@create_job(name="lbl-changed", durable=True)
async def changed(event):
    for number in (1, 2):
        await fetch(number)
        await job_step(run=lambda given: given, name="plain", input=number, label=f"item {number}")
"""
    with version(source, tmp_path) as (job,):
        async with bench.worker(job):
            run = await bench.start(job)
            await bench.result(run)
            history = await run.fetch_history()
    for old, new in (('(label="page {number}")', ""), ("page {number}", "{number} of 2"), ("item {number}", "x" * 500)):
        with version(source.replace(old, new), tmp_path) as jobs:
            (result,) = await replayed(jobs, history)
        assert result.failure is None, new


class Color(Enum):
    RED = "red"


@dataclass
class Point:
    x: int

    @property
    def trap(self) -> str:
        raise AssertionError("a label has run code")


@dataclass(slots=True)
class Slotted:
    x: int


class Loud(BaseModel):
    secret: SecretStr = SecretStr("hush")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # pytest looks for some
            raise AttributeError(name)
        raise AssertionError("a label has run code")

    def __format__(self, spec: str) -> str:
        raise AssertionError("a label has run code")


def numbered(number: int) -> None: ...


def template(text: str) -> Template:
    return Template(text, inspect.signature(lambda value, *rest, other=5: None))


@pytest.mark.parametrize(
    ("text", "value", "label"),
    [
        ("{{{value}}} of {other}", 1, "{1} of 5"),
        ("{value[a].x} {value[b].x}", {"a": Point(1), "b": Slotted(2)}, "1 2"),
        ("{value.a[0]}", Event(a=["data"]), "data"),
        ("{value}", date(2026, 1, 2), "2026-01-02"),
        ("|{value:>6}|", Color.RED, "|   red|"),
        ("{value:,.1f}", 1234.56, "1,234.6"),
        ("{value}", True, "True"),
        ("{value}", "a\x1b[31m\u202e\ud800\r", r"a\x1b[31m\u202e\ud800\r"),
        ("{value}{value}", "y" * 1_000_000, "y" * 99 + "…"),
    ],
)
def test_fields(text: str, value: Any, label: str) -> None:
    """A field goes down into plain data and models; what it gives is one line of at most 100 characters."""
    made = template(text)
    assert made.label(made._signature.bind(value)) == label


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{value}", Loud()),
        ("{value.secret}", Loud()),
        ("{value.model_dump}", Loud()),
        ("{value.trap}", Point(1)),
        ("{value.real}", 1),
        ("{value.missing}", defaultdict(lambda: pytest.fail("a label has run code"))),
        ("{value[3]}", [1]),
        ("{rest}", 1),
        ("{value:d}", "text"),
        ("{value:x}", object()),
        ("{value[0]}", [10**5000]),
    ],
)
def test_what_is_not_plain_is_left_alone(text: str, value: Any) -> None:
    """Nothing of the value's own is run, and the label is the template."""
    made = template(text)
    assert made.label(made._signature.bind(value)) == text


def test_a_secret_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    """A value of the environment that is a secret is in no label, not even where the cut would halve it."""
    monkeypatch.setenv("SHOP_API_KEY", "sk-live-0123456789")
    made = template("{other}{value}")
    for before in (80, 90, 92):
        assert "sk-" not in made.label(made._signature.bind("z" * before + "sk-live-0123456789" + "z" * 20_000))


def test_a_summary_is_what_the_server_takes() -> None:
    """It is cut by the bytes that it has as JSON."""
    assert summary_of("a" * 100) == "a" * 100
    assert summary_of("😀" * 100) == "😀" * 20


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("{nobody}", "'nobody'"),
        ("{}", "''"),
        ("{0}", "'0'"),
        ("{number.__class__}", "'number.__class__'"),
        ("{number[__class__]}", "'number[__class__]'"),
        ("{number._private}", "private"),
        ("{number!r}", "'number' has the conversion !r"),
        ("{number:>999}", "'number' is formatted as '>999'"),
        ("{number:{number}}", "'number' is formatted as"),
        ("{number", "label='{number'"),
        ("{number[}", "label='{number[}'"),
        ("}", "label='}'"),
        ("a" * 501, "500 characters at most"),
        (7, "label=7: give a string"),
    ],
)
def test_a_wrong_template_is_refused(label: Any, said: str) -> None:
    """Where it is written, with the field that is wrong."""
    with pytest.raises(JobDefinitionError) as caught:
        step(label=label)(numbered)
    assert said in str(caught.value)
