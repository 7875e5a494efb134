"""`terse-temporal state`: what a job keeps between its runs."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Final

import typer
from rich.table import Table
from rich.text import Text
from temporalio.client import Client
from temporalio.service import RPCError
from typer.core import TyperCommand

from ..diagnostics.text import shorten
from ..engine.state.history import read_state
from ..engine.state.store import TemporalStore
from ..runs.starting import DEFAULT_TASK_QUEUE
from ..runs.task_queues import is_gone, last_poll
from ..state import StateId, StateStore
from ..state.opening import store_from_environment
from ..state.schema import StateSchema
from .asking import ask
from .event_argument import finite_number
from .exiting import FAILED, CommandError
from .options import Address, Debug, Namespace, TaskQueue
from .output import console, errors
from .servers import silent_client
from .tasks import run_interruptibly

__all__ = ["app"]

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Look at what a job keeps between its runs, and change it.",
    rich_markup_mode="markdown",
)

#: The exit status of `get` for a key that is not set.
_NOT_SET: Final = 1

#: How long a write waits for a worker, in seconds.
_TIMEOUT: Final = 10.0

#: A negative number of JSON.
_NEGATIVE: Final = re.compile(r"-(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")

#: Characters of a value in the table of `list`.
_SHOWN: Final = 120

JobName = Annotated[str, typer.Argument(metavar="JOB", help="The job's name.")]
Key = Annotated[str, typer.Argument(metavar="KEY", help="The key.")]
AsJson = Annotated[bool, typer.Option("--json", help="JSON on one line, for programs.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@app.command("list")
def list_(
    job: JobName,
    task_queue: TaskQueue = DEFAULT_TASK_QUEUE,
    as_json: AsJson = False,
    address: Address = None,
    namespace: Namespace = None,
    debug: Debug = False,
) -> int:
    """List the keys that are set, with their values. Keys that read as their default are not among them."""

    async def show(state: _JobState) -> int:
        found = dict(sorted((await state.items()).items()))
        if as_json:
            print(json.dumps(found))
        elif not found:
            errors.print(f"nothing is set in the state of {state}", markup=False)
        else:
            table = Table(box=None, pad_edge=False, header_style="dim")
            table.add_column("key", overflow="fold")
            table.add_column("value", overflow="fold")
            for key, value in found.items():
                table.add_row(Text(key), Text(shorten(json.dumps(value, ensure_ascii=False), _SHOWN)))
            console.print(table)
        return 0

    return _run(show, job, task_queue, address, namespace)


@app.command()
def get(
    job: JobName,
    key: Key,
    task_queue: TaskQueue = DEFAULT_TASK_QUEUE,
    as_json: AsJson = False,
    address: Address = None,
    namespace: Namespace = None,
    debug: Debug = False,
) -> int:
    """Print the value of a key, as JSON. The exit status is 1 when it is not set."""

    async def show(state: _JobState) -> int:
        found = await state.items()
        if key not in found:
            errors.print(f"{key!r} is not set in the state of {state}", markup=False)
            return _NOT_SET
        print(json.dumps(found[key], indent=None if as_json or not console.is_terminal else 2))
        return 0

    return _run(show, job, task_queue, address, namespace)


class _TakesNegativeNumbers(TyperCommand):
    """A command to which -5 is an argument, and no option. Any other word with a dash is one."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        options, dashes, rest = _split_at_dashes(args)
        # With a space before it it is no option, and the same JSON; afterwards it is taken away again.
        spaced = [f" {arg}" if _NEGATIVE.fullmatch(arg) else arg for arg in options]
        left = super().parse_args(ctx, [*spaced, *dashes, *rest])
        for name, value in ctx.params.items():
            if isinstance(value, str) and value in spaced and value[1:] in args:
                ctx.params[name] = value[1:]
        return left


def _split_at_dashes(args: list[str]) -> tuple[list[str], list[str], list[str]]:
    """Return the arguments before a `--`, it, and those after it."""
    at = args.index("--") if "--" in args else len(args)
    return args[:at], args[at : at + 1], args[at + 1 :]


