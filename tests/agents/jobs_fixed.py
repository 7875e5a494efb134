"""Jobs whose models may call tools with arguments that are fixed, and with policies about who has to approve."""

from __future__ import annotations

from typing import Any

from terse_temporal import Event, Skills, TerseAgent, create_job, generate_text, toolbox
from terse_temporal.errors import StepInputError, ToolDeniedError

from ..effects import record


@toolbox.tool("chat.post")
async def post(effects: str, channel_id: str, text: str, thread: str | None = None) -> str:
    """Write to a channel.

    Args:
        effects: the file to leave a trace in.
        channel_id: which channel.
        text: what.
        thread: below which message.
    """
    record(effects, f"post {channel_id} {text} {thread}")
    return "posted"


@toolbox.tool("chat.search", read_only=True)
async def search(text: str) -> list[str]:
    """Search all channels."""
    return [text]


@toolbox.tool("chat.pull")
async def pull(owner: str, repo: str, number: int = 1) -> str:
    """Look at a pull request."""
    return f"{owner}/{repo}#{number}"


@toolbox.tool("chat.open", code_only=["token"])
async def open_box(name: str, token: str = "none", **others: Any) -> dict[str, Any]:
    """Take whatever it is given."""
    return {"name": name, "token": token, "others": others}


@toolbox.tool("bank.pay")
async def pay(effects: str, cents: int) -> str:
    """Pay."""
    record(effects, f"pay {cents}")
    return "paid"


@create_job(name="fixed-posts", durable=True)
async def posts(event: Event) -> list[Any]:
    agent = TerseAgent.create(skills=[Skills.chat(channel_id="C1", effects=event.effects)])
    said = await agent.run_and_wait("Tell them")
    done = await agent.tools.chat.post(text="by code")
    try:
        await agent.tools.chat.post(text="elsewhere", channelId="C9")
    except StepInputError as err:
        return [said, done, str(err)]
    return [said, done, None]


def is_much(arguments: dict[str, Any]) -> bool:
    cents: Any = arguments.pop("cents")  # of a copy
    if cents == 13:
        raise ValueError("unlucky")
    if cents == 14:
        with open("/etc/hostname") as file:  # noqa: PTH123
            return bool(file.read())
    return cents if cents == 15 else bool(cents >= 1000)


@create_job(name="fixed-policy", durable=True)
async def policy(event: Event) -> list[Any]:
    asked = {"bank_pay": is_much}
    said = await generate_text(prompt="Pay them", skills=["bank"], tool_approvals=asked)
    agent = TerseAgent.create(skills=["bank"], tool_approvals=asked)
    done = [await agent.tools.bank.pay(effects=event.effects, cents=5)]
    try:
        done.append(await agent.tools.bank.pay(effects=event.effects, cents=13))
    except ToolDeniedError as denied:
        done.append(str(denied))
    return [said, *done]
