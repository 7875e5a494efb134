"""A question that names no way is asked by `TERSE_ASK_BY` of the worker, and a run does on a replay what it did."""

from __future__ import annotations

import logging

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from terse_temporal.cli import worker_command
from terse_temporal.cli.engine_log import ServerWatch
from terse_temporal.cli.worker_command import Observer, WorkerOptions
from terse_temporal.errors import InputError
from terse_temporal.inputs import EmailWay, InputWay, email, slack, terminal, webpage
from terse_temporal.inputs.default_way import default_way
from terse_temporal.plugin import TersePlugin

from ..bench import Bench, cache_on, scheduled
from ..servers import MailServer
from ..waiting import until, until_logged
from .asking import answer, asked
from .jobs_golden import golden_inputs
from .jobs_mailing import asks_by_default
from .mailing import KEY, mails, server
from .record_golden import FILE

__all__ = ["server"]  # a fixture


async def test_by_mail(bench: Bench, server: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who was asked is told that it is over, also where others are asked by then; and the next question is theirs."""
    monkeypatch.setenv("TERSE_ASK_BY", "email: ops@acme.example, Ada <ada@acme.example>")
    async with bench.worker(asks_by_default):
        run = await bench.start_on_the_wall_clock(asks_by_default)
        await until(lambda: len(server.messages) == 2, "both have a mail")
        assert (await asked(run))["via"] == ["default"]
        monkeypatch.setenv("TERSE_ASK_BY", "email:eve@acme.example")
        await answer(run, text="a", by="ada@acme.example")
        await until(lambda: "eve@acme.example" in mails(server), "the next question is asked")
        await answer(run, "2", text="b", by="eve@acme.example")
        assert await bench.result(run) == ["a", "b"]
    subjects = {to: [each["Subject"] for each in got] for to, got in mails(server).items()}
    assert subjects == {
        "ops@acme.example": ["One?", "Answered: One?"],
        "ada@acme.example": ["One?"],
        "eve@acme.example": ["Two?"],
    }


@cache_on
async def test_by_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing is set, nobody is told, and a run that has begun so goes on so."""
    monkeypatch.delenv("TERSE_ASK_BY", raising=False)
    async with bench.worker(asks_by_default):
        run = await bench.start_on_the_wall_clock(asks_by_default)
        await asked(run)
        monkeypatch.setenv("TERSE_ASK_BY", "page")
        await answer(run, text="a")
        await answer(run, "2", text="b")
        assert await bench.result(run) == ["a", "b"]
    assert await scheduled(run) == []


@cache_on
async def test_the_page(bench: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """With `page` the link stands in the log, and with nothing any more too."""
    caplog.set_level(logging.INFO)
    monkeypatch.setenv("TERSE_ASK_BY", "page")
    monkeypatch.setenv("TERSE_GATEWAY_URL", "https://hooks.acme.example")
    monkeypatch.setenv("TERSE_GATEWAY_KEY", KEY)
    async with bench.worker(asks_by_default):
        run = await bench.start_on_the_wall_clock(asks_by_default)
        await until_logged(caplog, f"{run.id}  question 1: https://hooks.acme.example/inputs/")
        monkeypatch.delenv("TERSE_ASK_BY")
        await answer(run, text="a")
        await until_logged(caplog, f"{run.id}  question 2: https://hooks.acme.example/inputs/")
        await answer(run, "2", text="b")
        assert await bench.result(run) == ["a", "b"]


async def test_a_history_of_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that asked nobody does not begin to on a replay, whatever the environment has by now."""
    monkeypatch.setenv("TERSE_ASK_BY", "page")
    history = WorkflowHistory.from_json(FILE.stem, FILE.read_text())
    result = await Replayer(workflows=[], plugins=[TersePlugin([golden_inputs])]).replay_workflow(history)
    assert result.replay_failure is None


@pytest.mark.parametrize(
    ("text", "way"),
    [
        ("slack:C0612345678", slack(channel="C0612345678")),
        ("email:a@x.example", email("a@x.example")),
        (" Email : a@x.example , B <b@x.example>,", EmailWay(to=("a@x.example", "B <b@x.example>"))),
        ("page", webpage()),
        ("terminal", terminal()),
        ("", webpage()),
    ],
    ids=str,
)
def test_what_may_stand_there(text: str, way: InputWay) -> None:
    """Each way by its name, with what it is sent to."""
    assert default_way(text) == way


async def test_a_worker_process_says_it_at_its_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker process does not begin with a variable that means nothing."""
    monkeypatch.setenv("TERSE_ASK_BY", "pager:5")
    with pytest.raises(InputError, match="TERSE_ASK_BY is 'pager:5': give slack:CHANNEL"):
        await worker_command._run([], WorkerOptions(targets=[]), Observer(), ServerWatch())


@pytest.mark.parametrize("text", ["slack", "email:", "email:nobody", "pager:5", "page:1", "slack :"])
def test_what_may_not(text: str) -> None:
    """Anything else is said to be wrong, with the variable."""
    with pytest.raises(InputError, match="TERSE_ASK_BY"):
        default_way(text)
