"""A model is not shown an argument that its skill fixes, cannot give it in any spelling, and reaches nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from terse_temporal import Skills, TerseAgent
from terse_temporal.agents.fixed_arguments import Fixed, OfferedTool, offered_tools
from terse_temporal.agents.skills import Skill, allow_list, allowed, fixed_arguments
from terse_temporal.engine.code.mentions import mentions_of
from terse_temporal.errors import JobDefinitionError, StepInputError, UnknownToolError
from terse_temporal.tools import Tool, find_tool, list_tools
from terse_temporal.tools.mcp.bounded_schemas import BoundedValidator
from terse_temporal.tools.mcp.mounted import MountedTool

from ..bench import Bench
from ..model_server import ModelServer, calls, says
from . import jobs_fixed as jobs

CHAT = {"type": "object", "properties": {"channelId": {"type": "string"}, "text": {"type": "string"}}}


def offer(*skills: Skill | str, tools: list[Tool] | None = None) -> dict[str, OfferedTool]:
    """What a turn offers, by what it is recorded with."""
    there = tools or list_tools()
    fixed = json.loads(json.dumps([each.to_wire() for each in fixed_arguments(skills)]))
    plain = [tool for tool in there if allowed(tool.name, allow_list(skills))]
    return {each.tool.name: each for each in offered_tools(there, plain, list(map(Fixed.from_wire, fixed)))}


def mounted(name: str, schema: dict[str, Any]) -> MountedTool:
    async def call(**arguments: Any) -> None: ...

    return MountedTool(
        name=name, function=call, origin="MCP server", where="here", schema=schema, validator=BoundedValidator(schema)
    )


def spellings(*words: str) -> Iterator[str]:
    for join in ("_", "__", "-", ".", "", " ", "\u200b"):
        for case in (str.lower, str.upper, str.title):
            yield join.join(case(word) for word in words)
    yield words[0] + "".join(word.title() for word in words[1:])
    yield "_" + "_".join(words)
    yield "_".join(words) + "_"
    yield "\uff43" + "_".join(words)[1:]  # a full-width c


@pytest.mark.parametrize(
    "tool",
    [
        find_tool("chat.post"),
        mounted("chat.post", CHAT),
        mounted("chat.post", {**CHAT, "additionalProperties": True}),
        mounted("chat.post", {**CHAT, "required": ["channelId"], "additionalProperties": False}),
    ],
    ids=["function", "server", "server that takes more", "strict server"],
)
@pytest.mark.parametrize("value", ["C1", "C9", None, {"": 1}])
def test_no_spelling_gets_through(tool: Tool, value: Any) -> None:
    """Neither another value nor the same, and not beside the right spelling."""
    names = {"channel_id": "C1", "effects": "x"} if tool.argument("effects") else {"channel-id": "C1"}
    (offered,) = offered_tools([tool], [], [Fixed("chat.post", tuple([{name: names[name]}] for name in names))])
    assert "C1" in json.dumps(offered.arguments({"text": "hi"}))
    for name in spellings("channel", "id"):
        with pytest.raises(StepInputError, match="not yours to give"):
            offered.arguments({"text": "hi", name: value})


def test_nested_and_further_arguments_reach_nothing() -> None:
    """What stands inside another argument stays there."""
    (offered,) = offer(Skills.tool("chat.open", name="a", token="T")).values()
    for others in ({"others": {"name": "b"}}, {"arguments": {"name": "b", "token": "U"}}, {"kwargs": {"name": "b"}}):
        found = offered.arguments(others)
        assert (found["name"], found["token"], found["others"]) == ("a", "T", others)
    for name in ("name", "NAME", "token"):
        with pytest.raises(StepInputError, match="not yours"):
            offered.arguments({name: "b"})
    (server,) = [OfferedTool(mounted("chat.post", {**CHAT, "additionalProperties": True}), ([{"channelId": "C1"}],))]
    given = {"arguments": {"channelId": "C9"}}
    assert server.arguments(given) == {"arguments": {**given, "channelId": "C1"}}


def test_what_code_alone_may_give_can_be_fixed() -> None:
    """An argument that a tool keeps for code is given by the skill, and others of its kind are still kept."""
    assert offer(Skills.tool("chat.open", token="T"))["chat.open"].arguments({"name": "n"})["token"] == "T"
    with pytest.raises(StepInputError, match="for a model"):
        offer(Skills.tool("chat.open", name="n"))["chat.open"].arguments({"token": "U"})


def test_a_choice_is_an_enum_and_is_checked() -> None:
    """Of several values the model has to give one, and it is one of them in JSON, not what Python calls equal."""
    offered = offer(Skills.tool("chat.pull", owner="a", repo=["x", "y"], number=[1, 2]))["chat.pull"]
    schema = offered.schema(
        {
            "properties": {"owner": {"type": "string"}, "repo": {"type": "string", "description": "d"}, "number": {}},
            "required": ["owner", "repo"],
            "anyOf": [{"required": ["owner"]}, {"required": ["repo"]}],
            "examples": [{"owner": "z"}],
        }
    )
    assert schema == {
        "properties": {"repo": {"description": "d", "enum": ["x", "y"]}, "number": {"enum": [1, 2]}},
        "required": ["repo", "number"],
        "anyOf": [{"required": []}, {"required": ["repo"]}],
    }
    assert offered.arguments({"repo": "y", "Number": 2}) == {"owner": "a", "repo": "y", "number": 2}
    for wrong in (True, 1.0, "1", 3, None, [1]):
        with pytest.raises(StepInputError, match="cannot be that here; give one of 1, 2"):
            offered.arguments({"repo": "x", "number": wrong})
    with pytest.raises(StepInputError, match="give 'number', one of 1, 2"):
        offered.arguments({"repo": "x"})
    with pytest.raises(StepInputError, match="twice"):
        offered.arguments({"repo": "x", "RE_PO": "z", "number": 1})


def test_repositories_are_pairs() -> None:
    """An owner of one repository does not open the other's of that name."""
    schema = {"properties": {"owner": {"type": "string"}, "repo": {"type": "string"}}, "required": ["owner", "repo"]}
    tools = [mounted("github.get_issue", schema), mounted("github.search_code", {"properties": {"q": {}}})]
    wire = {"tools": "github.*", "any_of": [[{"owner": "a", "repo": "x"}, {"owner": "b", "repo": "y"}]]}
    (offered,) = offered_tools(tools, [], [Fixed.from_wire(wire)])
    assert offered.tool.name == "github.get_issue"
    assert offered.arguments({"owner": "b", "repo": "y"}) == {"arguments": {"owner": "b", "repo": "y"}}
    for owner, repo in (("a", "y"), ("b", "x"), ("a", "a/x")):
        with pytest.raises(StepInputError, match="cannot be that here"):
            offered.arguments({"owner": owner, "repo": repo})


