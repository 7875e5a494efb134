"""The embedded server: ready when the block begins, gone when it ends, however it ends.

All of it with the real server as a real process; where the point is how a process ends, its parent is a process of its
own too.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import venv
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.client import Client
from temporalio.testing import TimeSkipper
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from terse_temporal import devserver
from terse_temporal.devserver import DevServer, find_temporal_cli, make_private_directory
from terse_temporal.errors import ServerUnavailableError

pytestmark = pytest.mark.server

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="only Linux can tie a child's life to its parent's")


@workflow.defn
class ThreeDays:
    @workflow.run
    async def run(self) -> str:
        await asyncio.sleep(timedelta(days=3).total_seconds())
        return "slept"


def exists(pid: int) -> bool:
    """Whether the process runs. One that has ended and waits for a parent to notice does not."""
    try:
        os.kill(pid, 0)
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except ProcessLookupError:
        return False
    except FileNotFoundError:  # gone in between, or a system without /proc
        return not Path("/proc").is_dir()


def gone_within(seconds: float, pid: int) -> bool:
    deadline = time.monotonic() + seconds
    while exists(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not exists(pid)


def port_of(address: str) -> int:
    return int(address.rpartition(":")[2])


# Ctrl-C is what it is in a terminal: a shell that starts the tests in the background has them ignore it. It ends by
# `os._exit`, as our commands do: the SDK's threads may abort an interpreter that ends.
PARENT = """
import asyncio, os, signal
from terse_temporal.client import connect
from terse_temporal.devserver import DevServer

async def main():
    async with DevServer() as server:
        print(server.pid, flush=True)
        try:
            await asyncio.Event().wait()
        finally:
            assert os.getpgid(server.pid) != os.getpgrp()  # Ctrl-C goes to the group
            await connect(target_host=server.address)
            print("still answers", flush=True)

signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    asyncio.run(main())
finally:
    os._exit(0)
"""


@contextmanager
def parent() -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process that holds a server, and that server's process id."""
    with subprocess.Popen(
        [sys.executable, "-c", PARENT],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # a group of its own, as a shell gives to each command
    ) as process:
        try:
            assert process.stdout is not None
            yield process, int(process.stdout.readline())
        finally:
            process.kill()


async def test_ready_when_the_block_begins(capsys: pytest.CaptureFixture[str]) -> None:
    """A run can be started the moment the block begins, with no waiting or retrying by the caller."""
    started = time.monotonic()
    async with DevServer() as server:
        ready = time.monotonic() - started
        client = await Client.connect(server.address)
        await client.start_workflow("any", id="first", task_queue="nobody")
        assert (await client.get_workflow_handle("first").describe()).status is not None
    with capsys.disabled():
        print(f"\nembedded server ready after {ready:.2f} s")


async def test_gone_when_the_block_ends() -> None:
    """When the block ends, also by an exception, the process has ended and been reaped, and its port is free again."""
    try:
        async with DevServer() as server:
            pid, port = server.pid, port_of(server.address)
            raise ZeroDivisionError
    except ZeroDivisionError:
        pass
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    async with DevServer(port=port) as again:
        assert port_of(again.address) == port


async def test_stopping_cut_short_still_ends_it(tmp_path: Path) -> None:
    """A second cancellation, in the middle of an orderly stop, leaves no process either."""
    up = asyncio.Event()
    servers: list[int] = []

    async def hold() -> None:
        async with DevServer(tmp_path / "dev.db") as server:
            servers.append(server.pid)
            up.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(hold())
    await up.wait()
    task.cancel()
    for _ in range(3):
        await asyncio.sleep(0)  # it is told, and begins to stop
    assert not task.done(), "an orderly stop takes a second; this test is about its middle"
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not exists(servers[0])


async def test_cancelled_start_leaves_nothing() -> None:
    """A start that is cancelled half-way leaves no process behind."""
    server = DevServer()
    entering = asyncio.create_task(server.__aenter__())
    while not (pid := pid_of(server)):  # noqa: ASYNC110  the point is to cut in where nothing is announced
        await asyncio.sleep(0)
    entering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await entering
    assert not exists(pid)


def pid_of(server: DevServer) -> int:
    try:
        return server.pid
    except ServerUnavailableError:
        return 0


@linux_only
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=["SIGKILL", "SIGTERM"])
def test_killed_parent_leaves_no_server(how: signal.Signals) -> None:
    """A parent that is killed, with no chance to clean up, takes its server with it."""
    with parent() as (process, pid):
        assert exists(pid)
        process.send_signal(how)
        process.wait()
        assert gone_within(60, pid)


