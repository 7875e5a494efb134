"""JSON schemas, as servers write them, check arguments and become types.

They are whatever somebody's server says, so nothing in them may do more than be of no help.
"""

from __future__ import annotations

import contextlib
import inspect
import time
from pathlib import Path
from typing import Any

import mcp_types
import pytest

from terse_temporal.errors import StepInputError, UnknownToolError
from terse_temporal.tools.mcp.bounded_schemas import BoundedValidator
from terse_temporal.tools.mcp.listing import tools_by_name
from terse_temporal.tools.mcp.mount import Mount
from terse_temporal.tools.mcp.mounted import MountedTool
from terse_temporal.tools.mcp.mounts import mounts
from terse_temporal.tools.schemas import type_text
from terse_temporal.tools.stubs import stub_text

from .conftest import Load

TREE = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#/$defs/Tree"}}},
    "required": ["name"],
}


@pytest.fixture
def mount(load: Load) -> Mount:
    load("mounting", 'from terse_temporal import toolbox\n\ntoolbox.mount("box", command=["server"])\n')
    found = mounts.get("box")
    assert found is not None
    return found


def listed(mount: Mount, *tools: tuple[str, dict[str, Any]]) -> dict[str, MountedTool]:
    """The tools of the mount, as if its server had listed these."""
    mount.tools, mount.clashes = tools_by_name(
        mount, [mcp_types.Tool(name=name, input_schema={"type": "object", **schema}) for name, schema in tools]
    )
    return dict(mount.tools)


def one(mount: Mount, properties: dict[str, Any], **schema: Any) -> MountedTool:
    return listed(mount, ("tool", {"properties": properties, **schema}))["tool"]


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"type": "string"}, "str"),
        ({"type": ["string", "null"]}, "str | None"),
        ({"anyOf": [{"type": "null"}, {"type": "integer"}]}, "int | None"),
        ({"enum": ["a", 'b"', None]}, 'Literal["a", "b\\"", None]'),
        ({"const": 5}, "Literal[5]"),
        ({"type": "array", "items": {"type": "number"}}, "list[float]"),
        ({"type": "array"}, "list[Any]"),
        ({"type": "object", "additionalProperties": {"type": "boolean"}}, "dict[str, bool]"),
        ({"type": "object", "properties": {"a": {}}}, "dict[str, Any]"),
        ({"anyOf": [{"type": "string"}, {}]}, "Any"),
        ({"allOf": [{"$ref": "#/$defs/Tree"}]}, "dict[str, Any]"),
        ({"$ref": "#/$defs/Circle"}, "Any"),
        ({"$ref": "https://example.com/schema.json"}, "Any"),
        ({"$ref": "#/nowhere/at/all"}, "Any"),
        (True, "Any"),
        ({"type": "quaternion"}, "Any"),
    ],
)
def test_types(schema: Any, text: str) -> None:
    """Each schema is the Python type that says as much, or `Any`."""
    root = {"$defs": {"Tree": TREE, "Circle": {"$ref": "#/$defs/Circle"}}}
    assert type_text(schema, root) == text


def test_signatures(mount: Mount) -> None:
    """They have the properties that can be arguments, required ones first, under names that Python takes."""
    tool = one(
        mount,
        {
            "per-page": {"type": "integer", "default": 5},
            "from": {"type": "string"},
            "$odd": {},
            "q": {"type": "string"},
        },
        required=["q", "from"],
    )
    assert tool.shown_signature == "(*, from_: str, q: str, per_page: int = 5, **arguments)"
    assert isinstance(tool.signature, inspect.Signature)


def test_spellings(mount: Mount) -> None:
    """Arguments are given as Python or TypeScript has them, and arrive as the server has them."""
    tool = one(mount, {"per-page": {"type": "integer"}, "from": {"type": "string"}, "sortOrder": {}, "is_open": {}})
    given = {"per_page": 5, "from_": "a", "sort_order": 1, "isOpen": True}
    assert tool.checked(given) == {"per-page": 5, "from": "a", "sortOrder": 1, "is_open": True}


