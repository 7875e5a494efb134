"""The two spellings of a key: `snake_case` as Python writes it, `camelCase` as most senders of JSON do.

Whatever a model's own aliases are, an input may use either spelling, at every level. So before an input is validated,
`respell` writes its keys as the model has them, going by the schema that pydantic itself validates with: it has every
alias worked out, and sees through unions, lists, nested classes and annotations alike.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from pydantic_core import CoreSchema

from ..diagnostics.text import closest

__all__ = ["fold", "respell", "unknown_keys"]

#: Keys that are compared with the names of fields. An event may have a hundred thousand.
_MOST_UNKNOWN: Final = 20

#: Lists within lists that are looked into to tell which member of a union a value was written for.
_LISTS_COMPARED: Final = 4


def fold(key: str) -> str:
    """Return what the spellings of one key have in common: `pull_request` and `pullRequest` are both `pullrequest`.

    Leading underscores count: `_links` is another field than `links`.
    """
    if "_" not in key:  # an event may have a hundred thousand keys
        return key.lower()
    bare = key.lstrip("_")
    return key[: len(key) - len(bare)] + bare.replace("_", "").lower()


def respell(value: Any, schema: CoreSchema) -> Any:
    """Return the same JSON with the keys of declared fields as the schema writes them.

    A key that is right as it stands is never replaced; keys of free-form objects, and of fields that a model does not
    declare, stay as they are.
    """
    return _respell(value, _Node.of(schema, {}))


def unknown_keys(value: Mapping[str, Any], schema: CoreSchema) -> dict[str, str | None]:
    """Return the first twenty keys of an object that no field takes, each with the nearest field that is not given.

    Args:
        value: as `respell` returns it.
        schema: of a model, a dataclass or a typed dict. Of anything else no key is unknown.
    """
    fields = _Node.of(schema, {}).fields()
    known = {key for field in fields for key in (*field.keys, *field.starts)}
    missing = {
        fold(each.name): each.name for each in fields if not any(key in value for key in (*each.keys, *each.starts))
    }
    unknown = itertools.islice((key for key in value if fields and key not in known), _MOST_UNKNOWN)
    return {key: next((missing[each] for each in closest(fold(key), missing, most=1)), None) for key in unknown}


class _Field(NamedTuple):
    """A declared field, with every key that pydantic would read it from.

    `validation_alias` stands in the schema in three shapes: a string, one path (`["data", "object", 0]`), or a list of
    paths to try in turn (`AliasChoices`). A path of one step is a key for the whole value. Of a longer one only the
    first step is a key of this object, and what lies below is none of the field's schema, so it is not looked into.
    """

    name: str
    schema: Mapping[str, Any]
    # Keys that hold the whole value, the field's name first, and keys that an alias path only starts from.
    keys: tuple[str, ...]
    starts: tuple[str, ...]

    @classmethod
    def of(cls, name: str, field: Mapping[str, Any]) -> _Field:
        alias = field.get("validation_alias", name)
        paths = [[alias]] if isinstance(alias, str) else alias if isinstance(alias[0], list) else [alias]
        keys = [path[0] for path in paths if len(path) == 1]
        return cls(name, field["schema"], (name, *keys), tuple(path[0] for path in paths if len(path) > 1))

    @property
    def required(self) -> bool:
        return bool(self.schema["type"] != "default")


class _Node(NamedTuple):
    """A schema peeled of what does not change the shape of the JSON, with the definitions it refers to."""

    schema: Mapping[str, Any]
    definitions: Mapping[str, Any]

    @classmethod
    def of(cls, schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> _Node:
        while True:
            match schema:
                case {"type": "definitions", "schema": inner, "definitions": named}:
                    definitions = {**definitions, **{each["ref"]: each for each in named}}
                case {"type": "definition-ref", "schema_ref": reference}:
                    inner = definitions[reference]
                case {"type": "json-or-python", "json_schema": inner} | {"type": "lax-or-strict", "lax_schema": inner}:
                    pass
                case {"type": "chain", "steps": [inner, *_]}:
                    pass
                # Models, dataclasses, defaults, nullables, validator functions …
                case {"schema": inner}:
                    pass
                case _:
                    return cls(schema, definitions)
            schema = inner

    def child(self, schema: Mapping[str, Any]) -> _Node:
        return _Node.of(schema, self.definitions)

    def fields(self) -> list[_Field]:
        match self.schema:
            case {"type": "model-fields" | "typed-dict", "fields": fields}:
                return [_Field.of(name, field) for name, field in fields.items()]
            case {"type": "dataclass-args", "fields": fields}:
                return [_Field.of(field["name"], field) for field in fields if field.get("init", True)]
        return []

    def choices(self) -> Iterator[_Node]:
        choices = self.schema["choices"]
        for choice in choices.values() if isinstance(choices, dict) else choices:
            yield self.child(choice[0] if isinstance(choice, tuple) else choice)


def _respell(value: Any, node: _Node) -> Any:
    schema = node.schema
    if "choices" in schema:
        chosen = _choice(value, node)
        return value if chosen is None else _respell(value, chosen)
    if isinstance(value, dict):
        if fields := node.fields():
            return _respell_object(value, fields, node)
        if schema["type"] == "dict" and "values_schema" in schema:
            return {key: _respell(item, node.child(schema["values_schema"])) for key, item in value.items()}
    elif isinstance(value, list) and "items_schema" in schema:
        return [_respell(item, each) for item, each in zip(value, _items(node, len(value)), strict=False)]
    return value


def _respell_object(value: dict[str, Any], fields: list[_Field], node: _Node) -> dict[str, Any]:
    spellings = _spellings(value, fields)
    owner = {key: field for field in fields for key in field.keys}
    result = {}
    for key, item in value.items():
        spelled = spellings.get(key, key)
        field = owner.get(spelled)
        result[spelled] = item if field is None else _respell(item, node.child(field.schema))
    return result


def _spellings(value: Iterable[str], fields: list[_Field]) -> dict[str, str]:
    """Return which keys are to be written how: those that are nobody's, for the fields that are missing."""
    # Three rules keep this from ever taking a key away from its owner. A key that some field has is never renamed. A
    # field that has a key of its own in the object gets no second one: `{"fullName": …, "full_name": …}` stays as it
    # is. And an unknown key is given away once, to the first field in the order of the model: `unknown.pop`.
    known = {key for field in fields for key in (*field.keys, *field.starts)}
    present = set(value)
    unknown = {fold(key): key for key in value if key not in known}
    spellings = {}
    for field in fields:
        candidates = (*field.keys, *field.starts)
        if present.isdisjoint(candidates):
            match = next((key for key in candidates if fold(key) in unknown), None)
            if match is not None:
                spellings[unknown.pop(fold(match))] = match
    return spellings