def test_a_toolbox_has_the_tools_that_take_the_argument() -> None:
    """The others are in no skill of it; a skill of their own brings them back, and frees nothing."""
    assert set(offer(Skills.chat(channel_id="C1"))) == {"chat.post"}
    assert set(offer(Skills.slack(channel="C1"))) == {
        *("slack.send_message", "slack.reply_in_thread", "slack.update_message")
    }
    both = offer("chat", Skills.all(), Skills.tool("chat.post", channelId="C1"))
    assert both["chat.search"].groups == ()
    assert both["chat.post"].hidden == {"channel_id": "C1"}
    with pytest.raises(JobDefinitionError, match=r"two skills fix the same argument of the tool 'chat\.post'"):
        offer(Skills.chat(channel_id="C1"), Skills.tool("chat.post", channel_id="C2"))


MISTAKES: dict[str, tuple[Callable[[], object], type[Exception], str]] = {
    "no such tool": (lambda: Skills.tool("chat.posts", text="x"), UnknownToolError, "did you mean 'chat.post'"),
    "no such toolbox": (lambda: Skills.chet(text="x"), UnknownToolError, "did you mean 'chat'"),
    "no such argument": (
        lambda: Skills.tool("chat.post", chanel_id="x"),
        JobDefinitionError,
        "'chat.post' has no argument 'chanel_id'; did you mean 'channel_id'",
    ),
    "in no tool": (lambda: Skills.chat(chanel_id="x"), JobDefinitionError, "did you mean 'channel_id'"),
    "in no tool together": (lambda: Skills.chat(channel_id="x", owner="y"), JobDefinitionError, "has all of"),
    "of one of the tools": (
        lambda: Skills.chat(tools=["post", "search"], channel_id="x"),
        JobDefinitionError,
        "search",
    ),
    "no such value": (lambda: Skills.tool("chat.pull", number="many"), JobDefinitionError, 'cannot be "many"'),
    "one value of many": (lambda: Skills.tool("chat.pull", number=[1, "many"]), JobDefinitionError, 'cannot be "many"'),
    "no value": (lambda: Skills.tool("chat.post", channel_id=[]), JobDefinitionError, "leaves no value"),
    "a set": (lambda: Skills.tool("chat.post", channel_id={"a"}), JobDefinitionError, "no order"),
    "no JSON": (lambda: Skills.tool("chat.post", channel_id=object()), JobDefinitionError, "channel_id"),
    "twice": (lambda: Skills.tool("chat.post", channel_id="x", channelId="y"), JobDefinitionError, "twice"),
    "no repository": (lambda: Skills.github(repos=["web"]), JobDefinitionError, "owner/name"),
}


