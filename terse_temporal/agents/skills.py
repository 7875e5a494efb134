"""What a model may call: a strict allow-list of tools."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from ..diagnostics.text import did_you_mean
from ..errors import JobDefinitionError, UnknownToolError
from ..serialization.keys import fold
from ..tools import find_tool, toolbox_names

__all__ = ["Skill", "Skills", "allow_list", "allowed", "names_tool"]


@dataclass(frozen=True)
class Skill:
    """Tools that a model may call: all of a toolbox, or some."""

    toolbox: str
    tools: tuple[str, ...] | None = None


class _Skills:
    """`Skills.slack()`, `Skills.github(tools=["create_issue"])`, `Skills.all()`: what a model may call.

    Every toolbox that is registered, mounted or built in has one. A model sees the tools of its skills, and nothing
    else exists for it.
    """

    def all(self) -> Skill:
        """Return every tool of every toolbox that the worker has."""
        return Skill("*")

    def __getattr__(self, toolbox: str) -> _SkillMaker:
        if toolbox.startswith("_"):
            raise AttributeError(toolbox)
        return _SkillMaker(toolbox)

    def __repr__(self) -> str:
        return "<Skills>"


class _SkillMaker:
    def __init__(self, toolbox: str) -> None:
        self._toolbox = toolbox

    def __call__(self, *, tools: Sequence[str] | None = None) -> Skill:
        if isinstance(tools, str):
            raise JobDefinitionError(f"Skills.{self._toolbox}(tools={tools!r}): give a list, tools=[{tools!r}]")
        return Skill(self._toolbox, None if tools is None else tuple(tools))


Skills: Final = _Skills()


def allow_list(skills: Iterable[Skill | str]) -> list[str]:
    """Return the skills as names of tools, `toolbox.*` and `*`.

    This is what is recorded with a turn, and checked before a tool runs.

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
        elif skill.tools is None:
            allowed.append("*" if skill.toolbox == "*" else _whole(skill.toolbox))
        else:
            allowed += [_tool(f"{skill.toolbox}.{tool}") for tool in skill.tools]
    return list(dict.fromkeys(allowed))


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
