"""`terse-temporal codec-server` shows encrypted data in the Web UI and the CLI, to those who may see them alone."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from google.protobuf.json_format import MessageToDict, ParseDict
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.client import Client, WorkflowFailureError
from temporalio.converter import (
    DataConverter,
    ExternalStorage,
    StorageDriver,
    StorageDriverClaim,
    StorageDriverRetrieveContext,
    StorageDriverStoreContext,
)

from terse_temporal.devserver import find_temporal_cli
from terse_temporal.encryption.codec import is_encrypted
from terse_temporal.encryption.converting import with_encryption
from terse_temporal.encryption.keys import KEY_VARIABLE, EncryptionKey, KeyRing, new_key
from terse_temporal.gateway.codec_app import CODEC_LIMITS, codec_app
from terse_temporal.gateway.server import GatewayServer, listen
from terse_temporal.testing import JobEnvironment
from terse_temporal.worker import build_worker

from ..commands import running
from ..in_process import run_command
from .jobs_encrypted import child

KEY = new_key()
CONVERTER = with_encryption(DataConverter.default, KeyRing.read({KEY_VARIABLE: KEY}))
UI = "http://localhost:8233"
TOKEN = "a-token-that-nobody-guesses"


@asynccontextmanager
async def asking(
    converter: DataConverter = CONVERTER, host: str = "localhost:8089", **options: Any
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the app, without a port."""
    app = codec_app(converter, origins=[UI], **options)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=f"http://{host}") as client:
        yield client


def body(payloads: Sequence[Payload]) -> dict[str, Any]:
    """Payloads as the protocol has them."""
    return MessageToDict(Payloads(payloads=payloads))


def payloads_of(answer: httpx.Response) -> Sequence[Payload]:
    """The payloads of an answer."""
    assert answer.status_code == 200, answer.text
    return ParseDict(answer.json(), Payloads()).payloads


@pytest.mark.parametrize("prefix", ["", "/default"])
async def test_it_encodes_and_decodes(prefix: str) -> None:
    """What is plain is left by `/decode`, and what it decodes is what was encoded."""
    plain = await DataConverter.default.encode([{"a": 1}, None, b"bytes"])
    async with asking() as client:
        encoded = payloads_of(await client.post(f"{prefix}/encode", json=body(plain)))
        assert all(map(is_encrypted, encoded))
        decoded = payloads_of(
            await client.post(f"{prefix}/decode?preserveStorageRefs=true", json=body([*encoded, *plain]))
        )
        assert list(decoded) == [*plain, *plain]


@pytest.mark.parametrize(
    ("status", "code", "request_"),
    [
        (403, "origin_not_allowed", {"headers": {"origin": "https://evil.example"}}),
        (403, "origin_not_allowed", {"headers": {"origin": "null"}}),
        (403, "host_not_allowed", {"headers": {"host": "evil.example:8089"}}),
        (415, "no_json", {"content": b'{"payloads": []}', "headers": {"content-type": "text/plain"}}),
        (415, "no_json", {"content": b'{"payloads": []}', "headers": {"content-type": ""}}),
        (400, "no_payloads", {"content": b"[", "headers": {"content-type": "application/json"}}),
        (400, "no_payloads", {"json": []}),
        (400, "no_payloads", {"json": {"payloads": [{"data": 7}]}}),
        (400, "no_payloads", {"json": {"payloads": 7}}),
        (400, "no_payloads", {"content": b"[" * 100_000, "headers": {"content-type": "application/json"}}),
        (413, "body_too_large", {"json": {"payloads": [{"data": "A" * 3000}]}}),
    ],
)
async def test_what_is_refused(status: int, code: str, request_: dict[str, Any]) -> None:
    """Other pages, also where a name leads them here; what a page can send without asking; what is no payload."""
    async with asking(limits=replace(CODEC_LIMITS, body=2000 if status == 413 else 200_000)) as client:
        nothing: dict[str, Any] = {} if {"json", "content"} & set(request_) else {"json": {"payloads": []}}
        answer = await client.post("/decode", **nothing, **request_)
        assert (answer.status_code, answer.json()["error"]) == (status, code)
        assert "access-control-allow-origin" not in answer.headers
        assert (await client.get("/decode")).status_code == 405
        assert (await client.post("/decrypt", json={})).status_code == 404


