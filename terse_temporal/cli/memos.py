"""What a run says of itself in its memo: the tokens that it used, and what it waits for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.client import Client

from ..engine.decisions import WAITING_MEMO
from ..engine.usage import TOKENS_MEMO
from ..tokens import Tokens

__all__ = ["question_text", "read_memo", "tokens_text"]

_LONGEST_ARGUMENTS = 300


async def read_memo(client: Client, fields: Mapping[str, Payload]) -> tuple[Tokens | None, dict[str, Any] | None]:
    """The tokens and the open questions that a memo holds; `None` for what it does not speak of."""
    values: dict[str, Any] = {}
    for name in (TOKENS_MEMO, WAITING_MEMO):
        if name in fields:
            (values[name],) = await client.data_converter.decode([fields[name]])
    tokens = Tokens.from_wire(values[TOKENS_MEMO]) if TOKENS_MEMO in values else None
    return tokens, values.get(WAITING_MEMO)


def tokens_text(tokens: Tokens) -> str:
    """The tokens in words."""
    calls = "call" if tokens.requests == 1 else "calls"
    return f"{tokens.requests:,} {calls} of a model, {tokens.input:,} tokens in and {tokens.output:,} out"


def question_text(question: Mapping[str, Any]) -> str:
    """What is to be decided, as a call that one would write."""
    arguments = question.get("arguments")
    given = arguments if isinstance(arguments, dict) else {}
    shown = ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in given.items())
    return f"{question.get('tool')}({shown if len(shown) <= _LONGEST_ARGUMENTS else shown[:_LONGEST_ARGUMENTS] + '…'})"
