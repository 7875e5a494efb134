"""An event that a job would take, for the command line that a newcomer copies."""

from __future__ import annotations

from typing import Any, Final

from ..events import Event
from ..jobs.event_input import event_type, read_event
from ..jobs.job import Job
from ..serialization.annotations import type_adapter

__all__ = ["example_event"]

_BY_TYPE: Final[dict[str, Any]] = {"string": "text", "integer": 1, "number": 1.0, "boolean": True, "array": []}
_BY_FORMAT: Final = {
    "date-time": "2026-01-31T09:00:00Z",
    "date": "2026-01-31",
    "email": "ada@example.com",
    "uuid": "6b1b36cb-9f2a-4d3e-8a0c-2f8f5c9a7b10",
    "uri": "https://example.com",
}

#: Shown although they may be left out: an event without any content teaches nobody what one looks like.
_INSTRUCTIVE: Final = {"email": "ada@example.com", "title": "A title"}

_DEEPEST: Final = 4


def example_event(job: Job) -> dict[str, Any]:
    """Return the smallest event that the job takes, as far as its type says; else an empty one."""
    try:
        expected = event_type(job.handler, job.triggers)
        if expected is dict or (isinstance(expected, type) and issubclass(expected, Event)):
            return {}
        schema = type_adapter(expected).json_schema(by_alias=False)
        example = _example(schema, schema.get("$defs", {}), 0)
        read_event(example, expected, job=job.name)
    except Exception:  # a type may have no schema, or a validator of its own that wants more than its schema says
        return {}
    return example if isinstance(example, dict) else {}


def _example(schema: dict[str, Any], definitions: dict[str, Any], depth: int) -> Any:
    if "$ref" in schema:
        schema = definitions.get(str(schema["$ref"]).rpartition("/")[2], {})
    for given in ("examples", "enum"):
        if schema.get(given):
            return schema[given][0]
    for given in ("const", "default"):
        if given in schema:
            return schema[given]
    if choices := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
        return _example(choices[0], definitions, depth)
    if schema.get("type") == "object" or "properties" in schema:
        required = schema.get("required", ())
        example = {}
        for name, field in schema.get("properties", {}).items():
            if name in _INSTRUCTIVE and _may_be_text(field):
                example[name] = _INSTRUCTIVE[name]
            elif name in required and depth < _DEEPEST:
                example[name] = _example(field, definitions, depth + 1)
        return example
    return _BY_FORMAT.get(schema.get("format", ""), _BY_TYPE.get(schema.get("type", ""), "text"))


def _may_be_text(schema: dict[str, Any]) -> bool:
    return any(choice.get("type") == "string" for choice in [schema, *schema.get("anyOf", ())])
