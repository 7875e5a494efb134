"""Whoever shows a question learns in bounded time what became of an answer, also with no worker and no server."""

from __future__ import annotations

import asyncio
import time

import pytest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from terse_temporal.errors import ServerUnavailableError
from terse_temporal.gateway.inputs.answering import InputOutcome, answer_input, find_input
from terse_temporal.inputs import InputQuestion

from ..bench import Bench, Run, cache_on
from ..inputs.asking import asked, idle
from ..inputs.jobs_asking import asks, asks_for_a_form, asks_in_time, asks_many
from ..waiting import until


class With:
    """Has a client."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def client(self) -> Client:
        return self._client


class Away:
    """Has none."""

    async def client(self) -> Client:
        raise ServerUnavailableError("no Temporal server answers: this is a test.")


class Silent:
    """Has one that never answers."""

    async def client(self) -> Client:
        await asyncio.Event().wait()
        raise AssertionError


def _said(outcome: InputQuestion | InputOutcome) -> tuple[str, ...]:
    assert isinstance(outcome, InputOutcome)
    return (outcome.kind, outcome.by, outcome.ended, outcome.choice or "")


@cache_on
async def test_every_outcome(bench: Bench) -> None:
    """The same answer counts once, and is taken twice; a wrong one leaves the question open."""
    gateway = With(bench.env.client)
    async with bench.worker(asks):
        handle = await bench.start(asks, respond_by=["ada", "bob"])
        run = str((await asked(handle))["run"])
        question = await find_input(gateway, handle.id, "1", run=run, namespace="default")
        assert isinstance(question, InputQuestion)
        assert question.prompt == "Ship it?"

        async def answer(by: str = "ada", choice: str = "yes", text: str = "", run: str = run) -> InputOutcome:
            return await answer_input(gateway, handle.id, "1", run=run, choice=choice, text=text, by=by, via="page")

        wrong = await answer(choice="no", text="x")
        assert (wrong.kind, list(wrong.fields)) == ("wrong", ["text"])
        assert (await answer(by="eve")).kind == "not_allowed"
        assert (await answer(run="another")).kind == "closed"
        assert _said(await answer()) == ("taken", "", "", "")
        assert _said(await answer()) == ("taken", "", "", "")
        assert _said(await answer(text="other")) == ("answered", "ada", "answered", "yes")
        late = await answer("bob", "no")
        assert _said(late) == ("answered", "ada", "answered", "yes")
        assert late.at is not None
        assert _said(await find_input(gateway, handle.id, "1", run=run)) == ("answered", "ada", "answered", "yes")
        assert _said(await find_input(gateway, handle.id, "1", run="another")) == ("closed", "", "", "")
        assert _said(await find_input(gateway, handle.id, "2", namespace="another")) == ("closed", "", "", "")
        assert _said(await find_input(gateway, "nobody", "1")) == ("closed", "", "", "")
        assert _said(await answer_input(gateway, "nobody", "1")) == ("closed", "", "", "")
        await handle.terminate()


@cache_on
async def test_a_server_that_goes_meanwhile(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is away, whichever request it does not answer."""

    async def broken(*_: object, **__: object) -> None:
        raise RPCError("connection reset", RPCStatusCode.UNAVAILABLE, b"")

    gateway = With(bench.env.client)
    async with bench.worker(asks):
        handle = await bench.start(asks)
        await asked(handle)
        with monkeypatch.context() as patched:
            patched.setattr(bench.env.client.workflow_service, "get_workflow_execution_history", broken)
            assert _said(await find_input(gateway, handle.id, "1"))[0] == "away"
            assert _said(await answer_input(gateway, handle.id, "1", choice="yes"))[0] == "away"
        assert isinstance(await find_input(gateway, handle.id, "1"), InputQuestion)
        await handle.terminate()


@cache_on
async def test_the_mistakes_of_a_form(bench: Bench) -> None:
    """They are told by field."""
    async with bench.worker(asks_for_a_form):
        handle = await bench.start(asks_for_a_form)
        await asked(handle)
        wrong = await answer_input(With(bench.env.client), handle.id, "1", data={"title": "x", "count": "many"})
        assert (wrong.kind, sorted(wrong.fields)) == ("wrong", ["count", "title"])
        await handle.terminate()


@cache_on
async def test_what_was_not_answered(bench: Bench) -> None:
    """How it was over is said."""
    async with bench.worker(asks_in_time):
        handle = await bench.start(asks_in_time)
        await bench.result(handle)
    gateway = With(bench.env.client)
    assert [_said(await find_input(gateway, handle.id, number))[2] for number in ("1", "2", "3")] == [
        "timed_out",
        "timed_out",
        "withdrawn",
    ]


@cache_on
async def test_one_that_a_memo_does_not_list(bench: Bench) -> None:
    """Of a run that asks more than its memo lists, the others are found and answered too, by its worker."""
    gateway = With(bench.env.client)
    async with bench.worker(asks_many):
        handle = await bench.start_on_the_wall_clock(asks_many, count=23)
        await until(lambda: _has_more(handle, 3), "all are asked")
        run = str((await asked(handle))["run"])
        question = await find_input(gateway, handle.id, "23", run=run)
        assert isinstance(question, InputQuestion)
        assert (question.prompt[:3], question.job, question.run) == ("22 ", "asks-many", run)
        outcome = await answer_input(gateway, handle.id, "23", run=run, text="t", by="ada")
        assert outcome.kind == "taken"
        assert _said(await find_input(gateway, handle.id, "23", run=run)) == ("answered", "ada", "answered", "")
        assert _said(await find_input(gateway, handle.id, "22", run="another"))[0] == "closed"
        assert _said(await find_input(gateway, handle.id, "24", run=run))[0] == "closed"
    assert _said(await find_input(gateway, handle.id, "22", run=run))[0] == "no_worker"
    await handle.terminate()


async def _has_more(run: Run, count: int) -> bool:
    return bool((await asked(run, "20")).get("more") == count)


# A server waits ten seconds for a worker that has kept a run, before it asks another.
@pytest.mark.parametrize("cache", [0], indirect=True)
async def test_no_worker(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says so after the time that is given; the answer counts when a worker is there, sent again or not."""
    gateway = With(bench.env.client)
    async with bench.worker(asks):
        handle = await bench.start(asks)
        await asked(handle)
        await idle(handle)
    began = time.monotonic()
    with monkeypatch.context() as patched:
        patched.setattr("terse_temporal.gateway.inputs.answering._TO_ANSWER", 0.5)
        outcome = await answer_input(gateway, handle.id, "1", choice="yes")
    assert (outcome.kind, time.monotonic() - began < 60) == ("no_worker", True)
    async with bench.worker(asks):
        assert (await answer_input(gateway, handle.id, "1", choice="yes")).kind == "taken"
        await handle.terminate()


@pytest.mark.parametrize("gateway", [Away(), Silent()], ids=["away", "silent"])
async def test_no_server(gateway: Away | Silent, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says that too."""
    monkeypatch.setattr("terse_temporal.gateway.inputs.answering._TO_FIND", 0.1)
    assert _said(await find_input(gateway, "a", "1"))[0] == "away"
    assert _said(await answer_input(gateway, "a", "1"))[0] == "away"
