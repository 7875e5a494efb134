"""Whatever a client sends as HTTP, and however slowly, it is answered or cut off, and others are answered meanwhile."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from contextlib import suppress

import httpx
import pytest

from terse_temporal.gateway.settings import KIB, Limits

from .serving import Served, answer, post, serve

_CHUNKED = b"POST /webhooks/x HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", id="tls"),
        pytest.param(b"hello\r\n\r\n", id="no-request"),
        pytest.param(b"POST /webhooks/x HTTP/1.1\r\n\r\n", id="no-host"),
        pytest.param(b"POST /webhooks/\xff\xfe HTTP/1.1\r\nhost: x\r\n\r\n", id="bytes-in-path"),
        pytest.param(b"POST /webhooks/x HTTP/1.1\r\nhost: x\r\nbad header: 1\r\n\r\n", id="space-in-name"),
        pytest.param(b"POST /webhooks/x HTTP/1.1\r\nhost: x\r\nx: a\x00b\r\n\r\n", id="nul-in-value"),
        pytest.param(b"POST /webhooks/x HTTP/1.1\r\nhost: x\r\n folded\r\n: 1\r\n\r\n", id="folded-name"),
        pytest.param(_CHUNKED + b"zz\r\nxx\r\n0\r\n\r\n", id="chunk-size-no-number"),
        pytest.param(_CHUNKED + b"-5\r\nxx\r\n0\r\n\r\n", id="negative-chunk"),
        pytest.param(_CHUNKED + b"5\r\nxx\r\n0\r\n\r\n", id="chunk-shorter-than-said"),
        pytest.param(_CHUNKED + b"f" * 30 + b"\r\nxx\r\n0\r\n\r\n", id="chunk-size-beyond-measure"),
        pytest.param(post("/webhooks/x", b"abc", "transfer-encoding: gzip"), id="unknown-coding"),
        pytest.param(post("/webhooks/x", b"abc", "content-length: 4"), id="two-lengths"),
    ],
)
async def test_what_is_no_http_gets_a_400_in_json_and_the_connection_is_closed(sent: bytes) -> None:
    async with serve(Limits(header_seconds=0.5, body_seconds=0.5)) as served:
        status, content = answer(await served.send(sent))
        assert (status, set(content)) == (400, {"error", "message"})
        assert content["error"] == "not_http"
        assert await _answers(served)
    assert served.bodies in ([], [2])


@pytest.mark.parametrize("piece", [100, 10**6], ids=["in-pieces", "at-once"])
@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(post("/webhooks/x", b"", f"x: {'y' * 40 * KIB}"), id="one-huge-header"),
        pytest.param(post("/webhooks/x", b"", *[f"x{n}: y" for n in range(10_000)]), id="header-flood"),
        pytest.param(post("/webhooks/" + "a" * 64 * KIB), id="huge-path"),
    ],
)
async def test_headers_and_paths_beyond_the_limit_are_refused(sent: bytes, piece: int) -> None:
    async with serve(Limits()) as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        for start in range(0, len(sent), piece):
            writer.write(sent[start : start + piece])
            await asyncio.sleep(0)
        try:
            async with asyncio.timeout(30):
                status, content = answer(await reader.read())
            assert (status, content["error"]) in [(400, "not_http"), (431, "headers_too_large")]
        except ConnectionResetError:
            assert piece == 100  # it was closed while more was on its way
        writer.close()
        assert await _answers(served)
    assert served.bodies == [2]


async def test_a_request_that_says_its_length_in_two_ways_is_refused() -> None:
    async with serve(Limits()) as served:
        smuggled = b"0\r\n\r\n" + post("/webhooks/smuggled", b"{}")
        received = await served.send(post("/webhooks/x", smuggled, "transfer-encoding: chunked", close=False))
        assert answer(received)[1]["error"] == "ambiguous_length"
        assert received.count(b"HTTP/1.1 ") == 1
    assert served.bodies == []


async def test_headers_that_come_slowly_or_never_are_cut_off() -> None:
    async with serve(Limits(header_seconds=0.4)) as served:
        began = time.monotonic()
        assert await served.send(b"") == b""
        assert await served.send(b"POST /webhooks/x HTTP/1.1\r\nhost: x\r\n") == b""
        assert 0.7 < time.monotonic() - began < 60
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)

        async def drip() -> None:
            writer.write(b"POST /webhooks/x HTTP/1.1\r\n")
            for number in range(1000):
                writer.write(f"x{number}: y\r\n".encode())
                await asyncio.sleep(0.05)

        dripping = asyncio.create_task(drip())
        async with asyncio.timeout(30):
            assert await reader.read() == b""
        dripping.cancel()
        writer.close()


async def test_a_second_request_has_its_own_time_for_headers_too() -> None:
    async with serve(Limits(header_seconds=0.4)) as served:
        first = post("/webhooks/x", b"{}", close=False)
        received = await served.send(first + b"POST /webhooks/y HTTP/1.1\r\nhost")
        assert received.count(b"HTTP/1.1 200") == 1


async def test_requests_that_are_sent_without_waiting_are_answered_in_order() -> None:
    async with serve(Limits()) as served:
        requests = [post(f"/webhooks/{n}", b"x" * n, close=n == 20) for n in range(1, 21)]
        received = await served.send(b"".join(requests))
        assert received.count(b"HTTP/1.1 200") == 20
        assert served.bodies == list(range(1, 21))
        # What looks like a request within a body is a body.
        inner = post("/webhooks/inner", b"{}")
        received = await served.send(post("/webhooks/outer", inner))
        assert received.count(b"HTTP/1.1 ") == 1


async def test_a_client_that_was_refused_and_goes_on_sending_is_cut_off_after_it_could_read_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("terse_temporal.gateway.server._LINGER", 0.3)
    async with serve(Limits(body=10 * KIB)) as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(b"POST /webhooks/x HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
        began = time.monotonic()

        async def flood() -> None:
            while True:
                writer.write(b"400\r\n" + b"x" * KIB + b"\r\n")
                await writer.drain()
                await asyncio.sleep(0.01)

        flooding = asyncio.create_task(flood())
        async with asyncio.timeout(30):
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 413 ")
            with pytest.raises(ConnectionError):
                await flooding
        assert time.monotonic() - began < 30
        writer.close()


async def test_a_client_that_takes_no_answers_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it has asked for does not wait for it as long as it likes."""
    monkeypatch.setattr("terse_temporal.gateway.server._UNREAD", 0.3)
    async with serve(Limits()) as served:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", served.port))
            client.setblocking(False)
            while not (connections := served.server.server_state.connections):  # noqa: ASYNC110  it tells nobody
                await asyncio.sleep(0.01)
            for connection in connections:  # thousands of answers would fit into what it has otherwise
                connection.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)

            async def ask_forever() -> None:
                while True:
                    with suppress(BlockingIOError):
                        client.send(b"GET /not-there HTTP/1.1\r\nhost: x\r\n\r\n" * 100)
                    await asyncio.sleep(0.001)

            async with asyncio.timeout(60):
                with pytest.raises(ConnectionError):
                    await ask_forever()
        assert await _answers(served)


