"""The questions of a run as its memo tells of them: what it asks now, and how its last questions were over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.client import Client

from ..inputs.questions import read_time
from ..serialization.wire_names import INPUTS_ANSWERED_MEMO, WAITING_MEMO

__all__ = ["PastQuestion", "asked_questions", "past_questions", "read_objects"]


@dataclass(frozen=True, slots=True)
class PastQuestion:
    """A question that is over.

    Attributes:
        ended: `"answered"`, `"timed_out"` or `"withdrawn"`.
        at: when.
        by: who has answered, where that is known.
        choice: the option; `None` of a form or a text.
        via: the name of the way by which the answer came, where that is known.
        run: the run id before any reset.
        by_name: what whoever has answered is called.
        label: what the option is called.
        digest: what the answer said it was an answer to.
        prompt: what was asked, in short.
        since: when it was asked, where that is known.
    """

    ended: str
    at: datetime | None
    by: str
    choice: str | None
    via: str
    run: str
    by_name: str = ""
    label: str = ""
    digest: str = ""
    prompt: str = ""
    since: datetime | None = None


async def asked_questions(client: Client, fields: Mapping[str, Payload]) -> dict[str, dict[str, Any]] | None:
    """Return what a memo tells of open questions, by their numbers; `None` where it does not speak of them."""
    waiting = await read_objects(client, fields, WAITING_MEMO)
    return None if waiting is None else {number: each for number, each in waiting.items() if "event" not in each}


async def past_questions(client: Client, fields: Mapping[str, Payload]) -> dict[str, PastQuestion]:
    """Return the last questions that are over of which a memo tells, by their numbers."""
    return {
        number: PastQuestion(
            ended=str(each.get("ended")),
            at=read_time(each.get("at")),
            by=str(each.get("by") or ""),
            choice=choice if isinstance(choice := each.get("choice"), str) else None,
            via=str(each.get("via") or ""),
            run=str(each.get("run") or ""),
            by_name=str(each.get("by_name") or each.get("by") or ""),
            label=str(each.get("label") or choice or ""),
            digest=str(each.get("of") or ""),
            prompt=str(each.get("prompt") or ""),
            since=read_time(each.get("since")),
        )
        for number, each in (await read_objects(client, fields, INPUTS_ANSWERED_MEMO) or {}).items()
    }


async def read_objects(client: Client, fields: Mapping[str, Payload], name: str) -> dict[str, dict[str, Any]] | None:
    """Return a part of a memo that is an object of objects; `None` for anything else."""
    if name not in fields:
        return None
    try:
        (value,) = await client.data_converter.decode([fields[name]])
    except Exception:  # what another client has encrypted, or another program has written
        return None
    is_ours = isinstance(value, dict) and all(isinstance(each, dict) for each in value.values())
    return value if is_ours else None