async def test_a_web_ui_that_was_named_may_ask() -> None:
    """Its browser asks first, also from a public page to this machine, and is told what refusals say."""
    async with asking() as client:
        asked = await client.options(
            "/decode",
            headers={
                "origin": UI,
                "access-control-request-method": "POST",
                "access-control-request-headers": "content-type,x-namespace,authorization",
                "access-control-request-private-network": "true",
            },
        )
        assert asked.status_code == 200
        assert asked.headers["access-control-allow-origin"] == UI
        assert asked.headers["access-control-allow-private-network"] == "true"
        refused = await client.options(
            "/decode", headers={"origin": "https://evil.example", "access-control-request-method": "POST"}
        )
        assert "access-control-allow-origin" not in refused.headers
        answered = await client.post("/decode", json={"payloads": []}, headers={"origin": UI, "x-namespace": "default"})
        assert answered.json() == {}
        assert answered.headers["access-control-allow-origin"] == UI
        wrong = await client.post("/decode", json=[], headers={"origin": UI})
        assert (wrong.status_code, wrong.headers["access-control-allow-origin"]) == (400, UI)


async def test_a_token_is_needed_where_there_is_one() -> None:
    """By whatever name the server is called then."""
    async with asking(host="codec.example", tokens=["another-token-of-somebody", TOKEN]) as client:
        for given in ({}, {"authorization": TOKEN}, {"authorization": "Bearer wrong"}, {"authorization": "Bearer ü"}):
            headers = {name.encode(): value.encode() for name, value in given.items()}
            answer = await client.post("/decode", json={"payloads": []}, headers=headers)
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        answer = await client.post("/decode", json={"payloads": []}, headers={"authorization": f"Bearer {TOKEN}"})
        assert answer.status_code == 200


async def test_a_key_that_is_missing_is_named() -> None:
    """In the answer, which the CLI prints."""
    other = with_encryption(DataConverter.default, KeyRing.read({KEY_VARIABLE: new_key()}))
    async with asking() as client:
        answer = await client.post("/decode", json=body(await other.encode([1])))
    assert (answer.status_code, answer.json()["error"]) == (422, "not_readable")
    assert EncryptionKey(base64.b64decode(KEY)).id in answer.json()["message"]


class Kept(StorageDriver):
    """A storage in memory."""

    def __init__(self) -> None:
        self.kept: list[Payload] = []

    def name(self) -> str:
        return "kept"

    async def store(self, context: StorageDriverStoreContext, payloads: Sequence[Payload]) -> list[StorageDriverClaim]:
        self.kept += payloads
        return [StorageDriverClaim({"at": str(self.kept.index(each))}) for each in payloads]

    async def retrieve(
        self, context: StorageDriverRetrieveContext, claims: Sequence[StorageDriverClaim]
    ) -> list[Payload]:
        return [self.kept[int(each.claim_data["at"])] for each in claims]


async def test_what_a_storage_has_is_downloaded() -> None:
    """The Web UI is left the reference, and fetches what it leads to by itself; the CLI gets that at once."""
    storage = ExternalStorage(drivers=[Kept()], payload_size_threshold=1000)
    stored = replace(CONVERTER, external_storage=storage)
    small, large = await DataConverter.default.encode(["small", "large" * 1000])
    async with asking(stored) as client:
        encoded = payloads_of(await client.post("/encode", json=body([small, large])))
        assert is_encrypted(encoded[0])
        assert encoded[1].external_payloads[0].size_bytes > 5000
        kept = payloads_of(await client.post("/decode?preserveStorageRefs=true", json=body(encoded)))
        assert list(kept) == [small, encoded[1]]
        assert list(payloads_of(await client.post("/decode", json=body(encoded)))) == [small, large]
        assert list(payloads_of(await client.post("/download", json=body(encoded[1:])))) == [large]
    async with asking() as client:
        answer = await client.post("/decode", json=body(encoded))
        assert (answer.status_code, answer.json()["error"]) == (422, "not_readable")
        assert "external storage is not configured" in answer.json()["message"]


@asynccontextmanager
async def served(converter: DataConverter) -> AsyncIterator[str]:
    """The app on a port of this machine, as the command serves it."""
    ready = asyncio.Event()
    with listen("127.0.0.1", 0) as listening:
        app = codec_app(converter, tokens=[TOKEN])
        server = GatewayServer(app, CODEC_LIMITS, on_ready=ready.set)
        serving = asyncio.create_task(server.serve([listening]))
        await ready.wait()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.stop()
        await serving


