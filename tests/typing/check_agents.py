"""What type checkers make of models and tools. Checked by mypy (tests/test_typing.py), and never run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, assert_type

from terse_temporal import Skills, TerseAgent, generate_text, toolbox


@dataclass
class Digest:
    title: str


@toolbox.tool("crm.find", read_only=True)
async def find(email: str) -> dict[str, Any]: ...  # type: ignore[empty-body]  # it is never run


async def models() -> None:
    assert_type(await generate_text(prompt="Hi"), str)
    assert_type(await generate_text(prompt="Hi", output_schema=Digest), Digest)
    assert_type(await generate_text(prompt="Hi", skills=[Skills.crm(tools=["find"]), "slack"], output_schema=int), int)
    assert_type(await generate_text(prompt="Hi", output_schema=list[int]), list[int])
    await generate_text("Hi")  # type: ignore[call-overload]  # by name
    await generate_text(prompt=3)  # type: ignore[call-overload]  # a text

    agent = TerseAgent.create(prompt="Be brief.", skills=[Skills.all()], max_turns=3)
    assert_type(await agent.run_and_wait("Hi"), str)
    assert_type(await agent.run_and_wait("Hi", Digest), Digest)
    assert_type(await agent.tools.crm.find(email="ada@example.com"), Any)


async def tools() -> None:
    assert_type(await find("ada@example.com"), dict[str, Any])
    assert_type(await toolbox.crm.find(email="ada@example.com"), Any)
    assert_type(await toolbox.call("crm.find", {"email": "ada@example.com"}), Any)
