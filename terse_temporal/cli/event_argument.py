"""The event that a person gives on the command line: a file, JSON itself, or `-` for standard input."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any, NoReturn

from ..diagnostics.text import shorten
from ..errors import EventError
from ..serialization.json_text import encoded_size
from ..serialization.payload_limits import largest_payload, over_limit

__all__ = ["finite_number", "read_data_argument", "read_event_argument"]

_SHOWN = 60  # characters of a line on either side of where it fails


def read_data_argument(argument: str) -> Any:
    """Read JSON data of whatever kind.

    Raises:
        EventError: there is no such file, or it is not JSON; with the place in the text.
    """
    try:
        return json.loads(argument, parse_constant=_refuse_constant, parse_float=finite_number)
    except (ValueError, RecursionError):  # a file, or not JSON: that is told with the place
        return _read_json(argument, "--data")[1]


def read_event_argument(argument: str) -> dict[str, Any]:
    """Read an event.

    Raises:
        EventError: there is no such file, or it is not JSON, not an object, or too large; with the place in the text.
    """
    source, event = _read_json(argument)
    if not isinstance(event, dict):
        raise EventError(
            f"{source} is JSON, but not an object: {shorten(json.dumps(event, ensure_ascii=False), _SHOWN)}."
            ' An event is an object, such as {"customer": {"email": "ada@example.com"}}.'
        )
    if (size := encoded_size(event)) > largest_payload():
        remedy = "Store the data, and trigger the job with where it is."
        raise EventError(f"{source} has {over_limit(size, remedy)}")
    return event


def _read_json(argument: str, option: str = "--event") -> tuple[str, Any]:
    """Return where it is from, and what it is."""
    source, text = _read_source(argument, option)
    if option == "--data" and not text.strip():
        raise EventError(f"{source} is empty, and not JSON. Leave --data away to send an event without data.")
    try:
        event = json.loads(text, parse_constant=_refuse_constant, parse_float=finite_number)
    except json.JSONDecodeError as err:
        raise EventError(_describe_syntax_error(source, text, err.msg, err.pos)) from None
    except (ValueError, RecursionError) as err:
        raise EventError(f"{source} is not JSON: {err}") from None
    return source, event


def _read_source(argument: str, option: str) -> tuple[str, str]:
    if argument == "-":
        return "standard input", _decode("standard input", sys.stdin.buffer.read())
    if argument.lstrip()[:1] in ("", "{", "[", '"'):
        return ("the event" if option == "--event" else option), argument
    try:
        return repr(argument), _decode(repr(argument), Path(argument).read_bytes())
    except FileNotFoundError:
        what, such = ("JSON", "JSON such as '\"a text\"'")
        if option == "--event":
            what, such = ("JSON object", "an object such as '{\"customer\": {…}}'")
        raise EventError(
            f"there is no file {argument!r}, and it is no {what} either: give {option} a file, {such}, or - for"
            " standard input"
        ) from None
    except (OSError, ValueError) as err:  # ValueError: a name that no file can have
        raise EventError(f"cannot read the event from {argument!r}: {getattr(err, 'strerror', None) or err}") from None


def _decode(source: str, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        raise EventError(f"{source} is not text in UTF-8: {err.reason} at byte {err.start}") from None


def _describe_syntax_error(source: str, text: str, problem: str, position: int) -> str:
    if not text.strip():
        return f"{source} is empty, and an event is a JSON object. Leave --event away to start without one."
    line_start = text.rfind("\n", 0, position) + 1
    line_end = text.find("\n", position)
    line = text[line_start : line_end if line_end >= 0 else len(text)]
    column = position - line_start
    first = max(0, column - _SHOWN)
    excerpt = line[first : column + _SHOWN].replace("\t", " ")
    number = text.count("\n", 0, position) + 1
    return (
        f"{source} is not JSON: {problem[:1].lower()}{problem[1:]}, at line {number}, column {column + 1}:\n"
        f"  {excerpt}\n"
        f"  {' ' * (column - first)}^"
    )


def finite_number(text: str) -> float:
    """Return a number of JSON, or raise where it cannot be sent as JSON again, as 1e999."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{shorten(text, _SHOWN)} is too large a number")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is none of its numbers")
