"""A job that is declared wrongly is a JobDefinitionError at import, which names the job and where it is."""

from __future__ import annotations

import importlib
import re
import sys
import textwrap
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from terse_temporal import Event, Job, Retry, RunFailure, Triggers, create_job, registered_jobs
from terse_temporal.errors import DurationError, JobDefinitionError, TerseError
from terse_temporal.jobs.registry import collecting

HERE = "tests/job_api/test_create_job.py"


@pytest.fixture(autouse=True)
def _own_registry() -> Iterator[None]:
    """What these tests register is theirs alone."""
    with collecting():
        yield


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], ModuleType]:
    """Write a module and import it."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def written(name: str, source: str) -> ModuleType:
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(source))
        importlib.invalidate_caches()
        monkeypatch.delitem(sys.modules, name, raising=False)
        return importlib.import_module(name)

    return written


async def handler(event: Event) -> None: ...


async def handler_with_state(event: Event, state: Any) -> None: ...


def plain(event: Event) -> None: ...


async def no_event() -> None: ...


async def three(event: Any, state: Any, more: Any) -> None: ...


async def keyword(event: Any, *, needed: int) -> None: ...


async def generator(event: Any) -> AsyncIterator[int]:
    yield 1


class Callee:
    async def __call__(self, event: Any) -> None: ...


async def failed(event: Event, failure: RunFailure) -> None: ...


def failed_plainly(event: Event, failure: RunFailure) -> None: ...


async def failed_in_parts(event: Any, failure: Any) -> AsyncIterator[int]:
    yield 1


WRONG: dict[str, tuple[dict[str, Any], list[str]]] = {
    "empty name": ({"name": ""}, ["''", "has no name"]),
    "blank name": ({"name": " \t"}, ["has no name"]),
    "name that is no text": ({"name": 5}, ["5", "has no name"]),
    "no name at all": ({"name": None}, ["None", "has no name"]),
    "two webhooks": (
        {"triggers": [Triggers.webhook.on_request(), Triggers.webhook.on_request(body=dict)]},
        ["'wrong'", "two webhook triggers", "Make a second job"],
    ),
    "durable def": (
        {"durable": True, "on_trigger": plain},
        ["'wrong'", "'plain'", "not a coroutine function", "async def"],
    ),
    "durable lambda": ({"durable": True, "on_trigger": lambda event: None}, ["'wrong'", "not a coroutine function"]),
    "durable generator": ({"durable": True, "on_trigger": generator}, ["'wrong'", "'generator'"]),
    "generator": ({"on_trigger": generator}, ["'wrong'", "'generator'", "`yield`"]),
    "not a function": ({"on_trigger": "handler"}, ["'wrong'", "on_trigger is 'handler'"]),
    "a class": ({"on_trigger": Callee}, ["'wrong'", "on_trigger is <class"]),
    "no event": ({"on_trigger": no_event}, ["'wrong'", "'no_event' takes ()", "(event, state)"]),
    "three arguments": ({"on_trigger": three}, ["'wrong'", "'three' takes", "(event, state)"]),
    "a keyword": ({"on_trigger": keyword}, ["'wrong'", "'keyword' takes", "(event, state)"]),
    "filter": ({"filter": "yes"}, ["'wrong'", "filter is 'yes'"]),
    "on_failure that is no function": ({"on_failure": "tell"}, ["'wrong'", "on_failure is 'tell'"]),
    "on_failure of one argument": ({"on_failure": handler}, ["'wrong'", "'handler' (", "(event, failure)"]),
    "on_failure of three": ({"on_failure": three}, ["'wrong'", "'three' (", "(event, failure)"]),
    "on_failure with a yield": ({"on_failure": failed_in_parts}, ["'wrong'", "'failed_in_parts' (", "`yield`"]),
    "a plain on_failure of a durable job": (
        {"durable": True, "on_failure": failed_plainly},
        ["'wrong'", "'failed_plainly' (", "not a coroutine function"],
    ),
    "retry of a job without steps": ({"retry": Retry()}, ["'wrong'", "retry= is for the steps", "durable=True"]),
    "a string as trigger": ({"triggers": ["stripe"]}, ["'wrong'", "'stripe' is not a trigger"]),
    "a trigger that was not called": (
        {"triggers": [Triggers.stripe.on_customer_created]},
        ["'wrong'", "on_customer_created is not a trigger, but makes one: write on_customer_created()"],
    ),
    "one trigger without brackets": ({"triggers": Triggers.stripe.on_customer_created()}, ["'wrong'", "triggers=[…]"]),
}


def by_decorator(*, on_trigger: Any, **options: Any) -> Job:
    decorate: Callable[[Any], Job] = create_job(**options)
    return decorate(on_trigger)


@pytest.mark.parametrize("form", ["on_trigger", "decorator"])
@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_definition(case: str, form: str) -> None:
    """The error is a TerseError that names the job, its file and line, and what to do; nothing is registered."""
    options, names = WRONG[case]
    options = {"name": "wrong", "on_trigger": handler, **options}
    define: Callable[..., Any] = create_job if form == "on_trigger" else by_decorator
    with collecting() as jobs, pytest.raises(JobDefinitionError) as caught:
        define(**options)
    assert isinstance(caught.value, TerseError)
    assert re.search(rf"{HERE}:\d+", str(caught.value)), caught.value
    for name in names:
        assert name in str(caught.value)
    assert jobs == {}


@pytest.mark.parametrize("timeout", ["", "soon", 5, "-1s"])
def test_a_timeout_that_is_none(timeout: Any) -> None:
    """It is refused at import, with the job and its place."""
    with pytest.raises(DurationError, match=rf"'wrong' \({HERE}:\d+\): timeout: "):
        create_job(name="wrong", timeout=timeout, on_trigger=handler)


def test_how_runs_end() -> None:
    """A job has its timeout as a duration, its on_failure, which may be a plain function of a plain job, and a rule."""
    job = create_job(
        name="one", durable=True, timeout="30d", on_failure=failed, retry=Retry.never(), on_trigger=handler
    )
    assert job.timeout == timedelta(days=30)
    assert job.on_failure is failed
    assert job.retry is not None
    assert job.retry.max_attempts == 1
    plain_job = create_job(name="two", timeout=timedelta(minutes=1), on_failure=failed_plainly, on_trigger=plain)
    assert plain_job.on_failure is failed_plainly


def test_both_forms() -> None:
    """With `on_trigger` a Job is returned, without it a decorator that gives one; calling it calls the handler."""
    trigger = Triggers.stripe.on_customer_created()
    one = create_job(name="one", triggers=[trigger], durable=True, on_trigger=handler_with_state)

    @create_job(name="other", filter=bool, states={"count": int})
    def other(event: int) -> int:
        return event + 1

    assert isinstance(one, Job)
    assert isinstance(other, Job)
    assert (one.name, one.triggers, one.durable, one.takes_state) == ("one", (trigger,), True, True)
    assert (other.name, other.triggers, other.durable, other.takes_state) == ("other", (), False, False)
    assert (other.filter, other.states, other.module) == (bool, {"count": int}, __name__)
    assert re.fullmatch(rf"{HERE}:\d+", one.where)
    assert repr(one) == f"<Job 'one' at {one.where}, durable>"
    assert other(1) == 2


def test_a_name_twice() -> None:
    """A name that is taken is an error that names both places."""
    first = create_job(name="twice", on_trigger=handler)
    with pytest.raises(JobDefinitionError) as caught:
        create_job(name="twice", on_trigger=plain)
    places = re.findall(rf"{HERE}:(\d+)", str(caught.value))
    assert [int(line) - first.line for line in places] == [0, 2]
    assert "the job 'twice' is created twice" in str(caught.value)
    assert "Give one of them another name" in str(caught.value)


def test_a_name_twice_on_one_line() -> None:
    """Also when a loop or a function makes both jobs, on the same line."""

    def define(*handlers: Callable[..., Any]) -> None:
        for each in handlers:
            create_job(name="looped", on_trigger=each)

    with pytest.raises(JobDefinitionError, match="the job 'looped' is created twice"):
        define(handler, plain)


SOURCE = """
    from terse_temporal import create_job

    @create_job(name="reloaded", durable=True)
    async def job(event):
        return 1
