"""A delivery is held against every job that it is for, and what is answered is what was written to the spool."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from pydantic import BaseModel, field_validator

from terse_temporal import Triggers, create_job
from terse_temporal.gateway.gateway import Gateway
from terse_temporal.gateway.intake import Intake, Taken
from terse_temporal.gateway.refusals import Refusal
from terse_temporal.gateway.requests import RequestReader
from terse_temporal.gateway.secrets import GatewaySecrets
from terse_temporal.gateway.settings import GatewaySettings
from terse_temporal.gateway.signing import signed_headers
from terse_temporal.gateway.spool import Spool
from terse_temporal.jobs.job import Job
from terse_temporal.jobs.registry import collecting

from .gateway_process import SECRETS


class Wants(BaseModel):
    """A field that deliveries of these tests do not have."""

    id: str
    not_there: int


class Raises(BaseModel):
    """A model whose author did not think of everything."""

    id: str

    @field_validator("id")
    @classmethod
    def _check(cls, value: str) -> str:
        raise (SystemExit if value.endswith("ends") else LookupError)(f"no such thing as {value}")


class OnThread(BaseModel):
    """A model that says where it is read."""

    id: str

    @field_validator("id")
    @classmethod
    def _note(cls, value: str) -> str:
        _threads.append(threading.current_thread())
        return value


class Waits(BaseModel):
    """A model that asks somebody else."""

    id: str

    @field_validator("id")
    @classmethod
    def _ask(cls, value: str) -> str:
        assert _go_on.wait(20)
        return value


_threads: list[threading.Thread] = []
_go_on = threading.Event()


def job(name: str, model: Any) -> Job[Any, Any]:
    """A job that a payout starts. It is new each time, as it is when its module was mended."""

    def handler(event: Any) -> None: ...

    handler.__annotations__["event"] = model
    with collecting():  # a name may be given again, and no job stays
        return create_job(name=name, triggers=[Triggers.stripe.on_event("payout.paid")], on_trigger=handler)


@pytest.fixture(autouse=True)
def no_threads() -> None:
    """Forget the threads of the test before."""
    _threads.clear()


@pytest_asyncio.fixture(loop_scope="session")
async def spool(tmp_path: Path) -> AsyncIterator[Spool]:
    async with Spool(tmp_path / "spool", max_bytes=2**25) as opened:
        yield opened


async def take(spool: Spool, *jobs: Job[Any, Any], id: str = "evt_1", padding: int = 0) -> Taken:
    reader = RequestReader(GatewaySecrets.read(SECRETS), {})
    body = json.dumps({"id": id, "type": "payout.paid", "data": {"a-value": "x" * padding}}).encode()
    secret = SECRETS["STRIPE_WEBHOOK_SECRET"].split(",", maxsplit=1)[0]
    headers = signed_headers("stripe", body, secret=secret, id="", now=datetime.now(UTC))
    intake = Intake(jobs, reader, spool)
    taken = await intake.take("stripe", list(headers.items()), body)
    intake.close()
    assert isinstance(taken, Taken)
    return taken


async def test_one_that_was_refused_is_read_anew_when_it_is_sent_again(spool: Spool) -> None:
    with pytest.raises(Refusal) as refused:
        await take(spool, job("pay", Wants))
    assert (refused.value.status, refused.value.fields) == (422, [{"field": "not_there", "problem": "missing"}])
    mended = await take(spool, job("pay", dict))
    assert mended.runs == ["pay/stripe:evt_1"]
    # And so it stays, whatever the code is then.
    assert (await take(spool, job("pay", Wants))).runs == ["pay/stripe:evt_1"]


async def test_a_job_that_refuses_does_not_keep_the_others_from_being_started(spool: Spool) -> None:
    taken = await take(spool, job("fits", dict), job("refuses", Wants), job("raises", Raises))
    assert taken.runs == ["fits/stripe:evt_1"]
    waiting = await spool.waiting(10)
    assert [pending.target.job for pending in waiting if pending.target] == ["fits"]


async def test_what_a_model_raises_refuses_the_delivery_and_is_told_to_nobody_outside(spool: Spool) -> None:
    for name in ("evt_secret", "evt_secret_ends"):
        with pytest.raises(Refusal) as refused:
            await take(spool, job("raises", Raises), id=name)
        assert refused.value.status == 422
        assert "evt_secret" not in refused.value.body().decode()
        assert "LookupError" not in refused.value.body().decode()


async def test_models_are_read_on_threads(spool: Spool) -> None:
    await take(spool, job("pay", OnThread), id="evt_small")
    await take(spool, job("pay", OnThread), id="evt_large", padding=2**20)
    assert len(_threads) == 2
    assert threading.current_thread() not in _threads


async def test_a_model_that_takes_its_time_keeps_nobody_waiting(
    spool: Spool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("terse_temporal.gateway.intake._PATIENCE", 0.1)
    _go_on.clear()
    try:
        slow = asyncio.create_task(take(spool, job("slow", Waits), id="evt_slow"))
        assert (await take(spool, job("pay", dict), id="evt_other")).runs == ["pay/stripe:evt_other"]
        assert (await slow).runs == ["slow/stripe:evt_slow"]
    finally:
        _go_on.set()
    assert "the models of slow take long to read an event: it is taken in unread" in caplog.text


@pytest.mark.parametrize(
    ("annotation", "said"),
    [("NotThere", "'NotThere', which cannot be resolved"), (object(), "Unable to generate"), (dict, None)],
)
def test_a_job_that_can_read_no_event_is_told_at_the_start(
    annotation: Any, said: str | None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Gateway([job("pay", annotation)], GatewaySettings(spool=tmp_path), secrets=GatewaySecrets.read(SECRETS))
    assert caplog.text.count("what is delivered for the job pay is refused") == (said is not None)
    assert said is None or said in caplog.text


async def test_a_spool_without_room_is_a_503_and_known_deliveries_are_answered_all_the_same(spool: Spool) -> None:
    pay = job("pay", dict)
    for number in range(100):
        try:
            await take(spool, pay, id=f"evt_{number}", padding=2**20)
        except Refusal as refused:
            full = refused
            break
    assert (full.status, full.code, full.headers["retry-after"]) == (503, "spool_full", "60")
    assert full.about == f"evt_{number} payout.paid"
    assert number > 5
    assert (await take(spool, pay, id="evt_0", padding=2**20)).is_new is False


async def test_it_knows_how_many_senders_wait_for_an_answer(spool: Spool) -> None:
    """While some do, runs are started more slowly."""
    intake = Intake([job("pay", dict)], RequestReader(GatewaySecrets.read(SECRETS), {}), spool)
    body = b'{"id": "evt_open", "type": "payout.paid"}'
    secret = SECRETS["STRIPE_WEBHOOK_SECRET"].split(",", maxsplit=1)[0]
    headers = list(signed_headers("stripe", body, secret=secret, id="", now=datetime.now(UTC)).items())
    taking = [asyncio.create_task(intake.take("stripe", headers, body)) for _ in range(3)]
    await asyncio.sleep(0)
    assert intake.under_way == 3
    await asyncio.gather(*taking)
    with pytest.raises(Refusal):
        await intake.take("stripe", [], body)
    assert intake.under_way == 0
    intake.close()
