"""A job whose calls cannot work."""

from __future__ import annotations

from typing import Any

from terse_temporal import Event, Triggers, create_job, send_event, wait_for_event


@create_job(name="wrong-calls", durable=True)
async def wrong_calls(event: Event) -> list[str]:
    """Each call, and what it raises."""
    client: Any = object()
    number: Any = 1
    trigger: Any = Triggers.stripe.on_trial_started()
    said = []
    for call in (
        lambda: wait_for_event(""),
        lambda: wait_for_event("a", key=""),
        lambda: wait_for_event("a", timeout="soon"),
        lambda: wait_for_event("a", schema=number),
        lambda: wait_for_event(trigger, key="k"),
        lambda: wait_for_event(trigger, schema=int),
        lambda: wait_for_event("a", match={}),  # type: ignore[call-overload]
        lambda: wait_for_event(Triggers.webhook.on_request()),
        lambda: wait_for_event(Triggers.schedule.cron("0 9 * * 1")),
        lambda: wait_for_event(trigger, match=number),
        lambda: wait_for_event(trigger, match={"a..b": 1}),
        lambda: wait_for_event(trigger, match={"a": [1]}),  # type: ignore[dict-item]
        lambda: wait_for_event(trigger, match={"a": float("nan")}),
        lambda: wait_for_event(trigger, match={"a": "\ud800"}),
        lambda: wait_for_event(trigger, match={f"a{each}": 1 for each in range(21)}),
        lambda: wait_for_event(trigger, match={"a": "x" * 2_000}),
        lambda: send_event("a", key="k", client=client),
    ):
        try:
            call()
        except Exception as err:
            said.append(f"{type(err).__name__}: {err}")
    return said