def test_ctrl_c_reaches_only_the_parent() -> None:
    """Ctrl-C, which a terminal sends to a command and its children, leaves the server up for the parent."""
    with parent() as (process, pid):
        os.killpg(process.pid, signal.SIGINT)
        said, _ = process.communicate(timeout=30)
        assert said == "still answers\n"
        assert gone_within(60, pid)


@pytest.mark.parametrize("option", ["port", "ui_port"])
async def test_port_in_use(option: str) -> None:
    """A port that is taken is refused at once, by address and reason, and nothing is left running."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = DevServer(port=port) if option == "port" else DevServer(ui_port=port)
        with pytest.raises(ServerUnavailableError) as error:
            await server.__aenter__()
    assert f"127.0.0.1:{port}" in str(error.value)
    assert "Address already in use" in str(error.value)
    assert not pid_of(server)


@pytest.mark.parametrize("after", [0.02, 0.08, 0.1, 0.12, 0.14])
async def test_a_port_that_is_taken_while_the_server_starts(after: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """It starts on another one, whichever of its parts comes too late."""
    find, found = devserver._free_port, []
    with socket.socket() as taking:

        def take(port: int) -> None:
            with suppress(OSError):  # the server was quicker
                taking.bind(("127.0.0.1", port))
                taking.listen()

        def find_first(ip: str, port: int) -> int:
            found.append(find(ip, port))
            if len(found) == 1:
                asyncio.get_running_loop().call_later(after, take, found[0])
            return found[-1]

        monkeypatch.setattr(devserver, "_free_port", find_first)
        async with DevServer() as server:
            await Client.connect(server.address)
            assert port_of(server.address) == found[-1]


async def test_another_temporal_server_on_the_port() -> None:
    """A Temporal server that already has the port is not mistaken for the one that was to be started."""
    async with DevServer() as first:
        with pytest.raises(ServerUnavailableError, match="already in use"):
            await DevServer(port=port_of(first.address)).__aenter__()


async def test_db_file_keeps_state(tmp_path: Path) -> None:
    """With a file, a run of one server is there in the next, after an orderly end and after SIGKILL."""
    database = tmp_path / "made" / "on demand" / "dev.db"
    async with DevServer(database, namespace="shop") as server:
        client = await Client.connect(server.address, namespace="shop")
        await client.start_workflow("any", id="kept", task_queue="nobody")
    async with DevServer(database, namespace="shop") as server:
        client = await Client.connect(server.address, namespace="shop")
        assert (await client.get_workflow_handle("kept").describe()).workflow_type == "any"
        await client.start_workflow("any", id="kept too", task_queue="nobody")
        os.kill(server.pid, signal.SIGKILL)
    async with DevServer(database, namespace="shop") as server:
        client = await Client.connect(server.address, namespace="shop")
        for name in ("kept", "kept too"):
            assert (await client.get_workflow_handle(name).describe()).workflow_type == "any"


async def test_one_server_a_database(tmp_path: Path) -> None:
    """A second server on the same file is refused while the first one runs, and by the file's name."""
    async with DevServer(tmp_path / "dev.db"):
        with pytest.raises(ServerUnavailableError, match=r"another Temporal server is using '.*dev\.db'"):
            await DevServer(tmp_path / "dev.db").__aenter__()
    async with DevServer(tmp_path / "dev.db"):
        pass


async def test_bad_database(tmp_path: Path) -> None:
    """A file that is no database: the error names it and shows what the server printed."""
    (tmp_path / "dev.db").write_text("not a database, but long enough to be looked at\n" * 100)
    with pytest.raises(ServerUnavailableError) as error:
        await DevServer(tmp_path / "dev.db").__aenter__()
    assert "dev.db" in str(error.value)
    assert "exit status 1" in str(error.value)
    assert "file is not a database" in str(error.value)


async def test_directory_that_cannot_be_made(tmp_path: Path) -> None:
    """A database where there can be no directory: the error names the path."""
    (tmp_path / "file").touch()
    with pytest.raises(ServerUnavailableError, match=str(tmp_path / "file")):
        await DevServer(tmp_path / "file" / "dev.db").__aenter__()


async def test_web_ui() -> None:
    """The Web UI answers at `ui_url` when the block begins; without `ui_port` there is none."""
    async with DevServer(ui_port=0) as server:
        assert server.ui_url is not None
        with await asyncio.to_thread(urllib.request.urlopen, server.ui_url) as answer:
            assert answer.status == 200
    assert DevServer().ui_url is None


