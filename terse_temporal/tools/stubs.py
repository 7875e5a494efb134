"""The tools and states of a project as a stub of this package, which type checkers read in its place.

A stub in a directory of the user's own comes before the installed package for mypy (`mypy_path`) and for Pyright
(`stubPath`, which is `typings` by itself), module by module. So one file, for `terse_temporal` itself, is enough: it
has all that the package exports, with absolute imports, a `toolbox` whose attributes are known, and a `State` that
knows the keys of each model, because nothing in Python's types leads from the name of a field to its type. Everything
is in the order of names, so that the same tools give the same text.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import json
import keyword
import re
import types
import typing
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, Union

from pydantic import BaseModel

from .mcp.mounted import MountedTool, argument_name, takes_others
from .schemas import type_text
from .tool import Tool

__all__ = ["built_in_text", "stub_text"]

_INDENT: Final = "    "

_PACKAGE: Final = f"{__package__.partition('.')[0]}."

#: What a `State` of the stub's own needs beside `overload`, each under a name with an underscore.
_BASES_OF_STATE: Final = (
    "from collections.abc import Callable",
    "from collections.abc import Coroutine",
    "from terse_temporal.state import State",
    "from typing_extensions import TypeVar",
)

#: What types are made of here.
_BUILTINS: Final = frozenset(["bool", "dict", "float", "int", "list", "str"])


def stub_text(tools: Iterable[Tool], command: str, states: Iterable[type[BaseModel]] = ()) -> str:
    """Return the text of `terse_temporal/__init__.pyi`.

    Args:
        tools: those that `toolbox` has.
        command: what makes this file, for its first lines.
        states: the models that jobs have as `states=`.
    """
    named = {
        f"{each.__module__}.{each.__qualname__}": each
        for each in states
        if "<" not in each.__qualname__ and each.model_fields
    }
    return _Stub(tools).text(command, [named[name] for name in sorted(named)])


def built_in_text(tools: Iterable[Tool]) -> str:
    """Return the text of `terse_temporal/tools/builtin_types.pyi`.

    It is what type checkers know of built-in tools by themselves.

    Args:
        tools: those that are built in.
    """
    return _Stub(tools, above="ToolPath").built_in()


class _Stub:
    def __init__(self, tools: Iterable[Tool], *, above: str = "") -> None:
        self._above = f"({above})" if above else ""
        self._imports: set[str] = set()
        self._names: set[str] = set()
        self._dicts: list[str] = []
        boxes: dict[str, list[Tool]] = {}
        for tool in tools:
            if all(part.isidentifier() and not keyword.iskeyword(part) for part in tool.name.split(".")):
                boxes.setdefault(tool.toolbox, []).append(tool)
        # A toolbox within a toolbox: `crm.contacts.find` makes an attribute of `crm`.
        for name in list(boxes):
            while "." in name:
                name = name.rpartition(".")[0]  # noqa: PLW2901  one level up
                boxes.setdefault(name, [])
        self._boxes = dict(sorted(boxes.items()))

    def text(self, command: str, states: Sequence[type[BaseModel]]) -> str:
        classes = [self._box(name, tools) for name, tools in self._boxes.items()]
        top = [name for name in self._boxes if "." not in name]
        attributes = [_property(name, _class_name(name)) for name in top] or [f"{_INDENT}..."]
        classes.append("\n".join(["class _Toolbox(Toolbox):", *attributes]))
        exports, names = _exports({"toolbox", "State"} if states else {"toolbox"})
        if states:
            classes.insert(0, self._state(states))
            exports += [f"{each} as _{each.rpartition(' ')[2]}" for each in _BASES_OF_STATE]
        lines = [
            f"# Made by `{command}`: not to be edited.",
            "# fmt: off",
            "# ruff: noqa",
            '"""The types of `terse_temporal`, with the tools of this project."""',
            "",
            *sorted({"import builtins", *self._imports}),
            "from typing import Any, Literal, NotRequired, TypedDict, overload",
            "",
            *exports,
            "from terse_temporal.tools.toolbox import Toolbox",
        ]
        body = "\n\n".join([*self._dicts, *classes])
        listed = "\n".join(f"{_INDENT}{json.dumps(name)}," for name in names)
        return "\n".join(lines) + f"\n\n__all__ = [\n{listed}\n]\n\n{body}\n\ntoolbox: _Toolbox\n"

    def _state(self, models: Iterable[type[BaseModel]]) -> str:
        """Return a `State` whose calls are known by the model and the key.

        Without a model it takes any key, as it does.
        """
        overloads: dict[str, list[str]] = {"get": [], "set": [], "update": [], "delete": []}
        for model in models:
            own = f"self: State[{self._written(model)}]"
            for key, field in model.model_fields.items():
                text = self._written(field.annotation)
                value = _or_none(text) if field.is_required() else text
                given = f"{own}, key: Literal[{json.dumps(key)}]"
                result = f"{text} | _Coroutine[Any, Any, {text}]"
                overloads["get"].append(f"({given}) -> _Coroutine[Any, Any, {value}]")
                overloads["set"].append(f"({given}, value: {text}) -> _Coroutine[Any, Any, {text}]")
                overloads["update"] += [
                    f"({given}, {change}) -> _Coroutine[Any, Any, {text}]"
                    for change in (
                        f"function: _Callable[[{value}], {result}]",
                        f"function: _Callable[..., {result}], argument: Any, /, *arguments: Any",
                    )
                ]
            keys = ", ".join(map(json.dumps, model.model_fields))
            overloads["delete"].append(f"({own}, key: Literal[{keys}]) -> _Coroutine[Any, Any, None]")
        anything = "self: State[object], key: str"
        more = "function: _Callable[..., Any], argument: Any, /, *arguments: Any"
        overloads["get"].append(f"({anything}) -> _Coroutine[Any, Any, Any]")
        overloads["set"].append(f"({anything}, value: Any) -> _Coroutine[Any, Any, Any]")
        overloads["update"] += [
            f"({anything}, function: _Callable[[Any], Any]) -> _Coroutine[Any, Any, Any]",
            f"({anything}, {more}) -> _Coroutine[Any, Any, Any]",
        ]
        overloads["delete"].append(f"({anything}) -> _Coroutine[Any, Any, None]")
        lines = [
            f"{_INDENT}@overload\n{_INDENT}def {name}{each}: ..." for name, all_ in overloads.items() for each in all_
        ]
        # To mypy two that differ in what a function takes cannot take the place of two that take any.
        first = next(place for place, line in enumerate(lines) if "def update(" in line)
        lines[first] = lines[first].replace("@overload", "@overload  # type: ignore[override]")
        head = '_StatesT = _TypeVar("_StatesT", default=object)\n\nclass State(_State[_StatesT]):'
        # In a class that has a method `set`, that is what `set` means.
        return _with_builtins("\n".join([head, *lines]), ["set"])

    def built_in(self) -> str:
        # Each may have further tools, of the user's, so that a name that is not here is no mistake.
        classes = [self._box(name, tools) for name, tools in self._boxes.items()]
        properties = [_property(name, _class_name(name)) for name in self._boxes]
        lines = [
            "# Made by `python -m tests.tools.test_builtin_types`: not to be edited.",
            "# fmt: off",
            "# ruff: noqa",
            '"""The types of the toolboxes that are built in."""',
            "",
            "from typing import Any, Literal",
            "",
            *sorted(self._imports),
            "from terse_temporal.tools.toolbox import Toolbox, ToolPath",
        ]
        classes.append("\n".join(["class BuiltInToolbox(Toolbox):", *properties]))
        return "\n".join(lines) + "\n\n" + "\n\n".join(classes) + "\n"

    def _box(self, name: str, tools: Iterable[Tool]) -> str:
        inner = [each for each in self._boxes if each.rpartition(".")[0] == name]
        own = {tool.name.rpartition(".")[2]: self._method(tool) for tool in tools}
        own |= {each.rpartition(".")[2]: _property(each.rpartition(".")[2], _class_name(each)) for each in inner}
        text = "\n".join([f"class {_class_name(name)}{self._above}:", *(own[each] for each in sorted(own))])
        # In a class that has a method `list`, that is what `list` means.
        return _with_builtins(text, _BUILTINS.intersection(own))

    def _method(self, tool: Tool) -> str:
        if isinstance(tool, MountedTool):
            parameters, result = self._mounted(tool)
        else:
            parameters, result = self._registered(tool)
        name = tool.name.rpartition(".")[2]
        if parameters:
            inside = "".join(f"{_INDENT * 2}{each},\n" for each in ["self", *parameters])
            head = f"{_INDENT}async def {name}(\n{inside}{_INDENT}) -> {result}:"
        else:
            head = f"{_INDENT}async def {name}(self) -> {result}:"
        return f"{head}\n{_docstring(tool.description)}" if tool.description else f"{head} ..."

    def _mounted(self, tool: MountedTool) -> tuple[list[str], str]:
        schema = tool.schema or {}
        prefix = _class_name(tool.name)
        required = schema.get("required") or ()
        parameters, optional, others = [], [], takes_others(schema)
        for name, each in (schema.get("properties") or {}).items():
            shown = argument_name(name)
            if shown is None or shown == "self":
                others = True
                continue
            text = self._type(each, schema, f"{prefix}{_camel(name)}")
            # `None` is left out of the call, as in Python it means "not given".
            if name in required:
                parameters.append(f"{shown}: {text}")
            else:
                optional.append(f"{shown}: {_or_none(text)} = ...")
        parameters += optional
        if parameters:
            parameters.insert(0, "*")
        if others:
            parameters.append("**others: Any")
        output = tool.output_schema
        if output is None:
            return parameters, "Any"
        if list(output.get("properties") or ()) == ["result"]:
            return parameters, self._type(output["properties"]["result"], output, f"{prefix}Result")
        return parameters, self._type(output, output, f"{prefix}Result")

    def _type(self, schema: Any, root: Mapping[str, Any], name: str) -> str:
        made: dict[int, str] = {}

        def define(found: Mapping[str, Any], suggested: str) -> str:
            if id(found) in made:
                return made[id(found)]
            # A class that the document names by itself has no prefix yet.
            wanted = suggested if suggested.startswith("_") else f"{name}{suggested}"
            made[id(found)] = chosen = self._free(wanted)
            required = found.get("required") or ()
            fields = {
                field: type_text(each, root, define=define, name=f"{chosen}{_camel(field)}")
                for field, each in found["properties"].items()
            }
            self._dicts.append(_typed_dict(chosen, fields, required))
            return chosen

        return type_text(schema, root, define=define, name=name)

    def _free(self, name: str) -> str:
        chosen, number = name, 2
        while chosen in self._names:
            chosen, number = f"{name}{number}", number + 1
        self._names.add(chosen)
        return chosen

    def _registered(self, tool: Tool) -> tuple[list[str], str]:
        parameters, keyword_only = [], False
        for parameter in tool.signature.parameters.values():
            text = self._annotation(tool, parameter.name)
            if parameter.kind is parameter.VAR_POSITIONAL:
                continue  # arguments are given by name
            if parameter.kind is parameter.VAR_KEYWORD:
                parameters.append(f"**{parameter.name}: {text}")
                continue
            if not keyword_only:
                parameters.append("*")
                keyword_only = True
            default = "" if parameter.default is parameter.empty else " = ..."
            parameters.append(f"{parameter.name}: {text}{default}")
        return parameters, self._annotation(tool, "return")

    def _annotation(self, tool: Tool, name: str) -> str:
        function = inspect.unwrap(tool.function)
        try:
            return self._written(typing.get_type_hints(function).get(name, Any), given=name != "return")
        except Exception:  # an annotation that means nothing outside a type checker
            return "Any"

    def _written(self, type_: Any, *, given: bool = False) -> str:
        """Return a type as code of another module writes it. What is given may be data that a class is made of."""
        origin, arguments = typing.get_origin(type_), typing.get_args(type_)
        if type_ is None or type_ is type(None):
            return "None"
        if type_ is Any:
            return "Any"
        if origin in (Union, types.UnionType):
            return " | ".join(dict.fromkeys(self._written(each, given=given) for each in arguments))
        if origin is Literal:
            return (
                f"Literal[{', '.join(json.dumps(each) if isinstance(each, str) else repr(each) for each in arguments)}]"
            )
        if origin is not None and isinstance(origin, type):
            inner = ["..." if each is ... else self._written(each, given=given) for each in arguments]
            return f"{self._written(origin)}[{', '.join(inner)}]" if self._written(origin) != "Any" else "Any"
        if not isinstance(type_, type) or "<" in type_.__qualname__:
            return "Any"
        if type_.__module__ == builtins.__name__:
            return type_.__qualname__
        if type_.__module__.startswith(_PACKAGE):
            # To Pyright, `terse_temporal.tools` in this file is an attribute of the file, which has none of that name.
            top = type_.__qualname__.partition(".")[0]
            self._imports.add(f"from {type_.__module__} import {top} as _{top}")
            return f"_{type_.__qualname__} | dict[str, Any]" if given else f"_{type_.__qualname__}"
        self._imports.add(f"import {type_.__module__}")
        return f"{type_.__module__}.{type_.__qualname__}"


def _exports(defined: Collection[str]) -> tuple[list[str], list[str]]:
    """Return imports of what the package exports but for what the stub defines, and the names of all."""
    package = Path(__file__).parent.parent
    lines, names = [], list(defined)
    for node in ast.parse((package / "__init__.py").read_text(encoding="utf-8")).body:
        if not isinstance(node, ast.ImportFrom) or node.level != 1:
            continue
        for alias in node.names:
            if alias.name in defined:
                continue
            name = alias.asname or alias.name
            names.append(name)
            lines.append(f"from terse_temporal.{node.module} import {alias.name} as {name}")
    return lines, sorted(names)


def _typed_dict(name: str, fields: Mapping[str, str], required: Iterable[str]) -> str:
    needed = set(required)
    if all(field.isidentifier() and not keyword.iskeyword(field) and field not in _BUILTINS for field in fields):
        lines = [
            f"{_INDENT}{field}: {text if field in needed else f'NotRequired[{text}]'}" for field, text in fields.items()
        ]
        return "\n".join([f"class {name}(TypedDict):", *lines])
    lines = [
        f"{_INDENT * 2}{json.dumps(field)}: {text if field in needed else f'NotRequired[{text}]'},"
        for field, text in fields.items()
    ]
    return "\n".join([f"{name} = TypedDict(", f'{_INDENT}"{name}",', f"{_INDENT}{{", *lines, f"{_INDENT}}},", ")"])


def _property(name: str, type_: str) -> str:
    return f"{_INDENT}@property\n{_INDENT}def {name}(self) -> {type_}: ..."


def _with_builtins(text: str, names: Iterable[str]) -> str:
    """Return the text with the names of builtins that mean something else in it written out, where they are types."""
    for name in names:
        # Not in a string, and not what is defined or called so itself.
        texts = r'"""(?:[^"\\]|\\.|"(?!""))*"""|"(?:[^"\\]|\\.)*"'
        as_type = rf"(?:(?<=[:|,>] )|(?<=\[))({name})\b"
        text = re.sub(f"{texts}|{as_type}", lambda found: f"builtins.{found[1]}" if found[1] else found[0], text)
    return text


def _docstring(text: str) -> str:
    lines = inspect.cleandoc(text).replace("\\", "\\\\").replace('"""', '\\"\\"\\"').splitlines()
    if lines[-1].endswith('"'):
        lines[-1] += " "
    inside = [f"{_INDENT * 2}{line.rstrip()}".rstrip() for line in lines]
    if len(inside) == 1:
        return f'{_INDENT * 2}"""{lines[0].strip()}"""'
    inside[0] = f'{_INDENT * 2}"""{lines[0].strip()}'
    return "\n".join([*inside, f'{_INDENT * 2}"""'])


def _or_none(text: str) -> str:
    return text if text == "Any" or text.endswith("None") else f"{text} | None"


def _class_name(name: str) -> str:
    return f"_{_camel(name)}"


def _camel(name: str) -> str:
    words = "".join(each if each.isascii() and each.isalnum() else " " for each in name).split()
    return "".join(word[:1].upper() + word[1:] for word in words)
