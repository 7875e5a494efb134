"""How often a step was started, beside what it has come to.

A history says it in an event that no handler is told of. So what a run carries when it continues as new by itself would
not have it, and whoever looks at the run is shown it.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Final

from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.exceptions import ApplicationError

from ...serialization.wire_names import ATTEMPT_METADATA

__all__ = ["add_attempt_to_failure", "attempt_metadata", "attempt_of_failure", "attempt_of_result"]

#: In the first detail of a failure.
_DETAIL: Final = "attempt"


def attempt_metadata(attempt: int) -> dict[str, bytes]:
    """Return what stands beside a result of the attempt that gave it: nothing of the first."""
    return {ATTEMPT_METADATA: str(attempt).encode()} if attempt > 1 else {}


def add_attempt_to_failure(failure: ApplicationError, attempt: int) -> None:
    """Put into what a step fails with which attempt it was."""
    if attempt > 1 and failure.details and isinstance(failure.details[0], dict):
        failure.details[0][_DETAIL] = attempt


def attempt_of_result(payload: Payload) -> int:
    """Return which attempt gave a result."""
    said = payload.metadata.get(ATTEMPT_METADATA, b"")
    return int(said) if said.isdigit() else 1


def attempt_of_failure(failure: Failure) -> int:
    """Return which attempt failed so, of a failure as a handler is given it; 0 where the step did not say."""
    if not failure.HasField("application_failure_info"):
        return 0  # of the server: it ended without a word
    with suppress(ValueError, LookupError, TypeError, AttributeError):
        said = json.loads(failure.application_failure_info.details.payloads[0].data).get(_DETAIL)
        return said if isinstance(said, int) else 1
    return 1
