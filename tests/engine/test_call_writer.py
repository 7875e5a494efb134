"""A call is written the same each time, with everything that its activity needs, and without a run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from terse_temporal.engine.code.functions import FunctionIndex
from terse_temporal.engine.workflow.call_writer import CallWriter
from terse_temporal.errors import StepInputError, StepIsolationError
from terse_temporal.execution.protocol import StepRequest
from terse_temporal.serialization.serializer import shared_serializer

from . import jobs_written
from .jobs_written import Order, written_job


@pytest.fixture
def writer() -> CallWriter:
    """Writes calls as a run of the job does."""
    return CallWriter(written_job, vars(jobs_written), FunctionIndex([written_job]), shared_serializer)


def request(run: Callable[..., Any], **options: Any) -> StepRequest:
    return StepRequest(run=run, name="ship", timeout=timedelta(minutes=1), on_interrupt="retry", **options)


def test_it_is_written_the_same(writer: CallWriter) -> None:
    """The input is validated by the annotation, the function is a reference, and a replay writes the same string."""
    call = request(jobs_written.ship, input={"number": "7"})
    first, second = (writer.write(call, "jobs.py:1") for _ in range(2))
    assert first.wire.text == second.wire.text
    assert first.check == second.check
    assert first.wire.data == {
        "v": 1,
        "step": "tests.engine.jobs_written:ship",
        "job": "written",
        "timeout": 60.0,
        "input": {"number": 7},
    }
    assert first.result is not None
    assert first.result.load({"number": 8}) == Order(8)


def test_another_input_has_another_check(writer: CallWriter) -> None:
    """The check tells calls apart by what they are given, and by nothing that a process makes up."""
    checks = [writer.write(request(jobs_written.ship, input=Order(number)), "jobs.py:1").check for number in (7, 8, 7)]
    assert checks[0] == checks[2] != checks[1]


def test_json_is_taken_as_it_is(writer: CallWriter) -> None:
    """What was validated before is written as it came, and its result is plain JSON."""
    call = request(jobs_written.ship, arguments={"order": {"number": "seven"}}, as_json=True, reference="@tool:a.b")
    written = writer.write(call, "jobs.py:1")
    assert written.wire.data["arguments"] == {"order": {"number": "seven"}}
    assert written.wire.text.endswith('"arguments":{"order":{"number":"seven"}}}')
    assert written.result is None


def test_what_is_wrong_is_said_here(writer: CallWriter) -> None:
    """An input that does not fit, and a function of another process, are refused before anything is scheduled."""
    with pytest.raises(StepInputError, match=r"step 'ship' \(tests/engine/jobs_written.py:\d+\): its input"):
        writer.write(request(jobs_written.ship, input={"number": "seven"}), "jobs.py:1")
    near = 7
    with pytest.raises(StepIsolationError, match="'near'"):
        writer.write(request(lambda: near), "jobs.py:1")
