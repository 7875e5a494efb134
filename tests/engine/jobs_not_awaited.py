"""A job that forgets `await`."""

from __future__ import annotations

from terse_temporal import create_job, job_step, send_event, sleep, step, wait_for_event


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
    forgets_to_await.start({})  # type: ignore[unused-coroutine]
    forgets_to_await.run({})  # type: ignore[unused-coroutine]
    forgets_to_await.map([{}])  # type: ignore[unused-coroutine]
    wait_for_event("paid")  # type: ignore[unused-coroutine]
    send_event("paid", key="o-1")  # type: ignore[unused-coroutine]
    return "ended"
