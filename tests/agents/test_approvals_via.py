"""People are told of a call that they have to approve: by `approvals_via=`, else by the default of the worker."""

from __future__ import annotations

import pytest

from ..bench import Bench, scheduled
from ..inputs.mailing import mails, server
from ..model_server import ModelServer, calls, says
from ..servers import MailServer
from ..waiting import until
from . import jobs_asked as jobs
from .approvals import waiting

__all__ = ["server"]  # a fixture


async def test_by_ways(bench: Bench, model: ModelServer) -> None:
    """Of a call of the model's and of one of the handler's, once each, and that it is over."""
    model.script = [calls(("till_pay", {"effects": str(bench.effects), "cents": 1})), says("done")]
    async with bench.worker(jobs.till_asks):
        run = await bench.start(jobs.till_asks)
        for number in "12":
            assert (await waiting(run, number))[number]["via"] == ["Noted"]
            await until(lambda: f"asks till.pay {number}" in bench.effects.lines(), "somebody is told")  # noqa: B023
            await run.execute_update("terse.input", {"id": number, "approved": True})
        assert await bench.result(run) == ["done", "paid"]
    told = [line for line in bench.effects.lines() if not line.startswith("pay")]
    assert sorted(told) == ["asks till.pay 1", "asks till.pay 2", "closes 1 approve", "closes 2 approve"]


async def test_by_default(bench: Bench, server: MailServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mail has the tool, its arguments, and the links to approve and to deny."""
    monkeypatch.setenv("TERSE_ASK_BY", "email:ops@acme.example")
    async with bench.worker(jobs.till_asks_by_default):
        run = await bench.start(jobs.till_asks_by_default)
        await waiting(run)
        await until(lambda: server.messages, "a mail is sent")
        await run.execute_update("terse.input", {"id": "1", "choice": "approve", "by": "ops@acme.example"})
        assert await bench.result(run) == "paid"
    (mail,) = mails(server)["ops@acme.example"]
    assert mail["Subject"] == "May till.pay be called?"
    assert "cents: 3" in str(mail.get_body(("plain",)))
    assert await scheduled(run) == ["input.ask", "till.pay", "input.close"]


async def test_no_way(bench: Bench, model: ModelServer) -> None:
    """What is no way to ask is refused before the model is asked anything."""
    failure = await bench.refuse(jobs.till_asks_nobody)
    assert failure.type == "InputError"
    assert "approvals_via=: via='C1'" in failure.message
    assert not model.requests
