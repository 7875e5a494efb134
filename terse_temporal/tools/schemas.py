"""JSON schemas as Python types, as text: for signatures that people read, and for generated stubs."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

__all__ = ["Define", "Written", "resolved", "type_text"]

#: Called with an object's schema and a name for it, gives the name of the class that it is made, or `None` for none.
Define = Callable[[Mapping[str, Any], str], str | None]

_PLAIN: Final = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}

_DEEPEST: Final = 12

#: Schemas that are read for one type.
_MOST: Final = 200


class Written(str):
    """A string whose `repr` is itself, so that a signature shows it as it is written."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def type_text(schema: Any, root: Mapping[str, Any], *, define: Define | None = None, name: str = "") -> str:
    """Return the Python type of a JSON schema; `Any` where there is none that says as much.

    Args:
        schema: of the value.
        root: the document it is part of, in which its references are looked up.
        define: makes classes of objects, which are dicts otherwise.
        name: a name for the class of this one, if it is made one.

    The costs are bounded: a schema whose references fan out is `Any` from some point on.
    """
    return _Reader(root, define).text(schema, name)


class _Reader:
    """Reads the schemas of a document.

    Args:
        root: the document.
        define: as in `type_text`.
    """

    def __init__(self, root: Mapping[str, Any], define: Define | None) -> None:
        self._root = root
        self._define = define
        self._read = 0

    def text(self, schema: Any, name: str, depth: int = 0) -> str:
        define = self._define
        self._read += 1
        if isinstance(schema, Mapping) and isinstance(reference := schema.get("$ref"), str):
            name = _camel(reference.rpartition("/")[2]) if define else name
            schema = resolved(schema, self._root)
        if not isinstance(schema, Mapping) or depth > _DEEPEST or self._read > _MOST:
            return "Any"

        def inner(other: Any, suffix: str = "") -> str:
            return self.text(other, f"{name}{_camel(suffix)}", depth + 1)

        if "const" in schema:
            return _literal([schema["const"]])
        if isinstance(schema.get("enum"), list):
            return _literal(schema["enum"])
        for key in ("anyOf", "oneOf"):
            if isinstance(schema.get(key), list):
                return _union(inner(each, str(number or "")) for number, each in enumerate(schema[key]))
        if isinstance(schema.get("allOf"), list) and len(schema["allOf"]) == 1:
            return inner(schema["allOf"][0])
        kind = schema.get("type")
        if isinstance(kind, list):
            return _union(inner({**schema, "type": each}) for each in kind)
        if kind == "array" or (kind is None and "items" in schema):
            return f"list[{inner(schema.get('items', {}), 'Item')}]"
        if kind == "object" or (kind is None and "properties" in schema):
            made = define(schema, name) if define and schema.get("properties") else None
            others = schema.get("additionalProperties")
            values = inner(others, "Value") if isinstance(others, Mapping) and not schema.get("properties") else "Any"
            return made or f"dict[str, {values}]"
        return _PLAIN.get(str(kind), "Any")


def resolved(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Any:
    """Return what a reference within the document leads to; `None` if it leads out of it, or in circles."""
    found: Any = schema
    for _ in range(_DEEPEST):
        reference = found.get("$ref") if isinstance(found, Mapping) else None
        if reference is None:
            return found
        if not isinstance(reference, str) or not reference.startswith("#"):
            return None
        found = root
        for step in reference[1:].split("/")[1:]:
            found = found.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(found, Mapping) else None
    return None


def _literal(values: list[Any]) -> str:
    if not all(isinstance(value, str | int | bool | None) for value in values) or not values:
        return "Any"
    # As the formatters of code write it.
    texts = (json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value) for value in values)
    return "None" if values == [None] else f"Literal[{', '.join(dict.fromkeys(texts))}]"


def _union(texts: Any) -> str:
    members = dict.fromkeys(member for text in texts for member in [text])
    if "Any" in members:
        return "Any"
    # `None` last, as people write it.
    return " | ".join(sorted(members, key=lambda member: member == "None")) or "Any"


def _camel(name: str) -> str:
    words = "".join(each if each.isascii() and each.isalnum() else " " for each in name).split()
    return "".join(word[:1].upper() + word[1:] for word in words)
