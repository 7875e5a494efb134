"""Arguments that a skill fixes: a model is not shown them and cannot give them, or has few values to choose from.

A turn of the model judges by them what it was asked for (`turns.py`), with the tools that its worker has, and what it
finds is recorded. Nothing here is decided anew when a run is replayed: which tools an MCP server lists, and what their
arguments are, is not known then.
"""

from __future__ import annotations

import functools
import json
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ..diagnostics.text import did_you_mean, list_names, shorten
from ..errors import JobDefinitionError, StepInputError
from ..serialization.serializer import shared_serializer
from ..serialization.value_problems import ValueProblem
from ..tools import Tool
from ..tools.mcp.mounted import MountedTool

__all__ = ["Fixed", "Group", "OfferedTool", "check_fixed", "fill", "offered_tools", "read_values"]

#: Values that belong together, by the name of the argument, and the others that may be given instead of them.
Group = Sequence[Mapping[str, Any]]

_MOST_VALUES: Final = 200


@dataclass(frozen=True)
class Fixed:
    """What a skill fixes.

    Attributes:
        tools: a tool, `slack.send_message`, or a toolbox, `slack.*`, of which those tools are meant that have all of
            these arguments.
        groups: arguments as they were written. Each group is independent of the others.
        written: how the skill is written, for messages.
        where: `file:line` of it.
    """

    tools: str
    groups: tuple[Group, ...]
    written: str = field(default="", compare=False)
    where: str = field(default="", compare=False)

    def covers(self, name: str) -> bool:
        """Return whether a tool may be meant."""
        return self.tools in (name, f"{name.rpartition('.')[0]}.*")

    @property
    def is_toolbox(self) -> bool:
        """Whether it is of a toolbox."""
        return self.tools.endswith(".*")

    @property
    def names(self) -> list[str]:
        """The arguments, as they were written."""
        return [name for group in self.groups for name in group[0]]

    def __str__(self) -> str:
        return f"{self.written} ({self.where})" if self.written else f"a skill of {self.tools}"

    def to_wire(self) -> dict[str, Any]:
        """Return it as a turn is recorded with it."""
        return {"tools": self.tools, "any_of": [list(map(dict, group)) for group in self.groups]}

    @classmethod
    def from_wire(cls, data: Mapping[str, Any]) -> Fixed:
        """Read what `to_wire` returned."""
        return cls(str(data["tools"]), tuple(data["any_of"]))


def read_values(skill: str, name: str, value: Any) -> list[Any]:
    """Return the values that an argument may have, as JSON: a list is any of them.

    Raises:
        JobDefinitionError: there is none, or one that JSON cannot hold.
    """
    if isinstance(value, set | frozenset):
        raise JobDefinitionError(f"{skill}: {name}={value!r} has no order; give a list")
    if isinstance(value, list | tuple) and not value:
        raise JobDefinitionError(f"{skill}: {name}=[] leaves no value; give one, or several to choose from")
    values = {}
    for each in value if isinstance(value, list | tuple) else [value]:
        try:
            data = shared_serializer.codec(Any).record(each).data
        except ValueProblem as problem:
            raise JobDefinitionError(f"{skill}: {name}={shorten(repr(each), 80)}: {problem}") from None
        values[_text(data)] = data
    if len(values) > _MOST_VALUES:
        raise JobDefinitionError(f"{skill}: {name} has {len(values)} values, and a model is shown {_MOST_VALUES}")
    return list(values.values())


def check_fixed(fixed: Fixed, tools: Iterable[Tool]) -> None:
    """Check what a skill fixes, by the tools of its toolbox that are known.

    Raises:
        JobDefinitionError: a tool has no such argument, or it does not take such a value; of a toolbox, none does.
    """
    _resolve(fixed, tools)