def _items(node: _Node, count: int) -> list[_Node]:
    """Return what each item of an array is read as."""
    items = node.schema["items_schema"]
    if not isinstance(items, list):
        return [node.child(items)] * count
    nodes = [node.child(item) for item in items]
    variadic = node.schema.get("variadic_item_index")
    if variadic is not None:
        nodes[variadic : variadic + 1] = [nodes[variadic]] * max(0, count - len(nodes) + 1)
    # Too many items: pydantic will say so, and sees them as they came.
    return nodes + [_Node({"type": "any"}, {})] * (count - len(nodes))


def _choice(value: Any, union: _Node) -> _Node | None:
    """Return the member of a union that the value was most likely written for."""
    tag = union.schema.get("discriminator")
    if isinstance(tag, str) and isinstance(value, dict):
        said = value[tag] if tag in value else next((value[key] for key in value if fold(key) == fold(tag)), None)
        if isinstance(said, str | int) and said in union.schema["choices"]:
            return union.child(union.schema["choices"][said])
    best, best_fit = None, -1_000_000
    for choice in union.choices():
        fit = _fit(value, choice)
        if fit is not None and fit > best_fit:
            best, best_fit = choice, fit
    return best


def _fit(value: Any, node: _Node, depth: int = 0) -> int | None:
    """Return how many of the keys a schema knows, less those it misses; None where the shape is another."""
    # pydantic's own choice among the members of a union comes later, by what validates; but what validates depends on
    # how the keys are written. So the member is guessed here by its keys alone: one point for each field that would be
    # found, one less for each that is required and would not be. A tie goes to the first, as with pydantic. A wrong
    # guess costs no more than the spelling of keys: which member it is decides pydantic.
    if "choices" in node.schema:
        return max((fit for choice in node.choices() if (fit := _fit(value, choice, depth)) is not None), default=None)
    if isinstance(value, dict):
        if fields := node.fields():
            spellings = _spellings(value, fields)
            present = {spellings.get(key, key) for key in value}
            found = [not present.isdisjoint((*field.keys, *field.starts)) for field in fields]
            return sum(found) - sum(field.required and not there for field, there in zip(fields, found, strict=True))
        return 0 if node.schema["type"] == "dict" else None
    if isinstance(value, list) and "items_schema" in node.schema:
        # Not to the bottom: in a union of two kinds of list every level would double what there is to compare.
        deeper = value and depth < _LISTS_COMPARED
        return (_fit(value[0], _items(node, len(value))[0], depth + 1) or 0) if deeper else 0
    return None
