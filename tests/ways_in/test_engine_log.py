"""What is let through of the SDK's own log."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import pytest

from terse_temporal.cli.engine_log import EngineLog, ServerWatch
from terse_temporal.errors import UnknownJobError


class Watch(ServerWatch):
    """Counts how often something was amiss."""

    checks = 0

    def check(self) -> None:
        self.checks += 1


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def log(watch: Watch) -> EngineLog:
    return EngineLog(watch)


def record(
    text: str,
    name: str = "temporalio.worker._workflow",
    level: int = logging.WARNING,
    *,
    kind: str | None = None,
    exc_info: Any = None,
) -> logging.LogRecord:
    """A record of the SDK's Python half."""
    made = logging.LogRecord(name, level, __file__, 1, text, (), exc_info)
    vars(made)["__temporal_error_identifier"] = kind
    return made


def of_core(text: str, **fields: str) -> logging.LogRecord:
    """A record of its Rust half."""
    made = record(text, "temporalio.core")
    vars(made)["temporal_log"] = SimpleNamespace(fields=fields)
    return made


RUN = "01a203da-ee73-72b8-8dca-1b3495311a32"
ANOTHER = "01a203da-eeb3-7dc3-b0fd-e891f60bde4d"


def test_records_of_others_pass(log: EngineLog) -> None:
    """The log of the worker, of jobs and of libraries is not touched, however often it says the same."""
    for name in ("terse_temporal.worker", "shop.jobs", "httpx"):
        assert all(log.filter(record("done", name, logging.INFO)) for _ in range(2))


def test_same_thing_once_for_each_run(log: EngineLog) -> None:
    """A failure that repeats is said once for each run; another error of the same run is news."""
    failed, other = ((ValueError, ValueError(text), None) for text in ("one", "other"))
    assert log.filter(record(f"Failed handling activation on workflow with run ID {RUN}", exc_info=failed))
    assert not log.filter(record(f"Failed handling activation on workflow with run ID {RUN}", exc_info=failed))
    assert log.filter(record(f"Failed handling activation on workflow with run ID {ANOTHER}", exc_info=failed))
    assert log.filter(record(f"Failed handling activation on workflow with run ID {RUN}", exc_info=other))


def test_what_the_worker_says_itself(log: EngineLog) -> None:
    """Failed steps, unknown jobs and failing workflow tasks are told by the worker, in its own words."""
    unknown = (UnknownJobError, UnknownJobError("no job"), None)
    assert not log.filter(record("Completing activity as failed", kind="ActivityFailure"))
    assert not log.filter(record("Failed activation on workflow", exc_info=unknown, kind="WorkflowTaskFailure"))
    assert not log.filter(of_core("Failing workflow task", run_id=RUN, failure="…"))
    assert not log.filter(of_core("Activity not found on completion. This may happen if …"))
    assert not log.filter(record("Beginning worker shutdown", level=logging.INFO))


def test_server_that_does_not_answer(log: EngineLog, watch: Watch) -> None:
    """Calls that are repeated because nobody answers are not shown: they start the watch."""
    error = 'Status { code: Unavailable, message: "tcp connect error" }'
    for count in range(3):
        assert not log.filter(of_core(f"gRPC call poll_workflow_task_queue retried {count} times", error=error))
    assert not log.filter(of_core(f"Error when recording heartbeat: {error}"))
    assert watch.checks == 4


def test_what_else_core_says(log: EngineLog) -> None:
    """Anything else of the Rust half is shown once, with its details."""
    denied = 'Status { code: PermissionDenied, message: "no access" }'
    shown = of_core("gRPC call poll_workflow_task_queue retried 6 times", error=denied)
    assert log.filter(shown)
    assert shown.getMessage() == f"engine: gRPC call poll_workflow_task_queue retried 6 times error={denied}"
    assert not log.filter(of_core("gRPC call poll_workflow_task_queue retried 7 times", error=denied))


def test_a_run_that_cannot_be_started_for_its_tags_says_what_to_do(log: EngineLog) -> None:
    """The server refuses all of what a handler asks for with it, so that nothing of it comes to the job."""
    refused = of_core(
        "Error while completing workflow activation",
        error="code: 'Client specified an invalid argument', message: \"BadSearchAttributes: Namespace default has no"
        ' mapping defined for search attribute TerseTags"',
    )
    assert log.filter(refused)
    assert "search attribute TerseTags" in refused.getMessage()
    assert refused.getMessage().endswith("create the search attribute with `terse-temporal setup`)")