@dataclass(frozen=True)
class OfferedTool:
    """A tool as a model may call it.

    Attributes:
        groups: the arguments that are fixed, by the tool's own names.
    """

    tool: Tool
    groups: tuple[Group, ...] = ()

    @functools.cached_property
    def hidden(self) -> Mapping[str, Any]:
        """The arguments that have one value, with it."""
        return {name: values[0] for name, values in _values(self.groups) if len(values) == 1}

    @functools.cached_property
    def choices(self) -> Mapping[str, list[Any]]:
        """The arguments that have several values, with them."""
        return {name: values for name, values in _values(self.groups) if len(values) > 1}

    def schema(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        """Return the JSON schema of the tool's arguments as the model is shown it."""
        hidden = {_bare(name) for name in self.hidden}
        names = [name for name in _properties(schema) if _bare(name) in hidden]
        return _shown(schema, {*names, *self.hidden, *self.tool.code_only}.difference(self.choices), self.choices)

    def arguments(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments of a call that the model asks for, checked, with those that are fixed.

        Raises:
            StepInputError: it gives one that it cannot, none where it has a choice, or one that does not fit.
        """
        if not self.groups:
            return self.tool.from_json(given, by_model=True)
        rest, chosen = _split(given, [*self.hidden, *self.choices], self.tool)
        for name, (written, _) in chosen.items():
            if name in self.hidden:
                raise StepInputError(
                    f"tool {self.tool.name!r}: the argument {shorten(written, 80)!r} is not yours to give"
                )
        for name, values in self.choices.items():
            if name not in chosen:
                raise StepInputError(f"tool {self.tool.name!r}: give {name!r}, {_one_of(values)}")
        given_values = {name: value for name, (_, value) in chosen.items()}
        for group in self.groups:
            names = [name for name in group[0] if name in self.choices]
            if not any(_same(each, given_values, names) for each in group):
                allowed = [{name: each[name] for name in names} for each in group]
                told = [each[names[0]] for each in allowed] if len(names) == 1 else allowed
                raise StepInputError(
                    f"tool {self.tool.name!r}: {' and '.join(map(repr, names))} cannot be that here; give"
                    f" {_one_of(told)}"
                )
        by_code = [*self.hidden, *self.choices]
        return self.tool.from_json({**rest, **given_values, **self.hidden}, by_model=True, by_code=by_code)


def offered_tools(tools: Iterable[Tool], plain: Iterable[Tool], fixed: Sequence[Fixed]) -> list[OfferedTool]:
    """Return what a model is offered.

    Args:
        tools: all that there are.
        plain: those of them that it may call by skills that fix nothing.
        fixed: what other skills fix. It holds whatever else names the tool.

    Raises:
        JobDefinitionError: a skill fixes what its tools do not have, or two fix the same argument of one tool.
    """
    everything = list(tools)
    names = {tool.name for tool in plain}
    resolved = [_resolve(each, [tool for tool in everything if each.covers(tool.name)]) for each in fixed]
    offered = []
    for tool in everything:
        groups = [group for each in resolved for group in each.get(tool.name, ())]
        fixed_names = [_bare(name) for group in groups for name in group[0]]
        if len(set(fixed_names)) < len(fixed_names):
            raise JobDefinitionError(
                f"two skills fix the same argument of the tool {tool.name!r}. Leave one of them out."
            )
        if groups or tool.name in names:
            offered.append(OfferedTool(tool, tuple(groups)))
    return offered


def fill(tool: Tool, arguments: Mapping[str, Any], fixed: Sequence[Fixed], *, is_plain: bool) -> dict[str, Any] | None:
    """Return the arguments of a call that code makes, with those that are fixed and that it leaves out.

    Args:
        fixed: what the skills fix.
        is_plain: a skill that fixes nothing has the tool too.

    Returns:
        `None` if no skill has the tool.

    Raises:
        StepInputError: an argument is fixed to something else, or has to be chosen.
    """
    # What a server lists is not known when the run is replayed, so nothing is decided by it.
    listed = not isinstance(tool, MountedTool)
    meant = [
        each
        for each in fixed
        if each.covers(tool.name)
        and not (listed and each.is_toolbox and tool.name not in _resolve(each, [tool], quiet=True))
    ]
    if not meant and not is_plain:
        return None
    filled = dict(arguments)
    for each in meant:
        for group in each.groups:
            _, given = _split(filled, list(group[0]), tool)
            values = {name: _recorded(value) for name, (_, value) in given.items()}
            left = [alternative for alternative in group if _same(alternative, values, list(values))]
            if not left:
                raise StepInputError(
                    f"tool {tool.name!r}: {', '.join(map(repr, values))} is fixed to something else by {each}"
                )
            missing = [name for name in group[0] if name not in values]
            if missing and len({_text({name: every[name] for name in missing}) for every in left}) > 1:
                raise StepInputError(
                    f"tool {tool.name!r}: give {', '.join(map(repr, missing))},"
                    f" {_one_of([every[missing[0]] for every in left])}: so says {each}"
                )
            filled |= {name: left[0][name] for name in missing}
    return filled


def _resolve(fixed: Fixed, tools: Iterable[Tool], *, quiet: bool = False) -> dict[str, list[Group]]:
    """Return what is fixed for each tool that is meant, by its own names of the arguments."""
    found: dict[str, list[Group]] = {}
    problems: list[str] = []
    every = list(tools)
    for tool in every:
        own = {name: tool.argument(name) for name in fixed.names}
        lacks = [name for name, own_name in own.items() if own_name is None]
        if lacks:
            if not fixed.is_toolbox:
                names = tool.argument_names
                problems.append(
                    f"the tool {tool.name!r} has no argument {lacks[0]!r}{did_you_mean(lacks[0], names)}"
                    f" (it has {list_names(names) or 'none'})"
                )
            continue
        groups = [[{str(own[name]): value for name, value in each.items()} for each in group] for group in fixed.groups]
        wrong = [
            f"the argument {name!r} of the tool {tool.name!r} cannot be {shorten(_text(value), 80)}: {problem}"
            for group in groups
            for each in group
            for name, value in each.items()
            if (problem := tool.problem_with(name, value)) is not None
        ]
        problems += wrong[:1]
        if not wrong:
            found[tool.name] = list(groups)
    if quiet or found or not every:
        return found
    if not problems:
        names = sorted({name for tool in every for name in tool.argument_names})
        unknown = next((name for name in fixed.names if not any(tool.argument(name) for tool in every)), None)
        problems = [
            f"no tool of {fixed.tools[:-2]!r} has all of {', '.join(map(repr, fixed.names))}"
            if unknown is None
            else f"no tool of {fixed.tools[:-2]!r} has an argument {unknown!r}{did_you_mean(unknown, names)}"
            f" (they have {list_names(names) or 'none'})"
        ]
    raise JobDefinitionError(f"{fixed}: {problems[0]}")


def _split(
    given: Mapping[str, Any], names: Sequence[str], tool: Tool
) -> tuple[dict[str, Any], dict[str, tuple[str, Any]]]:
    """Return the arguments that are not among the names, and those that are: as written, and their values.

    Whatever might be read as one of the names, here or by the other side, is taken for it.
    """
    bare = {_bare(name): name for name in names}
    rest: dict[str, Any] = {}
    meant: dict[str, tuple[str, Any]] = {}
    for written, value in given.items():
        name = bare.get(_bare(written))
        if name is None:
            rest[written] = value
        elif name in meant:
            raise StepInputError(f"tool {tool.name!r}: the argument {name!r} is given twice")
        else:
            meant[name] = (written, value)
    return rest, meant


def _values(groups: Iterable[Group]) -> Iterator[tuple[str, list[Any]]]:
    for group in groups:
        for name in group[0]:
            yield name, list({_text(each[name]): each[name] for each in group}.values())


def _bare(name: str) -> str:
    """Return what all spellings of an argument have in common: its letters and digits."""
    return "".join(each for each in unicodedata.normalize("NFKC", name).casefold() if each.isalnum())


def _same(fixed: Mapping[str, Any], given: Mapping[str, Any], names: Iterable[str]) -> bool:
    return all(_text(fixed[name]) == _text(given[name]) for name in names)


def _text(value: Any) -> str:
    # 1, 1.0 and true are equal in Python, and not the same.
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _recorded(value: Any) -> Any:
    try:
        return shared_serializer.codec(Any).record(value).data
    except ValueProblem:
        return {"": repr(type(value))}  # what is fixed is JSON, so it is something else


def _one_of(values: Sequence[Any]) -> str:
    return f"one of {shorten(', '.join(map(_text, values)), 500)}"


def _properties(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    found = schema.get("properties")
    return found if isinstance(found, Mapping) else {}


def _shown(schema: Mapping[str, Any], hidden: set[str], choices: Mapping[str, list[Any]]) -> dict[str, Any]:
    """Return a schema without some properties, and with the values that others may have."""
    if not hidden and not choices:
        return dict(schema)
    shown = dict(schema)
    if isinstance(schema.get("properties"), Mapping):
        shown["properties"] = {
            name: _with_choices(each, choices[name]) if name in choices else each
            for name, each in _properties(schema).items()
            if name not in hidden
        }
    required = [name for name in _list(schema.get("required")) if name not in hidden]
    if "properties" in shown:
        required += [name for name in choices if name in shown["properties"] and name not in required]
    if "required" in schema or required:
        shown["required"] = required
    # Conditions between arguments speak of them too, and examples show them.
    for key in ("anyOf", "oneOf", "allOf"):
        if isinstance(schema.get(key), list):
            shown[key] = [_without(each, hidden) for each in schema[key]]
    for key in (
        "examples",
        "default",
        "dependentRequired",
        "dependentSchemas",
        "dependencies",
        "if",
        "then",
        "else",
        "not",
    ):
        if hidden & _words(schema.get(key)):
            del shown[key]
    return shown


def _without(schema: Any, hidden: set[str]) -> Any:
    return _shown(schema, hidden, {}) if isinstance(schema, Mapping) else schema


def _with_choices(schema: Any, values: list[Any]) -> dict[str, Any]:
    described = schema.get("description") if isinstance(schema, Mapping) else None
    return {**({"description": described} if isinstance(described, str) else {}), "enum": values}


def _words(value: Any) -> set[str]:
    """Return the texts and keys in JSON."""
    if isinstance(value, str):
        return {value}
    if isinstance(value, Mapping):
        return {str(key) for key in value}.union(*map(_words, value.values()))
    return set().union(*map(_words, value)) if isinstance(value, list) else set()


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
