"""Which runs are meant: options, and the runs that they select."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Final, Literal

import typer
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from ...diagnostics.text import did_you_mean
from ...execution.run_operations import STATUSES, RunInfo, RunStatus
from ...jobs.runs import list_runs
from ...runs.listing import listed
from ..exiting import CommandError
from ..times import read_since

__all__ = ["Ids", "JobOption", "Limit", "Selection", "Since", "Status", "Tag", "selected"]

#: Runs that a selection has at most, unless told otherwise.
MOST_SELECTED: Final = 1_000

Ids = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[ID]...", help="The workflow ids of the runs; or select them by the options.", show_default=False
    ),
]
JobOption = Annotated[str | None, typer.Option("--job", metavar="JOB", help="Runs of this job.")]
Status = Annotated[
    str | None,
    typer.Option(
        "--status",
        metavar="STATUS",
        help="Runs that stand so: running, completed, failed, cancelled, terminated or timed_out.",
    ),
]
Since = Annotated[
    str | None,
    typer.Option("--since", metavar="DURATION|TIME", help='Runs that were started in the last "2h", or after a time.'),
]
Tag = Annotated[str | None, typer.Option("--tag", metavar="TAG", help="Runs that were started with this tag.")]
Limit = Annotated[int, typer.Option("--limit", metavar="N", min=1, help="How many at most.")]


@dataclass(frozen=True)
class Selection:
    """The options that select runs, as they were given.

    Raises:
        CommandError: one makes no sense.
    """

    job: str | None = None
    status: str | None = None
    since: str | None = None
    tag: str | None = None
    limit: int | None = MOST_SELECTED

    def __post_init__(self) -> None:
        _read_status(self.status)
        self._since()

    @property
    def is_empty(self) -> bool:
        """Whether none was given."""
        return self.job is self.status is self.since is self.tag is None

    def _since(self) -> datetime | None:
        return None if self.since is None else read_since(self.since)

    def runs(self, client: Client) -> AsyncIterator[RunInfo]:
        """Return the runs, those that were started last first.

        Raises:
            TerseError: an option makes no sense.
        """
        return list_runs(
            self.job,
            status=_read_status(self.status),
            tag=self.tag,
            since=self._since(),
            limit=self.limit,
            client=client,
        )


async def selected(
    client: Client, ids: Sequence[str] | None, selection: Selection, means: Literal["running", "ended"]
) -> tuple[list[RunInfo], list[str]]:
    """Return the runs that are meant, and the ids of which there is no run.

    Args:
        client: of the server.
        ids: as they were given.
        selection: the options that were given instead.
        means: which runs a selection means where no status was given. Runs that were named are always meant.

    Raises:
        CommandError: both are given, or neither.
        RPCError: the server refuses.
    """
    if not ids:
        if selection.is_empty:
            raise CommandError("say which runs: by their ids, or by --job, --status, --since or --tag")
        if selection.status is not None or means == "running":
            asked = replace(selection, status=selection.status or means)
            return [each async for each in asked.runs(client)], []
        found: list[RunInfo] = []
        # The limit is of those that are meant: there may be any number of others.
        async for run in replace(selection, limit=None).runs(client):
            if len(found) == selection.limit:
                break
            if run.status != "running":
                found.append(run)
        return found, []
    if not selection.is_empty:
        raise CommandError("give either ids or --job, --status, --since and --tag, not both")
    named, missing = [], []
    for each in dict.fromkeys(ids):
        try:
            named.append(await listed(client, await client.get_workflow_handle(each).describe()))
        except RPCError as err:
            if err.status != RPCStatusCode.NOT_FOUND:
                raise
            missing.append(each)
    return named, missing


def _read_status(text: str | None) -> RunStatus | None:
    if text is None:
        return None
    status = text.strip().lower().replace("-", "_").replace(" ", "_").replace("canceled", "cancelled")
    if status not in STATUSES:
        raise CommandError(f"--status {text!r} is none of {', '.join(STATUSES)}{did_you_mean(status, STATUSES)}")
    return status
