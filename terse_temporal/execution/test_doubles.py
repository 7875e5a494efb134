"""Test doubles for the functions of steps and tools, and for models: the seam of the testing kit.

A call has been checked when it comes here, and what is returned here is checked and recorded as ever, so that a
test double cannot do what the real function could not. The two variables are set around a worker, whose steps inherit
them; nothing but tests sets them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

__all__ = [
    "CallDoubles",
    "FunctionCall",
    "call_or_double",
    "has_double",
    "has_job_double",
    "job_doubles",
    "model_double",
    "use_doubles",
]


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A call that is about to be made, by a step or in place.

    Attributes:
        name: of the step or tool.
        reference: of the function: `module:qualname`, `@tool:name`, `@sdk:name`, or `@job:name` for a handler.
        function: the real one.
        positional, keywords: what it is called with.
        job: the name of the job, if any.
        key, attempt: of the step.
        within: the key of the step that makes the call in place, if one does.
        proceed: make the call.
    """

    name: str
    reference: str
    function: Callable[..., Any]
    positional: Sequence[Any]
    keywords: Mapping[str, Any]
    job: str
    key: str
    attempt: int
    proceed: Callable[[], Awaitable[Any]]
    within: str = ""


def _has_none(job: str, run_id: str, event: Any) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class CallDoubles:
    """What is asked before a function is called.

    Attributes:
        call: called in its place; `call.proceed()` is the real thing.
        model: a model of pydantic-ai's for the name of one, `None` for the name of the worker's own choice; or `None`
            where the real one is meant.
        job: told of a run of a durable job that begins, by the job's name, the run id and the event; says whether its
            handler has a test double, which is then called as that of a job that is not durable.
        jobs: gives the names of the jobs whose handlers have test doubles.
        servers: names of mounts whose MCP servers are not connected, as all of their tools have test doubles.
    """

    call: Callable[[FunctionCall], Awaitable[Any]]
    model: Callable[[str | None], Any]
    job: Callable[[str, str, Any], bool] = _has_none
    servers: Collection[str] = ()
    jobs: Callable[[], Collection[str]] = frozenset


_doubles: ContextVar[CallDoubles | None] = ContextVar("terse_temporal.doubles", default=None)


async def call_or_double(call: FunctionCall) -> Any:
    """Make a call, or call its test double."""
    doubles = _doubles.get()
    return await (call.proceed() if doubles is None else doubles.call(call))


def model_double(name: str | None) -> Any:
    """Return the test double of a model, or `None`."""
    doubles = _doubles.get()
    return None if doubles is None else doubles.model(name)


def job_doubles() -> Callable[[str, str, Any], bool]:
    """Return what says whether the handler of a durable job has a test double, see `CallDoubles.job`."""
    doubles = _doubles.get()
    return _has_none if doubles is None else doubles.job


def has_job_double(job: str) -> bool:
    """Return whether a test has put something in the place of the handler of a job."""
    doubles = _doubles.get()
    return doubles is not None and job in doubles.jobs()


def has_double(server: str) -> bool:
    """Return whether all tools of a mounted MCP server have test doubles."""
    doubles = _doubles.get()
    return doubles is not None and server in doubles.servers


@contextmanager
def use_doubles(doubles: CallDoubles) -> Iterator[None]:
    """Within the block, and in the workers that are started there, ask these."""
    token = _doubles.set(doubles)
    try:
        yield
    finally:
        _doubles.reset(token)
