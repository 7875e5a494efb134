"""Whether a value that was written as JSON reads back as what it was.

`==` decides where it says yes. Where it says no, the two are gone through side by side for what differs, because it
says no too easily: to objects that know no other equality than being one and the same, to arrays, to a `datetime` in
the hour that a change of the clocks repeats. Those are alike when they are of one type and are written alike. What a
type declares as `Any` is plain JSON on the other side, where a tuple is a list. Only the schema tells where that is, so
the schema is followed along.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence, Set
from datetime import datetime, time
from typing import Any, Final

from pydantic import BaseModel, Secret, SecretBytes, SecretStr
from pydantic_core import CoreSchema, to_jsonable_python

from ..diagnostics.text import shorten

__all__ = [
    "LEAVES",
    "OF_SECRETS",
    "Schema",
    "children",
    "difference",
    "equal",
    "find",
    "is_secret",
    "not_plain",
    "safe_repr",
    "step",
]

#: The parts of pydantic's schemas that hold schemas. Others hold the user's objects.
_INNER: Final = (
    *("schema", "items_schema", "keys_schema", "values_schema", "extras_schema", "choices", "fields", "definitions"),
    *("steps", "lax_schema", "strict_schema", "json_schema", "python_schema"),
)

_JSON_TYPES: Final = frozenset({"str", "int", "bool", "none", "float", "nullable", "list", "dict", "any"})

#: What the schema of a list has that says nothing of the list as a whole.
_OF_LISTS: Final = frozenset({"type", "items_schema", "metadata", "ref"})

_ANY: Final[Mapping[str, Any]] = {"type": "any"}

#: Types of values that hold no others: nearly all there are in a large one.
LEAVES: Final = frozenset([str, int, float, bool, type(None)])

#: What is wrong with a secret.
OF_SECRETS: Final = (
    "is a secret (a SecretStr or the like), and a secret is written to no history. Read it where it is used: in the"
    " function, from the environment or a secret store"
)

#: A place in a value, as it is written, and what is wrong there.
Found = tuple[str, str]


class Schema:
    """What pydantic's schema of a type says of the values in it."""

    def __init__(self, core: CoreSchema) -> None:
        self._definitions: dict[str, Mapping[str, Any]] = {}
        self._known: dict[int, list[Mapping[str, Any]]] = {}
        self._core = core
        self._kinds: set[str] = set()
        self._collect(core)
        self.root = self._plain(core)
        #: Whether it is made of types that JSON has, so that data which is equal to the value reads back as it.
        self.is_json = self._kinds <= _JSON_TYPES
        #: Whether it is a list without rules of its own, so that a list may be read and written in parts.
        self.is_plain_list = _outer(core).keys() <= _OF_LISTS and _outer(core)["type"] == "list"
        #: Whether there are `Iterable`s in it, which pydantic reads as something that can be gone through once.
        self.has_iterators = "generator" in self._kinds

    def within(self, schemas: Sequence[Mapping[str, Any]], owner: Any, key: Any) -> list[Mapping[str, Any]]:
        """Return what it says of the value that is found in `owner` under `key`."""
        found: list[Mapping[str, Any]] = []
        for each in schemas:
            inner = self._child(each, owner, key)
            found += [] if inner is None else self._plain_once(inner)
        return found

    def _plain_once(self, schema: Any) -> list[Mapping[str, Any]]:
        # By where it is in memory, which is held here.
        if id(schema) not in self._known:
            self._known[id(schema)] = self._plain(schema)
        return self._known[id(schema)]

    def _collect(self, node: Any) -> None:
        pending = [node]
        while pending:
            node = pending.pop()
            if isinstance(node, Mapping):
                if isinstance(kind := node.get("type"), str):
                    self._kinds.add("serializer" if "serialization" in node else kind)
                    if isinstance(reference := node.get("ref"), str):
                        self._definitions[reference] = node
                    pending += [node[name] for name in _INNER if name in node]
                else:
                    pending += node.values()  # fields, or the members of a union, by name
            elif isinstance(node, list | tuple):
                pending += node

    def _plain(self, schema: Any, seen: frozenset[int] = frozenset()) -> list[Mapping[str, Any]]:
        """Return the schemas of values behind a schema.

        Unions, defaults, functions and references around them are left out.
        """
        if id(schema) in seen:
            return []
        seen |= {id(schema)}
        match schema:
            case {"type": "definition-ref", "schema_ref": reference}:
                inner = [self._definitions.get(reference, _ANY)]
            case {"type": "union" | "tagged-union", "choices": choices}:
                members = choices.values() if isinstance(choices, Mapping) else choices
                inner = [each[0] if isinstance(each, tuple) else each for each in members]
            case {"type": "json-or-python", "json_schema": one} | {"type": "lax-or-strict", "lax_schema": one}:
                inner = [one]
            case {"type": "chain", "steps": inner}:
                pass
            case {"type": "model" | "dataclass"}:
                return [schema]
            case {"schema": one}:
                inner = [one]
            case _:
                return [schema]
        return [found for each in inner for found in self._plain(each, seen)]

    def _child(self, schema: Mapping[str, Any], owner: Any, key: Any) -> Any:
        match schema:
            case {"type": "any"}:
                return _ANY
            case {"type": "model" | "dataclass", "cls": cls, "schema": inner}:
                if cls is not type(owner):
                    return None
                if schema.get("root_model"):
                    return inner
                fields = (self._child(each, owner, key) for each in self._plain_once(inner))
                return next((each for each in fields if each is not None), None)
            case {"type": "model-fields" | "typed-dict", "fields": fields}:
                return fields[key]["schema"] if key in fields else schema.get("extras_schema", _ANY)
            case {"type": "dataclass-args" | "named-tuple", "fields": fields}:
                named = (each["schema"] for n, each in enumerate(fields) if key in (n, each["name"]))
                return next(named, _ANY)
            case {"type": "dict"}:
                return schema.get("values_schema", _ANY)
            case {"type": "tuple", "items_schema": [*items]}:
                last = schema.get("variadic_item_index", len(items) - 1)
                return items[min(key, last)] if items else None
            case {"type": "list" | "set" | "frozenset" | "generator"}:
                return schema.get("items_schema", _ANY)
        return None


