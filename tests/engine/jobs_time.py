"""Jobs that sleep, and read the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from terse_temporal import Event, create_job, job_step, now, sleep
from tests.effects import record

WAYS: dict[str, Any] = {
    "text": "3d",
    "timedelta": timedelta(days=3),
    "long": "2 weeks",
    "short": "150ms",
}


@create_job(name="sleeps", durable=True)
async def sleeps(event: Event) -> list[Any]:
    before = now()
    await sleep(before + timedelta(days=3) if event.case == "until" else WAYS[event.case])
    after = now()
    # Once more, so that with the cache at zero the above is replayed.
    await job_step(run=lambda: None)
    return [(after - before).total_seconds(), before.utcoffset() == timedelta(0), after == now() or after < now()]


@create_job(name="sleeps-that-are-refused", durable=True)
async def refused(event: Event) -> None:
    value: Any = {
        "unparsable": "abc",
        "compound": "1h30m",
        "empty": "",
        "zero": "0s",
        "negative": "-1h",
        "int": 5,
        "float": 1.5,
        "naive": datetime(2100, 1, 1),
        "past": datetime(2020, 1, 1, tzinfo=UTC),
        "now": now(),
        "nothing": None,
    }[event.case]
    sleep(value)  # type: ignore[unused-coroutine]  # the call refuses, before it is awaited


@create_job(name="sleep-and-go-on", durable=True)
async def sleep_and_go_on(event: Event) -> int:
    def leave(data: dict[str, Any]) -> None:
        record(data["path"], data["text"])

    await job_step(run=leave, input={"path": event.effects, "text": "before"})
    await sleep("3d")
    await job_step(run=leave, input={"path": event.effects, "text": "after"})
    return 1
