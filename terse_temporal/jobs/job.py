"""A job as it is registered: what it is made of, and how runs of it are started."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Any, Generic, Literal, overload

from pydantic import BaseModel
from typing_extensions import TypeVar

from ..diagnostics.places import place
from ..errors import RunFailedError
from ..execution.coroutine_names import named
from ..execution.protocol import RetryRule
from ..execution.run_operations import IfExists
from ..state.schema import StateSchema
from ..triggers.base import Trigger
from .at_once import check_items, check_limits, map_at_once
from .run_requests import call_place, run_request
from .runs import Run, result_of, run_operations, started

if TYPE_CHECKING:
    from temporalio.client import Client

__all__ = ["Job", "module_name", "parameter_count"]

_EventT_contra = TypeVar("_EventT_contra", contravariant=True, default=Any)
_ResultT_co = TypeVar("_ResultT_co", covariant=True, default=Any)


@dataclass(frozen=True, eq=False)
class Job(Generic[_EventT_contra, _ResultT_co]):
    """A job as registered. Calling it calls its handler.

    `Job[E, R]` is one whose handler takes an `E` and gives an `R`; `Job` by itself is any.

    Attributes:
        name: the workflow type on Temporal.
        handler: the function given as `on_trigger`.
        triggers: what starts it.
        durable: whether it may sleep and have steps.
        filter: decides from the event, and perhaps the state, whether a run does anything.
        states: the keys and types of its state, if declared.
        state_schema: the same, for reading and writing.
        timeout: how long the handler may take.
        on_failure: called with the event and a `RunFailure` when the handler has not ended well.
        retry: when steps that say nothing of it are tried again.
        file, line: where it is created.
    """

    name: str
    handler: Callable[..., Any]
    triggers: tuple[Trigger, ...]
    durable: bool
    filter: Callable[..., object] | None
    states: type[BaseModel] | Mapping[str, Any] | None
    state_schema: StateSchema
    timeout: timedelta | None
    on_failure: Callable[..., Any] | None
    retry: RetryRule | None
    file: str
    line: int
    _module_code: CodeType | None
    #: The `__name__` of the module that the handler is written in.
    _home: str

    @property
    def module(self) -> str:
        """The module that the handler is written in, under the name it is imported by."""
        return module_name(self._home)

    @property
    def where(self) -> str:
        """`file:line` of its `create_job`."""
        return place(self.file, self.line)

    @functools.cached_property  # asked for by each run
    def takes_state(self) -> bool:
        """Whether the handler asks for a second argument."""
        return parameter_count(self.handler) == 2

    @property
    def filter_takes_state(self) -> bool:
        """Whether the filter asks for a second argument."""
        return self.filter is not None and parameter_count(self.filter) == 2

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.handler(*args, **kwargs)

    def start(
        self,
        event: _EventT_contra | Mapping[str, Any] | None = None,
        *,
        key: str | None = None,
        id: str | None = None,
        if_exists: IfExists = "attach",
        delay: str | timedelta | datetime | None = None,
        tags: Iterable[str] = (),
        client: Client | None = None,
        task_queue: str | None = None,
    ) -> Coroutine[Any, Any, Run[_ResultT_co]]:
        """Start a run of this job, and return it without waiting for its end.

        Args:
            event: what the run gets: JSON data, a pydantic model or a dataclass; `None` is an empty event.
            key: your own name for the run, such as an order's number: the workflow id is `<job>/<key>`.
            id: the workflow id itself. With neither it is new each time; in a step it is made of the step's idempotency
                key, so that a repeated attempt of the step finds the run that it has started: its first, second … run
                of this job.
            if_exists: what to do where that id was used before. `"attach"` starts nothing and returns the run that is
                there, running or ended. `"fail"` raises. `"rerun"` starts a new one if the one there has ended, and
                else returns that.
            delay: how long until the run begins, or an aware `datetime` when it does.
            tags: short strings that `list_runs` finds the run by, 100 characters each at most.
            client: of the server to start it on. Without it: in a step that of the worker that runs it, else that of a
                worker in this process, else one that `connect()` makes, once for each event loop.
            task_queue: of the workers that have the job. Without it: in a step that of its worker, else that of a
                worker in this process that has the job, else `terse`.

        Returns:
            What to await for the `Run`.

        Raises:
            EventError: the event does not fit, with every wrong field, or is over 2 MiB; nothing is started. Raised by
                the call, as the next two are.
            StartError: another argument makes no sense.
            DurationError: the delay does not.
            RunExistsError: when awaited: the id was used before, and `if_exists` says to fail; or a run of another job
                has it.
            SetupError: when awaited: there are tags, and the server does not know the search attribute for them.
            ServerUnavailableError: when awaited: no server answers.

        In the handler of a durable job it is recorded, and the run is a child run.
        """
        operations = run_operations(client)
        request = run_request(
            self, event, key=key, id=id, if_exists=if_exists, delay=delay, tags=tags, task_queue=task_queue
        )
        return started(operations, request)

    def run(
        self,
        event: _EventT_contra | Mapping[str, Any] | None = None,
        *,
        key: str | None = None,
        id: str | None = None,
        if_exists: IfExists = "attach",
        delay: str | timedelta | datetime | None = None,
        tags: Iterable[str] = (),
        client: Client | None = None,
        task_queue: str | None = None,
    ) -> Coroutine[Any, Any, _ResultT_co]:
        """Start a run of this job, wait for its end, and return its result.

        The arguments, and what is raised, are those of `start`; and of `Run.result`, where the run fails. The result is
        of the type of the handler's return annotation.

        In the handler of a durable job the run is a child run, and is cancelled with the task that awaits it. Anywhere
        else it goes on when the wait ends early.
        """
        operations = run_operations(client)
        request = run_request(
            self, event, key=key, id=id, if_exists=if_exists, delay=delay, tags=tags, task_queue=task_queue, waits=True
        )
        return result_of(operations, request)

    @overload
    def map(
        self,
        events: Iterable[_EventT_contra | Mapping[str, Any] | None],
        *,
        at_once: int = 20,
        max_failures: Literal[0] = 0,
        tags: Iterable[str] = (),
        client: Client | None = None,
        task_queue: str | None = None,
    ) -> Coroutine[Any, Any, list[_ResultT_co]]: ...

    @overload
    def map(
        self,
        events: Iterable[_EventT_contra | Mapping[str, Any] | None],
        *,
        at_once: int = 20,
        max_failures: int | None,
        tags: Iterable[str] = (),
        client: Client | None = None,
        task_queue: str | None = None,
    ) -> Coroutine[Any, Any, list[_ResultT_co | RunFailedError]]: ...

    def map(
        self,
        events: Iterable[_EventT_contra | Mapping[str, Any] | None],
        *,
        at_once: int = 20,
        max_failures: int | None = 0,
        tags: Iterable[str] = (),
        client: Client | None = None,
        task_queue: str | None = None,
    ) -> Coroutine[Any, Any, list[Any]]:
        """Start a run of this job for each of many events, some of them at once, and return the results.

        Args:
            events: any iterable but a set, which has no order that a replay would repeat. It is gone through as runs
                end, so that a generator need not make all events at first.
            at_once: how many runs are waited for at a time, 1 or more.
            max_failures: how many runs may fail; `None` is any number. A failure that is tolerated stands in the list
                in the place of the result, as the `RunFailedError` that `run` would raise.
            tags, client, task_queue: as of `start`, of each run.

        Returns:
            What to await for the results, in the order of the events.

        Raises:
            StepInputError: `events` is a set, a string, or nothing that can be gone through.
            EventError: when awaited: an event does not fit. Like whatever else is no run's failure it ends the map: no
                further run is started, those that are open end, and it is raised.
            ExceptionGroup: when awaited: more runs than `max_failures` have failed. No further run was started, those
                that were open have ended, and the group has the `RunFailedError` of each that failed.

        In the handler of a durable job each run is a child run, which costs three history events or four of the 51,200
        that a run has. Cancelled there, it cancels the open runs, waits for them, and starts no other.
        """
        operations = run_operations(client)
        call = f"{self.name}.map()"
        check_limits(call, at_once, max_failures)
        items = check_items(call, "events", events)
        shared = tuple(tags) if not isinstance(tags, str) else tags
        where = call_place()

        def run(event: Any) -> Coroutine[Any, Any, Any]:
            request = run_request(self, event, tags=shared, task_queue=task_queue, waits=True, where=where)
            return result_of(operations, request)

        results = map_at_once(
            run,
            items,
            at_once=at_once,
            max_failures=max_failures,
            failures=RunFailedError,
            what=f"map() of the job {self.name!r}{f' ({where})' if where else ''}",
        )
        return named(f"map {self.name}", results)

    def __repr__(self) -> str:
        return f"<Job {self.name!r} at {self.where}{', durable' if self.durable else ''}>"


def module_name(name: str) -> str:
    """Return the name a module is imported by, also when it runs as a script.

    References to its functions outlive that.
    """
    if name != "__main__":
        return name
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    if spec is not None:
        return str(spec.name).removesuffix(".__main__")
    file = getattr(main, "__file__", None)
    return Path(file).stem if file else name


def parameter_count(handler: Callable[..., Any]) -> int:
    """Return how many arguments a handler or filter is called with: 1 or 2; anything else does not fit."""
    try:
        signature = inspect.signature(handler)
    except ValueError:  # a builtin, such as `bool`
        return 1
    kinds = [
        parameter
        for parameter in signature.parameters.values()
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    ]
    required = [parameter for parameter in kinds if parameter.default is parameter.empty]
    if any(parameter.kind is parameter.KEYWORD_ONLY for parameter in required):
        return -1
    positional = [parameter for parameter in kinds if parameter.kind is not parameter.KEYWORD_ONLY]
    return max(len(required), min(len(positional), 1))
