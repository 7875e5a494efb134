"""No more is taken of a request, of an address, or of all together than the limits say, and each refusal is JSON."""

from __future__ import annotations

import asyncio
import logging
import socket
import time

import httpx
import pytest

from terse_temporal.gateway.settings import KIB, MIB, Limits

from .serving import answer, post, serve


async def test_a_body_over_the_limit_is_refused_and_githubs_may_be_larger() -> None:
    async with serve(Limits(body=100 * KIB, github_body=MIB)) as served, httpx.AsyncClient() as client:
        fits = await client.post(f"{served.address}/webhooks/stripe", content=b"x" * 100 * KIB)
        assert fits.json()["size"] == 100 * KIB
        over = await client.post(f"{served.address}/webhooks/stripe", content=b"x" * (100 * KIB + 1))
        assert over.status_code == 413
        assert over.json() == {"error": "body_too_large", "message": "The body is larger than 102,400 bytes."}
        large = await client.post(f"{served.address}/webhooks/github", content=b"x" * MIB)
        assert large.json()["size"] == MIB
        assert (await client.post(f"{served.address}/webhooks/github", content=b"x" * (MIB + 1))).status_code == 413
        # Only this very address.
        for path in ("/webhooks/github/x", "/webhooks/%67ithub/", "/webhooks/x/webhooks/github"):
            assert (await client.post(served.address + path, content=b"x" * MIB)).status_code == 413
    assert served.bodies == [100 * KIB, MIB]


async def test_a_body_is_counted_whatever_the_request_says_of_its_length() -> None:
    async def chunks() -> object:
        for _ in range(40):
            yield b"x" * 64 * KIB

    async with serve(Limits(body=MIB)) as served, httpx.AsyncClient() as client:
        refused = await client.post(f"{served.address}/webhooks/stripe", content=chunks())  # type: ignore[arg-type]
        assert refused.status_code == 413
        # One that says itself that it is too long is not waited for.
        told = await served.send(
            post("/webhooks/stripe", b"", "expect: 100-continue").replace(
                b"content-length: 0", b"content-length: 99999999"
            )
        )
        assert answer(told)[0] == 413
        # A length that is none at all is no HTTP.
        for length in (b"-1", b"1e3", b"0x10", b"5, 6", b"9" * 5000):
            status, content = answer(
                await served.send(post("/webhooks/stripe").replace(b"content-length: 0", b"content-length: " + length))
            )
            assert (status, content["error"]) in [(400, "not_http"), (413, "body_too_large")]
    assert served.bodies == []


async def test_a_body_that_comes_slowly_is_cut_off() -> None:
    async with serve(Limits(body_seconds=0.4)) as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        began = time.monotonic()
        writer.write(b"POST /webhooks/stripe HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n")
        received = b""

        async def drip() -> None:
            while True:
                writer.write(b"x")
                await asyncio.sleep(0.05)

        dripping = asyncio.create_task(drip())
        async with asyncio.timeout(30):
            received = await reader.read()
        dripping.cancel()
        writer.close()
        assert answer(received) == (
            408,
            {"error": "body_too_slow", "message": "The body did not arrive within 0.4 seconds."},
        )
        assert 0.3 < time.monotonic() - began < 30
    assert served.bodies == []


async def test_a_client_that_is_refused_while_it_sends_reads_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the connection is closed with that, and whatever is still on its way."""
    monkeypatch.setattr("terse_temporal.gateway.server._LINGER", 60)
    large = b"x" * 16 * MIB
    async with serve(Limits(body=100 * KIB)) as served:
        for request, refused in (
            (post("/webhooks/stripe", large), (413, "body_too_large")),
            (b"POST /webhooks/stripe HTTP/1.1\r\nhost: x\r\n" + large, (400, "not_http")),
            (large, (400, "not_http")),
            (post("/webhooks/stripe", large, "transfer-encoding: chunked"), (400, "not_http")),
        ):
            status, content = answer(await served.send(request))
            assert (status, content["error"]) == refused
        began = time.monotonic()
    assert time.monotonic() - began < 30  # who was refused does not hold up the end


async def test_more_requests_at_once_than_the_limit_are_refused_and_health_is_answered_all_the_same() -> None:
    async with serve(Limits(requests=3)) as served, httpx.AsyncClient() as client:
        held = [asyncio.create_task(client.post(f"{served.address}/webhooks/held", content=b"{}")) for _ in range(3)]
        await served.has_read(3)
        refused = await client.post(f"{served.address}/webhooks/stripe", content=b"{}")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert refused.json()["error"] == "busy"
        assert (await client.get(f"{served.address}/healthz")).status_code == 200
        served.go_on.set()
        assert [each.status_code for each in await asyncio.gather(*held)] == [200, 200, 200]
        assert (await client.post(f"{served.address}/webhooks/stripe", content=b"{}")).status_code == 200


async def test_slow_bodies_make_room_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those who send slowly, from however many addresses, keep nobody out; who has just begun is not cut off."""
    monkeypatch.setattr("terse_temporal.gateway.limits._SLOW", 0.2)
    slow = b"POST /webhooks/github HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n"
    async with serve(Limits(requests=2)) as served, httpx.AsyncClient() as client:
        cut_off = [asyncio.create_task(served.send(slow)) for _ in range(2)]
        statuses = []
        async with asyncio.timeout(30):
            while 200 not in statuses:
                statuses.append((await client.post(f"{served.address}/webhooks/stripe", content=b"{}")).status_code)
                await asyncio.sleep(0.02)
        assert statuses[0] == 503
        said = answer((await asyncio.wait(cut_off, return_when=asyncio.FIRST_COMPLETED))[0].pop().result())
        assert said == (408, {"error": "body_too_slow", "message": "The body arrives slowly, and others wait."})
        for each in cut_off:
            each.cancel()


