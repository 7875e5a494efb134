"""`http.request` sends what it is given, as often as its method allows, and returns or raises what comes back."""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from terse_temporal import toolbox
from terse_temporal.errors import MissingExtraError, ServiceError, StepInputError, TransientError
from terse_temporal.execution.in_place import execution_for_call
from terse_temporal.execution.retries import fault_of
from terse_temporal.testing import JobEnvironment
from terse_temporal.tools import find_tool

from ..bench import Bench, scheduled
from ..effects import Effects
from ..servers import Answer, HttpServer, closed_port, http_server, make_certificate
from .jobs_builtin import calls_a_tool, calls_a_tool_in_place


@pytest_asyncio.fixture(loop_scope="session")
async def server() -> AsyncIterator[HttpServer]:
    async with http_server() as running:
        yield running


async def failed(**arguments: Any) -> ServiceError:
    """What a call in place raises."""
    with pytest.raises(ServiceError) as caught:
        await toolbox.http.request(**arguments)
    return caught.value


async def test_a_request_and_its_answer(server: HttpServer) -> None:
    """The method, query, headers and JSON go out as given; status, headers and JSON come back."""
    server.script = [Answer(201, json={"id": 7}, headers={"ETag": '"1"', "Set-Cookie": "sid=1", "X-Auth-Token": "t"})]
    answer = await toolbox.http.request(
        method="post",
        url=f"{server.url}/leads?a=1",
        params={"b": 2},
        headers={"X-Trace": "t-1"},
        json={"name": "Ada"},
    )
    assert (answer.status, answer.url, answer.body) == (201, f"{server.url}/leads", {"id": 7})
    assert answer.headers == {"etag": '"1"', "content-type": "application/json; charset=utf-8"}
    seen = server.requests[0]
    assert (seen.method, seen.path, seen.query, seen.json) == ("POST", "/leads", {"a": "1", "b": "2"}, {"name": "Ada"})
    assert seen.headers["x-trace"] == "t-1"


async def test_bodies(server: HttpServer) -> None:
    """A form and a string are sent as they are, and not both."""
    await toolbox.http.request(method="POST", url=server.url, form={"a": "1 2"})
    await toolbox.http.request(method="PUT", url=server.url, body="a,b", headers={"Content-Type": "text/csv"})
    form, text = server.requests
    assert (form.text, form.headers["content-type"]) == ("a=1+2", "application/x-www-form-urlencoded")
    assert (text.text, text.headers["content-type"]) == ("a,b", "text/csv")
    assert "has json and body; give one of them" in str(
        await failed(method="POST", url=server.url, json={"a": 1}, body="b")
    )


@pytest.mark.parametrize(
    ("content", "kind", "body"),
    [
        (b"caf\xc3\xa9", "text/plain", "café"),
        (b"caf\xe9", "text/html; charset=latin-1", "café"),
        (b"a\xff", "text/plain", "a\ufffd"),
        (b"<a/>", "application/xml", "<a/>"),
        (b'{"a": 1}', "application/problem+json", {"a": 1}),
        (b"{oops", "application/json", "{oops"),
        (b"[NaN]", "application/json", "[NaN]"),
        (b"[1e999, 1.5]", "application/json", "[1e999, 1.5]"),
        (b"[1e9, 1.5]", "application/json", [1e9, 1.5]),
        (b"", "application/json", None),
    ],
)
async def test_what_a_body_becomes(server: HttpServer, content: bytes, kind: str, body: Any) -> None:
    """JSON is parsed where it is JSON, and what is text is text."""
    server.script = [Answer(content=content, headers={"Content-Type": kind})]
    assert (await toolbox.http.request(method="GET", url=server.url)).body == body


async def test_what_is_no_text_is_refused(server: HttpServer) -> None:
    """An image is no result, and the message says whether the request was carried out."""
    image = Answer(content=b"\x89PNG\xff\x00", headers={"Content-Type": "image/png"})
    server.script = [image, image]
    assert "6 bytes of image/png, which is not text. Make" in str(await failed(method="GET", url=server.url))
    assert "The request has been carried out." in str(await failed(method="POST", url=server.url))


