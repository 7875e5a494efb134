"""The tokens that model calls used, on their way from a step to its run.

They travel in the metadata of the payload with the step's result, so that a step, a job that is not durable and a model
turn all tell them, and the result itself stays what it is. The run adds them up in its memo.
"""

from __future__ import annotations

import json

from temporalio.api.common.v1 import Payload

from ...execution.token_usage import Tokens
from ...serialization.wire_names import TOKENS_METADATA

__all__ = ["tokens_metadata", "tokens_of"]


def tokens_metadata(tokens: Tokens) -> dict[str, bytes]:
    """Return what stands beside a result of what was used for it."""
    return {TOKENS_METADATA: json.dumps(tokens.to_wire()).encode()} if tokens else {}


def tokens_of(payload: Payload) -> Tokens:
    """Return what was used for a result."""
    said = payload.metadata.get(TOKENS_METADATA)
    return Tokens.from_wire(json.loads(said)) if said else Tokens()
