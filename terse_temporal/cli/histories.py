"""Histories for `terse-temporal replay`: out of files, and from a server.

A history may have fifty megabytes, and there may be thousands of runs. So they are a stream: a few are fetched ahead,
and none is kept.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from google.protobuf.json_format import ParseError
from temporalio.client import Client, WorkflowExecution, WorkflowHistory
from temporalio.service import RPCError, RPCStatusCode

from ..runs.listing import is_queryable, quote_for_query
from .exiting import CommandError

__all__ = ["RunQuery", "fetch_histories", "history_files", "read_history", "save_history"]

#: Fetched at once. More would not be faster: a replay takes longer than a request.
_AT_ONCE: Final = 10

#: The characters of a file's name that every file system takes. The ids are in the history itself.
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")


def history_files(paths: Iterable[str]) -> list[Path]:
    """Return the files that are named, and for a directory every `*.json` in it.

    Raises:
        CommandError: there is no such file, or the directory has none.
    """
    files: list[Path] = []
    for each in paths:
        path = Path(each)
        found = sorted(path.glob("*.json")) if path.is_dir() else [path]
        if not found:
            raise CommandError(f"the directory {each!r} has no histories: no file in it ends in .json")
        if not path.exists():
            raise CommandError(f"there is no file {each!r}, and no directory")
        files += found
    return files


def read_history(file: Path) -> WorkflowHistory:
    """Read a history as the Temporal CLI, the Web UI or the SDK writes it.

    Raises:
        CommandError: the file cannot be read, or is something else.
    """
    try:
        # As bytes, so that what a PowerShell redirected is read too: that is UTF-16, or begins with a mark.
        data: Any = json.loads(file.read_bytes())
        events = data if isinstance(data, list) else data.get("events") if isinstance(data, dict) else None
        if not isinstance(events, list):
            raise CommandError(
                f"{str(file)!r} is JSON, but no history: it has no list of `events`. Write one with `temporal workflow"
                " show --workflow-id ID --output json`."
            )
        history = WorkflowHistory.from_json("", {"events": events})
    except OSError as err:
        raise CommandError(f"{str(file)!r} cannot be read: {err.strerror}") from err
    except ParseError as err:
        raise CommandError(
            f"{str(file)!r} is no history that can be replayed: {err}. Download it without decoding its payloads."
        ) from err
    except (ValueError, RecursionError) as err:  # not JSON, or no text
        raise CommandError(f"{str(file)!r} is no history: {err}") from err
    started = history.events[0].workflow_execution_started_event_attributes if history.events else None
    return WorkflowHistory((started.workflow_id if started else "") or file.stem, history.events)


def save_history(history: WorkflowHistory, directory: Path) -> Path:
    """Write a history into a directory, and return the file."""
    started = history.events[0].workflow_execution_started_event_attributes
    parts = (started.workflow_type.name[:60], history.workflow_id[:100], history.run_id)
    file = directory / f"{'.'.join(_UNSAFE.sub('_', part) for part in parts)}.json"
    file.write_text(history.to_json(), encoding="utf-8")
    return file


@dataclass(frozen=True)
class RunQuery:
    """A query for runs of a server.

    Args:
        types: their workflow types, or `None` for any.
        task_queue: theirs, or `None` for any.
        is_open: whether open runs, or closed ones, which servers list with the newest first.
        limit: how many at most.
    """

    types: Sequence[str] | None
    task_queue: str | None
    is_open: bool
    limit: int | None = None

    @property
    def query(self) -> str:
        """The query that the server gets: for these runs, and perhaps others."""
        # Of a run that has continued in new histories the last one counts, which has what came before it in it.
        closed = "ExecutionStatus != 'Running' AND ExecutionStatus != 'ContinuedAsNew'"
        parts = ["ExecutionStatus = 'Running'" if self.is_open else closed]
        if self.types is not None and all(map(is_queryable, self.types)):
            parts.append(f"WorkflowType IN ({', '.join(map(quote_for_query, self.types))})")
        if self.task_queue is not None and is_queryable(self.task_queue):
            parts.append(f"TaskQueue = {quote_for_query(self.task_queue)}")
        return " AND ".join(parts)

    async def runs(self, client: Client) -> AsyncIterator[WorkflowExecution]:
        """List the runs."""
        found = 0
        async for run in client.list_workflows(self.query):
            if self.types is not None and run.workflow_type not in self.types:
                continue
            if self.task_queue not in (None, run.task_queue):
                continue
            if self.limit is not None and found >= self.limit:
                return
            found += 1
            yield run


async def fetch_histories(client: Client, wanted: Iterable[RunQuery]) -> AsyncGenerator[WorkflowHistory, None]:
    """Fetch the histories of runs. Those that are deleted meanwhile are left out."""
    fetching: set[asyncio.Task[WorkflowHistory | None]] = set()
    try:
        for each in wanted:
            async for run in each.runs(client):
                fetching.add(asyncio.ensure_future(_fetch(client, run)))
                if len(fetching) >= _AT_ONCE:
                    done, fetching = await asyncio.wait(fetching, return_when=asyncio.FIRST_COMPLETED)
                    for history in _existing(done):
                        yield history
        while fetching:
            done, fetching = await asyncio.wait(fetching, return_when=asyncio.FIRST_COMPLETED)
            for history in _existing(done):
                yield history
    finally:
        for task in fetching:
            task.cancel()
        await asyncio.gather(*fetching, return_exceptions=True)


def _existing(done: Iterable[asyncio.Task[WorkflowHistory | None]]) -> Iterator[WorkflowHistory]:
    return (history for task in done if (history := task.result()) is not None)


async def _fetch(client: Client, run: WorkflowExecution) -> WorkflowHistory | None:
    try:
        return await client.get_workflow_handle(run.id, run_id=run.run_id).fetch_history()
    except RPCError as err:
        if err.status == RPCStatusCode.NOT_FOUND:
            return None
        raise