async def test_log_file(tmp_path: Path) -> None:
    """What the server prints goes to the log file, after what was there."""
    log = tmp_path / "logs" / "server.log"
    log.parent.mkdir()
    log.write_text("yesterday\n")
    async with DevServer(log_file=log):
        deadline = time.monotonic() + 20
        while "Temporal" not in log.read_text() and time.monotonic() < deadline:  # noqa: ASYNC110  it is another process's
            await asyncio.sleep(0.02)
    assert log.read_text().startswith("yesterday\n")
    assert "Temporal" in log.read_text()


async def test_time_skipping() -> None:
    """With `time_skipping`, a run that sleeps three days ends while the test waits."""
    async with DevServer(time_skipping=True) as server:
        client = TimeSkipper(await Client.connect(server.address)).client
        async with Worker(client, task_queue="q", workflows=[ThreeDays], workflow_runner=UnsandboxedWorkflowRunner()):
            assert await client.execute_workflow(ThreeDays.run, id="sleeper", task_queue="q") == "slept"


@linux_only
async def test_nothing_listens_outside_this_machine() -> None:
    """Every port of the server is on 127.0.0.1."""
    async with DevServer(ui_port=0) as server:
        addresses = listening(server.pid)
    assert len(addresses) >= 2
    assert set(addresses) == {"0100007F"}  # 127.0.0.1, as the kernel writes it


def listening(pid: int) -> list[str]:
    """The addresses that a process listens on, one for each socket."""
    process = Path(f"/proc/{pid}")
    own = {link.readlink().name.removeprefix("socket:[").removesuffix("]") for link in (process / "fd").iterdir()}
    tables = [process / "net" / table for table in ("tcp", "tcp6")]
    sockets = [line.split() for table in tables if table.exists() for line in table.read_text().splitlines()[1:]]
    return [socket[1].partition(":")[0] for socket in sockets if socket[3] == "0A" and socket[9] in own]


def find_cli(python: Path, path: str) -> subprocess.CompletedProcess[str]:
    """Look for the program in a process of that interpreter, with that PATH and this one's libraries."""
    code = "from terse_temporal.devserver import find_temporal_cli; print(find_temporal_cli())"
    environment = {"PATH": path, "PYTHONPATH": os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)}
    return subprocess.run([python, "-c", code], env=environment, capture_output=True, text=True, check=False)


def test_the_program_of_the_extra_is_found_without_activation(tmp_path: Path) -> None:
    """`temporal` on PATH comes first, then the one beside the interpreter, though its environment is not activated."""
    venv.create(tmp_path / "env", symlinks=True)
    python = tmp_path / "env" / "bin" / "python"
    (python.parent / "temporal").symlink_to(find_temporal_cli())
    assert find_cli(python, path="").stdout.strip() == str(python.parent / "temporal")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "temporal").symlink_to(find_temporal_cli())
    assert find_cli(python, path=str(tmp_path / "bin")).stdout.strip() == str(tmp_path / "bin" / "temporal")


def test_no_program_names_the_extra(tmp_path: Path) -> None:
    """Without the program, the error says which extra brings it."""
    venv.create(tmp_path / "env", symlinks=True)
    found = find_cli(tmp_path / "env" / "bin" / "python", path="")
    assert found.returncode == 1
    assert "MissingExtraError" in found.stderr
    assert 'pip install "terse-temporal[server]"' in found.stderr


async def test_nobody_else_reads_the_state(tmp_path: Path) -> None:
    """Events and results are in there: directory and files are this user's, also those that are there already."""
    fresh, old = tmp_path / "fresh" / ".terse", tmp_path / "old" / ".terse"
    old.mkdir(parents=True)
    async with DevServer(old / "state.db", log_file=old / "server.log"):
        pass
    for file in old.iterdir():
        file.chmod(0o644)
    old.chmod(0o755)
    before = os.umask(0o022)
    try:
        for directory in (fresh, old):
            async with DevServer(directory / "state.db", log_file=directory / "server.log"):
                assert directory.stat().st_mode & 0o777 == 0o700
                modes = {file.name: file.stat().st_mode & 0o777 for file in directory.iterdir()}
                assert set(modes) >= {"state.db", "state.db.lock", "server.log", "state.db-wal"}
                assert set(modes.values()) == {0o600}
        # A directory of the user's own is left as it is.
        (tmp_path / "mine").mkdir(mode=0o755)
        make_private_directory(tmp_path / "mine")
        assert (tmp_path / "mine").stat().st_mode & 0o777 == 0o755
    finally:
        os.umask(before)
