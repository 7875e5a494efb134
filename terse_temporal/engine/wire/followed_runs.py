"""What the run that a handler follows has come to, as the result of the activity that follows it.

`{"result": …}`, or `{"failure": …}` with the failure as Temporal's API writes it to JSON: the activity ends well in
both, and the handler makes an exception of it as of that of a child run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf.json_format import MessageToDict, ParseDict
from temporalio.api.failure.v1 import Failure
from temporalio.converter import DefaultFailureConverter, PayloadConverter

__all__ = ["Outcome", "read_outcome", "write_outcome"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run has ended: with a result, as JSON, or a failure."""

    result: Any = None
    failure: BaseException | None = None


def write_outcome(result: Any, failure: BaseException | None, converter: PayloadConverter) -> dict[str, Any]:
    """Return an outcome as JSON."""
    if failure is None:
        return {"result": result}
    written = Failure()
    DefaultFailureConverter().to_failure(failure, converter, written)
    return {"failure": MessageToDict(written)}


def read_outcome(wire: Mapping[str, Any], converter: PayloadConverter) -> Outcome:
    """Return the outcome that was recorded."""
    if "failure" not in wire:
        return Outcome(wire.get("result"))
    failure = ParseDict(wire["failure"], Failure(), ignore_unknown_fields=True)
    return Outcome(failure=DefaultFailureConverter().from_failure(failure, converter))
