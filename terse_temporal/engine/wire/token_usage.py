"""The tokens that model calls used, on their way from a step to its run.

They travel in the metadata of the payload with the step's result, so that a step, a job that is not durable and a model
turn all tell them, and the result itself stays what it is. The run adds them up in its memo.
"""

from __future__ import annotations

import json
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.common import RawValue
from temporalio.converter import PayloadConverter

from ...execution.token_usage import Tokens
from ...serialization.codec import Json
from ...serialization.wire_names import TOKENS_METADATA
from .payloads import in_order, payload_in_order

__all__ = ["tokens_of", "with_tokens"]


def with_tokens(result: Json, tokens: Tokens, converter: PayloadConverter) -> Any:
    """A step's result, with what was used beside it."""
    if not tokens:
        return in_order(result, converter)
    payload = payload_in_order(result, converter)
    payload.metadata[TOKENS_METADATA] = json.dumps(tokens.to_wire()).encode()
    return RawValue(payload)


def tokens_of(payload: Payload) -> Tokens:
    """What was used for a result."""
    said = payload.metadata.get(TOKENS_METADATA)
    return Tokens.from_wire(json.loads(said)) if said else Tokens()
