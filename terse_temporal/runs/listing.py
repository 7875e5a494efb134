"""Listing runs, the newest first.

Servers that keep their list of runs in an SQL database, as most do, sort by when runs ended and by nothing else. So the
runs are asked for by spans of time, the newest first; a span is counted before, and divided while there are more runs
in it than are worth being sorted here. The last span has no end: a server whose clock leaps for runs that are skipped
over a sleep has runs that start in times to come.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from temporalio.client import Client, WorkflowExecution, WorkflowExecutionStatus
from temporalio.service import RPCError

from ..execution.run_operations import RunInfo, RunQuery, RunStatus
from ..serialization.wire_names import TAGS_ATTRIBUTE, TIMED_OUT_MEMO
from .memo import read_began
from .requests import request as ask
from .search_attributes import TAGS, refusal

__all__ = ["is_queryable", "list_runs", "listed", "quote_for_query", "run_info", "visibility_query"]

#: Runs that are fetched to be sorted.
_SORTED_AT_ONCE: Final = 500

#: Before there were servers, and what a server's clock may be ahead of this one.
_OLDEST: Final = datetime(2015, 1, 1, tzinfo=UTC)
_AHEAD: Final = timedelta(hours=1)

#: A span that is not halved again.
_SHORTEST: Final = timedelta(milliseconds=10)

_STATUS: Final[Mapping[WorkflowExecutionStatus, RunStatus]] = {
    WorkflowExecutionStatus.RUNNING: "running",
    WorkflowExecutionStatus.COMPLETED: "completed",
    WorkflowExecutionStatus.FAILED: "failed",
    WorkflowExecutionStatus.CANCELED: "cancelled",
    WorkflowExecutionStatus.TERMINATED: "terminated",
    WorkflowExecutionStatus.TIMED_OUT: "timed_out",
    # Between two runs of a chain: the next one is being started.
    WorkflowExecutionStatus.CONTINUED_AS_NEW: "running",
}

#: The same as a query has it. A run that is over its job's timeout fails, and says so in its memo.
_STATUS_QUERY: Final[Mapping[RunStatus | None, str]] = {
    None: "ExecutionStatus != 'ContinuedAsNew'",
    "running": "ExecutionStatus = 'Running'",
    "completed": "ExecutionStatus = 'Completed'",
    "failed": "ExecutionStatus = 'Failed'",
    "cancelled": "ExecutionStatus = 'Canceled'",
    "terminated": "ExecutionStatus = 'Terminated'",
    "timed_out": "ExecutionStatus IN ('TimedOut', 'Failed')",
}


async def list_runs(client: Client, query: RunQuery) -> AsyncIterator[RunInfo]:
    """Yield the runs that a query is about, those that were started last first.

    Raises:
        SetupError: the query has a tag, and the server does not know the search attribute for them.
        StartError: the server does not take the query.
        ServerUnavailableError: the server does not answer, or refuses.
    """
    left = query.limit
    now = datetime.now(UTC)
    async for info in _span(client, query, query.since or _OLDEST, None, now):
        yield info
        if left is not None:
            left -= 1
            if left == 0:
                return


async def _span(
    client: Client, query: RunQuery, since: datetime, until: datetime | None, now: datetime
) -> AsyncIterator[RunInfo]:
    text = visibility_query(query, since, until)
    try:
        count = (await ask(client.count_workflows(text), "runs cannot be listed", client)).count
    except RPCError as error:
        raise refusal(error, "runs cannot be listed", client) from error
    if count > _SORTED_AT_ONCE and (until is None or until - since > _SHORTEST):
        middle = _middle(since, until, now)
        async for info in _span(client, query, middle, until, now):
            yield info
        async for info in _span(client, query, since, middle, now):
            yield info
    elif count:
        found = await ask(_fetch(client, text), "runs cannot be listed", client)
        for info in sorted(found, key=lambda each: each.started_at, reverse=True):
            if _fits(info, query):
                yield info


def _middle(since: datetime, until: datetime | None, now: datetime) -> datetime:
    """Return where a span is divided: by how long ago it was, as the newest runs are wanted first."""
    if until is None:  # from here on by as much again each time: how far in the future the last one is, nobody knows
        return max(now + _AHEAD, now + 2 * (since - now))
    oldest = (now - since).total_seconds()
    newest = max((now - until).total_seconds(), 1.0)
    if oldest < 4 * newest:
        return since + (until - since) / 2
    return now - timedelta(seconds=math.sqrt(oldest * newest))


async def _fetch(client: Client, text: str) -> list[RunInfo]:
    return [await listed(client, each) async for each in client.list_workflows(text)]


async def listed(client: Client, run: WorkflowExecution) -> RunInfo:
    """Return a run that the server lists as users get it; one that has continued by itself with its first start."""
    info = run_info(run)
    return replace(info, started_at=await read_began(client, run.raw_info.memo.fields, info.started_at))


def visibility_query(query: RunQuery, since: datetime, until: datetime | None = None) -> str:
    """Return the query that the server gets: for these runs, and perhaps others, see `is_queryable`."""
    parts = ["WorkflowType NOT STARTS_WITH 'terse.'", _STATUS_QUERY[query.status], f"StartTime >= {_moment(since)}"]
    if until is not None:
        parts.append(f"StartTime < {_moment(until)}")
    if query.job is not None and is_queryable(query.job):
        parts.append(f"WorkflowType = {quote_for_query(query.job)}")
    if query.tag is not None and is_queryable(query.tag):
        parts.append(f"{TAGS_ATTRIBUTE} = {quote_for_query(query.tag)}")
    return " AND ".join(parts)


def run_info(run: WorkflowExecution) -> RunInfo:
    """Return a run that the server lists as users get it."""
    status = _STATUS[run.status or WorkflowExecutionStatus.RUNNING]
    if status == "failed" and TIMED_OUT_MEMO in run.raw_info.memo.fields:
        status = "timed_out"
    return RunInfo(
        id=run.id,
        run_id=run.run_id,
        job=run.workflow_type,
        status=status,
        started_at=run.start_time,
        ended_at=run.close_time,
        tags=tuple(run.typed_search_attributes.get(TAGS) or ()),
    )


def _fits(info: RunInfo, query: RunQuery) -> bool:
    return (
        query.status in (None, info.status)
        and query.job in (None, info.job)
        and (query.tag is None or query.tag in info.tags)
    )


def _moment(moment: datetime) -> str:
    return f"'{moment.astimezone(UTC).isoformat()}'"


def is_queryable(text: str) -> bool:
    """Return whether a query can have a text in it; else whatever it finds has to be looked at."""
    # Servers find no run for a query with one of these, however it is quoted, and take the quotes off the ends of a
    # text twice: 1.32 on SQLite, tried.
    return '"' not in text and "\\" not in text and text == text.strip("'")


def quote_for_query(text: str) -> str:
    """Return a text as a query has it."""
    return "'" + text.replace("'", "''") + "'"
