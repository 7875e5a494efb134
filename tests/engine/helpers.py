"""What jobs of tests import from a module beside their own, as jobs in real life do."""

from __future__ import annotations

import atexit
import shutil
import socket
import tempfile
import threading
import weakref
from pathlib import Path
from typing import Any

from terse_temporal import job_step
from tests.effects import record

#: A connection that is open before any handler runs, as that of a client's pool is.
LEFT, RIGHT = socket.socketpair()
for _end in (LEFT, RIGHT):
    atexit.register(_end.close)


class Held:
    """What a step may leave for the garbage collector."""

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp())
        weakref.finalize(self, shutil.rmtree, self.directory)


HELD = [Held()]
DIRECTORY = HELD[0].directory


def collect_a_temporary_directory() -> str:
    HELD.clear()
    return "it stays" if DIRECTORY.exists() else "collected"


class DeclinedElsewhere(Exception):
    """An exception of a module that a job imports."""


class Toolkit:
    """Functions in a class of another module."""

    @staticmethod
    def static(number: int) -> int:
        return number + 1000


def in_another_module(data: dict[str, Any]) -> str:
    record(data["effects"], "in another module")
    return "in another module"


def step_nested_in_a_helper(number: int) -> Any:
    def nested(number: int) -> int:
        return number * 10

    return job_step(run=nested, input=number)


async def step_of_a_lambda_in_a_helper(number: int) -> Any:
    return await job_step(run=lambda number: number * 100, input=number)


def decline_elsewhere(data: dict[str, Any]) -> None:
    record(data["effects"], "declined")
    raise DeclinedElsewhere("not here")


def open_a_file(path: str) -> str:
    with open(path) as file:  # noqa: PTH123  # what is refused in a handler is `open`
        return file.read()


#: Set where `dawdle` is to, once.
DAWDLING = threading.Event()


def dawdle() -> None:
    """Stand still for as long as nobody interrupts it, if it is to."""
    if DAWDLING.is_set():
        DAWDLING.clear()
        for _ in range(200):
            threading.Event().wait(0.02)
