"""What type checkers make of models and tools. Checked by mypy (tests/test_typing.py), and never run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, assert_type

from terse_temporal import Skills, TerseAgent, generate_text, inputs, toolbox
from terse_temporal.tools.builtin.http.models import HttpResponse
from terse_temporal.tools.builtin.slack.tools import SlackMessage


@dataclass
class Digest:
    title: str


@toolbox.tool("crm.find", read_only=True)
async def find(email: str) -> dict[str, Any]: ...  # type: ignore[empty-body]  # it is never run


def is_foreign(arguments: dict[str, Any]) -> bool: ...  # type: ignore[empty-body]


async def models() -> None:
    assert_type(await generate_text(prompt="Hi"), str)
    assert_type(await generate_text(prompt="Hi", output_schema=Digest), Digest)
    assert_type(await generate_text(prompt="Hi", skills=[Skills.crm(tools=["find"]), "slack"], output_schema=int), int)
    assert_type(await generate_text(prompt="Hi", output_schema=list[int]), list[int])
    assert_type(await generate_text(prompt="Hi", output_schema=Digest | None), Digest | None)
    assert_type(await generate_text(prompt="Hi", output_schema=Literal["yes", "no"]), Literal["yes", "no"])
    await generate_text("Hi")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]  # by name
    await generate_text(prompt=3)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]  # a string

    fixed = [Skills.slack(channel="C1"), Skills.github(repos=["a/b"]), Skills.crm(email=["a", "b"])]
    await generate_text(prompt="Hi", skills=[*fixed, "http", Skills.tool("slack.send_message", channel_id="C1")])
    Skills.slack(channel=5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # an id
    Skills.tool(name="slack.send_message")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # by position
    policies = {"crm.find": is_foreign}
    assert_type(await generate_text(prompt="Hi", tool_approvals=policies, output_schema=int), int)
    TerseAgent.create(tool_approvals={"crm.find": lambda arguments: arguments["email"] == "a"})
    TerseAgent.create(tool_approvals=["crm.find"], approvals_via=[inputs.webpage(), inputs.email("ada@example.com")])
    TerseAgent.create(approvals_via="C1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # a way
    TerseAgent.create(tool_approvals={"crm.find": True})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]  # a function
    TerseAgent.create(tool_approvals={"crm.find": find})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]

    agent = TerseAgent.create(prompt="Be brief.", skills=[Skills.all()], max_turns=3)
    assert_type(await agent.run_and_wait("Hi"), str)
    assert_type(await agent.run_and_wait("Hi", Digest), Digest)
    assert_type(await agent.run_and_wait("Hi", Digest | None), Digest | None)
    assert_type(await agent.tools.crm.find(email="ada@example.com"), Any)


async def tools() -> None:
    assert_type(await find("ada@example.com"), dict[str, Any])
    assert_type(await toolbox.crm.find(email="ada@example.com"), Any)
    assert_type(await toolbox.call("crm.find", {"email": "ada@example.com"}), Any)


async def built_in_tools() -> None:
    answer = await toolbox.http.request(method="GET", url="https://example.com")
    assert_type(answer, HttpResponse)
    assert_type(answer.status, int)
    assert_type(await toolbox.slack.send_message(channel_id="C1", message="Hi"), SlackMessage)
    assert_type((await toolbox.slack.list_channels())[0].name, str)
    assert_type((await toolbox.email.send(to="ada@example.com", subject="Hi", text="Hi")).message_id, str)
    assert_type(await toolbox.slack.sendMessage(channelId="C1", message="Hi"), Any)
    assert_type(await toolbox.slack.of_the_project(), Any)

    await toolbox.http.request("GET", "https://example.com")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # by name
    await toolbox.http.request(method="GET")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await toolbox.email.send(to="ada@example.com", subject=5, text="Hi")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
