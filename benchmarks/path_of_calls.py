"""How many functions of this package a call passes through, and how often it moves from one file to another.

For whoever reads or changes the pipeline of calls: time says little about it, since the server takes most. One run
makes each kind of call twice, and the second is looked at, when imports and caches are done. `sys.setprofile` sees
every function that begins, in three stretches: from the handler's call until the SDK is given the command, in the
activity, and with the result, until the handler goes on.
"""

from __future__ import annotations

import sys
import threading
import uuid
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final

from pydantic import BaseModel
from pydantic_ai.models.test import TestModel
from rich.console import Console
from rich.table import Table
from temporalio import workflow

import terse_temporal
from terse_temporal import Event, create_job, generate_text, job_step, toolbox
from terse_temporal.client import connect
from terse_temporal.devserver import DevServer
from terse_temporal.engine.activity.runner import StepRunner
from terse_temporal.execution.test_doubles import CallDoubles, use_doubles
from terse_temporal.worker import build_worker

__all__ = ["calls_of_each_kind", "measure_paths"]

_PACKAGE: Final = str(Path(terse_temporal.__file__).parent)
_SERVER: Final = str(Path(__file__).with_name("mcp_server.py"))

toolbox.mount("bench", command=[sys.executable, _SERVER])


class Customer(BaseModel):
    """The input of the step, and its result."""

    email: str


async def welcome(customer: Customer) -> Customer:
    """Do nothing."""
    return customer


@create_job(name="benchmark-paths", durable=True)
async def calls_of_each_kind(event: Event, state: Any) -> None:
    """Make one call of each kind, twice."""
    for _ in range(2):
        await job_step(run=welcome, input=Customer(email="ada@example.com"))
        await toolbox.bench.nothing()
        await generate_text(prompt="Hello", model="test:test")
        await state.update("count", lambda count: (count or 0) + 1)


_KINDS: Final = ("job_step", "a tool of an MCP server", "a turn of a model", "state.update")
_STRETCHES: Final = ("up to the command", "in the activity", "with the result")


@dataclass
class Passed:
    """What a call has passed through on one stretch."""

    calls: int = 0
    moves: int = 0
    functions: Counter[str] = field(default_factory=Counter)

    @property
    def files(self) -> int:
        """How many files."""
        return len({function.partition(":")[0] for function in self.functions})


class Recorder:
    """Counts the functions that begin. Installed with `sys.setprofile`, in every thread."""

    def __init__(self) -> None:
        self.paths: list[list[Passed]] = []
        self._file = ""
        # Held, so that no two have one identity: a coroutine's frame begins again whenever it goes on.
        self._seen: dict[int, FrameType] = {}
        self._is_scheduled = True

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        if event != "call":
            return
        if frame.f_code is _SCHEDULE:
            self._is_scheduled = True
        file = frame.f_code.co_filename
        if id(frame) in self._seen or not file.startswith(_PACKAGE) or frame.f_code.co_name.startswith("<"):
            return
        callers = _codes(frame)
        if _HANDLER in callers:
            if self._is_scheduled and callers[1] is _HANDLER:
                self.paths.append([Passed() for _ in _STRETCHES])
                self._is_scheduled = False
            stretch = 2 if self._is_scheduled else 0
        elif _ACTIVITY in callers:
            stretch = 1
        else:
            return
        self._seen[id(frame)] = frame
        passed = self.paths[-1][stretch]
        passed.calls += 1
        passed.moves += file != self._file
        passed.functions[f"{Path(file).relative_to(_PACKAGE)}:{frame.f_code.co_qualname}"] += 1
        self._file = file


def _codes(frame: FrameType | None) -> list[CodeType]:
    """Return the code of a function, of its caller, and so on."""
    found = []
    while frame is not None:
        found.append(frame.f_code)
        frame = frame.f_back
    return found


_HANDLER: Final = calls_of_each_kind.handler.__code__
_ACTIVITY: Final = StepRunner.run.__code__
_SCHEDULE: Final = workflow.start_activity.__code__


async def measure_paths(*, names: bool = False) -> None:
    """Measure, and print a table.

    Args:
        names: whether to print the functions too.
    """
    recorder = Recorder()
    doubles = CallDoubles(call=lambda call: call.proceed(), model=lambda _: TestModel())
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(DevServer())
        client = await connect(target_host=server.address)
        stack.enter_context(use_doubles(doubles))
        await stack.enter_async_context(build_worker(client, jobs=[calls_of_each_kind], task_queue="paths"))
        threading.setprofile(recorder)
        sys.setprofile(recorder)
        try:
            await client.execute_workflow(calls_of_each_kind.name, {}, id=f"paths-{uuid.uuid4()}", task_queue="paths")
        finally:
            sys.setprofile(None)
            threading.setprofile(None)
    _print(recorder.paths[-len(_KINDS) :], names)


def _print(paths: list[list[Passed]], names: bool) -> None:
    console = Console(width=110, highlight=False)
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("calls of functions / files / moves between files")
    for stretch in _STRETCHES:
        table.add_column(stretch, justify="right")
    for kind, stretches in zip(_KINDS, paths, strict=True):
        table.add_row(kind, *(f"{each.calls} / {each.files} / {each.moves}" for each in stretches))
    console.print(table)
    for kind, stretches in zip(_KINDS, paths, strict=True) if names else ():
        for stretch, path in zip(_STRETCHES, stretches, strict=True):
            console.print(f"\n[bold]{kind}[/], {stretch}")
            for function, count in path.functions.items():
                console.print(f"  {count:3} {function}", markup=False)