async def test_a_client_that_ends_its_side_reads_the_answer(caplog: pytest.LogCaptureFixture) -> None:
    """Once it has sent its request; one that goes altogether leaves nothing in the log."""
    async with serve(Limits()) as served:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(post("/webhooks/held", b"{}", close=False))
        writer.write_eof()
        await served.has_read(1)
        served.go_on.set()
        async with asyncio.timeout(30):
            assert answer(await reader.read())[0] == 200
        writer.close()
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", served.port)) as gone:
                gone.sendall(b"HEAD /webhooks/x HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 9\r\n\r\n")
            await asyncio.sleep(0.01)
        assert await _answers(served)
    assert [each for each in caplog.records if each.levelno >= logging.WARNING] == []


async def test_connections_that_were_refused_make_room() -> None:
    """Those that are still read, so that their clients see why."""
    async with serve(Limits(connections=5)) as served:
        refused = [await asyncio.open_connection("127.0.0.1", served.port) for _ in range(6)]
        for reader, writer in refused[1:]:
            writer.write(b"hello\r\n\r\n")
            assert answer(await reader.read())[0] == 400
        assert await _answers(served)
        for _, writer in refused:
            writer.close()


async def test_connections_without_a_request_make_room_and_those_with_one_stay() -> None:
    async with serve(Limits(connections=5)) as served:
        idle = [await asyncio.open_connection("127.0.0.1", served.port) for _ in range(20)]
        idle[-1][1].write(b"POST /webhooks/x HTTP/1.1\r\nhost")  # half of the headers are no request
        async with asyncio.timeout(30):
            assert [await reader.read() for reader, _ in idle[:15]] == [b""] * 15  # the oldest went first
            assert await _answers(served)
            held = [await asyncio.open_connection("127.0.0.1", served.port) for _ in range(5)]
            for _, writer in held:
                writer.write(post("/webhooks/held", b"{}"))
            await served.has_read(6)
            status, content = answer(await served.send(b""))
            assert (status, content["error"]) == (503, "busy")
            served.go_on.set()
            assert [answer(await reader.read())[0] for reader, _ in held] == [200] * 5
        for _, writer in idle + held:
            writer.close()


async def test_slow_bodies_from_one_address_leave_room_for_others() -> None:
    async with serve(Limits(address_requests=3), forwarded_allow_ips="127.0.0.1") as served:
        slow = [await asyncio.open_connection("127.0.0.1", served.port) for _ in range(3)]
        for _, writer in slow:
            writer.write(post("/webhooks/x", b"x" * 100, "x-forwarded-for: 203.0.113.9")[:-50])
        async with httpx.AsyncClient() as client:

            async def send(address: str) -> int:
                headers = {"x-forwarded-for": address}
                return (await client.post(f"{served.address}/webhooks/x", content=b"{}", headers=headers)).status_code

            async with asyncio.timeout(30):
                while await send("203.0.113.9") != 503:  # noqa: ASYNC110  # when the server has read them
                    await asyncio.sleep(0.02)
                assert await send("203.0.113.10") == 200
                for _, writer in slow:
                    writer.close()
                while await send("203.0.113.9") != 200:  # noqa: ASYNC110  # likewise
                    await asyncio.sleep(0.02)


async def test_a_websocket_is_a_request_that_nobody_upgrades() -> None:
    async with serve(Limits()) as served:
        upgrade = (
            b"GET /webhooks/x HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade, close\r\n"
            b"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n"
        )
        assert (await served.send(upgrade)).startswith(b"HTTP/1.1 405 ")


async def _answers(served: Served) -> bool:
    async with httpx.AsyncClient() as client:
        return (await client.post(f"{served.address}/webhooks/x", content=b"{}")).status_code == 200
