"""A fork server: has imported what a worker process needs, and is one on request.

It has one thread, and ends with its parent. A request comes with the descriptors of the worker's end of its socket and
of the file that it prints to.
"""

from __future__ import annotations

import gc
import importlib
import os
import select
import signal
import socket
import sys
import time
from typing import Final, NoReturn

from ...processes import die_with_parent, parent_socket
from .fork_server import ENDED, PID, WITH_PYDANTIC_AI, Surroundings
from .pickling import unpickle_value
from .worker_main import read_message, run_worker

__all__ = ["main"]

#: Bytes of one request, and the descriptors with it.
_REQUEST: Final = (1, 2)


def main(descriptor: int) -> NoReturn:
    """Be that process, to its end."""
    die_with_parent()
    control = parent_socket(descriptor)
    woken, wake = os.pipe()
    for end in (woken, wake):
        os.set_blocking(end, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    # What has been imported stays: no worker needs to look through it for garbage, nor to copy it for that.
    gc.freeze()
    numbers: dict[int, int] = {}
    forked = 0
    while True:
        ready, _, _ = select.select([control.fileno(), woken], [], [])
        if woken in ready:
            os.read(woken, 1 << 16)
            _tell_ended(control, numbers)
        if control.fileno() in ready:
            data, descriptors, _, _ = socket.recv_fds(control, *_REQUEST)
            if not data:
                os._exit(0)
            if data == WITH_PYDANTIC_AI:
                _import_pydantic_ai()
            server = os.getpid()
            pid = os.fork()
            if pid == 0:
                control.close()
                os.close(woken)
                signal.set_wakeup_fd(-1)
                os.close(wake)
                _be_worker(server, *descriptors)
            numbers[pid] = forked
            forked += 1
            for each in descriptors:
                os.close(each)


def _import_pydantic_ai() -> None:
    if "pydantic_ai" in sys.modules:
        return
    for name in ("pydantic_ai", "pydantic_ai.models.function", "pydantic_ai.toolsets"):
        importlib.import_module(name)
    gc.freeze()


def _tell_ended(control: socket.socket, numbers: dict[int, int]) -> None:
    while numbers:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        control.sendall(ENDED.pack(numbers.pop(pid), os.waitstatus_to_exitcode(status)))


def _be_worker(server: int, tie: int, output: int) -> NoReturn:
    """Be a worker process, in what has just been forked."""
    os.setsid()  # so that its parent ends it together with all that it starts
    die_with_parent()
    if os.getppid() != server:
        os._exit(1)  # which was gone before it was asked to be told
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    parent = parent_socket(tie)
    parent.sendall(PID.pack(os.getpid()))
    found: Surroundings = unpickle_value(read_message(parent))
    os.environ.clear()
    os.environ.update(found.environment)
    time.tzset()
    os.chdir(found.directory)
    sys.path[:] = found.path
    importlib.invalidate_caches()
    gc.enable()
    run_worker(parent)
