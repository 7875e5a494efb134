"""Large values on their way to JSON and back, a part at a time.

A call into C keeps all threads of Python waiting, and with them the signs of life of every step of a worker. For 200 MB
of small objects each such call takes seconds, and what is encoded at once is held three times over. So lists and dicts
are gone through here in parts of a few hundred, and long texts in slices, between which other threads run.

The garbage collector is paused meanwhile: it goes through all that there is again and again while millions of objects
are made, none of which is garbage. That took three quarters of the time.
"""

from __future__ import annotations

import gc
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from json.encoder import encode_basestring_ascii
from typing import Any, Final

from pydantic import BaseModel
from pydantic_core import from_json

__all__ = [
    "LARGE_TEXT",
    "PART_BREAK",
    "batches",
    "encode",
    "is_large",
    "paused_collector",
    "read",
    "read_in_parts",
    "recorded_in_parts",
]

#: Characters from which on a text is large, and items of a list or dict.
LARGE_TEXT: Final = 256 * 1024
_LARGE_ITEMS: Final = 2_000

#: Characters of a slice of a text, items of a part.
_SLICE: Final = 1024 * 1024
_PART: Final = 500

#: Characters of JSON that are read at a time, at least.
_READ: Final = 32 * 1024

#: Between two parts of a list, so that it can be read in parts too. A text within JSON holds no line break.
PART_BREAK: Final = ",\n"

#: Values that are looked at to find out whether one is large.
_LOOKED_AT: Final = 100

#: JSON without spaces. `json.dumps` would make an encoder for each call.
_text: Final = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode
_lenient_text: Final = json.JSONEncoder(separators=(",", ":")).encode

_pausing = threading.Lock()
_paused = 0


@contextmanager
def paused_collector() -> Iterator[None]:
    """Within the block nothing looks for garbage in this process; it is for seconds."""
    global _paused  # noqa: PLW0603  # of the process, as the collector is
    with _pausing:
        pauses = _paused > 0 or gc.isenabled()  # what somebody else has switched off stays off
        if pauses:
            _paused += 1
            gc.disable()
    try:
        yield
    finally:
        if pauses:
            with _pausing:
                _paused -= 1
                if not _paused:
                    gc.enable()


def is_large(value: Any) -> bool:
    """Return whether a value is to be gone through in parts: it is long, holds something long, or very much."""
    pending, seen = [value], 0
    while pending:
        each = pending.pop()
        if isinstance(each, str | bytes | bytearray):
            if len(each) > LARGE_TEXT:
                return True
            continue
        held: Any
        if isinstance(each, dict):
            held = each.values()
        elif isinstance(each, list | tuple | set | frozenset):
            held = each
        elif isinstance(each, BaseModel):
            held = each.__dict__.values()
        elif hasattr(type(each), "__dataclass_fields__"):
            held = getattr(each, "__dict__", {}).values()
        else:
            continue
        seen += len(held)
        if len(held) > _LARGE_ITEMS or seen > _LOOKED_AT * 20:
            return True
        if seen < _LOOKED_AT:
            pending += held
        elif held:
            # The first few of many are as the others are.
            pending += [item for item, _ in zip(held, range(3), strict=False)]
    return False


def batches(items: list[Any]) -> Iterator[list[Any]]:
    """Return a list in parts."""
    for start in range(0, len(items), _PART):
        yield items[start : start + _PART]


def encode(data: Any, *, allow_nan: bool = False) -> str:
    """Return JSON data as text, in ASCII and without spaces.

    Args:
        data: of it.
        allow_nan: write numbers that are not finite too, as Python does.

    Raises:
        ValueError, RecursionError, TypeError: it is no such data; as of `json.dumps`.
    """
    text = _lenient_text if allow_nan else _text
    return "".join(_parts(data, text)) if is_large(data) else text(data)


def recorded_in_parts(value: Any, record: Callable[[Any], str]) -> str:
    """Return plain JSON data as text, where each part is written, and checked, by itself.

    Args:
        value: that is large.
        record: returns the text of a part, which is no longer than some hundred values, or one text.
    """
    return "".join(_parts(value, record))


#: Levels that are gone through in parts; what is large lies near the top.
_DEEPEST: Final = 20


def _parts(data: Any, write: Callable[[Any], str], above: tuple[int, ...] = ()) -> Iterator[str]:
    # What contains itself is left to `write`, which says so.
    may_part = len(above) < _DEEPEST and id(data) not in above
    if type(data) is str and len(data) > _SLICE:
        yield '"'
        for start in range(0, len(data), _SLICE):
            yield encode_basestring_ascii(data[start : start + _SLICE])[1:-1]
        yield '"'
    elif type(data) is list and data and may_part:
        yield from _joined(data, "[]", lambda each: ("", each), write, (*above, id(data)))
    elif type(data) is dict and data and may_part and all(type(key) is str for key in data):
        name = lambda item: (f"{encode_basestring_ascii(item[0])}:", item[1])  # noqa: E731
        yield from _joined(list(data.items()), "{}", name, write, (*above, id(data)))
    else:
        yield write(data)


def _joined(
    items: list[Any],
    brackets: str,
    named: Callable[[Any], tuple[str, Any]],
    write: Callable[[Any], str],
    above: tuple[int, ...],
) -> Iterator[str]:
    before = brackets[0]
    between = PART_BREAK if brackets == "[]" and len(above) == 1 else ","
    for part in batches(items):
        # Of many the first few are looked at, and the others taken to be as they are.
        if is_large(part):
            for each in part:
                name, value = named(each)
                yield f"{before}{name}"
                yield from _parts(value, write, above)
                before = ","
        else:
            yield before
            yield write(dict(part) if brackets == "{}" else part)[1:-1]
        before = between
    yield brackets[1]


def read(text: str | bytes) -> Any:
    """Return what JSON says that is long, as `json.loads` does.

    Raises:
        ValueError, RecursionError: it is none; as of `json.loads`.
    """
    with paused_collector():
        data = read_in_parts(text, _read)
        return _read(text) if data is None else data


def read_in_parts(text: str | bytes, read_part: Callable[[str], list[Any]]) -> list[Any] | None:
    """Return a list of which each part is read by itself; `None` where the text is no list in parts.

    What was written elsewhere may have line breaks in other places. A part that ends within something cannot be read,
    and one that can be read ends where an item of the list does.

    Args:
        text: JSON.
        read_part: reads a part, which is a list. It raises a `ValueError` where it cannot.
    """
    items: list[Any] = []
    try:
        whole = text if isinstance(text, str) else text.decode()
        if not (whole[:1] == "[" and whole[-1:] == "]" and PART_BREAK in whole):
            return None
        for part in _joined_up(whole[1:-1].split(PART_BREAK)):
            if not (some := read_part(f"[{part}]")):
                return None
            items += some
    except ValueError:
        return None
    return items


def _joined_up(pieces: list[str]) -> Iterator[str]:
    """Join what stands next to each other, where others have broken a list after every item."""
    part: list[str] = []
    length = 0
    for piece in pieces:
        part.append(piece)
        length += len(piece)
        if length >= _READ:
            yield PART_BREAK.join(part)
            part, length = [], 0
    if part:
        yield PART_BREAK.join(part)


def _read(text: str | bytes) -> Any:
    # Two thirds of the time of `json.loads`. It knows no halves of surrogate pairs, and 200 levels.
    try:
        return from_json(text, cache_strings="keys")
    except (ValueError, TypeError):
        return json.loads(text)
