"""What a model may call: a strict allow-list of tools."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ..diagnostics.places import caller_frame, place
from ..diagnostics.text import did_you_mean
from ..errors import JobDefinitionError, UnknownToolError
from ..serialization.keys import fold
from ..tools import Tool, find_tool, list_tools, toolbox_names
from ..tools.mcp.mounted import MountedTool
from .fixed_arguments import Fixed, Group, check_fixed, read_values

__all__ = ["Skill", "Skills", "allow_list", "allowed", "fixed_arguments", "names_tool"]


@dataclass(frozen=True)
class Skill:
    """Tools that a model may call: all of a toolbox, or some, perhaps with arguments that are fixed."""

    toolbox: str
    tools: tuple[str, ...] | None = None
    _fixed: tuple[Fixed, ...] = ()


class _Skills:
    """`Skills.slack()`, `Skills.github(tools=["create_issue"])`, `Skills.all()`: what a model may call.

    Every toolbox that is registered, mounted or built in has one. A model sees the tools of its skills, and nothing
    else exists for it.

    Arguments can be fixed: `Skills.crm(account="A1")`. The model is not shown them and cannot give them, in whatever
    spelling; the tool is called with them. A list is a choice, of which the model has to give one. What one skill
    fixes holds for the tool whatever other skill has it too. Of a toolbox, the tools that have all of these arguments
    are in the skill, and no others.
    """

    def all(self) -> Skill:
        """Return every tool of every toolbox that the worker has."""
        return Skill("*")

    def tool(self, name: str, /, **fixed: Any) -> Skill:
        """Return one tool, with some of its arguments fixed: `Skills.tool("slack.send_message", channel_id="C1")`.

        Args:
            name: of the tool, `"slack.send_message"`.
            fixed: arguments and their values; a list is any of these. A value that is a list itself stands in one.
                They are recorded with every turn of the model, so they are no place for secrets.

        Raises:
            UnknownToolError: there is no such tool.
            JobDefinitionError: it has no such argument, or does not take that value. Of an MCP server's tool the first
                turn of the model says so, as what the server lists is known on the worker alone.
        """
        where = _where()
        skill = f"Skills.tool({name!r}, {_written(fixed)})"
        if not isinstance(name, str):
            raise JobDefinitionError(f"{skill} ({where}): the name of a tool is a string, such as 'slack.send_message'")
        try:
            tool = find_tool(name)
        except UnknownToolError as err:
            raise UnknownToolError(f"{skill} ({where}): {err}") from None
        if not fixed:
            return Skill(tool.toolbox, (tool.name.rpartition(".")[2],))
        return Skill(tool.toolbox, _fixed=(_checked(tool.name, [tool], _groups(fixed, skill, where), skill, where),))

    def slack(
        self, *, channel: str | Sequence[str] | None = None, tools: Sequence[str] | None = None, **fixed: Any
    ) -> Skill:
        """Return the tools of Slack.

        Args:
            channel: the id of the one channel that the model may write to, or a list of those: `channel_id`, by its
                other name. The skill has then no tool that takes none.
            tools: some of them, by name.
            fixed: as of every skill.
        """
        if channel is not None:
            fixed = {"channel_id": channel, **fixed}
        return _skill("slack", tools, fixed, [])

    def github(
        self, *, repos: str | Sequence[str] | None = None, tools: Sequence[str] | None = None, **fixed: Any
    ) -> Skill:
        """Return the tools of GitHub's MCP server, or of what else is registered or mounted as `github`.

        Args:
            repos: the repositories that the model may work in, `"owner/name"`: of the arguments `owner` and `repo`,
                these pairs. The skill has then no tool that takes none, such as a search.
            tools: some of them, by name.
            fixed: as of every skill.
        """
        if repos is None:
            return _skill("github", tools, fixed, [])
        pairs = [str(each).split("/") for each in ([repos] if isinstance(repos, str) else repos)]
        if not pairs or not all(len(pair) == 2 and all(pair) for pair in pairs):
            raise JobDefinitionError(f'Skills.github(repos={repos!r}) ({_where()}): give them as ["owner/name"]')
        return _skill("github", tools, fixed, [[{"owner": owner, "repo": repo} for owner, repo in pairs]])

    def __getattr__(self, toolbox: str) -> _SkillMaker:
        if toolbox.startswith("_"):
            raise AttributeError(toolbox)
        return _SkillMaker(toolbox)

    def __repr__(self) -> str:
        return "<Skills>"


class _SkillMaker:
    def __init__(self, toolbox: str) -> None:
        self._toolbox = toolbox

    def __call__(self, *, tools: Sequence[str] | None = None, **fixed: Any) -> Skill:
        return _skill(self._toolbox, tools, fixed, [])


def _skill(toolbox: str, tools: Sequence[str] | None, fixed: Mapping[str, Any], groups: list[Group]) -> Skill:
    if isinstance(tools, str):
        raise JobDefinitionError(f"Skills.{toolbox}(tools={tools!r}): give a list, tools=[{tools!r}]")
    names = None if tools is None else tuple(tools)
    if not fixed and not groups:
        return Skill(toolbox, names)
    where = _where()
    skill = f"Skills.{toolbox}({_written({**{key: '…' for group in groups for key in group[0]}, **fixed})})"
    groups = [*groups, *_groups(fixed, skill, where)]
    try:
        box = _whole(toolbox)
        found = None if names is None else [find_tool(f"{toolbox}.{name}") for name in names]
    except UnknownToolError as err:
        raise UnknownToolError(f"{skill} ({where}): {err}") from None
    if found is None:
        known = [tool for tool in list_tools() if f"{tool.toolbox}.*" == box]
        return Skill(toolbox, _fixed=(_checked(box, known, groups, skill, where),))
    return Skill(toolbox, _fixed=tuple(_checked(tool.name, [tool], groups, skill, where) for tool in found))


def _checked(tools: str, known: Iterable[Tool], groups: Sequence[Group], written: str, where: str) -> Fixed:
    """Return what a skill fixes, checked by tools whose arguments do not depend on what a server lists."""
    fixed = Fixed(tools, tuple(groups), written, where)
    names = fixed.names
    if len(set(map(fold, names))) < len(names):
        raise JobDefinitionError(f"{fixed}: it fixes an argument twice")
    known = list(known)
    if not any(isinstance(tool, MountedTool) for tool in known):
        check_fixed(fixed, known)
    return fixed


def _groups(fixed: Mapping[str, Any], skill: str, where: str) -> list[Group]:
    return [
        [{name: value} for value in read_values(f"{skill} ({where})", name, given)] for name, given in fixed.items()
    ]


def _written(fixed: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}=…" for name in fixed)


def _where() -> str:
    frame = caller_frame()
    return place(frame.f_code.co_filename, frame.f_lineno)


Skills: Final = _Skills()


def allow_list(skills: Iterable[Skill | str]) -> list[str]:
    """Return the skills that fix nothing as names of tools, `toolbox.*` and `*`.

    This is what is recorded with a turn, and checked before a tool runs, beside `fixed_arguments`.

    Raises:
        UnknownToolError: a toolbox or a tool that this process does not have.
        JobDefinitionError: something that is no skill.
    """
    if isinstance(skills, str | Skill) or not isinstance(skills, Iterable):
        raise JobDefinitionError(f"skills={skills!r}: give a list, skills=[…]")
    allowed: list[str] = []
    for skill in skills:
        if isinstance(skill, str):
            allowed += [_whole(skill)] if "." not in skill or skill in toolbox_names() else [_tool(skill)]
        elif not isinstance(skill, Skill):
            raise JobDefinitionError(f"skills=[{skill!r}]: give Skills.<toolbox>(), or the name of a toolbox")
        elif skill._fixed:
            continue
        elif skill.tools is None:
            allowed.append("*" if skill.toolbox == "*" else _whole(skill.toolbox))
        else:
            allowed += [_tool(f"{skill.toolbox}.{tool}") for tool in skill.tools]
    return list(dict.fromkeys(allowed))


def fixed_arguments(skills: Iterable[Skill | str]) -> list[Fixed]:
    """Return what the other skills fix."""
    found: list[Fixed] = []
    for skill in skills:
        found += [each for each in (skill._fixed if isinstance(skill, Skill) else ()) if each not in found]
    return found


def allowed(name: str, patterns: Iterable[str]) -> bool:
    """Return whether a tool is in an allow-list."""
    return any(pattern in ("*", name, f"{name.rpartition('.')[0]}.*") for pattern in patterns)


def names_tool(spelling: str, name: str) -> bool:
    """Return whether somebody who writes `slack.sendMessage` or `slack_send_message` means the tool
    `slack.send_message`.
    """
    return fold(spelling.replace(".", "_")) == fold(name.replace(".", "_"))


def _tool(name: str) -> str:
    return find_tool(name).name


def _whole(name: str) -> str:
    boxes = toolbox_names()
    for box in boxes:
        if fold(box) == fold(name):
            return f"{box}.*"
    raise UnknownToolError(
        f"there is no toolbox {name!r} for a skill{did_you_mean(name, boxes)} (there are {', '.join(sorted(boxes))})"
    )
