"""`jobs.jobs`: the test doubles of jobs, by their names, for those that other jobs start."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from ..diagnostics.text import did_you_mean, list_names
from ..errors import TestDoubleError
from ..execution.test_doubles import FunctionCall
from ..jobs.job import Job
from ..jobs.registry import registered_jobs
from .doubles import Call, NamedDouble, Record
from .generated_values import complete

__all__ = ["JobDouble", "JobDoubles"]


class JobDoubles:
    """The jobs of a test: `jobs.jobs.charge`, `jobs.jobs["charge-card"]`, or `jobs.jobs[charge]`.

    A job that has a double still has runs, with ids, tags and an end; what its handler would do, the double does: one
    step of the job's name.
    """

    def __init__(self) -> None:
        self._records: dict[str, Record] = {}
        #: Runs whose real handler has been noted as a call: a workflow task may be done again.
        self._noted: set[str] = set()
        #: Whether runs are in worker processes, which do not tell of handlers that they call.
        self._elsewhere: Callable[[], bool] = lambda: False

    def __getattr__(self, name: str) -> JobDouble:
        # Whatever looks for attributes of its own, as pytest does, shall not find a job.
        if name.startswith("_") and name not in _jobs():
            raise AttributeError(f"no job {name!r} is registered")
        return JobDouble(self, name)

    def __getitem__(self, job: Job | str) -> JobDouble:
        return JobDouble(self, job if isinstance(job, str) else job.name)

    def _record_of(self, name: str) -> Record:
        if name not in self._records:
            _job(name)
            self._records[name] = Record(name)
        return self._records[name]

    def _fresh(self) -> JobDoubles:
        other = JobDoubles()
        other._records = {name: record.fresh() for name, record in self._records.items()}
        return other

    @property
    def _doubled(self) -> frozenset[str]:
        """The names of jobs that are not the real ones."""
        return frozenset(name for name, record in self._records.items() if not record.real)

    def _begins(self, job: str, run_id: str, event: Any) -> bool:
        """Return whether a run of a durable job is answered by a double; the call of a real handler is noted."""
        record = self._records.setdefault(job, Record(job))
        if record.real and run_id not in self._noted:
            self._noted.add(run_id)
            function = _job(job).handler
            record.function = function
            record.calls.append(Call(job, {_event_name(function): event}, run_id))
        return not record.real

    async def _answer(self, call: FunctionCall) -> Any:
        return await self._records.setdefault(call.name, Record(call.name)).answer(call)


class JobDouble(NamedDouble):
    """The test double of a job. Until it is told to, its handler is called, and its calls are noted."""

    _table = "jobs"

    def __init__(self, doubles: JobDoubles, name: str) -> None:
        self._doubles = doubles
        self._name = name

    @property
    def calls(self) -> list[Call]:
        """The calls so far, of all runs of the test, in order: `.arguments["event"]`.

        Raises:
            TestDoubleError: the real handler is called, in worker processes of a crash test, which do not tell.
        """
        self._check_noted()
        return super().calls

    def called_once_with(self, *positional: Any, **keywords: Any) -> None:
        """Assert that there was one run, with this event."""
        __tracebackhide__ = True
        self._check_noted()
        super().called_once_with(*positional, **keywords)

    def called_with(self, *positional: Any, **keywords: Any) -> None:
        """Assert that one of the runs had this event."""
        __tracebackhide__ = True
        self._check_noted()
        super().called_with(*positional, **keywords)

    def not_called(self) -> None:
        """Assert that there was no run."""
        __tracebackhide__ = True
        self._check_noted()
        super().not_called()

    @property
    def _record(self) -> Record:
        return self._doubles._record_of(self._name)

    def _check_noted(self) -> None:
        if self._record.real and self._doubles._elsewhere():
            raise TestDoubleError(
                f"jobs.jobs[{self._name!r}]: this test has crashes, and its worker processes do not tell of the"
                " handlers that they call. Look at run.children, or at the steps of the job."
            )

    def _check_value(self, value: Any) -> None:
        complete(value, _job(self._name).handler, {}, self._name)

    def _check_function(self, function: Callable[..., Any]) -> None:
        try:
            inspect.signature(function).bind(None)
        except TypeError:
            name = getattr(function, "__name__", function)
            raise TestDoubleError(
                f"{name!r} cannot be the test double of the job {self._name!r}: it is called with the event alone"
            ) from None
        except ValueError:
            return

    def _expected(self, positional: tuple[Any, ...], keywords: dict[str, Any]) -> Mapping[str, Any]:
        given = [*positional, *keywords.values()]
        if len(given) != 1:
            raise TestDoubleError(f"a job is called with one event: jobs.jobs[{self._name!r}].called_with({{…}})")
        return {_event_name(_job(self._name).handler): given[0]}


def _jobs() -> dict[str, Job]:
    return {job.name: job for job in registered_jobs()}


def _job(name: str) -> Job:
    known = _jobs()
    if name not in known:
        raise TestDoubleError(
            f"no job {name!r} is registered{did_you_mean(name, known)} (there are {list_names(known) or 'none'}). A"
            " job's module has to be imported before it is replaced."
        )
    return known[name]


def _event_name(handler: Callable[..., Any]) -> str:
    return next(iter(inspect.signature(inspect.unwrap(handler)).parameters), "event")
