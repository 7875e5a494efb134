"""`jobs.steps`: the test doubles of single steps, by their names."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from ..diagnostics.text import did_you_mean, list_names
from ..errors import TestDoubleError, UnknownToolError
from ..execution.test_doubles import FunctionCall
from ..jobs.registry import registered_jobs
from ..serialization.wire_names import GENERATE_TEXT, STATE_DELETE, STATE_GET, STATE_SET, STATE_UPDATE
from ..tools import find_tool
from .doubles import NamedDouble, Record
from .step_names import StepNames, step_names

__all__ = ["StepDouble", "StepDoubles", "check_step"]

#: Steps that no job's source has: those of this package.
_OWN_STEPS: Final = (GENERATE_TEXT, STATE_GET, STATE_SET, STATE_UPDATE, STATE_DELETE)


class StepDoubles:
    """The steps of a test: `jobs.steps.charge`, or `jobs.steps["send the welcome"]`."""

    def __init__(self) -> None:
        self._records: dict[str, Record] = {}

    def __getattr__(self, name: str) -> StepDouble:
        # Whatever looks for attributes of its own, as pytest does, shall not find a step.
        if name.startswith("_") and not step_names().has(name):
            raise AttributeError(f"no registered job has a step {name!r}")
        return StepDouble(self, name)

    def __getitem__(self, name: str) -> StepDouble:
        return StepDouble(self, name)

    def _record_of(self, name: str) -> Record:
        if name not in self._records:
            _check_name(name, step_names())
            self._records[name] = Record(name)
        return self._records[name]

    def _check(self) -> None:
        """Refuse test doubles of no step of the test, where a name is not known before a run has it.

        Raises:
            TestDoubleError: it was not called, and looks like the name of another step.
        """
        idle = [name for name, record in self._records.items() if not record.real and not record.calls]
        if not idle:
            return
        known = step_names()
        called = {each for each, other in self._records.items() if other.calls}
        for name in idle:
            if known.only_may_have(name) and (hint := did_you_mean(name, known.names | called)):
                raise TestDoubleError(f"no run of this test had a step {name!r}{hint}")

    def _fresh(self) -> StepDoubles:
        other = StepDoubles()
        other._records = {name: record.fresh() for name, record in self._records.items()}
        return other

    async def _answer(self, call: FunctionCall) -> Any:
        return await self._records.setdefault(call.name, Record(call.name)).answer(call)


class StepDouble(NamedDouble):
    """The test double of the steps of one name."""

    _table = "steps"

    def __init__(self, doubles: StepDoubles, name: str) -> None:
        self._doubles = doubles
        self._name = name

    @property
    def _record(self) -> Record:
        return self._doubles._record_of(self._name)

    def _expected(self, positional: tuple[Any, ...], keywords: dict[str, Any]) -> Mapping[str, Any]:
        function = self._record.function
        if function is None:  # it was not called, which is what there is to say
            return {**{f"argument {index + 1}": value for index, value in enumerate(positional)}, **keywords}
        try:
            return dict(inspect.signature(inspect.unwrap(function)).bind(*positional, **keywords).arguments)
        except TypeError as err:
            raise TestDoubleError(f"the step {self._name!r} is never called so: {err}") from None


def check_step(name: str) -> None:
    """Refuse a name that no step, tool or job has.

    Raises:
        TestDoubleError: it has none.
    """
    if name in _OWN_STEPS or any(job.name == name and not job.durable for job in registered_jobs()):
        return
    with suppress(UnknownToolError):
        find_tool(name)
        return
    _check_name(name, step_names())


def _check_name(name: str, known: StepNames) -> None:
    if known.has(name):
        return
    raise TestDoubleError(
        f"no registered job has a step {name!r}{did_you_mean(name, known.names)} (there are"
        f" {list_names(known.names) or 'none'}). Tools are in jobs.tools. A job's module has to be imported before its"
        " steps are replaced."
    )
