"""Jobs that ask in Slack."""

from __future__ import annotations

from typing import Any

from terse_temporal import Event, InputOption, Triggers, create_job, wait_for_input
from terse_temporal.inputs import slack

from ..effects import record
from ..inputs.jobs_asking import YES_NO, Draft

CHANNEL = "C061EG9SL"


@create_job(name="asks-in-slack", durable=True)
async def asks_in_slack(event: Event) -> list[Any]:
    """Asks by buttons, or a menu where more than two are wanted."""
    more = [InputOption(f"o{number}", f"Option {number}") for number in range(event.get("more") or 0)]
    answer = await wait_for_input(
        prompt="Ship it?",
        options=[*YES_NO, *more],
        details={"zone": "B"},
        via=slack(channel=CHANNEL),
        respond_by=event.get("respond_by"),
    )
    return [answer.choice, answer.text, answer.respondent]


@create_job(name="asks-for-a-form-in-slack", durable=True)
async def asks_for_a_form_in_slack(event: Event) -> list[Any]:
    """Asks with a form, and then for a text."""
    answer = await wait_for_input(prompt="How?", schema=Draft, via=slack(channel=CHANNEL))
    text = await wait_for_input(prompt="To whom?", via=slack(channel=CHANNEL))
    return [
        answer.data.title,
        answer.data.count,
        answer.data.size.value,
        answer.data.labels,
        text.text,
        text.respondent,
    ]


@create_job(name="reminds-in-slack", durable=True)
async def reminds_in_slack(event: Event) -> str | None:
    """Asks, reminds twice, and goes on without an answer."""
    answer = await wait_for_input(
        prompt="Renew?",
        options=YES_NO,
        timeout="3d",
        on_timeout="no",
        remind_every="1d",
        via=slack(channel=CHANNEL),
    )
    return answer.choice


@create_job(name="takes-clicks", triggers=[Triggers.slack.on_event("block_actions")])
def takes_clicks(event: Any) -> None:
    """Is for clicks of all kinds, but for those on questions."""
    record(event["effects"], "clicked")
