"""A delivery that is signed as its vendor signs reaches the real process over HTTP, and starts one run of each job."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from temporalio.client import Client
from temporalio.service import RPCError

from terse_temporal.gateway.signing import signed_headers
from terse_temporal.testing import JobEnvironment

from ..webhooks import label, payload, payloads, read
from . import jobs_gateway
from .gateway_process import SECRETS, GatewayProcess, gateway_process

pytestmark = pytest.mark.server

JOBS = [
    jobs_gateway.welcome,
    jobs_gateway.count_customers,
    jobs_gateway.review,
    jobs_gateway.lead,
    jobs_gateway.unsigned,
]


@pytest.fixture(scope="module")
def queue() -> str:
    return f"gateway-{uuid.uuid4()}"


@pytest.fixture(scope="module")
def gateway(env: JobEnvironment, queue: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    directory = tmp_path_factory.mktemp("gateway")
    with gateway_process(directory, env.address, "--task-queue", queue) as started:
        yield started


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def worker(env: JobEnvironment, queue: str) -> AsyncIterator[None]:
    async with env.worker(JOBS, task_queue=queue):
        yield


@pytest_asyncio.fixture(loop_scope="session")
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=30) as made:
        yield made


async def result(client: Client, workflow_id: str) -> Any:
    """The result of a run, which may not have been started yet."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await client.get_workflow_handle(workflow_id).result()
            except RPCError:
                await asyncio.sleep(0.02)


def customer(id: str) -> dict[str, Any]:
    return {**payload("stripe/customer.created"), "id": id}


async def test_one_delivery_starts_every_job_that_it_is_for(
    env: JobEnvironment, worker: None, gateway: GatewayProcess, client: httpx.AsyncClient
) -> None:
    answer = await gateway.deliver(client, "stripe", customer("evt_both"), id="")
    assert answer.status_code == 200
    assert answer.json() == {"id": "evt_both", "runs": ["welcome/stripe:evt_both", "count-customers/stripe:evt_both"]}
    email = payload("stripe/customer.created")["data"]["object"]["email"]
    assert [await result(env.client, each) for each in answer.json()["runs"]] == [email, "counted"]
    # Of two secrets each is valid.
    old = SECRETS["STRIPE_WEBHOOK_SECRET"].split(",", maxsplit=1)[0]
    answer = await gateway.deliver(client, "stripe", customer("evt_old_secret"), id="", secret=old)
    assert answer.status_code == 200


@pytest.mark.parametrize("path", payloads("github/pull_request.opened*"), ids=label)
async def test_a_pull_request_starts_its_job(
    env: JobEnvironment, worker: None, gateway: GatewayProcess, client: httpx.AsyncClient, path: Path
) -> None:
    delivery, sent = str(uuid.uuid4()), read(path)
    answer = await gateway.deliver(client, "github", sent, id=delivery, kind="pull_request.opened")
    assert answer.json() == {"id": delivery, "runs": [f"review/github:{delivery}"]}
    assert await result(env.client, f"review/github:{delivery}") == sent["pull_request"]["number"]


async def test_a_job_of_its_own_address_is_started_by_it(
    env: JobEnvironment, worker: None, gateway: GatewayProcess, client: httpx.AsyncClient
) -> None:
    lead = {"email": "ada@example.com", "budget": 5}
    answer = await gateway.deliver(client, "webhook", lead, id="msg_1", job="lead")
    assert answer.json() == {"id": "msg_1", "runs": ["lead/webhook:msg_1"]}
    assert await result(env.client, "lead/webhook:msg_1") == "ada@example.com"
    # The name of this one is not ASCII, and has a slash in it; its address is its secret.
    for path in (gateway.path("öffnen/heute"), gateway.path("öffnen/heute").replace("%2F", "/")):
        answer = await client.post(gateway.address + path, json={"b": 1, "a": 2})
        assert answer.status_code == 200
        assert await result(env.client, answer.json()["runs"][0]) == ["a", "b"]


async def test_ten_redeliveries_at_once_start_one_run(
    env: JobEnvironment, worker: None, gateway: GatewayProcess, client: httpx.AsyncClient
) -> None:
    sent = [gateway.deliver(client, "stripe", customer("evt_ten"), id="") for _ in range(10)]
    answers = [each.json() for each in await asyncio.gather(*sent)]
    assert answers == [answers[0]] * 10
    await result(env.client, "welcome/stripe:evt_ten")
    later = await gateway.deliver(client, "stripe", customer("evt_ten"), id="")
    assert later.json() == answers[0]
    started = [run async for run in env.client.list_workflows("WorkflowId = 'welcome/stripe:evt_ten'")]
    assert len(started) <= 1  # what is listed may lag behind; the history below does not
    events = [
        event.WhichOneof("attributes")
        async for event in env.client.get_workflow_handle("welcome/stripe:evt_ten").fetch_history_events()
    ]
    assert events.count("workflow_execution_started_event_attributes") == 1
    gateway.command.says("stripe evt_ten customer.created: 200, runs: 2,")
    assert gateway.command.printed().count("stripe evt_ten customer.created: 200, was taken in before") == 10