@app.command("set", cls=_TakesNegativeNumbers)
def set_(
    job: JobName,
    key: Key,
    value: Annotated[str, typer.Argument(metavar="VALUE", help="JSON; what is not JSON is taken as a string.")],
    task_queue: TaskQueue = DEFAULT_TASK_QUEUE,
    as_json: AsJson = False,
    yes: Yes = False,
    address: Address = None,
    namespace: Namespace = None,
    debug: Debug = False,
) -> int:
    """Set a key, under running runs. Asks first.

    A VALUE that begins with a dash and is no number goes after a `--`, behind all options.

    The job's types are not known here: a value that does not fit them fails the runs that read it.
    """
    data, kind = _value(value)

    async def write(state: _JobState) -> int:
        found = await state.items()
        before = f"from {_short(found[key])} " if key in found else ""
        if not await ask(f"Set {key!r} of {state} {before}to {_short(data)} ({kind})?", yes=yes):
            return FAILED
        await state.require_worker()
        await state.store.set(state.of, state.key(key), data, write=uuid.uuid4().hex)
        _print_change(f"set {key!r} to {_short(data)} ({kind})", {"key": key, "value": data}, as_json=as_json)
        return 0

    return _run(write, job, task_queue, address, namespace)


@app.command()
def rm(
    job: JobName,
    key: Key,
    task_queue: TaskQueue = DEFAULT_TASK_QUEUE,
    as_json: AsJson = False,
    yes: Yes = False,
    address: Address = None,
    namespace: Namespace = None,
    debug: Debug = False,
) -> int:
    """Remove a key, under running runs, so that it reads as its default again. Asks first."""

    async def write(state: _JobState) -> int:
        found = await state.items()
        if key in found:
            if not await ask(f"Remove {key!r} of {state}, which is {_short(found[key])}?", yes=yes):
                return FAILED
            await state.require_worker()
            await state.store.delete(state.of, key, write=uuid.uuid4().hex)
        text = f"removed {key!r}" if key in found else f"{key!r} is not set in the state of {state}"
        _print_change(text, {"key": key, "removed": key in found}, as_json=as_json)
        return 0

    return _run(write, job, task_queue, address, namespace)


@dataclass(frozen=True)
class _JobState:
    """The state of a job, and the store that it is kept in."""

    of: StateId
    store: StateStore
    client: Client
    is_on_temporal: bool

    async def items(self) -> Any:
        # From the history: that needs no worker.
        return await (read_state(self.client, self.of) if self.is_on_temporal else self.store.items(self.of))

    def key(self, key: str) -> str:
        return StateSchema(self.of.job, None).key(key, "state set")

    async def require_worker(self) -> None:
        """Raise where no worker is there to take a write, which might take effect much later."""
        if not self.is_on_temporal:
            return
        if is_gone(await last_poll(self.client, self.of.task_queue)):
            raise CommandError(
                f"no worker takes work from the task queue {self.of.task_queue!r}, and state that is kept on Temporal"
                f" is written by one. Start it (terse-worker MODULE --task-queue {self.of.task_queue}), or name another"
                " --task-queue. Reading needs none."
            )

    def __str__(self) -> str:
        return f"{self.of.job!r} (task queue {self.of.task_queue!r}, namespace {self.of.namespace!r})"


@asynccontextmanager
async def _open_state(
    job: str, task_queue: str, address: str | None, namespace: str | None
) -> AsyncIterator[_JobState]:
    opened = store_from_environment()
    # A database needs no server.
    lazy = {"lazy": True} if opened else {}
    client = await silent_client(address, namespace, **lazy)
    of = StateId(client.namespace, task_queue, job)
    try:
        yield _JobState(of, opened or TemporalStore(lambda: client, patience=_TIMEOUT), client, opened is None)
    finally:
        if opened is not None:
            await opened.close()


def _run(
    command: Callable[[_JobState], Awaitable[int]],
    job: str,
    task_queue: str,
    address: str | None,
    namespace: str | None,
) -> int:
    async def run() -> int:
        try:
            async with _open_state(job, task_queue, address, namespace) as state:
                return await command(state)
        except RPCError as err:
            raise CommandError(f"the server refuses it: {err.message}") from err

    return run_interruptibly(run())


def _value(text: str) -> tuple[Any, str]:
    """Return the value that a person typed, and what it was taken as."""
    try:
        return json.loads(text, parse_constant=_refuse_constant, parse_float=finite_number), "as JSON"
    except (ValueError, RecursionError):
        return text, "as a string, as it is not JSON"


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)  # NaN and Infinity, which JSON does not have


def _short(value: Any) -> str:
    return shorten(json.dumps(value, ensure_ascii=False), 60)


def _print_change(text: str, data: Any, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(data))
    else:
        console.print(text, markup=False)
