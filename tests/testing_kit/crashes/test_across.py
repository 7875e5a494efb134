"""Test doubles are in the test's process, the run is in another, and neither notices."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import AgentInfo, FunctionModel
from temporalio.client import WorkflowFailureError

from terse_temporal.errors import CrashTestError
from terse_temporal.execution.test_doubles import CallDoubles, FunctionCall
from terse_temporal.testing.crashes import CrashPoint

from . import jobs_crashes
from .conftest import Bench
from .jobs_crashes import DeclinedError, Item


class Script:
    """Test doubles by the names of functions. What they do not know is real."""

    def __init__(self, **by_name: Any) -> None:
        self.by_name = {name.replace("__", "."): double for name, double in by_name.items()}
        self.calls: list[FunctionCall] = []
        self.asked: list[str] = []

    @property
    def doubles(self) -> CallDoubles:
        """For a worker."""
        return CallDoubles(call=self._call, model=lambda name: None)

    async def _call(self, call: FunctionCall) -> Any:
        self.calls.append(call)
        double = self.by_name.get(call.name)
        return await (call.proceed() if double is None else double(call))

    def names(self) -> list[str]:
        """What was called, in order."""
        return [call.name for call in self.calls]


async def test_calls_as_in_one_process(bench: Bench) -> None:
    """A test double gets the function, its arguments and its key, and may answer or make the real call."""

    async def reserved(call: FunctionCall) -> Any:
        assert call.function is jobs_crashes.reserve
        assert call.positional == [Item(name="lamp", effects=str(bench.effects))]
        return "a replacement"

    async def shipped(call: FunctionCall) -> Any:
        return (await call.proceed()).upper()

    script = Script(reserve=reserved, ship=shipped)
    point = CrashPoint("charge", "after_effect")
    async with bench.workers("crs-order", point, doubles=script.doubles) as workers:
        run = await bench.start("crs-order")
        workers.watch(run)
        await workers.crashed(point)
        await bench.skip(run, None)
        result = await workers.result(run)
    assert result == ["a replacement", "charge", "SHIP TO PARIS", "crs.notify"]
    assert script.names() == ["reserve", "charge", "charge", "ship", "crs.notify"]
    assert [(call.attempt, call.reference) for call in script.calls[1:3]] == [
        (attempt, f"{jobs_crashes.__name__}:charge") for attempt in (1, 2)
    ]
    assert script.calls[1].key == script.calls[2].key != script.calls[0].key
    notify = script.calls[-1]
    assert notify.function is jobs_crashes.notify
    assert [*notify.positional, notify.keywords] == ["ada", "sent", str(bench.effects), {}]
    assert [name for name, _ in bench.happened()] == ["charge", "charge", "ship", "crs.notify"]


async def test_exceptions_both_ways(bench: Bench) -> None:
    """An exception keeps its class and attributes, whether the real function raises it or its test double."""
    seen: list[BaseException] = []

    async def watched(call: FunctionCall) -> Any:
        try:
            return await call.proceed()
        except DeclinedError as err:
            seen.append(err)
            raise

    assert await bench.result("crs-retry", doubles=Script(decline=watched).doubles) == (
        "in the end, and DeclinedError 402"
    )
    assert [(str(err), vars(err)) for err in seen] == [("declined: no money", {"code": 402})]

    async def refused(call: FunctionCall) -> Any:
        raise DeclinedError(500, "no mood")

    assert await bench.result("crs-retry", doubles=Script(decline=refused).doubles) == (
        "in the end, and DeclinedError 500"
    )


async def test_killed_while_a_double_answers(bench: Bench) -> None:
    """A test double whose caller is killed is cancelled, as it would be with its caller in one process."""
    begun = asyncio.Event()
    ended: list[str] = []

    async def long(call: FunctionCall) -> Any:
        if call.attempt > 1:
            return "left"
        begun.set()
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    async def right(call: FunctionCall) -> Any:
        await begun.wait()
        return "right"

    script = Script(left=long, right=right)
    result = await bench.result("crs-parallel", CrashPoint("right", "after_effect"), doubles=script.doubles)
    assert result == ["left", "right", "right"]
    assert ended == ["cancelled"]


async def test_what_cannot_be_pickled(bench: Bench) -> None:
    """A value that cannot cross is an error that names the call, where it is used; a real call does without."""

    async def local(call: FunctionCall) -> Any:
        return threading.Lock()

    with pytest.raises(WorkflowFailureError) as failed:
        await bench.result("crs-failing", doubles=Script(decline=local).doubles)
    assert "the test double of 'decline' returned" in str(failed.value.cause)

    used: list[str] = []

    async def looked_at(call: FunctionCall) -> Any:
        made = await call.proceed()
        with pytest.raises(CrashTestError, match=r"the result of 'open_it' is in the worker process") as refused:
            made.get("lock")
        used.append(str(refused.value))
        return made

    assert await bench.result("crs-unsendable", doubles=Script(open_it=looked_at).doubles) == "lock"
    assert len(used) == 1


async def test_model(bench: Bench) -> None:
    """A model in the test answers the turns of a run in another process; a turn that is recorded is not asked again."""
    asked: list[list[str]] = []

    async def reply(messages: list[Any], info: AgentInfo) -> ModelResponse:
        asked.append([tool.name for tool in info.function_tools])
        if len(messages) == 1:
            return ModelResponse(parts=[ToolCallPart("crs_answer", {"question": "life"})])
        return ModelResponse(parts=[TextPart("no idea")])

    model = FunctionModel(reply, model_name="scripted")

    async def real(call: FunctionCall) -> Any:
        return await call.proceed()

    doubles = CallDoubles(call=real, model=lambda name: model)
    points = [CrashPoint("generate_text", "after_effect"), CrashPoint("generate_text", "after_record", 2)]
    assert await bench.result("crs-model", *points, doubles=doubles) == "no idea"
    assert asked == [["crs_answer"]] * 3
