"""Defining jobs, and the registry of those that have been.

A module of jobs is executed more than once: by the import, by a reload, and afresh for every run (see
`engine/workflow/sandbox.py`). So registering is keyed by where a job is written: the same place again replaces the
job, another place with the same name is an error.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from types import CellType, CodeType, FrameType, FunctionType, MethodType
from typing import Any, Literal, Protocol, TypeAlias, overload

from pydantic import BaseModel
from typing_extensions import TypeVar

from ..diagnostics.places import caller_frame, place, place_of
from ..durations import to_timedelta
from ..errors import DurationError, JobDefinitionError
from ..serialization.wire_names import OWN_WORKFLOWS
from ..state.schema import StateSchema
from ..triggers.base import Trigger
from .failures import RunFailure, check_on_failure
from .job import Job, parameter_count
from .names import unprintable
from .options import Retry, rule_of

__all__ = ["collecting", "create_job", "is_collecting", "no_registering_while", "registered_job", "registered_jobs"]

_E = TypeVar("_E", default=Any)
_R = TypeVar("_R", default=Any)

#: A handler or a filter: of the event, and perhaps the state. That may be any, as a generated stub has one of its own.
_Handler: TypeAlias = Callable[[_E], _R] | Callable[[_E, Any], _R]

#: What `on_failure=` takes: a function of the event, and of how the handler has ended.
_OnFailure: TypeAlias = Callable[[_E, RunFailure], object]

#: What `states=` takes.
_States: TypeAlias = type[BaseModel] | Mapping[str, Any] | None


_registry: dict[str, Job] = {}
_collected: ContextVar[dict[str, Job] | None] = ContextVar("terse_temporal.collected", default=None)
_others: list[Callable[[], bool]] = []


def registered_jobs() -> list[Job]:
    """Return every job that has been created in this process, in the order of creation."""
    return list(_registry.values())


def registered_job(name: str) -> Job | None:
    """Return the job of a name that has been created in this process."""
    return _registry.get(name)


@contextmanager
def collecting() -> Iterator[dict[str, Job]]:
    """Within the block, jobs created go to the dict yielded and leave the registry as it is."""
    jobs: dict[str, Job] = {}
    token = _collected.set(jobs)
    try:
        yield jobs
    finally:
        _collected.reset(token)


def no_registering_while(somebody_copies: Callable[[], bool]) -> None:
    """While this is true, a module is executed for a copy that is not ours to look at: what it makes is not kept."""
    _others.append(somebody_copies)


def is_collecting() -> bool:
    """Return whether a module is being executed for a copy of it, so that what it declares is not the process's."""
    return _collected.get() is not None or any(somebody_copies() for somebody_copies in _others)


class _DurableDecorator(Protocol):
    """What `create_job(durable=True)` gives, to go over the handler."""

    def __call__(self, handler: _Handler[_E, Awaitable[_R]], /) -> Job[_E, _R]: ...


class _Decorator(Protocol):
    """What `create_job()` gives, to go over the handler."""

    @overload
    def __call__(self, handler: _Handler[_E, Awaitable[_R]], /) -> Job[_E, _R]: ...
    @overload
    def __call__(self, handler: _Handler[_E, _R], /) -> Job[_E, _R]: ...


# A coroutine function comes before a plain one, which it would be too. What is durable matches the first alone: where a
# type has an Any in it, mypy makes one of all overloads that match.
@overload
def create_job(
    *,
    name: str,
    triggers: Sequence[Trigger] = ...,
    durable: bool = ...,
    filter: _Handler[_E, object] | None = ...,
    states: _States = ...,
    timeout: str | timedelta | None = ...,
    on_failure: _OnFailure[_E] | None = ...,
    retry: Retry | None = ...,
    on_trigger: _Handler[_E, Awaitable[_R]],
) -> Job[_E, _R]: ...


@overload
def create_job(
    *,
    name: str,
    triggers: Sequence[Trigger] = ...,
    durable: Literal[False] = ...,
    filter: _Handler[_E, object] | None = ...,
    states: _States = ...,
    timeout: str | timedelta | None = ...,
    on_failure: _OnFailure[_E] | None = ...,
    retry: Retry | None = ...,
    on_trigger: _Handler[_E, _R],
) -> Job[_E, _R]: ...


@overload
def create_job(
    *,
    name: str,
    triggers: Sequence[Trigger] = ...,
    durable: Literal[True],
    filter: _Handler[Any, object] | None = ...,
    states: _States = ...,
    timeout: str | timedelta | None = ...,
    on_failure: _OnFailure[Any] | None = ...,
    retry: Retry | None = ...,
) -> _DurableDecorator: ...


@overload
def create_job(
    *,
    name: str,
    triggers: Sequence[Trigger] = ...,
    durable: Literal[False] = ...,
    filter: _Handler[Any, object] | None = ...,
    states: _States = ...,
    timeout: str | timedelta | None = ...,
    on_failure: _OnFailure[Any] | None = ...,
    retry: Retry | None = ...,
) -> _Decorator: ...


