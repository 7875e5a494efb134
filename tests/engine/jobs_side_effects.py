"""A job that does in its handler, by name, what would be repeated on every replay."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import importlib.resources
import json
import mimetypes
import os
import platform
import random
import secrets
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from terse_temporal import Event, create_job, job_step
from terse_temporal.errors import SideEffectError
from tests.engine import helpers


def write_environment() -> None:
    os.environ["TERSE_TEST"] = "written"


def own_helper() -> None:
    Path("/nowhere/at all").write_text("x")


async def fetch() -> None:
    async with httpx.AsyncClient() as client:
        await client.get("http://127.0.0.1:9/")


#: What is done, and the words by which the error names it.
DEEDS: dict[str, tuple[Callable[[], Any], str]] = {
    "open": (lambda: open("/etc/hostname"), "open('/etc/hostname')"),  # noqa: PTH123, SIM115  # refused
    "Path.read_text": (lambda: Path("/etc/hostname").read_text(), "open("),
    "input": (lambda: input("?"), "input()"),
    "socket": (lambda: socket.socket(), "opening a socket"),
    "create_connection": (lambda: socket.create_connection(("127.0.0.1", 9)), "socket"),
    "getaddrinfo": (lambda: socket.getaddrinfo("localhost", 9), "socket.getaddrinfo()"),
    "subprocess": (lambda: subprocess.run(["true"], check=True), "subprocess.Popen()"),
    "os.system": (lambda: os.system("true"), "os.system()"),
    "time.sleep": (lambda: time.sleep(0.001), "time.sleep()"),
    "os.environ": (write_environment, "writing os.environ"),
    "os.environ.pop": (lambda: os.environ.pop("HOME"), "writing os.environ"),
    "os.remove": (lambda: os.remove("/nowhere"), "os.remove()"),  # noqa: PTH107  # refused
    "os.listdir": (lambda: os.listdir("/"), "os.listdir()"),  # noqa: PTH208  # refused
    "mkdir": (lambda: Path("/nowhere/at all").mkdir(), "os.mkdir()"),
    "shutil": (lambda: shutil.rmtree("/nowhere"), "shutil.rmtree()"),
    "tempfile": (lambda: tempfile.mkdtemp(), "tempfile.mkdtemp()"),
    "sqlite": (lambda: sqlite3.connect("/nowhere/at.db"), "sqlite3.connect()"),
    "beside Python's own": (lambda: open(f"{os.path.dirname(os.__file__)}x"), "open("),  # noqa: PTH120, PTH123, SIM115  # refused
    "out of Python's own": (lambda: open(f"{os.path.dirname(os.__file__)}/../../../x"), "open("),  # noqa: PTH120, PTH123, SIM115  # refused
    "writing into Python's own": (lambda: open(f"{os.path.dirname(os.__file__)}/x", "a"), "open("),  # noqa: PTH120, PTH123, SIM115  # refused
    "open connection": (lambda: helpers.LEFT.sendall(b"x"), "sending over an open connection"),
    "send, on an open connection": (lambda: helpers.LEFT.makefile("w").write("x" * 10_000), "sending over an open"),
    "reading, from an open connection": (lambda: helpers.LEFT.recv(1), "reading from an open connection"),
    "alarm": (lambda: signal.alarm(100), "setting an alarm"),
    "thread": (lambda: threading.Thread(target=print).start(), "starting a thread"),
    "thread pool": (lambda: concurrent.futures.ThreadPoolExecutor(1).submit(print), "starting a thread"),
    "os.urandom": (lambda: os.urandom(4), "os.urandom()"),
    "secrets": (lambda: secrets.token_hex(), "secrets.token_hex()"),
    "SystemRandom": (lambda: random.SystemRandom(), "random.SystemRandom()"),
    "uuid1": (lambda: uuid.uuid1(), "uuid.uuid1()"),
    "urllib": (lambda: urllib.request.urlopen("http://127.0.0.1:9/"), "urllib.Request()"),
    "httpx": (lambda: httpx.get("http://127.0.0.1:9/"), "socket"),
    "own helper": (own_helper, "open("),
    "helper elsewhere": (lambda: helpers.open_a_file("/etc/hostname"), "open('/etc/hostname')"),
    "async httpx": (fetch, "network"),
    "to_thread": (lambda: asyncio.to_thread(print), "thread"),
    "async subprocess": (lambda: asyncio.create_subprocess_exec("true"), "process"),
    "async connection": (lambda: asyncio.open_connection("127.0.0.1", 9), "network"),
}


@create_job(name="side-effects", durable=True)
async def side_effects(event: Event) -> None:
    done = DEEDS[event.case][0]()
    if done is not None:
        await done


@create_job(name="side-effect-caught", durable=True)
async def caught(event: Event) -> str:
    try:
        open("/etc/hostname")  # noqa: PTH123, SIM115, ASYNC230  # refused
    except SideEffectError:
        return await job_step(run=lambda: "in a step instead")
    return "opened"


def _selected() -> Any:
    with contextlib.closing(sqlite3.connect(":memory:")) as database:
        return database.execute("select 1").fetchone()


@create_job(name="no-side-effects", durable=True)
async def allowed(event: Event) -> list[Any]:
    import colorsys  # noqa: PLC0415  # that a handler may import is the point
    from zoneinfo import ZoneInfo  # noqa: PLC0415  # likewise

    mimetypes.init()
    return [
        os.environ.get("TERSE_TEST"),
        os.path.join("a", "b"),  # noqa: PTH118  # it touches nothing
        str(Path("a") / "b"),
        ZoneInfo("Pacific/Chatham").key,
        colorsys.rgb_to_hsv(0, 0, 0),
        mimetypes.guess_type("a.pdf")[0],
        importlib.resources.files("pydantic").joinpath("py.typed").read_text(),
        "class JSONDecoder" in Path(json.__file__).with_name("decoder.py").read_text(),
        _selected(),
        platform.processor() is not None,
        helpers.collect_a_temporary_directory(),
        await asyncio.sleep(0.01, "slept"),
    ]
