"""A job that forgets `await`."""

from __future__ import annotations

from terse_temporal import create_job, job_step, sleep, step


def send() -> str:
    return "sent"


@step
def count() -> int:
    return 1


@create_job(name="forgets-to-await", durable=True)
async def forgets_to_await(event: object) -> str:
    job_step(run=send)  # type: ignore[unused-coroutine]
    count()
    sleep("3d")  # type: ignore[unused-coroutine]
    return "ended"