async def test_an_answer_that_is_too_large(server: HttpServer) -> None:
    """An answer over the limit of a history is cut off with an error, and is not asked for again."""
    server.usual = lambda _: Answer(content=b"x" * 3_000_000)
    error = await failed(method="GET", url=server.url)
    assert "more than 2,093,056 bytes" in str(error)
    assert not isinstance(error, TransientError)
    assert len(server.requests) == 1


async def test_an_error_says_what_happened_and_no_secrets(server: HttpServer) -> None:
    """A 4xx raises an error with method, URL, status and the start of the body, without the query of the URL."""
    server.script = [Answer(422, json={"detail": "x" * 2000})]
    error = await failed(method="POST", url=f"{server.url}/leads?key=topsecret#part", json={})
    text = str(error)
    assert text.startswith(f'POST {server.url}/leads was answered with 422 Unprocessable Entity: {{"detail": "xxx')
    assert "topsecret" not in text
    assert len(text) < 700
    assert error.status == 422


async def test_an_error_as_an_answer(server: HttpServer) -> None:
    """With `raise_for_status=False` an error of the other side is returned, and not repeated."""
    server.script = [Answer(503, json={"why": "tired"})]
    answer = await toolbox.http.request(method="GET", url=server.url, raise_for_status=False)
    assert (answer.status, answer.body) == (503, {"why": "tired"})
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("method", "carries"), [("GET", False), ("HEAD", False), ("POST", True), ("PUT", True), ("DELETE", True)]
)
async def test_the_idempotency_key(server: HttpServer, method: str, carries: bool) -> None:
    """Every method but GET and HEAD carries the step's key, unless the caller gives one."""
    await toolbox.http.request(method=method, url=server.url)
    await toolbox.http.request(method=method, url=server.url, headers={"idempotency-key": "mine"})
    key = server.requests[0].headers.get("idempotency-key")
    assert bool(key and re.fullmatch("[0-9a-f]{32}", key)) == carries
    assert server.requests[1].headers["idempotency-key"] == "mine"


FAILURES = {
    "429": Answer(429, json={}, headers={"Retry-After": "1"}),
    "500": Answer(500, json={}),
    "cut": Answer(cut=True),
}

AGAIN = [
    (method, failure, more, times)
    for failure in FAILURES
    for method, more, times in [
        ("GET", {}, 2),
        ("OPTIONS", {}, 2),
        ("PUT", {}, 2),
        ("DELETE", {}, 2),
        ("POST", {}, 1),
        ("PATCH", {}, 1),
        ("POST", {"headers": {"Idempotency-Key": "mine"}}, 1),
        ("POST", {"idempotent": True}, 2),
    ]
]


@pytest.mark.parametrize(("method", "failure", "more", "times"), AGAIN)
async def test_which_methods_are_repeated(
    server: HttpServer, method: str, failure: str, more: dict[str, Any], times: int
) -> None:
    """Safe and idempotent methods may be sent again after a failure, POST and PATCH only with `idempotent=True`."""
    server.usual = lambda _: FAILURES[failure]
    arguments = {"method": method, "url": server.url, **more}
    # The rule alone, without waiting: every failure says of itself whether it may be repeated.
    error = await once(arguments)
    fault = fault_of(error)
    assert (2 if fault else 1) == times
    assert ("is not repeated" in str(error)) == (times == 1)
    assert error.retry_after == (1.0 if failure == "429" else None)


async def once(arguments: dict[str, Any]) -> ServiceError:
    """What the first attempt of a call raises."""
    with pytest.raises(ServiceError) as caught:
        await execution_for_call().call(replace(find_tool("http.request").request(arguments), retry=None))
    return caught.value


