"""A child process ends when it is to, with all that it started, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from terse_temporal.processes import ChildProcess

pytestmark = pytest.mark.server

#: Starts another process, says so by a file, and does not let go of either.
STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
with open(sys.argv[1] + "~", "w") as file:
    file.write(str(child.pid))
import os
os.rename(sys.argv[1] + "~", sys.argv[1])
time.sleep(60)
"""

#: A parent that starts one, bound to its thread, and waits to be killed.
PARENT = """
import asyncio, sys
from terse_temporal.processes import ChildProcess

async def main():
    child = await ChildProcess.start([sys.executable, "-c", "import time; time.sleep(60)"], is_bound_to_thread=True)
    print(child.pid, flush=True)
    await child.wait()

asyncio.run(main())
"""

#: Prints what it reads, to the end.
CONNECTED = """
import sys
from terse_temporal.processes import parent_socket

parent = parent_socket(int(sys.argv[1]))
parent.sendall(b"here\\n")
while data := parent.recv(64):
    print("read", data.decode(), end="")
print("the end", end="\\n")
"""


def is_there(pid: int) -> bool:
    """Whether a process runs. One that has ended, and that nobody has waited for, is there too."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def until_gone(pid: int, within: float = 10.0) -> None:
    async with asyncio.timeout(within):
        while is_there(pid):  # noqa: ASYNC110  there is no event for it
            await asyncio.sleep(0.01)


async def stubborn(tmp_path: Path) -> tuple[ChildProcess, int]:
    """One that takes no SIGTERM, and the process that it has started."""
    note = tmp_path / "child"
    child = await ChildProcess.start([sys.executable, "-c", STUBBORN, str(note)])
    async with asyncio.timeout(20):
        while not note.exists():  # noqa: ASYNC110  likewise
            await asyncio.sleep(0.01)
    return child, int(note.read_text())


async def test_one_that_does_not_stop(tmp_path: Path) -> None:
    """It is killed after its grace, with what it has started, and waited for."""
    child, grandchild = await stubborn(tmp_path)
    await child.stop(0.1)
    assert child.status == -signal.SIGKILL
    assert not is_there(child.pid)
    await until_gone(grandchild)


async def test_a_stop_that_is_cut_short(tmp_path: Path) -> None:
    """Whoever is cancelled while waiting, as by a second Ctrl-C, leaves nothing running; not if it is twice either."""
    child, grandchild = await stubborn(tmp_path)
    stopping = asyncio.create_task(child.stop())
    await asyncio.sleep(0)
    stopping.cancel()
    asyncio.get_running_loop().call_soon(stopping.cancel)
    with pytest.raises(asyncio.CancelledError):
        await stopping
    assert not is_there(child.pid)
    await until_gone(grandchild)


async def test_one_that_stops() -> None:
    """One that ends by itself has its own status, before or after it is asked."""
    child = await ChildProcess.start([sys.executable, "-c", "raise SystemExit(3)"])
    assert await child.wait() == 3
    await child.stop(1)
    await child.end()
    assert child.status == 3


async def test_out_of_reach_of_the_terminal() -> None:
    """It is in a session and a group of its own, which a Ctrl-C does not reach."""
    child = await ChildProcess.start([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        assert os.getsid(child.pid) == os.getpgid(child.pid) == child.pid
    finally:
        await child.end()


async def test_the_end_of_a_connected_parent(tmp_path: Path) -> None:
    """A program with a socket to its parent reads the end of it, and what it prints comes by lines."""
    output = tmp_path / "output"
    with output.open("wb") as file:
        child, reader, writer = await ChildProcess.start_connected(
            lambda number: [sys.executable, "-c", CONNECTED, str(number)], limit=100, output=file
        )
    try:
        assert await reader.readline() == b"here\n"
        writer.write(b"some\n")
        async with asyncio.timeout(10):
            while output.read_text() != "read some\n":  # noqa: ASYNC110  likewise
                await asyncio.sleep(0.01)
        writer.close()
        assert await child.wait() == 0
    finally:
        await child.end()
    assert output.read_text() == "read some\nthe end\n"


@pytest.mark.skipif(sys.platform != "linux", reason="it is the kernel of Linux that is asked")
def test_one_that_is_bound_to_its_parent() -> None:
    """Any program dies with a parent that is killed."""
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    deadline = time.monotonic() + 10
    while is_there(pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)
