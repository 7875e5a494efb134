"""What the OpenAPI description says is what is answered, to requests made from it, signed or not, right or wrong."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from temporalio.client import Client

from terse_temporal.errors import ServerUnavailableError
from terse_temporal.gateway import Limits, build_app
from terse_temporal.gateway.signing import signed_headers
from terse_temporal.jobs.job import Job

from . import jobs_gateway
from .gateway_process import SECRETS, VARIABLES

#: Requests for each address, for each way to make them.
_EXAMPLES = 15

_VENDORS = [f"POST /webhooks/{source}" for source in ("github", "stripe", "slack", "linear")]
_OPERATOR = "token-of-an-operator-of-tests"
_OWN = "POST /webhooks/{job}/{token}"
_INPUTS = ["GET /api/inputs", "GET /api/inputs/{id}/{number}", "POST /api/inputs/{id}/{number}/answer"]
_OPERATIONS = [*_VENDORS, _OWN, *_INPUTS, "GET /healthz", "GET /readyz"]


class Described:
    """An app, its description, and a loop that they are used on."""

    def __init__(self, spool: Path) -> None:
        jobs: list[Job] = [jobs_gateway.welcome, jobs_gateway.review, jobs_gateway.lead]
        self.app = build_app(jobs, connect=_away, spool=spool, limits=Limits(rate=1e6))
        self._runner = asyncio.Runner()
        self._client = httpx.AsyncClient(base_url="http://gateway", transport=httpx.ASGITransport(self.app))
        self.document: dict[str, Any] = self._runner.run(self._client.get("/openapi.json")).json()
        loaded = schemathesis.openapi.from_dict(self.document)
        # Who has sent wrong tokens is not believed a right one for some time, so that this comes from somewhere else.
        operator = httpx.ASGITransport(self.app, client=("192.0.2.9", 1))
        self._operator = httpx.AsyncClient(base_url="http://gateway", transport=operator)
        found = [each.ok() for each in loaded.get_all_operations() if isinstance(each, Ok)]
        self.operations = {each.label: each for each in found}

    def send(self, case: Case[Any], *, signed: bool) -> httpx.Response:
        """Send a request, and hold the answer against the description."""
        made = case.as_transport_kwargs(base_url="http://gateway")
        made.pop("allow_redirects", None)
        made["headers"] = {name: _sendable(value) for name, value in made.get("headers", {}).items()}
        if isinstance(made.get("data"), bytes | str):
            made["content"] = made.pop("data")
        request = self._client.build_request(**made)
        if signed:
            self._sign(request)
        client = self._operator if signed and request.url.path.startswith("/api/") else self._client
        answer: httpx.Response = self._runner.run(client.send(request))
        case.validate_response(
            answer,
            checks=[
                # Of what is asked of Temporal, 503 is the answer while that is away.
                *([] if answer.status_code == 503 and client is self._operator else [not_a_server_error]),
                status_code_conformance,
                content_type_conformance,
                response_schema_conformance,
                response_headers_conformance,
            ],
        )
        return answer

    def ask(self, path: str, body: bytes) -> Any:
        """Send a signed request, hold the answer against the description, and return it."""
        request = self._client.build_request("POST", path, content=body)
        self._sign(request, kind="ping")
        answer: httpx.Response = self._runner.run(self._client.send(request))
        operation = self.operations[f"POST {path}"]
        operation.validate_response(answer)
        schema = self.document["paths"][path]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
        assert len(schema["anyOf"]) >= 2
        return answer.json()

    def _sign(self, request: httpx.Request, kind: str = "pull_request.opened") -> None:
        if request.url.path.startswith("/api/"):
            request.headers["authorization"] = f"Bearer {_OPERATOR}"
            return
        source = request.url.path.split("/")[2]
        if source not in VARIABLES:
            source = "webhook"
            request.url = request.url.copy_with(path=self.app.state.gateway.addresses.path("lead"))
        headers = signed_headers(
            source,
            request.content,
            secret=SECRETS[VARIABLES[source]].split(",")[0],
            id="an-id",
            now=datetime.now(UTC),
            kind=kind,
        )
        request.headers.update(headers)

    def close(self) -> None:
        """Close the spool, and the loop."""
        self._runner.run(self.app.state.gateway.stop())
        self._runner.close()


def _sendable(value: Any) -> str:
    return str(value).encode("latin-1", "replace").decode("latin-1")


async def _away() -> Client:
    raise ServerUnavailableError("no Temporal server answers: this is a test.")


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Described]:
    with pytest.MonkeyPatch.context() as patched:
        for name, value in SECRETS.items():
            patched.setenv(name, value)
        patched.setenv("TERSE_OPERATOR_TOKEN", f"ada:{_OPERATOR}")
        made = Described(tmp_path_factory.mktemp("openapi") / "spool")
        yield made
        made.close()


def test_every_address_is_described(described: Described) -> None:
    assert sorted(described.operations) == sorted(_OPERATIONS)
    for path, operations in described.document["paths"].items():
        for method, operation in operations.items():
            assert operation["summary"], path
            assert "partial" not in str(operation)
            if method == "post":
                assert {"200", "400", "401", "408", "413", "415", "422", "429", "431", "500", "503"} <= set(
                    operation["responses"]
                )
    schemas = described.document["components"]["schemas"]
    assert "HTTPValidationError" not in schemas
    assert set(schemas["Refused"]["properties"]) == {"error", "message", "fields"}


def test_what_vendors_ask_before_they_deliver_is_answered_as_described(described: Described) -> None:
    for path, body, answer in (
        ("/webhooks/slack", b'{"type": "url_verification", "challenge": "3eZbrw1aB"}', {"challenge": "3eZbrw1aB"}),
        ("/webhooks/github", b'{"zen": "Keep it logically awesome."}', {"ok": True}),
    ):
        assert described.ask(path, body) == answer


def test_what_a_modal_of_slack_is_answered_with_is_as_described(described: Described) -> None:
    view = {"callback_id": "terse.input.answer.v1", "private_metadata": '["no token", null]'}
    body = json.dumps({"type": "view_submission", "user": {"id": "U061F7AUR"}, "view": view}).encode()
    assert described.ask("/webhooks/slack", body)["response_action"] == "update"


# Of those for operators one, since all refuse who is none in one place.
@pytest.mark.parametrize("label", [each for each in _OPERATIONS if each not in _INPUTS[1:]])
def test_answers_are_as_described(described: Described, label: str) -> None:
    refused = {401, 429} if label in _INPUTS else {400, 401, 404, 413}
    assert _statuses(described, label, GenerationMode.POSITIVE, signed=False) <= (
        {200} if label in ("GET /healthz", "GET /readyz") else refused
    )


@pytest.mark.parametrize("label", _VENDORS)
def test_answers_to_requests_that_are_not_as_described_are(described: Described, label: str) -> None:
    for signed in (False, True):
        assert _statuses(described, label, GenerationMode.NEGATIVE, signed=signed) <= {200, 400, 401, 413, 415}


@pytest.mark.parametrize("label", [*_VENDORS, _OWN])
def test_answers_to_signed_requests_are_as_described(described: Described, label: str) -> None:
    statuses = _statuses(described, label, GenerationMode.POSITIVE, signed=True)
    # A signature is valid, so that all that is left to refuse is the body.
    assert 401 not in statuses
    assert statuses <= {200, 400, 422}


@pytest.mark.parametrize("label", _INPUTS)
def test_answers_to_operators_are_as_described(described: Described, label: str) -> None:
    """Of whom none is refused for the token, whatever else is sent."""
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        statuses = _statuses(described, label, mode, signed=True)
        assert 401 not in statuses
        assert statuses <= {400, 404, 405, 503}


def _statuses(described: Described, label: str, mode: GenerationMode, *, signed: bool) -> set[int]:
    statuses: set[int] = set()

    @settings(
        max_examples=_EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=described.operations[label].as_strategy(generation_mode=mode))
    def send(case: Case[Any]) -> None:
        statuses.add(described.send(case, signed=signed).status_code)

    send()
    return statuses
