"""A job that asks by mail."""

from __future__ import annotations

from typing import Any

from terse_temporal import Event, InputOption, create_job, inputs, wait_for_input


@create_job(name="asks-by-mail", durable=True)
async def asks_by_mail(event: Event) -> list[Any]:
    """Asks two people whether something may be shipped."""
    answer = await wait_for_input(
        prompt="Ship <b>it</b>?\nToday?",
        options=[InputOption("yes", "Yes, ship", "It goes out today"), InputOption("no & never", "No")],
        details={"zone": "B", "amount": 5},
        via=inputs.email(to=["Ada <ada@example.com>", "bob@example.com"]),
        timeout="90d",
        remind_every="30d" if event.get("reminds") else None,
        on_timeout="no & never",
    )
    return [answer.choice, answer.respondent]


@create_job(name="asks-by-default", durable=True)
async def asks_by_default(event: Event) -> list[str]:
    """Asks twice without saying by what way."""
    first = await wait_for_input(prompt="One?")
    second = await wait_for_input(prompt="Two?")
    return [first.text, second.text]
