"""Runs: `Run`, what it is asked for, and finding those that are there."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Generic, cast

from typing_extensions import TypeVar

from ..diagnostics.text import did_you_mean
from ..durations import format_duration, to_timedelta
from ..errors import DurationError, InPlaceOnlyError, StartError
from ..execution.coroutine_names import named
from ..execution.protocol import current_execution
from ..execution.run_operations import STATUSES, RunInfo, RunOperations, RunQuery, RunReference, RunRequest, RunStatus
from ..execution.run_timeline import RunTimeline
from ..serialization.wire_names import PACKAGE
from .run_events import check_event_id, check_event_name, event_data
from .run_requests import check_id, check_tag

if TYPE_CHECKING:
    from temporalio.client import Client

__all__ = ["Run", "get_run", "list_runs", "result_of", "run_operations", "started"]

_R_co = TypeVar("_R_co", covariant=True, default=Any)


class Run(Generic[_R_co]):
    """A run of a job: one that was started, or that is there.

    `Run[R]` is one whose result is an `R`; `Run` by itself is any. It holds no connection and no result: each method
    asks the server. A run that its author continued as new, or that was reset, is followed to its end.
    """

    __slots__ = ("_operations", "_reference")

    def __init__(self, operations: RunOperations, reference: RunReference) -> None:
        self._operations = operations
        self._reference = reference

    @property
    def id(self) -> str:
        """The workflow id."""
        return self._reference.id

    @property
    def run_id(self) -> str:
        """The server's own id of the run; empty for one of `get_run` until something was asked of it."""
        return self._reference.run_id

    @property
    def job(self) -> str:
        """The job's name; empty for one of `get_run` until something was asked of it."""
        return self._reference.job

    async def result(self, timeout: str | timedelta | None = None) -> _R_co:  # noqa: ASYNC109  # a wait, not the run
        """Wait for the end of the run, and return its result, in the type of its handler's return annotation.

        Args:
            timeout: how long to wait; `None` is as long as it takes. The run goes on however the wait ends.

        Raises:
            RunFailedError: the run failed. Where the class of what its handler raised can be found, the error is also
                of that class. `RunCancelledError`, `RunTerminatedError` and `RunTimeoutError` are of it too.
            TimeoutError: it is not over yet.
            RunNotFoundError: there is no such run, or no longer.
            ServerUnavailableError: the server does not answer.

        In a durable handler it is recorded.
        """
        limit = None if timeout is None else to_timedelta(timeout)
        waiting = asyncio.timeout(None if limit is None else limit.total_seconds())
        try:
            async with waiting:
                return cast("_R_co", await self._operations.result(self._reference))
        except TimeoutError:
            # A run that is over its own timeout raises one too.
            if limit is None or not waiting.expired():
                raise
        raise TimeoutError(
            f"the run {self.id!r} is not over after {format_duration(limit)}; it goes on. What it waits for is told by:"
            f" terse-temporal runs why {self.id}"
        )

    async def status(self) -> RunStatus:
        """Return how the run stands: `"running"`, `"completed"`, `"failed"`, `"cancelled"`, `"terminated"` or
        `"timed_out"`.

        Raises:
            RunNotFoundError: there is no such run, or no longer.
            ServerUnavailableError: the server does not answer.
        """
        return await self._operations.status(self._reference)

    async def timeline(self) -> RunTimeline:
        """Return the run's steps and sleeps, with attempts and times, as they stand.

        Raises:
            RunNotFoundError: there is no such run, or no longer.
            ServerUnavailableError: the server does not answer.
        """
        return await self._operations.timeline(self._reference)

    async def cancel(self, reason: str = "") -> None:
        """Ask the run to end: its handler is cancelled, and its `finally` and the steps in there run.

        It returns when the server has taken the request. A run that has ended is left as it is.

        Args:
            reason: why, for whoever looks at the run.

        Raises:
            RunNotFoundError: there is no such run, or no longer.
            ServerUnavailableError: the server does not answer.

        In a durable handler it is recorded.
        """
        await self._operations.cancel(self._reference, reason)

    async def terminate(self, reason: str = "") -> None:
        """End the run at once: nothing of its handler runs any more. A run that has ended is left as it is.

        Args:
            reason: why, for whoever looks at the run.

        Raises:
            RunNotFoundError: there is no such run, or no longer.
            ServerUnavailableError: the server does not answer.
        """
        await self._operations.terminate(self._reference, reason)

    async def retry(self) -> Run[_R_co]:
        """Let the run, which has failed, go on from before the step that failed, or the line that raised.

        What had finished stays as it is, and every step keeps its idempotency key; the step that failed is run again,
        with the code that the workers have now. Of a job that is not durable all is run again. `docs/runs.md` says
        what stays of sleeps, children, events and answers.

        Returns:
            The run that goes on: of the same id, and with a run id of its own.

        Raises:
            RunRetryError: it runs, has completed or was cancelled, its event does not fit, so that it would fail again
                at once, or somebody else has retried it at the same moment.
            RunNotFoundError: there is no such run, or no longer.
            ServerUnavailableError: the server does not answer.

        Costs some requests, one of them for the history of the run. Without a worker that has the job the run waits for
        one. It may be called anywhere but in the handler of a durable job.
        """
        return Run(self._operations, await self._operations.retry(self._reference))

    def send(self, name: str, data: Any = None, *, id: str | None = None) -> Coroutine[Any, Any, None]:
        """Send an event to the run, for which its handler waits by `wait_for_event(name)`, or will.

        Args:
            name: the event's: up to 200 characters.
            data: JSON data, a pydantic model or a dataclass: 1 MiB at most.
            id: the event's own id: given again with the same name, it is the same event, and dropped. The last 2,000 of
                a run are remembered. In a step without an id, one is made of the step's idempotency key, so that a
                repeated attempt of the step sends nothing twice.

        Returns:
            What to await; then the server has the event, and no worker need have been there for it.

        Raises:
            EventError: the name or id can be none, or the data are no JSON, or too large; nothing is sent. Raised by
                the call.
            RunEndedError: the run has ended.
            RunNotFoundError: there is no such run, or no longer.
            ServerUnavailableError: the server does not answer.

        In a durable handler it is recorded, and costs two history events.
        """
        call = "Run.send()"
        check_event_name(name, call)
        if id is not None:
            check_event_id(id, call)
        written = event_data(name, data, call)
        execution = current_execution()
        made = execution.event_id(name, self.id) if id is None and execution is not None else id
        return self._operations.send(self._reference, name, written, made)

    def __repr__(self) -> str:
        return f"<Run {self.id!r}{f' of {self.job!r}' if self.job else ''}>"


