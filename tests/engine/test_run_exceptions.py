"""A run that failed is an error of its own class and a RunFailedError; a failure that says odd things is harmless."""

from __future__ import annotations

import asyncio
import copy
import traceback
from typing import Any

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import ApplicationFailureInfo, Failure
from temporalio.client import WorkflowFailureError
from temporalio.converter import DataConverter
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    CancelledError,
    ChildWorkflowError,
    RetryState,
    TerminatedError,
    TimeoutType,
)
from temporalio.exceptions import TimeoutError as TimedOut

from terse_temporal.engine.wire.failures import failure_detail, step_failure
from terse_temporal.engine.wire.run_exceptions import run_exception
from terse_temporal.errors import (
    RunCancelledError,
    RunFailedError,
    RunTerminatedError,
    RunTimeoutError,
    StepError,
    TerseError,
)


class Declined(Exception):
    def __init__(self, code: str) -> None:
        super().__init__(f"declined: {code}")
        self.code = code


class Frozen(Exception):
    """As those of a frozen dataclass: nothing can be set, and what is there may be anybody's."""

    id = run_id = job = error_type = property(lambda self: 1 / 0)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(name)


def exception(error: BaseException | Failure) -> RunFailedError:
    return run_exception(error, job="pay", id="pay/1", run_id="r-1", namespace=globals())


def sent(error: BaseException, step: str = "") -> ApplicationError:
    return ApplicationError(str(error), failure_detail(error, step).to_wire(), type=type(error).__name__)


@pytest.mark.parametrize("wrap", ["as it is", "client", "child", "proto"])
def test_its_own_class(wrap: str) -> None:
    """However the failure comes, it is of the class that was raised, with what that held and which run it was."""
    failure = sent(Declined("no_funds"), "charge")
    error: BaseException | Failure = failure
    if wrap == "client":
        error = WorkflowFailureError(cause=failure)
    if wrap == "child":
        error = ChildWorkflowError(
            "child",
            namespace="",
            workflow_id="pay/1",
            run_id="",
            workflow_type="pay",
            initiated_event_id=1,
            started_event_id=2,
            retry_state=RetryState.NON_RETRYABLE_FAILURE,
        )
        error.__cause__ = failure
    if wrap == "proto":
        error = Failure()
        DataConverter.default.failure_converter.to_failure(failure, DataConverter.default.payload_converter, error)
    found = exception(error)
    assert isinstance(found, Declined)
    assert (found.code, str(found), found.message) == ("no_funds", "declined: no_funds", "declined: no_funds")
    assert (found.id, found.run_id, found.job, found.error_type) == ("pay/1", "r-1", "pay", "Declined")
    assert getattr(found, "step", None) == "charge"
    assert "in the run 'pay/1' of the job 'pay' (run id r-1)" in "".join(traceback.format_exception(found))
    assert copy.copy(found).code == "no_funds"


def test_a_class_that_lets_nothing_be_set() -> None:
    """It is told which run it was all the same."""
    found = exception(sent(Frozen("no")))
    assert isinstance(found, Frozen)
    assert (found.id, found.run_id, found.job, found.error_type, str(found)) == ("pay/1", "r-1", "pay", "Frozen", "no")


def test_a_run_that_failed_by_a_step() -> None:
    """It is also a StepError, as that is what the handler raised."""
    step = step_failure(Declined("stolen"), "charge", None)
    raised = StepError(step.message, step="charge", error_type="Declined")
    found = exception(sent(raised, "charge"))
    assert isinstance(found, StepError)
    assert (found.step, found.id) == ("charge", "pay/1")


@pytest.mark.parametrize(
    ("failure", "kind", "text"),
    [
        (
            CancelledError("Workflow execution canceled"),
            RunCancelledError,
            "the run 'pay/1' of the job 'pay' was cancelled",
        ),
        (CancelledError("too late"), RunCancelledError, "was cancelled: too late"),
        (TerminatedError("Workflow execution terminated"), RunTerminatedError, "of the job 'pay' was terminated"),
        (TerminatedError("Terminated"), RunTerminatedError, "the run 'pay/1' of the job 'pay' was terminated"),
        (TerminatedError("a mistake"), RunTerminatedError, "was terminated: a mistake"),
        (
            TimedOut("", type=TimeoutType.START_TO_CLOSE, last_heartbeat_details=[]),
            RunTimeoutError,
            "ran longer than the timeout that it was started with",
        ),
        (ApplicationError("over its timeout of 30 days", type="RunTimeoutError"), RunTimeoutError, "of 30 days"),
    ],
)
def test_ended_otherwise(failure: BaseException, kind: type[RunFailedError], text: str) -> None:
    """Each way to end is an error of its own, which is told by its class name."""
    found = exception(failure)
    assert type(found) is kind
    assert text in str(found)
    assert (found.id, found.run_id, found.job, found.error_type) == ("pay/1", "r-1", "pay", kind.__name__)


