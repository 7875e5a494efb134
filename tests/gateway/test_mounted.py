"""The gateway mounted in an app of the user's takes deliveries, begun by its lifespan or by the first request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from temporalio.client import Client

from terse_temporal.errors import ServerUnavailableError
from terse_temporal.gateway import Limits, build_app
from terse_temporal.gateway.server import listen
from terse_temporal.gateway.signing import signed_headers
from terse_temporal.gateway.spool import Spool

from ..waiting import until_logged
from . import jobs_gateway
from .gateway_process import SECRETS

_BODY = b'{"id": "evt_%d", "type": "payout.paid", "data": {"object": {}}}'


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)


async def _away() -> Client:
    raise ServerUnavailableError("no Temporal server answers: this is a test.")


def _gateway(tmp_path: Path, **options: object) -> FastAPI:
    jobs = [jobs_gateway.welcome, jobs_gateway.lead]
    return build_app(jobs, connect=_away, spool=tmp_path / "spool", **options)  # type: ignore[arg-type]


async def _deliver(client: httpx.AsyncClient, path: str, number: int = 1) -> httpx.Response:
    body = _BODY % number
    secret = SECRETS["STRIPE_WEBHOOK_SECRET"].split(",")[0]
    return await client.post(
        path, content=body, headers=signed_headers("stripe", body, secret=secret, id="", now=datetime.now(UTC))
    )


async def _holds(tmp_path: Path) -> list[str]:
    """What is in the spool, which nobody has any more."""
    async with Spool(tmp_path / "spool") as spool:
        return [each.id async for each in spool.recent("stripe", datetime.min.replace(tzinfo=UTC))]


async def test_the_lifespan_of_the_users_app_runs_it(tmp_path: Path) -> None:
    gateway = _gateway(tmp_path)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with gateway.state.gateway.running():
            yield

    app = FastAPI(lifespan=lifespan)
    app.mount("/hooks", gateway)

    @app.get("/hello")
    async def hello() -> str:
        return "hello"

    listening = listen("127.0.0.1", 0)
    address = f"http://127.0.0.1:{listening.getsockname()[1]}"
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="on", ws="none"))
    serving = asyncio.create_task(server._serve([listening]))
    try:
        async with httpx.AsyncClient(base_url=address, transport=httpx.AsyncHTTPTransport(retries=3)) as client:
            assert (await client.get("/hello")).json() == "hello"
            taken = await _deliver(client, "/hooks/webhooks/stripe")
            assert (taken.status_code, taken.json()) == (200, {"id": "evt_1", "runs": []})
            assert (await client.get("/hooks/readyz")).json()["temporal"] == "away"
            assert (await client.post("/hooks/webhooks/nope")).json()["error"] == "not_found"
            assert (await client.post("/hooks/webhooks/stripe", content=b"x" * 2**21)).status_code == 413
            github = await client.post("/hooks/webhooks/github", content=b"x" * 2**21)
            assert (github.status_code, github.json()["error"]) == (401, "signature_missing")
            own = gateway.state.gateway.addresses.path("lead")
            assert (await client.post(f"/hooks{own}", content=b"{}")).json()["error"] == "signature_missing"
            described = (await client.get("/hooks/openapi.json")).json()
            assert described["servers"] == [{"url": "/hooks"}]
            assert (await client.get("/hooks/docs")).status_code == 200
    finally:
        server.should_exit = True
        await serving
        listening.close()
    assert await _holds(tmp_path) == ["evt_1"]


async def test_without_it_the_first_requests_begin_it_once(tmp_path: Path) -> None:
    gateway = _gateway(tmp_path)
    app = FastAPI()
    app.mount("/hooks", gateway)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(base_url="http://app", transport=transport) as client:
        answers = await asyncio.gather(*(_deliver(client, "/hooks/webhooks/stripe", n) for n in range(5)))
        assert [each.status_code for each in answers] == [200] * 5
    await gateway.state.gateway.stop()
    assert sorted(await _holds(tmp_path)) == [f"evt_{n}" for n in range(5)]


def test_the_end_of_the_event_loop_closes_what_nobody_stops(tmp_path: Path) -> None:
    gateway = _gateway(tmp_path)
    app = FastAPI()
    app.mount("/hooks", gateway)

    async def one_delivery(number: int) -> int:
        async with httpx.AsyncClient(base_url="http://app", transport=httpx.ASGITransport(app)) as client:
            return (await _deliver(client, "/hooks/webhooks/stripe", number)).status_code

    # Each has a loop of its own, and finds the spool free.
    assert [asyncio.run(one_delivery(number)) for number in range(2)] == [200, 200]
    assert sorted(asyncio.run(_holds(tmp_path))) == ["evt_0", "evt_1"]


async def test_a_spool_that_another_has_is_a_503_and_no_end(tmp_path: Path) -> None:
    gateway = _gateway(tmp_path)
    transport = httpx.ASGITransport(gateway)
    async with httpx.AsyncClient(base_url="http://app", transport=transport) as client:
        async with Spool(tmp_path / "spool"):
            for answer in (await _deliver(client, "/webhooks/stripe"), await client.get("/readyz")):
                assert (answer.status_code, answer.json()["error"]) == (503, "spool_unusable")
                assert answer.headers["retry-after"] == "60"
            assert (await client.get("/healthz")).status_code == 200
        assert (await _deliver(client, "/webhooks/stripe")).status_code == 200
    await gateway.state.gateway.stop()


@pytest.mark.parametrize("stripped", [True, False], ids=["proxy-strips-the-path", "proxy-leaves-the-path"])
async def test_behind_a_proxy_it_is_described_under_its_path(tmp_path: Path, stripped: bool) -> None:
    gateway = _gateway(tmp_path, root_path="/edge/hooks", limits=Limits(body=100))
    root = "" if stripped else "/edge/hooks"
    async with httpx.AsyncClient(base_url="http://app", transport=httpx.ASGITransport(gateway)) as client:
        assert (await _deliver(client, f"{root}/webhooks/stripe")).status_code == 200
        assert (await client.get(f"{root}/openapi.json")).json()["servers"] == [{"url": "/edge/hooks"}]
        # The limit of GitHub's address is found under the path too.
        large = await client.post(f"{root}/webhooks/github", content=b"x" * 200)
        assert large.status_code == 401
    await gateway.state.gateway.stop()


async def test_slack_gets_an_empty_answer_to_a_button_and_its_challenge_back(tmp_path: Path) -> None:
    gateway = _gateway(tmp_path)

    async def send(client: httpx.AsyncClient, body: bytes) -> httpx.Response:
        headers = signed_headers("slack", body, secret=SECRETS["SLACK_SIGNING_SECRET"], id="", now=datetime.now(UTC))
        return await client.post("/webhooks/slack", content=body, headers=headers)

    async with httpx.AsyncClient(base_url="http://app", transport=httpx.ASGITransport(gateway)) as client:
        challenge = await send(client, b'{"type": "url_verification", "challenge": "3eZbrw1aB"}')
        assert (challenge.status_code, challenge.json()) == (200, {"challenge": "3eZbrw1aB"})
        button = await send(client, b"payload=%7B%22type%22%3A%22block_actions%22%2C%22trigger_id%22%3A%2212%22%7D")
        assert (button.status_code, button.content) == (200, b"")
        event = b'{"type": "event_callback", "event_id": "Ev1", "event": {"type": "app_mention"}}'
        assert (await send(client, event)).json() == {"id": "Ev1", "runs": []}
    await gateway.state.gateway.stop()


async def test_build_app_says_which_extra_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    import terse_temporal.gateway  # noqa: PLC0415
    from terse_temporal.errors import MissingExtraError  # noqa: PLC0415

    monkeypatch.setattr("terse_temporal.gateway.extra.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'terse-temporal\[gateway\]'"):
        _ = terse_temporal.gateway.build_app


async def test_a_path_that_is_no_address_is_logged_without_what_may_be_a_token(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Who has entered a wrong address at a vendor looks for it in the log."""
    gateway = _gateway(tmp_path)
    token = gateway.state.gateway.addresses.path("lead").rpartition("/")[2]
    transport = httpx.ASGITransport(gateway)
    async with httpx.AsyncClient(base_url="http://test", transport=transport) as client:
        for path in ("/webhook/stripe", "/webhooks/stripe/", f"/hooks/lead/{token}", f"/webhooks/lead/{token}/x"):
            assert (await client.post(path)).status_code == 404
        assert (await client.get("/webhooks/stripe")).status_code == 405
    said = [each.rpartition(", ")[0] for each in caplog.messages if ": 40" in each]
    assert said == [
        "/webhook/stripe: 404, not_found",
        "/webhooks/stripe/: 404, not_found",
        "/hooks/lead/…: 404, not_found",
        "lead/…: 404, not_found",
        "/webhooks/stripe: 405, method_not_allowed",
    ]


def test_what_is_missing_is_said_when_the_app_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A secret that is not set, and jobs whose modules were not imported before."""
    _gateway(tmp_path)
    assert caplog.messages == []
    monkeypatch.delenv("STRIPE_WEBHOOK_SECRET")
    _gateway(tmp_path)
    build_app([], connect=_away, spool=tmp_path / "spool")
    missing, none = caplog.messages
    assert missing.startswith("STRIPE_WEBHOOK_SECRET is not set")
    assert none.startswith("build_app() has no jobs, so that nothing is started: import their modules")


@pytest.mark.parametrize("lazy", [False, True])
async def test_a_client_of_the_sdk_whose_server_is_away(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, lazy: bool
) -> None:
    """It is asked for until it is there, and that is one line in the log."""

    async def connect() -> Client:
        return await Client.connect("127.0.0.1:1", lazy=lazy)

    gateway = build_app([jobs_gateway.lead], connect=connect, spool=tmp_path / "spool").state.gateway
    async with gateway.running():
        await until_logged(caplog, "deliveries wait in the spool")
        assert await gateway.check() is not None
    assert "unexpectedly" not in caplog.text