def create_job(
    *,
    name: str,
    triggers: Sequence[Trigger] = (),
    durable: bool = False,
    filter: Callable[..., object] | None = None,
    states: _States = None,
    timeout: str | timedelta | None = None,
    on_failure: _OnFailure[Any] | None = None,
    retry: Retry | None = None,
    on_trigger: Callable[..., Any] | None = None,
) -> Any:
    """Register a job. Without `on_trigger` it is a decorator over the handler.

    Args:
        name: unique among the jobs of a worker; the workflow type on Temporal.
        triggers: what starts it, from `Triggers`. They also say what type an event without annotation has.
        durable: whether it may pause (`sleep`) and have steps. Its handler is then `async def` and is replayed from the
            top whenever a run goes on, so everything with an effect belongs into a step. A job that is not durable runs
            in one go, once, and may be a plain `def`.
        filter: called with `(event)` or `(event, state)`, may be `async def`; a false answer ends the run with
            `{"skipped": "filter"}`. It is asked in the workflow, so nothing is scheduled but its reads of the state.
        states: the keys of the job's state: a pydantic model, whose defaults are the values of unset keys, or a mapping
            of key to type. Without it the state has any key, with any JSON value.
        timeout: how long the handler may take, sleeps included, from when it begins; `None` is for ever. When it is
            over, the handler is cancelled: its `finally` and the steps there run, and then the run fails with
            `RunTimeoutError`. Costs two history events.
        on_failure: `async def (event, failure)`, called with a `RunFailure` when the handler has failed, was cancelled
            or has timed out, as part of the run; it may have steps and sleeps. Then the run ends as it would have. Of a
            job that is not durable it may be a plain `def`, and runs in one go, once, with a worker.
        retry: when steps that have no `retry=` of their own are tried again. Not for tools, which have rules of their
            own, and only with `durable=True`.
        on_trigger: the handler: `(event)` or `(event, state)`. What it returns, as JSON, is the run's result.

    Raises:
        JobDefinitionError: the name is empty or taken, there are two webhook triggers, or the handler does not fit;
            raised at import, naming the job and the places.
    """
    frame = caller_frame()
    if on_trigger is not None:
        return _register(name, triggers, durable, filter, states, timeout, on_failure, retry, on_trigger, frame)

    def decorate(handler: Callable[..., Any]) -> Job:
        return _register(name, triggers, durable, filter, states, timeout, on_failure, retry, handler, frame)

    return decorate


def _register(
    name: str,
    triggers: Sequence[Trigger],
    durable: bool,
    filter: Callable[..., Any] | None,
    states: Any,
    timeout: str | timedelta | None,
    on_failure: Callable[..., Any] | None,
    retry: Retry | None,
    handler: Callable[..., Any],
    frame: FrameType,
) -> Job:
    where = place(frame.f_code.co_filename, frame.f_lineno)
    if not isinstance(triggers, Iterable):
        raise JobDefinitionError(f"the job {name!r} ({where}): triggers is {triggers!r}; give a list, triggers=[…]")
    job = Job(
        name=name,
        handler=handler,
        triggers=tuple(triggers),
        durable=durable,
        filter=filter,
        states=states,
        state_schema=StateSchema(name, states, frame.f_globals),
        timeout=_timeout(timeout, f"the job {name!r} ({where})"),
        on_failure=on_failure,
        retry=rule_of(retry),
        file=frame.f_code.co_filename,
        line=frame.f_lineno,
        _module_code=_module_code(frame),
        _home=_home(handler, str(frame.f_globals.get("__name__", "__main__"))),
    )
    _check(job)
    jobs = _collected.get()
    if jobs is None:
        jobs = {} if is_collecting() else _registry
    before = jobs.get(name)
    if before is not None and not _same_place(before, job):
        raise JobDefinitionError(
            f"the job {name!r} is created twice: at {before.where} and at {job.where}. Give one of them another name."
        )
    jobs[name] = job
    return job


def _timeout(timeout: str | timedelta | None, where: str) -> timedelta | None:
    try:
        return None if timeout is None else to_timedelta(timeout)
    except DurationError as err:
        raise DurationError(f"{where}: timeout: {err}") from None


