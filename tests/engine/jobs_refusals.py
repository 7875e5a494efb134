"""The jobs of a worker that somebody with access to its namespace tries to misuse."""

from __future__ import annotations

import subprocess
import sys
from functools import lru_cache
from importlib import import_module
from subprocess import run
from types import ModuleType
from typing import Any

from pydantic import BaseModel

from terse_temporal import Event, create_job, job_step, toolbox
from tests.effects import record

# A library, as settings are made with: its model reads a file when it is made.
library = ModuleType("a_library")
sys.modules.setdefault("a_library", library)


class Reads(BaseModel):
    __module__ = "a_library"

    def __init__(self, path: str = "", **fields: Any) -> None:
        super().__init__(text=open(path).read(), **fields)  # noqa: PTH123, SIM115

    text: str


library.Reads = Reads  # type: ignore[attr-defined]


class Settings(Reads):
    more: int = 0


@lru_cache
def converted(path: str) -> int:
    """Uses what is imported, as steps do."""
    return run(["true", path], check=False).returncode + len(subprocess.list2cmdline([import_module("json").__name__]))


def known(value: Any) -> Any:
    return value


def leave(path: str) -> None:
    record(path, "left")


@create_job(name="victim", durable=True)
async def victim(event: Event) -> Any:
    return await job_step(run=known, input=1)


@create_job(name="calls-what-cannot-be-read", durable=True)
async def dynamic(event: Event) -> Any:
    return await getattr(toolbox, "".join(["ht", "tp"])).request(method="POST", url="no url")
