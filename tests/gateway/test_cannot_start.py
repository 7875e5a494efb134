"""A gateway that cannot start says why in one message and ends with status 2, and one that runs is left alone."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from ..commands import run, running
from .gateway_process import SECRETS, a_port

pytestmark = pytest.mark.server

_JOBS = str(Path(__file__).with_name("jobs_gateway.py"))

#: Nothing answers there, which is no reason not to start.
_NOWHERE = {**SECRETS, "TEMPORAL_ADDRESS": "127.0.0.1:1"}


def _fails(directory: Path, *arguments: str, env: dict[str, str] | None = None) -> str:
    ended = run("terse-temporal", "gateway", *arguments, cwd=directory, env={**_NOWHERE, **(env or {})})
    assert ended.returncode == 2, ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr
    return ended.stderr


def test_a_port_that_is_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = _fails(tmp_path, _JOBS, "--port", str(port))
    assert f"the port {port} of '127.0.0.1' is in use: give another one (`--port`)" in said


def test_an_address_of_another_machine(tmp_path: Path) -> None:
    assert "nothing can listen at '192.0.2.1', port " in _fails(tmp_path, _JOBS, "--host", "192.0.2.1", "--port", "0")


def test_a_second_gateway_on_one_spool(tmp_path: Path) -> None:
    options = ["--port", "0", "--spool", str(tmp_path / "spool")]
    with running("terse-temporal", "gateway", _JOBS, *options, cwd=tmp_path, env=_NOWHERE) as first:
        first.says("  ready")
        said = _fails(tmp_path, _JOBS, *options)
        assert f"is in use by process {first.pid}" in said
        assert "--spool" in said


def test_questions_without_a_key(tmp_path: Path) -> None:
    """It starts, and says that nobody can answer by a link."""
    (tmp_path / "asks.py").write_text(
        "from terse_temporal import Event, create_job, wait_for_input\n\n\n"
        "@create_job(name='asks', durable=True)\n"
        "async def asks(event: Event) -> str:\n"
        "    return (await wait_for_input(prompt='Which?')).text\n"
    )
    env = {"TEMPORAL_ADDRESS": "127.0.0.1:1", "TERSE_GATEWAY_KEY": ""}
    with running("terse-temporal", "gateway", "asks.py", "--port", "0", cwd=tmp_path, env=env) as gateway:
        gateway.says("TERSE_GATEWAY_KEY is not set: the links of questions cannot be checked here")


@pytest.mark.skipif(os.geteuid() == 0 and not Path("/proc/self").exists(), reason="nothing is closed to this user")
def test_a_spool_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    said = _fails(tmp_path, _JOBS, "--port", "0", "--spool", "file/spool")
    assert "file/spool" in said


def test_modules_that_are_not_there_or_have_no_jobs(tmp_path: Path) -> None:
    (tmp_path / "empty.py").write_text("")
    assert "there is no file 'nope.py'" in _fails(tmp_path, "nope.py")
    assert "'empty.py' has no jobs" in _fails(tmp_path, "empty.py")


def test_proxies_that_are_no_addresses(tmp_path: Path) -> None:
    said = _fails(tmp_path, _JOBS, "--forwarded-allow-ips", "10.0.0.0/8, proxy.acme.example")
    assert "--forwarded-allow-ips: 'proxy.acme.example' is no address and no network" in said


def test_a_root_path_that_is_an_address(tmp_path: Path) -> None:
    said = _fails(tmp_path, _JOBS, "--root-path", "https://acme.example/hooks")
    assert "--root-path 'https://acme.example/hooks' is more than a path" in said


def test_a_secret_that_is_none(tmp_path: Path) -> None:
    said = _fails(tmp_path, _JOBS, "--port", "0", env={"GITHUB_WEBHOOK_SECRET": "ghp_ab1"})
    assert "GITHUB_WEBHOOK_SECRET holds a key of the vendor's API" in said
    assert "ab1" not in said


def test_without_secrets_it_starts_and_says_what_is_missing(tmp_path: Path) -> None:
    env = {**_NOWHERE, **dict.fromkeys(SECRETS, "")}
    with running("terse-temporal", "gateway", _JOBS, "--port", str(a_port()), cwd=tmp_path, env=env) as gateway:
        printed = gateway.says("  ready")
        for variable in ("STRIPE_WEBHOOK_SECRET", "GITHUB_WEBHOOK_SECRET", "TERSE_WEBHOOK_SECRET", "TERSE_GATEWAY_KEY"):
            assert f"{variable} is not set, so " in printed
            assert "is NOT set" in printed
        assert "SLACK" not in printed