@pytest.mark.parametrize(
    ("reason", "text"),
    [("not wanted", ": not wanted"), ("", ""), ("\x1b[2J", ": \\x1b[2J"), ("x" * 1_000_000, f": {'x' * 1_999}…")],
)
def test_the_reason_of_a_cancellation(reason: str, text: str) -> None:
    """It ends the message, printable and cut."""
    found = run_exception(
        CancelledError("Workflow execution canceled"), job="pay", id="pay/1", run_id="", namespace={}, reason=reason
    )
    assert found.message == f"the run 'pay/1' of the job 'pay' was cancelled{text}"


DETAIL: dict[str, Any] = {"v": 1, "step": "", "arguments": ["x"], "attributes": {}, "bases": []}


@pytest.mark.parametrize(
    "details",
    [
        [],
        ["text"],
        [{"step": 7, "error": "builtins:ValueError"}],
        [{**DETAIL, "error": 7}],
        [{**DETAIL, "error": "subprocess:Popen", "arguments": [["touch", "/tmp/never"]]}],
        [{**DETAIL, "error": "os:system"}],
        [{**DETAIL, "error": "builtins:SystemExit"}],
        [{**DETAIL, "error": "builtins:KeyboardInterrupt", "bases": ["builtins:GeneratorExit"]}],
        [{**DETAIL, "error": "asyncio.exceptions:CancelledError"}],
        [{**DETAIL, "error": "temporalio.exceptions:ApplicationError"}],
        [{**DETAIL, "error": "not a reference", "bases": [1, None, "a:b:c", ":", "x" * 10_000]}],
        [{**DETAIL, "error": "terse_temporal.errors:TerseError", "attributes": "none"}],
        [{**DETAIL, "error": "builtins:OSError", "attributes": {"__class__": "x", "__dict__": {}, "id": {"a": 1}}}],
        [{**DETAIL, "error": "builtins:UnicodeDecodeError"}],
    ],
)
def test_a_failure_that_says_odd_things(details: list[Any]) -> None:
    """Whatever another program, or somebody by hand, has recorded, it is a RunFailedError of the run that was asked."""
    found = exception(ApplicationError("odd", *details, type="Odd"))
    assert isinstance(found, RunFailedError)
    assert not isinstance(found, SystemExit | KeyboardInterrupt | GeneratorExit | asyncio.CancelledError)
    assert (found.id, found.run_id, found.job, found.error_type) == ("pay/1", "r-1", "pay", "Odd")
    assert (str(found), found.message) == ("odd", "odd")
    with pytest.raises(TerseError):
        raise found


def test_a_workflow_written_by_hand() -> None:
    """It failed with its activity: the type and the text of what that raised are told."""
    activity = ActivityError(
        "Activity task failed",
        scheduled_event_id=1,
        started_event_id=2,
        identity="",
        activity_type="charge",
        activity_id="1",
        retry_state=RetryState.NON_RETRYABLE_FAILURE,
    )
    activity.__cause__ = ApplicationError("no funds", type="Declined")
    found = exception(activity)
    assert (type(found), found.error_type, str(found)) == (
        RunFailedError,
        "Declined",
        "Activity task failed: no funds",
    )


def test_a_failure_that_cannot_be_decoded() -> None:
    """Its text is told."""
    info = ApplicationFailureInfo(type="Secret")
    info.details.payloads.append(Payload(metadata={"encoding": b"binary/encrypted"}, data=b"\x00"))
    found = exception(Failure(message="it failed", application_failure_info=info))
    assert (type(found), str(found), found.error_type) == (RunFailedError, "it failed", "Secret")


def test_a_long_text() -> None:
    """It is cut."""
    found = exception(ApplicationError("x" * 1_000_000, type="Long"))
    assert len(str(found)) < 21_000