def _outer(schema: Any) -> Mapping[str, Any]:
    """Return a schema without the definitions that stand around it."""
    return schema["schema"] if schema["type"] == "definitions" else schema  # type: ignore[no-any-return]


def difference(given: Any, back: Any, schema: Schema, *, written_alike: bool) -> Found | None:
    """Return where what is read back is not what was given, or `None`.

    Args:
        given: of the type that the schema is of.
        back: the same, read back.
        written_alike: whether the two, as wholes, are the same JSON.
    """
    if equal(given, back):
        return None
    return _Comparison(schema, written_alike).unequal(given, back, schema.root)


class _Comparison:
    def __init__(self, schema: Schema, written_alike: bool) -> None:
        self._schema = schema
        self._alike = written_alike

    def unequal(self, given: Any, back: Any, schemas: Sequence[Mapping[str, Any]]) -> Found | None:
        """Return where two values differ that say that they are not equal."""
        if is_secret(given):
            return "$", OF_SECRETS
        if any(each["type"] == "any" for each in schemas):
            return not_plain(given)
        if type(given) is not type(back) and not self._is_abstract(given, back, schemas):
            return "$", f"is a {_name_of(given)} and would be read back as a {_name_of(back)}, {safe_repr(back)}"
        if isinstance(given, Set):
            alike = self._alike and len(given) == len(back) and set(map(type, given)) == set(map(type, back))
            return None if alike else _changed(given, back)
        ours, theirs = children(given), children(back)
        if not ours and not theirs:
            return None if self._alike and not _says_unequal(given, back) else _changed(given, back)
        if isinstance(given, Mapping) and (found := _wrong_key(given)):
            return found
        if len(ours) != len(theirs):
            return _changed(given, back)
        free_keys = any(each["type"] == "dict" and _is_any(each.get("keys_schema", _ANY)) for each in schemas)
        for (key, one), (other_key, other) in zip(ours, theirs, strict=True):
            if key != other_key and not free_keys:
                return "$", f"has the key {safe_repr(key)}, which would be read back as {safe_repr(other_key)}"
            if not equal(one, other):
                found = self.unequal(one, other, self._schema.within(schemas, given, key))
                if found is not None:
                    return _within(given, key, found)
        return self._of_private(given, back)

    def _of_private(self, given: Any, back: Any) -> Found | None:
        ours, theirs = (getattr(each, "__pydantic_private__", None) or {} for each in (given, back))
        for name, one in ours.items():
            other = theirs.get(name)
            # A lock, or whatever else each instance makes for itself.
            if equal(one, other) or (type(one) is type(other) and _is_identity(one)):
                continue
            if (found := self.unequal(one, other, ())) is not None:
                path, what = _within(given, name, found)
                return path, f"{what}, because private attributes are not written"
        return None

    def _is_abstract(self, given: Any, back: Any, schemas: Sequence[Mapping[str, Any]]) -> bool:
        """Return whether the type asks for a `Sequence` or `Mapping` only, which every list or dict is."""
        kinds = {each["type"] for each in schemas}
        if isinstance(back, list):
            return isinstance(given, Sequence) and "tuple" not in kinds
        return isinstance(back, dict) and isinstance(given, Mapping) and kinds <= {"dict", "any"}


