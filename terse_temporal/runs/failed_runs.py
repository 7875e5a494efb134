"""The runs that are to be retried: those of a job that failed lately, and which of them fit the code that is here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from temporalio.client import Client, WorkflowHistory
from temporalio.runtime import Runtime

from ..engine.replay.replayer import Replayed, replay
from ..errors import RunNotFoundError, RunRetryError
from ..jobs.job import Job
from .endings import EndReason, failure_of_end
from .listing import is_queryable, quote_for_query
from .requests import request as ask
from .retrying import Retriable, find_retriable

__all__ = ["FailedRun", "Refused", "RunName", "failed_runs", "look_at_runs"]

#: Histories that are fetched at once.
_AT_ONCE: Final = 10


@dataclass(frozen=True, slots=True)
class RunName:
    """A run that is to be retried.

    Attributes:
        id: the workflow id.
        run_id: the one that was listed as failed; empty where a person has named the run.
    """

    id: str
    run_id: str = ""


@dataclass(frozen=True, slots=True)
class FailedRun:
    """A run that failed, and can go on.

    Attributes:
        run: where it goes on.
        why: what it failed with.
        replayed: what came of replaying it up to there; `None` where that was not asked for.
    """

    run: Retriable
    why: EndReason
    replayed: Replayed | None = None

    @property
    def kind(self) -> str:
        """The class of the error."""
        return self.why.what.partition(": ")[0]

    @property
    def fits(self) -> bool:
        """Whether it can go on with the code that is here, as far as that is known."""
        return self.replayed is None or self.replayed.failure is None


@dataclass(frozen=True, slots=True)
class Refused:
    """A run that is not retried.

    Attributes:
        id, run_id: of the run.
        why: a sentence.
    """

    id: str
    run_id: str
    why: str


async def failed_runs(client: Client, job: str, since: datetime | None) -> AsyncIterator[RunName]:
    """Yield the runs of a job that have failed, the last ones of their chains, since a moment.

    Raises:
        ServerUnavailableError: the server does not answer.
    """
    parts = ["ExecutionStatus = 'Failed'"]
    if is_queryable(job):
        parts.append(f"WorkflowType = {quote_for_query(job)}")
    if since is not None:
        parts.append(f"CloseTime >= '{since.astimezone(UTC).isoformat()}'")
    listing = client.list_workflows(" AND ".join(parts))
    while (run := await ask(anext(listing, None), "runs cannot be listed", client)) is not None:
        if run.workflow_type == job:
            yield RunName(run.id, run.run_id)


async def look_at_runs(
    client: Client, names: AsyncIterator[RunName], jobs: Sequence[Job] | None, runtime: Runtime | None = None
) -> AsyncIterator[FailedRun | Refused]:
    """Yield what can be done with each run, in their order.

    Args:
        client: of their server.
        names: the runs. One that was listed and has been retried since is passed over.
        jobs: replayed for each run as far as it stays; `None` replays nothing.
        runtime: of the SDK, for the replays.

    Raises:
        ServerUnavailableError: the server does not answer.
    """
    async for some in _batches(names):
        found = await asyncio.gather(*(_look_at(client, each) for each in some))
        looked_at = [each for each in found if each is not None]
        retriable = [each for each in looked_at if isinstance(each, FailedRun)]
        replays = iter(await _replayed(retriable, jobs, client, runtime))
        for each in looked_at:
            yield (
                FailedRun(each.run.without_history(), each.why, next(replays)) if isinstance(each, FailedRun) else each
            )


async def _batches(names: AsyncIterator[RunName]) -> AsyncIterator[list[RunName]]:
    some: list[RunName] = []
    async for each in names:
        some.append(each)
        if len(some) == _AT_ONCE:
            yield some
            some = []
    if some:
        yield some


async def _look_at(client: Client, name: RunName) -> FailedRun | Refused | None:
    try:
        call = find_retriable(client, name.id, name.run_id)
        run = await ask(call, f"the run {name.id!r} cannot be asked after", client)
    except (RunRetryError, RunNotFoundError) as error:
        run_id = error.run_id if isinstance(error, RunRetryError) else ""
        # One of a list may have been retried since, or deleted.
        return Refused(name.id, run_id, str(error)) if name.run_id in ("", run_id) else None
    if name.run_id not in ("", run.run_id):
        return None  # it has been retried, and has failed again: that one is listed too
    recorded = run.recorded
    assert recorded.ended is not None
    return FailedRun(run, failure_of_end(recorded.ended, recorded) or EndReason("it ended"))


async def _replayed(
    failed: Iterable[FailedRun], jobs: Sequence[Job] | None, client: Client, runtime: Runtime | None
) -> list[Replayed | None]:
    if jobs is None:
        return [None for _ in failed]
    kept = [WorkflowHistory(each.run.id, each.run.kept_events()) for each in failed]
    return [each async for each in replay(jobs, kept, data_converter=client.data_converter, runtime=runtime)]