async def test_what_no_job_is_for_is_taken_and_starts_nothing(
    gateway: GatewayProcess, client: httpx.AsyncClient
) -> None:
    answer = await gateway.deliver(client, "stripe", {"id": "evt_other", "type": "payout.paid", "data": {}}, id="")
    assert (answer.status_code, answer.json()) == (200, {"id": "evt_other", "runs": []})
    ping = await gateway.deliver(client, "github", {"zen": "Keep it logically awesome."}, id="1", kind="ping")
    assert ping.status_code == 200


async def test_a_body_that_does_not_fit_is_told_by_its_fields_and_not_by_its_values(
    gateway: GatewayProcess, client: httpx.AsyncClient
) -> None:
    lead = {"email": ["a-secret-value"], "budget": -77123}
    answer = await gateway.deliver(client, "webhook", lead, id="msg_wrong", job="lead")
    assert answer.status_code == 422
    assert answer.json()["fields"] == [
        {"field": "email", "problem": "string_type"},
        {"field": "budget", "problem": "greater_than_equal"},
    ]
    assert "secret-value" not in answer.text
    assert "77123" not in answer.text
    # Sent again it is read again, with the same outcome.
    again = await gateway.deliver(client, "webhook", lead, id="msg_wrong", job="lead")
    assert (again.status_code, again.json()) == (422, answer.json())


def _signed(sent: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"source": "stripe", "payload": sent, "id": "", **changes}


@pytest.mark.parametrize(
    ("sent", "status", "error"),
    [
        pytest.param(_signed(customer("evt_r1"), secret="whsec_wrong_secret"), 401, "signature_invalid", id="wrong"),
        pytest.param(
            _signed(customer("evt_r2"), headers={"Stripe-Signature": ""}), 401, "signature_missing", id="missing"
        ),
        pytest.param(
            _signed(customer("evt_r3"), headers={"Stripe-Signature": "t=1,v1=00"}), 401, "timestamp_stale", id="old"
        ),
        pytest.param(_signed({}, payload=b"{not json"), 400, "body_not_json", id="not-json"),
        pytest.param(_signed({}, payload=b"[]"), 400, "body_not_an_object", id="no-object"),
        pytest.param(_signed({}, payload=b"[" * 100_000), 400, "body_too_deep", id="deep"),
        pytest.param(_signed({}, payload=b" " * (1024**2 + 1)), 413, "body_too_large", id="large"),
        pytest.param(
            _signed(customer("evt_r4"), headers={"Content-Type": "multipart/form-data; boundary=x"}),
            415,
            "media_type_not_supported",
            id="multipart",
        ),
        pytest.param(
            _signed(customer("evt_r5"), headers={"content-encoding": "gzip"}), 415, "encoding_not_supported", id="gzip"
        ),
        pytest.param(_signed({"type": "customer.created"}), 400, "delivery_id_missing", id="no-id"),
    ],
)
async def test_every_refusal_is_short_json_and_starts_nothing(
    gateway: GatewayProcess,
    client: httpx.AsyncClient,
    sent: dict[str, Any],
    status: int,
    error: str,
) -> None:
    answer = await gateway.deliver(client, **sent)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert set(answer.json()) == {"error", "message"}
    assert answer.headers["content-type"] == "application/json"
    assert len(answer.content) < 300


async def test_what_is_at_no_address_is_not_found(gateway: GatewayProcess, client: httpx.AsyncClient) -> None:
    own = gateway.path("lead")
    token = own.rsplit("/", 1)[1]
    for path in (
        "/",
        "/nope",
        "/webhooks",
        "/webhooks/github/",
        "/webhooks//github",
        "/webhooks/GITHUB",
        "/webhooks/paypal",
        f"{own}x",
        f"{own}/",
        f"/webhooks/other/{token}",
        f"/webhooks/LEAD/{token}",
        f"/webhooks/x/../lead/{token}",
        f"/webhooks/lead%00/{token}",
        f"/webhooks/%6C%65ad%2F..%2Flead/{token}",
        f"/webhooks/%ff%fe/{token}",
        "/webhooks/../healthz/x",
        "/webhooks/welcome/AAAA",
        "/webhooks/\u202e/x",
    ):
        answer = await _post_as_it_is(gateway, path)
        assert answer == (404, "not_found"), path
    # A name that is written in another way is the same name.
    assert (await _post_as_it_is(gateway, own.replace("lead", "%6Cead")))[1] == "signature_missing"
    for method, path in (("GET", "/webhooks/github"), ("PUT", "/webhooks/stripe"), ("POST", "/healthz")):
        refused = await client.request(method, gateway.address + path)
        assert (refused.status_code, refused.json()["error"]) == (405, "method_not_allowed")
        assert refused.headers["allow"]