def _changed(given: Any, back: Any) -> Found:
    return "$", f"is {safe_repr(given)} and would be read back as {safe_repr(back)}"


def not_plain(value: Any) -> Found | None:
    """Return what in a value cannot become plain JSON without a loss: secrets, and keys that are one key in JSON."""
    if is_secret(value):
        return "$", OF_SECRETS
    if isinstance(value, Mapping) and (found := _wrong_key(value)):
        return found
    for key, child in children(value):
        if type(child) not in LEAVES and (found := not_plain(child)):
            return _within(value, key, found)
    return None


def _within(owner: Any, key: Any, found: Found) -> Found:
    """Return what is found in a value that another holds, with the path from there."""
    return f"${step(owner, key)}{found[0][1:]}", found[1]


def _wrong_key(value: Mapping[Any, Any]) -> Found | None:
    if all(type(key) is str for key in value):
        return None
    names: dict[str, Any] = {}
    for key in value:
        if key is None or isinstance(key, tuple | frozenset):
            return "$", f"has the key {safe_repr(key)}, which JSON cannot hold as a key"
        (name,) = to_jsonable_python({key: None}, fallback=repr)
        if name in names:
            return "$", f"has the keys {safe_repr(names[name])} and {safe_repr(key)}, which are one key in JSON"
        names[name] = key
    return None


def equal(one: Any, other: Any) -> bool:
    """Return whether two values say that they are equal."""
    try:
        return bool(one == other)
    except Exception:  # an array, say, whose comparison is no answer
        return False


def _says_unequal(one: Any, other: Any) -> bool:
    """Return whether two values that are not equal mean it: that is, have an equality of their own, which answers."""
    # In the hour that clocks repeat, the same moment of two time zones is unequal to itself (PEP 495).
    if isinstance(one, datetime | time):
        return (one.tzinfo is None) != (getattr(other, "tzinfo", None) is None)
    if _is_identity(one):
        return False
    try:
        return not bool(one == other)
    except Exception:
        return False


def _is_identity(value: Any) -> bool:
    """Return whether a value is equal to itself alone."""
    return getattr(type(value), "__eq__", None) is getattr(object, "__eq__", None)


def is_secret(value: Any) -> bool:
    """Return whether it is one of pydantic's secrets, which are written as asterisks."""
    return isinstance(value, SecretStr | SecretBytes | Secret)


def find(value: Any, is_wanted: Callable[[Any], bool]) -> str | None:
    """Return the path of the first value within a value that is wanted. Plain texts and numbers are not asked about."""
    if is_wanted(value):
        return "$"
    for key, child in children(value):
        if type(child) not in LEAVES and (found := find(child, is_wanted)):
            return f"${step(value, key)}{found[1:]}"
    return None


def children(value: Any) -> Sequence[tuple[Any, Any]]:
    """Return the values that a value holds, with their keys."""
    kind = type(value)
    # Asked first what nearly all are: large values come from outside.
    if kind in LEAVES:
        return ()
    if kind is dict:
        return list(value.items())
    if kind is list or kind is tuple:
        return list(enumerate(value))
    if isinstance(value, BaseModel):
        # Not by the class's own `__iter__`, which is often that of what it holds.
        return list(BaseModel.__iter__(value))
    if isinstance(value, Mapping):
        return list(value.items())
    if isinstance(value, Sequence | Set) and not isinstance(value, str | bytes | bytearray | memoryview | range):
        return list(enumerate(value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        return [(name, getattr(value, name)) for name in names if hasattr(value, name)]
    return ()


def step(owner: Any, key: Any) -> str:
    """Return how a path goes on from a value to one that it holds."""
    if isinstance(owner, Sequence | Set):
        return f"[{key}]"
    return f".{key if isinstance(key, str) else safe_repr(key)}"


def _is_any(schema: Mapping[str, Any]) -> bool:
    return bool(schema["type"] == "any")


def _name_of(value: Any) -> str:
    return repr(type(value).__qualname__)


def safe_repr(value: Any, most: int = 60) -> str:
    """Return a value for a message, in few characters, whatever its own `repr` does."""
    try:
        # Cut before: a string from outside may be long, and all of it would be escaped.
        text = repr(value[: most + 1] if isinstance(value, str) else value)
    except Exception:  # an integer of 5,000 digits has none, and a user's class any
        text = f"<{type(value).__qualname__}>"
    return shorten(text, most)
