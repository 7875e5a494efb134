"""The protocol between `Run` and what starts runs and asks after them.

There are two kinds, as there are of executions: a durable one, in the handler of a durable job, where a run that is
started is a child run and what is asked is recorded; and one by a client of Temporal, everywhere else.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal, Protocol, TypeAlias, get_args

from ..serialization.json_text import Json
from .run_timeline import RunTimeline

__all__ = [
    "STATUSES",
    "IfExists",
    "RunInfo",
    "RunOperations",
    "RunQuery",
    "RunReference",
    "RunRequest",
    "RunStatus",
]

#: How a run stands.
RunStatus: TypeAlias = Literal["running", "completed", "failed", "cancelled", "terminated", "timed_out"]

STATUSES: Final[tuple[RunStatus, ...]] = get_args(RunStatus)

#: What a start does where its workflow id was used before.
IfExists: TypeAlias = Literal["attach", "fail", "rerun"]


@dataclass(frozen=True, slots=True)
class RunRequest:
    """One start of a run, its arguments checked and its event validated, nothing of it sent.

    Attributes:
        job: the job's name.
        event: as it is sent; `None` is no input, an empty event.
        id: the workflow id; `None` where the caller gave neither an id nor a key, and it is made by what starts it.
        if_exists: what to do where that id was used before. `None`, which no caller's argument is: fail while a run
            with it is open, and start another after that.
        delay: how long until its first task.
        tags: what it can be found by.
        task_queue: of the workers that have the job; `None` is what fits the place of the call.
        waits: whether the caller waits for the result, and so the run ends with the caller in a durable handler.
        where: the line of the call, for messages.
        handler: the job's function, where the job is known here.
    """

    job: str
    event: Json | None = None
    id: str | None = None
    if_exists: IfExists | None = "attach"
    delay: timedelta | None = None
    tags: tuple[str, ...] = ()
    task_queue: str | None = None
    waits: bool = False
    where: str = ""
    handler: Callable[..., Any] | None = None


@dataclass(slots=True, eq=False)
class RunReference:
    """Which run is meant. What is not known yet is filled in by whoever learns it.

    Attributes:
        id: the workflow id.
        run_id: of the run of that id, the first one that was seen of its chain; empty: the newest.
        job: the job's name; empty where it is not known.
        handler: the job's function, where it is known. Its annotations say the type of the result, its globals the
            classes of exceptions.
        is_new: it was begun a moment ago by whoever asks now, so that nothing can have come after it yet.
    """

    id: str
    run_id: str = ""
    job: str = ""
    handler: Callable[..., Any] | None = None
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class RunInfo:
    """A run as `list_runs` finds it.

    Attributes:
        id: the workflow id.
        run_id: the server's id of this run.
        job: the job's name.
        status: `"running"`, `"completed"`, `"failed"`, `"cancelled"`, `"terminated"` or `"timed_out"`.
        started_at: when it was started, in UTC.
        ended_at: when it was over, in UTC; `None` while it runs.
        tags: what it was started with as `tags=`.
    """

    id: str
    run_id: str
    job: str
    status: RunStatus
    started_at: datetime
    ended_at: datetime | None = None
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RunQuery:
    """Which runs are listed, with everything checked: those for which all of it holds."""

    job: str | None = None
    status: RunStatus | None = None
    tag: str | None = None
    since: datetime | None = None
    limit: int | None = None


class RunOperations(Protocol):
    """What can be done with runs, where the call is made."""

    async def start(self, request: RunRequest) -> RunReference:
        """Start a run, or find the one that is there; what is given is of the class that the other methods take.

        Raises:
            RunExistsError: the id was used before, and `if_exists` says to fail.
        """

    async def result(self, run: RunReference) -> Any:
        """Wait for the end of a run, and return its result, in the type of its handler's return annotation.

        Raises:
            RunFailedError: it failed, or was ended from outside.
            RunNotFoundError: there is no such run.
        """

    async def status(self, run: RunReference) -> RunStatus: ...

    async def timeline(self, run: RunReference) -> RunTimeline: ...

    async def cancel(self, run: RunReference, reason: str) -> None: ...

    async def terminate(self, run: RunReference, reason: str) -> None: ...

    async def retry(self, run: RunReference) -> RunReference:
        """Let a run that has failed go on from before what failed, and return the run that goes on.

        Raises:
            RunRetryError: it has not failed, or cannot go on.
            RunNotFoundError: there is no such run.
        """

    async def send(self, run: RunReference, name: str, data: Json, id: str | None) -> None:
        """Send an event to a run.

        Raises:
            RunEndedError: it has ended.
            RunNotFoundError: there is no such run.
        """

    def list(self, query: RunQuery) -> AsyncIterator[RunInfo]: ...
