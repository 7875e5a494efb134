"""What a run says of itself: the tokens that it used, and what it waits for, in its memo; the labels of its steps."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client

from ..diagnostics.text import one_line, shorten
from ..execution.token_usage import Tokens
from ..jobs.labels import label_text
from ..serialization.wire_names import BEGAN_MEMO, DELIVERY_SIGNAL, EVENT_SIGNAL, TOKENS_MEMO, WAITING_MEMO
from .questions import read_objects

__all__ = ["match_text", "question_text", "read_began", "read_label", "read_memo", "tokens_text", "wait_text"]

_LONGEST_ARGUMENTS = 5_000
_LONGEST_REASON = 500


async def read_memo(client: Client, fields: Mapping[str, Payload]) -> tuple[Tokens | None, dict[str, Any] | None]:
    """Return the tokens and the open questions that a memo holds; `None` for what it does not speak of."""
    tokens = None
    if TOKENS_MEMO in fields:
        # What another client has encrypted, or another program has written, says nothing to this one.
        with suppress(Exception):
            (used,) = await client.data_converter.decode([fields[TOKENS_MEMO]])
            tokens = Tokens.from_wire(used)
    return tokens, await read_objects(client, fields, WAITING_MEMO)


async def read_began(client: Client, fields: Mapping[str, Payload], otherwise: datetime) -> datetime:
    """Return when a run began, which may have been in a history before the one that a server tells of.

    Args:
        client: of the server.
        fields: of the memo.
        otherwise: when this history began.
    """
    if BEGAN_MEMO in fields:
        with suppress(Exception):  # as above
            (text,) = await client.data_converter.decode([fields[BEGAN_MEMO]])
            return min(datetime.fromisoformat(text), otherwise)
    return otherwise


async def read_label(client: Client, event: HistoryEvent) -> str:
    """Return what a step that an event schedules is told from others of its name by; empty for what says nothing.

    Of an event that was sent to the run by key, that is its name and key; of a delivery, the trigger.
    """
    name = event.workflow_execution_signaled_event_attributes.signal_name
    if name in (EVENT_SIGNAL, DELIVERY_SIGNAL):
        with suppress(Exception):  # as above
            (given,) = await client.data_converter.decode(
                event.workflow_execution_signaled_event_attributes.input.payloads
            )
            is_delivery = name == DELIVERY_SIGNAL
            return label_text(given["trigger"] if is_delivery else f"{given['name']}, key {given['key']}")
        return ""
    is_step = event.HasField("activity_task_scheduled_event_attributes") or event.HasField(
        "marker_recorded_event_attributes"
    )
    if not (is_step and event.user_metadata.HasField("summary")):
        return ""
    with suppress(Exception):  # as above
        (text,) = await client.data_converter.decode([event.user_metadata.summary])
        return label_text(text) if isinstance(text, str) else ""
    return ""


def tokens_text(tokens: Tokens) -> str:
    """Return the tokens in words."""
    calls = "call" if tokens.requests == 1 else "calls"
    return f"{tokens.requests:,} {calls} of a model, {tokens.input:,} tokens in and {tokens.output:,} out"


def wait_text(wait: Mapping[str, Any]) -> str:
    """Return what event is waited for, in words."""
    if "trigger" in wait:
        match = wait.get("match")
        words = f" with {match_text(match)}" if isinstance(match, Mapping) and match else ""
        return f"{shorten(str(wait['trigger']), 100)}{words}{_more(wait)}"
    key = f" with the key {shorten(str(wait['key']), 60)!r}" if "key" in wait else ""
    return f"the event {shorten(str(wait.get('event')), 60)!r}{key}{_more(wait)}"


def match_text(match: Mapping[str, Any]) -> str:
    """Return in words which fields of a delivery have to be what."""
    return shorten(", ".join(f"{path}={json.dumps(value, ensure_ascii=False)}" for path, value in match.items()), 200)


def _more(wait: Mapping[str, Any]) -> str:
    return f" and {wait['more']} more" if "more" in wait else ""


def question_text(question: Mapping[str, Any]) -> str:
    """Return what is asked; of an approval, as a call that one would write."""
    if not question.get("tool"):
        return one_line(shorten(str(question.get("prompt")), _LONGEST_ARGUMENTS))
    arguments = question.get("arguments")
    given = arguments if isinstance(arguments, dict) else {}
    shown = ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in given.items())
    text = f"{question.get('tool')}({shorten(shown, _LONGEST_ARGUMENTS)})"
    if isinstance(because := question.get("because"), str):
        text += f", as {shorten(because, _LONGEST_REASON)}"
    # A model has written it: no control characters for the terminal, and nothing that turns the direction of text.
    return "".join(each if each.isprintable() else f"\\u{ord(each):04x}" for each in text)