async def _post_as_it_is(gateway: GatewayProcess, path: str) -> tuple[int, str]:
    """Post to a path that no client would send as it is."""
    host, port = gateway.address.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    quoted = "".join(each if each.isascii() else "".join(f"%{byte:02X}" for byte in each.encode()) for each in path)
    writer.write(f"POST {quoted} HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}".encode())
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    return int(head.split(b" ")[1]), json.loads(body)["error"]


async def test_the_log_has_a_line_a_delivery_without_body_or_secret(
    gateway: GatewayProcess, client: httpx.AsyncClient
) -> None:
    forged = "evt_1\r\n12:00:00  stripe evt_2 customer.created: 200"
    secret = "a-value-of-the-body"
    await gateway.deliver(client, "stripe", {**customer("evt_logged"), "note": secret}, id="")
    await gateway.deliver(client, "stripe", customer(forged), id="")
    printed = gateway.command.says("stripe evt_logged")
    line = next(line for line in printed.splitlines() if "evt_logged" in line)
    assert re.fullmatch(r"\d\d:\d\d:\d\d  stripe evt_logged customer\.created: 200, runs: 2, \d+ ms", line)
    assert "evt_2" not in printed
    assert secret not in printed
    for value in SECRETS.values():
        assert not any(each in printed for each in value.split(","))
    assert gateway.path("lead").rsplit("/", 1)[1] not in printed


async def test_it_prints_what_it_serves_and_warns_of_a_short_retention(gateway: GatewayProcess) -> None:
    printed = gateway.command.says("keeps closed runs for")
    assert "operator namespace update" in printed
    for words in (
        ["welcome", "stripe.on_customer_created()", "/webhooks/stripe", "STRIPE_WEBHOOK_SECRET is set"],
        ["review", "github.on_pr_opened()", "/webhooks/github", "GITHUB_WEBHOOK_SECRET is set"],
        ["lead", "webhook.on_request(body=Lead)", "/webhooks/lead/", "TERSE_WEBHOOK_SECRET is set"],
    ):
        assert any(all(word in line for word in words) for line in printed.splitlines()), (words, printed)


async def test_health_says_whether_deliveries_can_be_taken(gateway: GatewayProcess, client: httpx.AsyncClient) -> None:
    alive, ready = [await client.get(gateway.address + path) for path in ("/healthz", "/readyz")]
    assert (alive.status_code, alive.json()) == (200, {"status": "ok"})
    assert (ready.status_code, ready.json()) == (200, {"status": "ok", "temporal": "connected"})
    assert (await client.head(gateway.address + "/readyz")).status_code == 200


async def test_sigterm_ends_it_when_requests_are_answered_and_deliveries_handed_on(
    env: JobEnvironment, tmp_path: Path, task_queue: str, client: httpx.AsyncClient
) -> None:
    with gateway_process(tmp_path, env.address, "--task-queue", task_queue) as gateway:
        ids = [f"evt_{uuid.uuid4().hex}" for _ in range(30)]
        sent = [asyncio.create_task(gateway.deliver(client, "stripe", customer(each), id="")) for each in ids]
        await asyncio.wait(sent, return_when=asyncio.FIRST_COMPLETED)
        gateway.command.send(signal.SIGTERM)
        answered = [
            each.json()["id"]
            for each in await asyncio.gather(*sent, return_exceptions=True)
            if isinstance(each, httpx.Response) and each.status_code == 200
        ]
        assert answered
        assert await asyncio.to_thread(gateway.command.ended) == 0
        printed = gateway.command.printed()
        assert "SIGTERM: taking no more requests" in printed
        assert printed.rstrip().endswith("stopped")
    for each in answered:
        await env.client.get_workflow_handle(f"welcome/stripe:{each}").describe()


async def test_a_request_that_has_begun_is_answered_after_sigterm_and_no_other_is_taken(
    env: JobEnvironment, tmp_path: Path, task_queue: str
) -> None:
    with gateway_process(tmp_path, env.address, "--task-queue", task_queue) as gateway:
        host, port = gateway.address.removeprefix("http://").split(":")
        body = json.dumps(customer("evt_last")).encode()
        secret = SECRETS["STRIPE_WEBHOOK_SECRET"].split(",", maxsplit=1)[0]
        headers = signed_headers("stripe", body, secret=secret, id="", now=datetime.now(UTC))
        lines = [
            f"{name}: {value}\r\n" for name, value in {**headers, "content-length": len(body), "host": host}.items()
        ]
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"POST /webhooks/stripe HTTP/1.1\r\n{''.join(lines)}\r\n".encode() + body[:100])
        await asyncio.sleep(0.1)
        gateway.command.send(signal.SIGTERM)
        await asyncio.to_thread(gateway.command.says, "SIGTERM: taking no more requests")
        async with asyncio.timeout(10):
            while True:
                try:
                    _, other = await asyncio.open_connection(host, int(port))
                except ConnectionError:
                    break
                other.close()
                await asyncio.sleep(0.02)
        writer.write(body[100:])
        assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
        writer.close()
        assert await asyncio.to_thread(gateway.command.ended) == 0
    await env.client.get_workflow_handle("welcome/stripe:evt_last").describe()