@pytest.mark.server
async def test_the_cli_of_temporal_shows_a_run(env: JobEnvironment, client: Client, task_queue: str) -> None:
    """With `--codec-endpoint`: what it was given, what came of it, its failure; what the CLI starts is encrypted."""

    async def temporal(*arguments: str, codec: str = "") -> str:
        codecs = ["--codec-endpoint", f"{codec}/{{namespace}}", "--codec-auth", f"Bearer {TOKEN}"] if codec else []
        process = await asyncio.create_subprocess_exec(
            str(find_temporal_cli()),
            *("workflow", *arguments, *codecs, "--address", env.address),
            env={"PATH": os.environ["PATH"], "TEMPORAL_CONFIG_FILE": os.devnull},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        printed, _ = await process.communicate()
        return printed.decode()

    shown_id = f"shown-{uuid.uuid4()}"
    start = ("start", "--type", "encrypted-child", "--task-queue", task_queue, "--input")
    async with (
        build_worker(client, jobs=[child], task_queue=task_queue),
        served(client.data_converter) as codec,
    ):
        await temporal(*start, '{"data": "zq-typed"}', "--workflow-id", shown_id, codec=codec)
        assert await client.get_workflow_handle(shown_id).result() == "zq-typed zq-child-result"
        await temporal(*start, '{"fail": "zq-failing"}', "--workflow-id", f"{shown_id}-failed", codec=codec)
        with pytest.raises(WorkflowFailureError):
            await client.get_workflow_handle(f"{shown_id}-failed").result()
        plain = [
            await temporal("show", "--workflow-id", each, "--detailed") for each in (shown_id, f"{shown_id}-failed")
        ]
        shown = [
            await temporal("show", "--workflow-id", each, "--detailed", codec=codec)
            for each in (shown_id, f"{shown_id}-failed")
        ]
    assert "zq-" not in "".join(plain)
    assert "zq-typed zq-child-result" in shown[0]
    assert "fail: zq-failing" in shown[1]
    assert "declined: zq-failing" in shown[1]


@pytest.mark.server
def test_the_command_serves(tmp_path: Path) -> None:
    """It says where, with which keys and for whom, and ends in good order."""
    environment = {KEY_VARIABLE: f"{KEY},{new_key()}", "TERSE_CODEC_TOKEN": TOKEN}
    command = ("terse-temporal", "codec-server", "--port", "0", "--origin", f"{UI}/")
    with running(*command, cwd=tmp_path, env=environment) as server:
        printed = server.says("ready")
        assert f"Web UI {UI}" in printed
        assert "token needed" in printed
        assert KeyRing.read(environment).keys[1].id in printed
        assert not any(each in printed for each in (*environment[KEY_VARIABLE].split(","), TOKEN))
        address = printed.partition("codec server ")[2].split()[0]
        refused = httpx.post(f"{address}/decode", json={"payloads": []})
        answered = httpx.post(f"{address}/decode", json={"payloads": []}, headers={"authorization": f"Bearer {TOKEN}"})
        assert (refused.status_code, answered.status_code) == (401, 200)
        assert "/decode: 401" in server.says("401")
        server.send(signal.SIGTERM)
        assert server.ended() == 0
        assert "stopped" in server.printed()


def test_the_command_says_what_is_missing(tmp_path: Path) -> None:
    """A key, a token where others can reach it, an origin that is none; and it makes keys."""
    made = run_command("codec-server", "--new-key", cwd=tmp_path)
    assert made.status == 0
    assert len(KeyRing.read({KEY_VARIABLE: made.stdout.strip()}).keys) == 1
    assert made.stdout.strip() not in made.stderr
    for arguments, extra, said in (
        ([], {}, "neither TERSE_ENCRYPTION_KEY nor TERSE_STORAGE is set"),
        ([], {KEY_VARIABLE: "no key"}, "TERSE_ENCRYPTION_KEY is not base64"),
        (["--host", "0.0.0.0"], {KEY_VARIABLE: KEY}, "set TERSE_CODEC_TOKEN"),
        (["--origin", "*"], {KEY_VARIABLE: KEY}, "is no origin of a page"),
        (["--origin", f"{UI}/namespaces"], {KEY_VARIABLE: KEY}, "without a path"),
        ([], {KEY_VARIABLE: KEY, "TERSE_CODEC_TOKEN": "short"}, "which can be guessed"),
    ):
        kept = {KEY_VARIABLE: "", "TERSE_STORAGE": "", "TERSE_CODEC_TOKEN": ""}
        ended = run_command("codec-server", *arguments, cwd=tmp_path, env=kept | extra)
        assert ended.status == 2
        assert said in " ".join(ended.stderr.split())


def test_json_of_the_protocol() -> None:
    """Bytes are base64 in the body, as `temporal` and the Web UI send them."""
    assert json.dumps(body([Payload(metadata={"encoding": b"json/plain"}, data=b"1")])) == (
        '{"payloads": [{"metadata": {"encoding": "anNvbi9wbGFpbg=="}, "data": "MQ=="}]}'
    )
