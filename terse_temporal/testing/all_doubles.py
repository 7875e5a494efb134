"""All test doubles of one test."""

from __future__ import annotations

import asyncio
from typing import Any

from ..errors import TestDoubleError
from ..execution.test_doubles import CallDoubles, FunctionCall
from ..serialization.wire_names import JOB_REFERENCE, SDK_REFERENCE, TOOL_REFERENCE
from .job_doubles import JobDoubles
from .model_double import ModelDouble
from .questions import Inputs
from .step_doubles import StepDoubles
from .tool_doubles import ToolDoubles

__all__ = ["Doubles"]


class Doubles:
    """The test doubles of tools, steps, the model and people.

    Attributes:
        troubles: what they had no answer for, and each `assert` or `pytest.fail` of a function of the test. The job may
            catch that, or a model be told of it: the test fails all the same.
    """

    def __init__(self) -> None:
        self.tools: ToolDoubles = ToolDoubles()
        self.steps: StepDoubles = StepDoubles()
        self.jobs: JobDoubles = JobDoubles()
        self.model: ModelDouble = ModelDouble()
        self.inputs: Inputs = Inputs()
        self.troubles: list[BaseException] = []
        #: By the key of a call, that of the step in which it is made.
        self._within: dict[str, str] = {}

    def fresh(self) -> Doubles:
        """Others that answer as these will, and count their own calls. Troubles and people's answers are shared."""
        other = Doubles()
        other.tools, other.steps, other.model = self.tools._fresh(), self.steps._fresh(), self.model._fresh()
        other.jobs = self.jobs._fresh()
        other.inputs, other.troubles = self.inputs, self.troubles
        return other

    def doubles(self) -> CallDoubles:
        """Return what a worker asks before it calls something."""
        return CallDoubles(
            self._called,
            self.model._instead_of,
            self.jobs._begins,
            frozenset(self.tools._servers),
            lambda: self.jobs._doubled,
        )

    @property
    def held(self) -> bool:
        """Whether a call is at a function of the test, which may hold it up."""
        return any(
            record.held for doubles in (self.tools, self.steps, self.jobs) for record in doubles._records.values()
        )

    async def _called(self, call: FunctionCall) -> Any:
        self._within[call.key] = call.within
        if call.reference.startswith(SDK_REFERENCE):
            return await self.inputs._called(call)
        doubles: ToolDoubles | StepDoubles | JobDoubles = self.steps
        if call.reference.startswith(TOOL_REFERENCE):
            doubles = self.tools
        elif call.reference.startswith(JOB_REFERENCE):
            doubles = self.jobs
        try:
            return await doubles._answer(call)
        except TestDoubleError as err:
            self.troubles.append(err)
            raise
        except BaseException as err:
            if isinstance(err, asyncio.CancelledError):
                raise
            if err is doubles._records[call.name].failed:
                self.troubles.append(err)
            self._forget(call.key)
            raise

    def _forget(self, step: str) -> None:
        """Take no answer for lost that was given within a step which failed: tried again, it makes its calls anew."""
        inside = [key for key, within in self._within.items() if within == step]
        for key in inside:
            for record in self.tools._records.values():
                record._lost.pop(key, None)
            self.model._lost.pop(key, None)
            del self._within[key]
            self._forget(key)