def get_run(id: str, *, client: Client | None = None) -> Run:
    """Return a run that was started before, by its workflow id. Nothing is asked of the server yet.

    Args:
        id: the workflow id; of several runs that had it one after the other, the newest is meant.
        client: of the server that the run is on; without it as for `Job.start`.

    Raises:
        StartError: it can be no workflow id.
    """
    check_id(id, "get_run()")
    return Run(run_operations(client), RunReference(id))


def list_runs(
    job: str | None = None,
    *,
    status: RunStatus | None = None,
    tag: str | None = None,
    since: str | timedelta | datetime | None = None,
    limit: int | None = 100,
    client: Client | None = None,
) -> AsyncIterator[RunInfo]:
    """Find runs, those that were started last first.

    Args:
        job: only runs of the job of this name.
        status: only those that stand so: `"running"`, `"completed"`, `"failed"`, `"cancelled"`, `"terminated"` or
            `"timed_out"`.
        tag: only those that were started with this tag.
        since: only those that were started in the last so long (`"2h"`), or after an aware `datetime`.
        limit: how many at most; `None` is all.
        client: of the server; without it as for `Job.start`.

    Returns:
        An asynchronous iterator of `RunInfo`: `async for info in list_runs("onboard", status="failed"): …`.

    Raises:
        StartError: an argument makes no sense.
        DurationError: `since` does not.
        SetupError: when iterated: a tag is given, and the server does not know the search attribute for them.
        ServerUnavailableError: when iterated: no server answers.

    The server's list follows what happens by some tenths of a second, on a busy one by seconds: a run that has just
    been started may be missing, and one that has just ended be listed as running. Ask `Run.status()` for how it stands
    now. A run that was continued as new is listed as its last one; one that has done so by itself, as its history was
    long, with its first start. Where it stands in the list, and `since`, are by the start of its last history.
    """
    call = "list_runs()"
    if job is not None:
        check_id(job, call)
    if tag is not None:
        check_tag(tag, call)
    if status is not None and status not in STATUSES:
        known = ", ".join(map(repr, STATUSES))
        raise StartError(f"{call}: status={status!r} is none of {known}{did_you_mean(str(status), STATUSES)}")
    if limit is not None and (not isinstance(limit, int) or limit < 1):
        raise StartError(f"{call}: limit={limit!r} is no number of runs; None is all of them")
    query = RunQuery(job=job, status=status, tag=tag, since=_moment(since), limit=limit)
    return run_operations(client).list(query)


def _moment(since: str | timedelta | datetime | None) -> datetime | None:
    if since is None:
        return None
    if isinstance(since, datetime):
        if since.utcoffset() is None:
            raise DurationError(f"since={since!r} has no timezone: give an aware datetime")
        return since
    try:
        return datetime.now(UTC) - to_timedelta(since)
    except DurationError:
        raise DurationError(
            f'list_runs(): since={since!r} is neither a duration, such as "2h" or "3d", nor an aware datetime'
        ) from None


def run_operations(client: Client | None = None) -> RunOperations:
    """Return what starts runs and asks after them, where the call is made.

    Raises:
        InPlaceOnlyError: a client is given in the handler of a durable job.
    """
    execution = current_execution()
    own = None if execution is None else execution.run_operations
    if own is not None:
        if client is not None:
            raise InPlaceOnlyError(
                "client= was given in the handler of a durable job, which is recorded and has no connection. Leave it"
                " out, or make the call in a step."
            )
        return own
    # By its name: it stands above this, as it needs the SDK, which whoever only defines jobs does not import.
    make: Callable[..., RunOperations] = importlib.import_module(f"{PACKAGE}.runs.operations").ClientOperations
    return make(client)


def started(operations: RunOperations, request: RunRequest) -> Coroutine[Any, Any, Run[Any]]:
    """Return what starts what a request says, and gives the run."""

    async def start() -> Run[Any]:
        reference = await operations.start(request)
        reference.is_new = False  # when it is asked after nobody knows
        return Run(operations, reference)

    return named(f"start {request.job}", start())


def result_of(operations: RunOperations, request: RunRequest) -> Coroutine[Any, Any, Any]:
    """Return what starts what a request says, waits for the end of the run, and gives its result."""

    async def run() -> Any:
        return await operations.result(await operations.start(request))

    return named(f"run {request.job}", run())
