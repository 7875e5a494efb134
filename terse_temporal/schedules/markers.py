"""What a schedule of ours is known by, and what its runs are told of it: data in the memos of both.

The memo of the schedule itself is written once, when it is made (servers do not change it): that it is ours, and of
which job. What may change, the module and the trigger, stands in the memo of its runs, which is a part of what they are
started with. Codecs of the client apply to both, as to everything that it writes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from temporalio.api.common.v1 import Memo
from temporalio.client import Client

from ..jobs.job import Job
from ..serialization.wire_names import SCHEDULE_MEMO
from ..triggers import CronTrigger, EveryTrigger, ScheduleTrigger
from ..triggers.cron import read_cron

__all__ = ["marked_job", "memo_of", "owner_text", "read_memo", "run_memo", "schedule_memo"]


def schedule_memo(job: str) -> dict[str, Any]:
    """Return what the memo of a schedule says: it is ours, and of this job."""
    return {"v": 1, "job": job}


def run_memo(job: Job, trigger: ScheduleTrigger) -> dict[str, Any]:
    """Return what the memo of the runs of a schedule says, by which they know of what moments it is."""
    memo: dict[str, Any] = {"v": 1, "module": job.module, "trigger": trigger.describe(), "timezone": trigger.timezone}
    second = timedelta(seconds=1)
    if isinstance(trigger, CronTrigger):
        memo["cron"] = read_cron(trigger.expression).expression
    elif isinstance(trigger, EveryTrigger):
        memo |= {"every": trigger.interval // second, "offset": trigger.offset // second}
    return memo


async def memo_of(client: Client, data: Mapping[str, Any]) -> Memo:
    """Return data of ours as a memo."""
    (payload,) = await client.data_converter.encode([data])
    return Memo(fields={SCHEDULE_MEMO: payload})


async def read_memo(client: Client, memo: Memo) -> Mapping[str, Any] | None:
    """Return what a memo says of ours; None where that is nothing, or what this client cannot read."""
    payload = memo.fields.get(SCHEDULE_MEMO)
    if payload is None:
        return None
    try:
        (data,) = await client.data_converter.decode([payload])
    except Exception:  # a codec, or a key, that this client has not; it may raise anything
        return None
    return data if isinstance(data, Mapping) else None


def owner_text(memo: Memo, job: str | None) -> str:
    """Return whose a schedule is, as it stands in a sentence, by its memo and the job that this names."""
    if job is not None:
        return f"is that of the job {job!r}"
    if SCHEDULE_MEMO in memo.fields:
        return (
            "was made by a sync whose client has a payload codec, or a key of one, that this one has not: its memo"
            " cannot be read"
        )
    return "was not made by a sync"


def marked_job(memo: Mapping[str, Any] | None) -> str | None:
    """Return the job that a schedule is of, by its own memo; None where it is not ours."""
    job = None if memo is None else memo.get("job")
    return job if isinstance(job, str) else None