def test_none_is_not_given(mount: Mount) -> None:
    """Unless the schema takes null, or requires the argument."""
    text, nullable = {"type": "string"}, {"type": ["string", "null"]}
    tool = one(mount, {"a": text, "b": nullable, "c": text}, required=["c"])
    assert tool.checked({"a": None, "b": None, "c": "x"}) == {"b": None, "c": "x"}
    with pytest.raises(StepInputError, match="c: None is not of type 'string'"):
        tool.checked({"c": None})


def test_arguments_that_are_not_listed(mount: Mount) -> None:
    """They are a slip, unless the schema says that there may be others."""
    with pytest.raises(StepInputError, match="nmae: there is no such argument; did you mean 'name'"):
        one(mount, {"name": {}}).checked({"nmae": 1})
    assert one(mount, {"name": {}}, additionalProperties=True).checked({"other": 1}) == {"other": 1}
    with pytest.raises(StepInputError, match="there is no such argument"):
        one(mount, {}).checked({"other": 1})


def test_values_that_json_cannot_hold(mount: Mount) -> None:
    """They are refused with their path."""
    with pytest.raises(StepInputError, match=r"the value at \$\.a\.b is a 'object'"):
        one(mount, {"a": {}}).checked({"a": {"b": object()}})


@pytest.mark.parametrize("version", ["", "http://json-schema.org/draft-07/schema#", "draft of my own"])
def test_patterns(version: str, mount: Mount) -> None:
    """They are found anywhere in a string, and say which properties are known."""
    schema = {
        "a": {"type": "string", "pattern": "^[a-z]+\\d"},
        "b": {
            "type": "object",
            "patternProperties": {"^x-": {"type": "integer"}},
            "additionalProperties": {"type": "boolean"},
        },
        "c": {"type": "object", "patternProperties": {"^x-": {}}, "additionalProperties": False},
    }
    tool = one(mount, schema, **({"$schema": version} if version else {}))
    fits = {"a": "abc1 and more", "b": {"x-1": 1, "other": True}, "c": {"x-1": "any"}}
    assert tool.checked(fits) == fits
    with pytest.raises(StepInputError) as caught:
        tool.checked({"a": "1a", "b": {"x-1": "1", "other": 1}, "c": {"y": 1}})
    lines = str(caught.value).splitlines()[1:-1]
    assert [line.partition(": ")[0] for line in lines] == ["  a", "  b.x-1", "  b.other", "  c"]


#: Texts that take Python's `re` for ever.
EVIL, HARMED = "(a+)+$", "a" * 40 + "!"

#: Each reference leads to two more.
DOUBLING = {f"d{level}": {"allOf": [{"$ref": f"#/$defs/d{level + 1}"}] * 2} for level in range(60)} | {"d60": {}}

META = "https://json-schema.org/draft/2020-12/schema"

HOSTILE: dict[str, dict[str, Any]] = {
    "pattern": {"pattern": EVIL},
    "a part in another version": {"$schema": "http://json-schema.org/draft-07/schema#", "pattern": EVIL},
    "by way of the standard": {"$dynamicAnchor": "meta", "$ref": META, "pattern": EVIL},
    "a long text": {"pattern": "(a{0,50}){0,100}$"},
    "properties": {"patternProperties": {EVIL: {}}},
    "others": {"patternProperties": {EVIL: {}}, "additionalProperties": False},
    "unevaluated": {"patternProperties": {EVIL: {}}, "unevaluatedProperties": False},
    "names": {"propertyNames": {"pattern": EVIL}},
    "references": {"$ref": "#/$defs/d0"},
    "alternatives": {"anyOf": [{"$ref": "#/$defs/d0"}, {"type": "null"}]},
    "messages": {"allOf": [{"type": "null", "title": str(number)} for number in range(10_000)]},
    "unique": {"uniqueItems": True},
}