async def test_the_bodies_of_all_requests_together_are_bounded() -> None:
    async with serve(Limits(body=MIB, memory=MIB)) as served, httpx.AsyncClient() as client:
        held = asyncio.create_task(client.post(f"{served.address}/webhooks/held", content=b"x" * 700 * KIB))
        await served.has_read(1)
        refused = await client.post(f"{served.address}/webhooks/stripe", content=b"x" * 700 * KIB)
        assert (refused.status_code, refused.json()["error"]) == (503, "busy")
        served.go_on.set()
        assert (await held).status_code == 200
        assert (await client.post(f"{served.address}/webhooks/stripe", content=b"x" * 700 * KIB)).status_code == 200


async def test_an_address_that_sends_too_often_is_told_when_to_come_back() -> None:
    async with serve(Limits(rate=5)) as served, httpx.AsyncClient() as client:
        statuses = [(await client.post(f"{served.address}/webhooks/x", content=b"")).status_code for _ in range(12)]
        assert statuses[:5] == [200] * 5
        assert 429 in statuses
        refused = await client.post(f"{served.address}/webhooks/x", content=b"")
        if refused.status_code == 429:
            assert (refused.headers["retry-after"], refused.json()["error"]) == ("1", "too_many_requests")
        assert (await client.get(f"{served.address}/healthz")).status_code == 200


async def test_the_address_behind_a_proxy_is_believed_only_when_told() -> None:
    told = {"x-forwarded-for": "203.0.113.9"}
    async with serve(Limits(rate=1)) as served, httpx.AsyncClient(headers=told) as client:
        first = await client.post(f"{served.address}/webhooks/x", content=b"")
        assert first.json()["client"] == "127.0.0.1"
    async with serve(Limits(rate=1), forwarded_allow_ips="127.0.0.1") as served, httpx.AsyncClient() as client:
        answers = [
            await client.post(f"{served.address}/webhooks/x", content=b"", headers={"x-forwarded-for": each})
            for each in ("203.0.113.9", "203.0.113.9", "198.51.100.1", "192.0.2.1, 203.0.113.9")
        ]
        assert [each.status_code for each in answers] == [200, 429, 200, 429]
        assert answers[0].json()["client"] == "203.0.113.9"
    async with serve(Limits(rate=1), forwarded_allow_ips="10.0.0.0/8") as served, httpx.AsyncClient() as client:
        answers = [
            await client.post(f"{served.address}/webhooks/x", content=b"", headers={"x-forwarded-for": each})
            for each in ("203.0.113.1", "203.0.113.2")
        ]
        assert [each.status_code for each in answers] == [200, 429]


async def test_what_fails_unexpectedly_is_a_500_that_shows_nothing_and_a_log_without_the_value(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO, "terse_temporal.gateway"):
        async with serve(Limits()) as served, httpx.AsyncClient() as client:
            failed = await client.post(f"{served.address}/webhooks/broken", content=b"1234567")
    assert (failed.status_code, failed.json()["error"]) == (500, "internal_error")
    assert "LookupError" not in failed.text
    assert "LookupError" in caplog.text
    assert "in broken" in caplog.text
    assert "a value of 7 characters" not in caplog.text


async def test_an_answer_waits_for_no_acknowledgement() -> None:
    """It is written in two pieces, of which a client that waits would acknowledge the first after 40 ms."""
    async with serve(Limits()) as served:
        _, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(b"POST ")
        while not (connections := served.server.server_state.connections):  # noqa: ASYNC110  # it tells nobody
            await asyncio.sleep(0.01)
        for connection in connections:
            taken = connection.transport.get_extra_info("socket")
            assert taken.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        writer.close()