@pytest.mark.parametrize("mistake", MISTAKES.values(), ids=MISTAKES)
def test_mistakes_are_told_where_the_skill_is_made(mistake: tuple[Callable[[], object], type[Exception], str]) -> None:
    make, error, text = mistake
    with pytest.raises(error) as caught:
        make()
    assert text in str(caught.value)
    assert f"{Path(__file__).name}:{make.__code__.co_firstlineno}" in str(caught.value)


def test_a_server_that_lists_no_such_argument() -> None:
    """Its tools are known on the worker, and there the turn says so."""
    fixed = Fixed("github.get_issue", ([{"ownr": "a"}],))
    with pytest.raises(JobDefinitionError, match="no argument 'ownr'; did you mean 'owner'"):
        offered_tools([mounted("github.get_issue", {"properties": {"owner": {}}})], [], [fixed])
    schema = {"properties": {"owner": {"type": "string"}}}
    with pytest.raises(JobDefinitionError, match="cannot be 5"):
        offered_tools([mounted("github.get_issue", schema)], [], [Fixed("github.get_issue", ([{"owner": 5}],))])


def test_a_worker_knows_the_toolbox_of_one_tool() -> None:
    """What code says of `Skills.tool("slack.…")` is among the built-in tools that it uses."""
    module = ModuleType("fixed_mentions")
    exec("from terse_temporal import Skills\ndef f(): return Skills.tool('slack.send_message')", vars(module))
    assert mentions_of(module).tools == {"slack"}


async def test_code_is_given_what_is_fixed(model: ModelServer) -> None:
    """`agent.tools` fills it in, takes the same value, and no other."""
    agent = TerseAgent.create(skills=[Skills.tool("chat.pull", owner="a", repo=["x", "y"])])
    assert await agent.tools.chat.pull(repo="x") == "a/x#1"
    assert await agent.tools.chat.pull(owner="a", repo="y") == "a/y#1"
    for wrong in ({"owner": "b", "repo": "x"}, {"repo": "z"}, {}):
        with pytest.raises(StepInputError):
            await agent.tools.chat.pull(**wrong)
    with pytest.raises(UnknownToolError, match=r"Skills\.chat\(channel_id=…\)"):
        await TerseAgent.create(skills=[Skills.chat(channel_id="C1")]).tools.chat.search(text="x")


async def test_in_a_run(bench: Bench, model: ModelServer) -> None:
    """The model is shown no such argument, is told of its mistakes, and nothing is called but with what is fixed."""
    effects = str(bench.effects)
    model.script = [
        calls(
            ("chat_post", {"text": "right"}),
            ("chat_post", {"text": "wrong", "channelId": "C9"}),
            ("chat_post", {"text": "wrong", "effects": "/tmp/elsewhere"}),
            ("chat_search", {"text": "wrong"}),
        ),
        says("done"),
    ]
    async with bench.worker(jobs.posts):
        run = await bench.start(jobs.posts, effects=effects)
        said, done, refused = await bench.result(run)
    assert (said, done) == ("done", "posted")
    assert "jobs_fixed.py" in refused
    assert bench.effects.lines() == ["post C1 right None", "post C1 by code None"]
    (shown,) = model.requests[0]["tools"]
    assert shown["function"]["name"] == "chat_post"
    assert set(shown["function"]["parameters"]["properties"]) == {"text", "thread"}
    assert "C1" not in json.dumps(model.requests[0])