@pytest.mark.parametrize("schema", HOSTILE.values(), ids=HOSTILE)
def test_schemas_that_would_take_for_ever(schema: dict[str, Any], mount: Mount) -> None:
    """They have a limit of time together, in the handler, where their types are told, and with results in the step."""
    tool = one(mount, {"a": schema}, **{"$defs": DOUBLING})
    validator = BoundedValidator({**schema, "$defs": DOUBLING})
    began = time.process_time()
    for value in (HARMED, "a" * 1_000_000 + "!", {HARMED: 1}, [[{"a": number}] for number in range(20_000)]):
        with contextlib.suppress(StepInputError):
            tool.checked({"a": value})
        with contextlib.suppress(StepInputError):
            tool.checked({"other": value})
        list(validator.iter_errors(value))
    assert tool.shown_signature
    assert stub_text([tool], "a command")
    assert time.process_time() - began < 15


def test_types_that_fan_out(mount: Mount) -> None:
    """Of a type whose references lead to many others the rest is `Any`."""
    wide = {"anyOf": [{"type": "array", "items": {"$ref": "#/$defs/Wide"}} for _ in range(50)]}
    tool = one(mount, {"a": {"$ref": "#/$defs/Wide"}}, **{"$defs": {"Wide": wide}})
    began = time.process_time()
    with pytest.raises(StepInputError, match="there is no such argument"):
        tool.checked({"a": None, "b": None})
    assert time.process_time() - began < 5


def test_many_arguments(mount: Mount) -> None:
    """Of a hundred thousand arguments the first are shown and compared with what is misspelt."""
    tool = one(mount, {f"argument_{number}": {"type": ["string", "null"]} for number in range(100_000)})
    began = time.process_time()
    with pytest.raises(StepInputError, match="argment_7: there is no such argument; did you mean 'argument_7'"):
        tool.checked({"argment_7": None, **{f"x{number}": 1 for number in range(100)}})
    assert time.process_time() - began < 5


def test_schemas_that_cannot_be_applied(mount: Mount) -> None:
    """A reference to another document is not followed, and a pattern that is not Python's is the server's to check."""
    for schema in ({"$ref": "https://127.0.0.1:1/schema.json"}, {"type": "string", "pattern": "(?<x"}, {"type": 5}):
        assert one(mount, {"a": schema}).checked({"a": "text"}) == {"a": "text"}


def test_names_that_are_the_same_in_python(mount: Mount) -> None:
    """Neither of the two tools can be called, and the message has both."""
    assert list(listed(mount, ("getUser", {}), ("get_user", {}), ("other", {}))) == ["other"]
    with pytest.raises(UnknownToolError, match=r"has several tools that are box\.get_user .*: 'getUser', 'get_user'"):
        mount.tool("getUser")


def test_stubs(mount: Mount, tmp_path: Path) -> None:
    """Trees, keywords, and names of builtins make a stub that can be parsed, and is the same each time."""
    tools = listed(
        mount,
        ("list", {"properties": {"tree": {"$ref": "#/$defs/Tree"}, "class": {}}, "$defs": {"Tree": TREE}}),
        ("grow", {"properties": {"kinds": {"type": "array", "items": {"enum": ["list", "dict"]}}}}),
        ("odd", {"properties": {"a": {"type": "object", "properties": {"b-c": {"type": "string"}, "int": {}}}}}),
        ("import", {}),
    )
    text = stub_text(tools.values(), "a command")
    compile(text, "stub", "exec")
    assert stub_text(tools.values(), "a command") == text
    assert (
        "class _BoxListTreeTree(TypedDict):\n    name: str\n    children: NotRequired[list[_BoxListTreeTree]]" in text
    )
    assert 'kinds: builtins.list[Literal["list", "dict"]] | None = ...,' in text
    assert '        "b-c": NotRequired[str],' in text
    assert "async def import" not in text
