"""Jobs that use the built-in tools."""

from __future__ import annotations

import logging
import os
from typing import Any

from terse_temporal import Event, create_job, job_step, toolbox
from terse_temporal.errors import ServiceError, StepError, TransientError


@create_job(name="calls-a-tool", durable=True)
async def calls_a_tool(event: Event) -> Any:
    """Call the tool that the event names, and tell what came of it."""
    return await told(event)


@create_job(name="calls-a-tool-in-place")
async def calls_a_tool_in_place(event: Event) -> Any:
    return await told(event)


@create_job(name="fails-by-a-tool", durable=True)
async def fails_by_a_tool(event: Event) -> Any:
    return await toolbox.call(event.tool, event.arguments)


async def told(event: Event) -> Any:
    try:
        result = await toolbox.call(event.tool, event.arguments)
    except ServiceError as error:
        return {
            "error": str(error),
            "is a step error": isinstance(error, StepError),
            "transient": isinstance(error, TransientError),
            "status": error.status,
            "code": error.code,
            "retry_after": error.retry_after,
        }
    return result


@create_job(name="welcomes-a-lead", durable=True)
async def welcomes_a_lead(event: Event) -> Any:
    """One call of each toolbox, and what they return used as objects."""
    lead = await toolbox.http.request(method="POST", url=event.url, json={"email": event.email})
    mail = await toolbox.email.send(to=event.email, subject="Welcome", text=f"You are number {lead.body['id']}.")
    sent = await toolbox.slack.send_message(channel_id="C1", message=f"{mail.accepted[0]} is new")
    reply = await toolbox.slack.reply_in_thread(channel_id=sent.channel_id, thread_ts=sent.ts, message="Welcome!")
    channels = await toolbox.slack.list_channels(limit=1)
    return [lead.status, mail.message_id, sent.ts, reply.thread_ts, channels[0].name]


@create_job(name="leaks", durable=True)
async def leaks(event: Event) -> Any:
    """What no job should do: a credential in a result, and in a log."""
    return await job_step(run=leak)


def leak() -> dict[str, str]:
    logging.getLogger("httpcore.http11").debug("leaked %s", os.environ["CRM_TOKEN"])
    return {"leaked": os.environ["CRM_TOKEN"]}