def _home(handler: Any, creating: str) -> str:
    """Return the module that a handler is written in, which is not always its own `__module__`.

    Args:
        handler: a function, or what leads to one: a partial, a decorated function, an object that can be called.
        creating: the module that creates the job. It is that one if any part of the handler is; a job may be created by
            a function of another module, though, and a decorator without `functools.wraps` hides the function.
    """
    homes, pending, seen = [], [handler], set()
    while pending:
        each = pending.pop(0)
        if id(each) in seen:
            continue
        seen.add(id(each))
        if isinstance(each, functools.partial):
            pending += [each.func, *filter(callable, (*each.args, *each.keywords.values()))]
        elif isinstance(each, MethodType):
            pending.append(each.__func__)
        elif hasattr(each, "__wrapped__"):
            pending.append(each.__wrapped__)
        elif isinstance(each, FunctionType):
            homes.append(str(each.__globals__.get("__name__", each.__module__)))
            cells = (cell.cell_contents for cell in each.__closure__ or () if cell != CellType())
            pending += [inner for inner in cells if isinstance(inner, FunctionType | MethodType | functools.partial)]
        elif isinstance(call := getattr(type(each), "__call__", None), FunctionType):  # noqa: B004  # it is wanted
            pending.append(call)
    return creating if creating in homes or not homes else homes[0]


def _check(job: Job) -> None:
    where = f"the job {job.name!r} ({job.where})"
    if not isinstance(job.name, str) or not job.name.strip():
        raise JobDefinitionError(f"{where} has no name: give create_job(name=…) a string that is not empty")
    if (wrong := unprintable(job.name)) is not None:
        raise JobDefinitionError(f"{where}: a name cannot have {wrong} in it; give it another")
    if not callable(job.handler) or inspect.isclass(job.handler):
        raise JobDefinitionError(f"{where}: on_trigger is {job.handler!r}; give it a function")
    if job.name.startswith(OWN_WORKFLOWS):
        raise JobDefinitionError(
            f"{where}: names that begin with {OWN_WORKFLOWS!r} are this package's own; give it another"
        )
    for trigger in job.triggers:
        if not isinstance(trigger, Trigger):
            if inspect.isfunction(trigger) and trigger.__module__.startswith(Trigger.__module__.rpartition(".")[0]):
                name = trigger.__name__
                raise JobDefinitionError(f"{where}: {name} is not a trigger, but makes one: write {name}()")
            raise JobDefinitionError(
                f"{where}: {trigger!r} is not a trigger; take one from Triggers, such as Triggers.webhook.on_request()"
            )
    if sum(trigger.source == "webhook" for trigger in job.triggers) > 1:
        raise JobDefinitionError(f"{where} has two webhook triggers: a job has one address. Make a second job.")
    if job.durable and not inspect.iscoroutinefunction(inspect.unwrap(job.handler)):
        raise JobDefinitionError(
            f"{where} is durable, and its handler {_name(job.handler)!r} is not a coroutine function:"
            " write `async def`, or take durable=True away"
        )
    if inspect.isasyncgenfunction(job.handler) or inspect.isgeneratorfunction(job.handler):
        raise JobDefinitionError(f"{where}: its handler {_name(job.handler)!r} has a `yield`; a handler returns")
    if job.filter is not None and not callable(job.filter):
        raise JobDefinitionError(f"{where}: filter is {job.filter!r}; give it a function of the event")
    # Not in every copy of a module: making validators takes longer than all the rest of it.
    if not _is_copy(job) and (wrong := job.state_schema.problem()) is not None:
        raise JobDefinitionError(f"{where}: {wrong}")
    _check_arguments(job, where)


def _check_arguments(job: Job, where: str) -> None:
    if job.retry is not None and not job.durable:
        raise JobDefinitionError(
            f"{where}: retry= is for the steps of a durable job, and this one has none: it runs in one go, once. Add"
            " durable=True, or take it away"
        )
    if job.on_failure is not None:
        check_on_failure(job.on_failure, durable=job.durable, where=where)
    if job.filter is not None and parameter_count(job.filter) not in (1, 2):
        raise JobDefinitionError(
            f"{where}: its filter {_name(job.filter)!r} takes {inspect.signature(job.filter)};"
            " it is called with (event), or with (event, state)"
        )
    if parameter_count(job.handler) not in (1, 2):
        raise JobDefinitionError(
            f"{where}: its handler {_name(job.handler)!r} takes {inspect.signature(job.handler)};"
            " it is called with (event), or with (event, state)"
        )


def _name(handler: Callable[..., Any]) -> str:
    return getattr(handler, "__qualname__", repr(handler))


def _is_copy(job: Job) -> bool:
    """Return whether another execution of a module that has been imported makes it, so that it has been checked."""
    before = _registry.get(job.name) if is_collecting() else None
    return before is not None and before.line == job.line and before._module_code == job._module_code


def _same_place(before: Job, job: Job) -> bool:
    if before.file != job.file:
        return False
    # A reload, perhaps after an edit that moved the lines: the module's code is another object.
    if before._module_code is not job._module_code:
        return True
    # Within one execution of a module two places are two jobs, and so are two handlers that a loop goes through.
    return before.line == job.line and place_of(before.handler) == place_of(job.handler)


def _module_code(frame: FrameType | None) -> CodeType | None:
    """Return the code of the module that is being executed where a job is created."""
    while frame is not None and frame.f_code.co_name != "<module>":
        frame = frame.f_back
    return frame.f_code if frame is not None else None
