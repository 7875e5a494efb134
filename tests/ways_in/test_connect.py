"""Connecting: the settings of the Temporal CLI, and a message a person can act on when it does not work."""

from __future__ import annotations

import asyncio
import http.server
import socket
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from terse_temporal.client import connect
from terse_temporal.devserver import DevServer, find_temporal_cli
from terse_temporal.errors import ServerUnavailableError


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server() -> AsyncIterator[DevServer]:
    async with DevServer(namespace="shop") as running:
        yield running


@pytest.fixture(autouse=True)
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No settings but the test's own; the path of a file for some."""
    for name in ("ADDRESS", "NAMESPACE", "PROFILE", "API_KEY", "TLS", "TLS_CLIENT_CERT_PATH", "TLS_CLIENT_KEY_PATH"):
        monkeypatch.delenv(f"TEMPORAL_{name}", raising=False)
    file = tmp_path / "temporal.toml"
    monkeypatch.setenv("TEMPORAL_CONFIG_FILE", str(file))
    return file


@pytest.fixture
def free_address() -> str:
    """Where nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def put(file: Path, text: str) -> None:
    file.write_text(text)


async def refusal(**overrides: Any) -> str:
    """What `connect` says when it gives up; it has to within a time that no retrying would keep to."""
    async with asyncio.timeout(20):
        with pytest.raises(ServerUnavailableError) as error:
            await connect(**overrides)
    return str(error.value)


@pytest.mark.server
async def test_environment(server: DevServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE say where, as for the Temporal CLI."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", server.address)
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "shop")
    client = await connect()
    assert client.service_client.config.target_host == server.address
    assert client.namespace == "shop"


@pytest.mark.server
async def test_profile_file(server: DevServer, settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A profile of the settings file says where; a variable wins over it, an override over both."""
    put(settings, f'[profile.local]\naddress = "{server.address}"\nnamespace = "nowhere"\n')
    monkeypatch.setenv("TEMPORAL_PROFILE", "local")
    assert "'nowhere'" in await refusal()
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "shop")
    assert (await connect()).namespace == "shop"
    assert (await connect(namespace="default", identity="me")).namespace == "default"


@pytest.mark.server
async def test_the_cli_reads_the_same(server: DevServer, settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run started by `connect`'s client is found by the Temporal CLI under the same settings."""
    put(settings, f'[profile.default]\naddress = "{server.address}"\nnamespace = "shop"\n')
    await (await connect()).start_workflow("any", id="found by both", task_queue="nobody")
    command = [str(find_temporal_cli()), "workflow", "describe", "--workflow-id", "found by both"]
    described = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=True)
    assert "found by both" in described.stdout


@pytest.mark.server
async def test_empty_settings_are_none(server: DevServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty variable, as a compose file leaves it, and an override of None count as not set."""
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "")
    monkeypatch.setenv("TEMPORAL_ADDRESS", server.address)
    assert (await connect(target_host=None, namespace=None)).namespace == "default"


async def test_no_server(free_address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing there: the error names address, namespace and reason, and says how to start a server."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", free_address)
    said = await refusal(namespace="shop")
    for part in (free_address, "'shop'", "Connection refused", "`terse-temporal dev`", "TEMPORAL_ADDRESS"):
        assert part in said


async def test_server_that_says_nothing() -> None:
    """Something that takes the connection and never answers is given up on, and the error says after how long."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        said = await refusal(target_host=f"127.0.0.1:{silent.getsockname()[1]}")
    assert "did not answer within 5 seconds" in said


@pytest.fixture
def web_server() -> Iterator[str]:
    """The address of an HTTP server, as one gets by giving the Web UI's port."""
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as other:
        thread = threading.Thread(target=other.serve_forever)
        thread.start()
        yield f"127.0.0.1:{other.server_address[1]}"
        other.shutdown()
        thread.join()


async def test_not_temporal(web_server: str) -> None:
    """A server that is not Temporal: the error names the address and says that no Temporal server answers there."""
    assert f"no Temporal server answers at '{web_server}'" in await refusal(target_host=web_server)


@pytest.mark.parametrize("address", ["no-such-host.invalid:7233", "127.0.0.1:port", "a b:7233"])
async def test_bad_address(address: str) -> None:
    """An address that is none: the error shows it."""
    assert address in await refusal(target_host=address)


@pytest.mark.server
async def test_unknown_namespace(server: DevServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A namespace that the server does not have is refused when connecting, not by the first request after."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", server.address)
    said = await refusal(namespace="nope")
    for part in (server.address, "no namespace 'nope'", "TEMPORAL_NAMESPACE", "operator namespace create"):
        assert part in said


async def test_lazy_asks_nothing(free_address: str) -> None:
    """A lazy client is handed out without a server."""
    assert (await connect(target_host=free_address, lazy=True)).namespace == "default"


async def test_file_that_is_not_toml(settings: Path) -> None:
    """A settings file that cannot be read: the error names the file and the line."""
    put(settings, '[profile.default\naddress = "127.0.0.1:7233"\n')
    said = await refusal()
    assert str(settings) in said
    assert "line 1" in said


async def test_unknown_profile(settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A profile that is not in the file: the error names the profile, the file and the variable."""
    put(settings, '[profile.default]\naddress = "127.0.0.1:7233"\n')
    monkeypatch.setenv("TEMPORAL_PROFILE", "staging")
    said = await refusal()
    for part in (str(settings), "'staging'", "TEMPORAL_PROFILE"):
        assert part in said


async def test_missing_certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate that is not where the settings say: the error names its path."""
    monkeypatch.setenv("TEMPORAL_TLS_CLIENT_CERT_PATH", str(tmp_path / "client.pem"))
    assert str(tmp_path / "client.pem") in await refusal()


@pytest.mark.server
async def test_tls_to_a_server_without(server: DevServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says whether TLS was spoken: to a server that does not, that is the mistake."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", server.address)
    assert "without TLS" in await refusal(namespace="nope", target_host="127.0.0.1:1")
    monkeypatch.setenv("TEMPORAL_TLS", "true")
    assert "with TLS" in await refusal()


async def test_misspelled_override() -> None:
    """An override that the SDK does not know is a TypeError, as in any call, with the nearest that it knows."""
    with pytest.raises(TypeError, match=r"connect\(\) has no option 'lasy'; did you mean 'lazy'"):
        await connect(lasy=True)  # type: ignore[call-arg]  # it is meant