@pytest.mark.parametrize("failure", list(FAILURES))
async def test_repeated_in_place(server: HttpServer, failure: str) -> None:
    """In place a GET is sent again after a failure, with the same URL, and its answer returned."""
    server.script = [FAILURES[failure]]
    assert (await toolbox.http.request(method="GET", url=f"{server.url}/a")).body == {"ok": True}
    assert server.asked == ["GET /a", "GET /a"]


async def test_when_it_is_repeated(server: HttpServer) -> None:
    """A request is not sent again before the time that `Retry-After` asks for."""
    server.script = [Answer(503, headers={"Retry-After": "2"})]
    await toolbox.http.request(method="GET", url=server.url)
    first, second = server.requests
    assert second.at - first.at >= 2


async def test_when_it_is_repeated_in_a_durable_job(
    env: JobEnvironment, task_queue: str, effects: Effects, server: HttpServer
) -> None:
    """Nor is it in a durable job."""
    bench = Bench(env, 1000, task_queue, effects)
    server.script = [Answer(429, headers={"Retry-After": "3"})]
    async with bench.worker(calls_a_tool):
        arguments = {"method": "GET", "url": server.url}
        run = await bench.start_on_the_wall_clock(calls_a_tool, tool="http.request", arguments=arguments)
        await bench.result(run)
    first, second = server.requests
    assert second.at - first.at >= 2.9


async def test_a_timeout(server: HttpServer) -> None:
    """A request that is not answered in time is an error; a POST may have been carried out, and is not repeated."""
    server.usual = lambda _: Answer(after=5)
    error = await failed(method="POST", url=server.url, timeout="200ms")
    assert "did not answer within 200 milliseconds. It may have been carried out" in str(error)
    assert len(server.requests) == 1
    assert fault_of(await once({"method": "GET", "url": server.url, "timeout": "100ms"})) is not None


async def test_a_connection_that_never_came_about(server: HttpServer) -> None:
    """Where nobody listens nothing was sent, so that a POST too is tried again."""
    error = await once({"method": "POST", "url": f"http://127.0.0.1:{await closed_port()}/x"})
    fault = fault_of(error)
    assert fault is not None
    assert not fault.sent


async def test_a_certificate_that_is_not_trusted(tmp_path: Path) -> None:
    """An untrusted certificate is an error that trying again does not help."""
    async with http_server(make_certificate(tmp_path).context) as server:
        error = await failed(method="GET", url=server.url)
    assert "certificate of the host is not trusted" in str(error)
    assert server.requests == []


async def test_redirects(server: HttpServer) -> None:
    """A GET goes where it is redirected to, up to five times; a POST does not."""
    server.script = [Answer(302, headers={"Location": "/b?secret=1"}), Answer(json="here")]
    answer = await toolbox.http.request(method="GET", url=f"{server.url}/a")
    assert (answer.url, answer.body) == (f"{server.url}/b", "here")
    server.usual = lambda _: Answer(307, headers={"Location": "/again?secret=1"})
    error = await failed(method="POST", url=f"{server.url}/a")
    assert str(error) == (
        f"POST {server.url}/a is redirected (307) to {server.url}/again, which is not followed; ask there"
    )
    server.requests.clear()
    assert "more than 5 times" in str(await failed(method="GET", url=f"{server.url}/a"))
    assert len(server.requests) == 6
    answer = await toolbox.http.request(
        method="GET", url=f"{server.url}/a", follow_redirects=False, raise_for_status=False
    )
    assert answer.status == 307