"""


def test_a_name_in_two_modules(write: Callable[[str, str], ModuleType]) -> None:
    """Two modules with a job of one name cannot both be imported."""
    write("jobs_one", SOURCE)
    with pytest.raises(JobDefinitionError) as caught:
        write("jobs_two", SOURCE)
    assert re.search(r"jobs_one\.py:4", str(caught.value))
    assert re.search(r"jobs_two\.py:4", str(caught.value))


def test_a_reload_is_not_registering_twice(write: Callable[[str, str], ModuleType]) -> None:
    """A module that is reloaded, re-imported, or executed after an edit replaces its jobs."""
    with collecting() as jobs:
        module = write("jobs_reloaded", SOURCE)
        first = jobs["reloaded"]
        module = importlib.reload(module)
        assert jobs["reloaded"] is module.job is not first
        del sys.modules["jobs_reloaded"]
        module = importlib.import_module("jobs_reloaded")
        assert jobs["reloaded"] is module.job
        edited = write("jobs_reloaded", "# a line more\n\n" + textwrap.dedent(SOURCE))
        assert jobs["reloaded"] is edited.job
        assert edited.job.line == first.line + 2
        assert list(jobs) == ["reloaded"]


def test_the_registry() -> None:
    """`registered_jobs()` gives every job of the process, in the order of creation; a wrong one is not among them."""
    before = registered_jobs()
    assert all(isinstance(job, Job) for job in before)
    assert len({job.name for job in before}) == len(before)