async def test_credentials(server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials come from the environment by name, go out as headers, and are hidden in what comes back."""
    monkeypatch.setenv("CRM_TOKEN", " sesame-open\n")
    monkeypatch.setenv("CRM_KEY", "key-4711-x")
    server.usual = lambda request: Answer(json={"sent": request.headers, "key-4711-x": ["key-4711-x"]})
    answer = await toolbox.http.request(
        method="GET", url=server.url, auth_env="CRM_TOKEN", headers_env={"X-Api-Key": "CRM_KEY"}
    )
    headers = server.requests[0].headers
    assert (headers["authorization"], headers["x-api-key"]) == ("Bearer sesame-open", "key-4711-x")
    assert answer.body["sent"]["authorization"] == "Bearer (hidden)"
    assert answer.body["(hidden)"] == ["(hidden)"]


async def test_credentials_go_to_no_other_host(server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A redirect to another host does not take the credentials along."""
    monkeypatch.setenv("CRM_TOKEN", "sesame-open")
    arguments: dict[str, Any] = {"method": "GET", "auth_env": "CRM_TOKEN", "headers_env": {"X-Api-Key": "CRM_TOKEN"}}
    async with http_server() as other:
        server.script = [
            Answer(302, headers={"Location": "/here"}),
            Answer(302, headers={"Location": f"{other.url}/there"}),
        ]
        await toolbox.http.request(url=server.url, **arguments)
    assert all({"authorization", "x-api-key"} <= set(each.headers) for each in server.requests)
    assert len(server.requests) == 2
    assert {"authorization", "x-api-key"}.isdisjoint(other.requests[0].headers)


async def test_credentials_that_are_missing_or_wrong(server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that is not set, or cannot be a header, is an error that names it and shows no value."""
    monkeypatch.setenv("EMPTY", "")
    monkeypatch.setenv("LINES", "sesame\nopen")
    for variable in ("NOT_THERE", "EMPTY"):
        error = await failed(method="GET", url=server.url, auth_env=variable)
        assert f"environment variable {variable!r} for the header 'Authorization'" in str(error)
    text = str(await failed(method="GET", url=server.url, headers_env={"X-Key": "LINES"}))
    assert "'LINES' holds a line break" in text
    assert "sesame" not in text
    server.script = [Answer(401, json={}), Answer(401, json={})]
    assert "It carried no credential" in str(await failed(method="GET", url=server.url))
    monkeypatch.setenv("CRM_TOKEN", "sesame-open")
    assert "Check the credential" in str(await failed(method="GET", url=server.url, auth_env="CRM_TOKEN"))
    assert len(server.requests) == 2


async def test_the_operators_list(server: HttpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """With TERSE_HTTP_CREDENTIALS only what it lists is sent, and only where it says: scheme, host and port."""
    monkeypatch.setenv("CRM_TOKEN", "sesame-open")
    monkeypatch.setenv("ANYWHERE", "sesame-half")
    monkeypatch.setenv("OTHER", "sesame-shut")
    place = server.url.removeprefix("http://")
    others = (
        f"OTHER@api.example.com OTHER@127.0.0.1 OTHER@{place} OTHER@https://{place} OTHER@http://127.0.0.1:81 OTHER@["
    )
    monkeypatch.setenv("TERSE_HTTP_CREDENTIALS", f"CRM_TOKEN@{server.url} ANYWHERE {others}")
    await toolbox.http.request(method="GET", url=server.url, auth_env="CRM_TOKEN")
    await toolbox.http.request(method="GET", url=server.url, headers_env={"X-Key": "ANYWHERE"})
    for variable in ("OTHER", "HOME"):
        text = str(await failed(method="GET", url=server.url, auth_env=variable))
        assert f'Add "{variable}@{server.url}" to that' in text
    # A host by itself is its https at 443, of which no server is needed to be told no.
    text = str(await failed(method="GET", url="https://127.0.0.1:8443/", auth_env="CRM_TOKEN"))
    assert 'Add "CRM_TOKEN@127.0.0.1:8443" to that' in text
    text = str(await failed(method="GET", url="http://api.example.com/", auth_env="OTHER"))
    assert 'Add "OTHER@http://api.example.com" to that' in text
    assert len(server.requests) == 2


async def test_credentials_in_the_arguments(server: HttpServer) -> None:
    """A credential among the arguments is refused: as a header before it is recorded, and in the URL."""
    with pytest.raises(StepInputError, match="auth_env") as caught:
        toolbox.http.request(method="GET", url=server.url, headers={"Authorization": "Bearer sesame-open"})  # type: ignore[unused-coroutine]
    assert "sesame" not in str(caught.value)
    text = str(await failed(method="GET", url=server.url.replace("//", "//ada:sesame-open@")))
    assert "holds a user name or a password" in text
    assert "sesame" not in text
    assert server.requests == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"method": "GET IT"},
        {"timeout": "1h"},
        {"timeout": "soon"},
        {"headers": {"a": 1}},
        {"headers": {"a": "1\r\nb: 2"}},
        {"nonsense": 1},
    ],
)
def test_wrong_arguments(wrong: dict[str, Any]) -> None:
    """What cannot be a request is refused when it is called, before anything is scheduled."""
    with pytest.raises(StepInputError):
        toolbox.http.request(**{"method": "GET", "url": "http://127.0.0.1", **wrong})  # type: ignore[unused-coroutine]


@pytest.mark.parametrize("url", ["nonsense", "ftp://example.com/", "http://", "/a"])
async def test_no_url(url: str) -> None:
    """What is no URL is an error that is not retried."""
    assert "is not a URL" in str(await failed(method="GET", url=url))


async def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without httpx, the error says what to install."""
    monkeypatch.setitem(sys.modules, "httpx", None)
    monkeypatch.delitem(sys.modules, "terse_temporal.tools.builtin.http.client", raising=False)
    with pytest.raises(MissingExtraError, match=r'pip install "terse-temporal\[http\]"'):
        await toolbox.http.request(method="GET", url="http://127.0.0.1")


@pytest.mark.parametrize("failure", list(FAILURES))
async def test_a_durable_job_repeats_a_get(bench: Bench, server: HttpServer, failure: str) -> None:
    """In a durable job a GET is sent again after a failure, and is one step in the history."""
    server.script = [FAILURES[failure]]
    async with bench.worker(calls_a_tool):
        run = await bench.start(
            calls_a_tool, tool="http.request", arguments={"method": "GET", "url": f"{server.url}/a"}
        )
        answer = await bench.result(run)
    assert (answer["status"], answer["body"]) == (200, {"ok": True})
    assert server.asked == ["GET /a", "GET /a"]
    assert await scheduled(run) == ["http.request"]


@pytest.mark.parametrize("failure", list(FAILURES))
async def test_a_durable_job_posts_once(bench: Bench, server: HttpServer, failure: str) -> None:
    """In a durable job a POST is sent once, whatever becomes of it, and the handler sees what."""
    server.usual = lambda _: FAILURES[failure]
    told = await bench.run(
        calls_a_tool, tool="http.request", arguments={"method": "POST", "url": f"{server.url}/a", "json": {}}
    )
    assert server.asked == ["POST /a"]
    assert told["is a step error"]
    assert not told["transient"]
    assert told["status"] == FAILURES[failure].status if failure != "cut" else told["status"] is None
    assert "It may have been carried out, so it is not repeated" in told["error"]


async def test_the_key_is_the_same_on_every_attempt(bench: Bench, server: HttpServer) -> None:
    """A PUT that is sent again carries the idempotency key of its first time."""
    server.script = [FAILURES["cut"], FAILURES["500"]]
    await bench.run(calls_a_tool, tool="http.request", arguments={"method": "PUT", "url": server.url})
    keys = [each.headers["idempotency-key"] for each in server.requests]
    assert len(keys) == 3
    assert len(set(keys)) == 1


async def test_a_job_that_is_not_durable(bench: Bench, server: HttpServer) -> None:
    """In a job that is not durable the call runs in place, by the same rules."""
    server.script = [FAILURES["500"]]
    answer = await bench.run(
        calls_a_tool_in_place, tool="http.request", arguments={"method": "GET", "url": f"{server.url}/a"}
    )
    assert answer["body"] == {"ok": True}
    assert server.asked == ["GET /a", "GET /a"]
