"""JSON data and its text, which is written once for all that need it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from .large import LARGE_TEXT, encode, read
from .value_problems import NO_NUMBER, ValueProblem, innermost, not_finite

__all__ = ["Json", "encoded_size", "fresh", "json_object", "json_of", "json_of_value", "read_json"]

#: JSON without spaces. `json.dumps` would make an encoder for each call.
_text: Final = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode

_UNREAD: Final = object()


class Json:
    """JSON data and its text, which is written once for all that need it: its size, a hash, what is sent.

    Args:
        data: of dicts with text keys, lists, texts, numbers, booleans and `None`. Where it is not given it is read from
            the text when somebody asks for it: of what is large the text alone is held.
        text: in ASCII, so that its length is its size.
    """

    __slots__ = ("_data", "text")

    def __init__(self, data: Any, text: str) -> None:
        self._data: Any = data
        self.text: str = text

    @classmethod
    def of_text(cls, text: str) -> Json:
        """Return the JSON that a text is."""
        return cls(_UNREAD, text)

    @property
    def data(self) -> Any:
        if self._data is _UNREAD:
            self._data = read_json(self.text)
        return self._data

    def and_fields(self, fields: Mapping[str, Any]) -> Json:
        """Return an object, with further fields."""
        text = f"{self.text[:-1]},{_text(fields)[1:]}" if fields else self.text
        return Json(_UNREAD if self._data is _UNREAD else {**self._data, **fields}, text)

    def and_written(self, name: str, value: Json) -> Json:
        """Return an object, with a further field whose text is written already."""
        text = f"{self.text[:-1]},{_text(name)}:{value.text}}}"
        return Json(_UNREAD if value._data is _UNREAD else {**self.data, name: value._data}, text)


def json_of(data: Any) -> Json:
    """Return JSON data with its text.

    Raises:
        ValueProblem: a number in it is none that JSON has, or it is nested too deep.
    """
    return json_of_value(data, data)


def json_of_value(data: Any, value: Any) -> Json:
    """Return JSON data with its text, as `json_of`, with the paths of the value that it was made of in errors."""
    return Json(data, _encode(data, value))


def json_object(fields: Mapping[str, Any], written: Mapping[str, Json]) -> Json:
    """Return an object of small fields, and of others whose text is written already."""
    text = _text({name: value for name, value in fields.items() if name not in written})[1:-1]
    parts = [text] if text else []
    parts += [f"{_text(name)}:{each.text}" for name, each in written.items()]
    text = f"{{{','.join(parts)}}}"
    if any(each._data is _UNREAD for each in written.values()):
        return Json.of_text(text)
    return Json({**fields, **{name: each._data for name, each in written.items()}}, text)


def read_json(text: str | bytes) -> Any:
    """Return what JSON says.

    Raises:
        ValueError: it is none.
    """
    return json.loads(text) if len(text) < LARGE_TEXT else read(text)


def encoded_size(data: Any) -> int:
    """Return the size of JSON data on its way, in bytes, by the SDK's own converter, which escapes all that is not
    ASCII.
    """
    return len(json.dumps(data, separators=(",", ":")))


def fresh(data: Any) -> Any:
    """Return a copy of JSON data, which shares nothing with it."""
    return json.loads(json.dumps(data)) if isinstance(data, dict | list | tuple) else data


def _encode(data: Any, value: Any) -> str:
    """Return the data as text, if JSON can hold it: NaN, infinity and integers without end are refused.

    Args:
        data: of the value.
        value: whose paths are told.
    """
    try:
        return encode(data)
    except RecursionError:
        raise ValueProblem("the value is nested too deep to be written as JSON") from None
    except ValueError:
        if (path := not_finite(value) or not_finite(data)) is not None:
            raise ValueProblem(f"the value at {path} {NO_NUMBER}") from None
        path, _ = innermost(data, lambda inner: not _is_encodable(inner))
        raise ValueProblem(f"the value at {path} is an integer of too many digits to be written as text") from None


def _is_encodable(value: Any) -> bool:
    try:
        json.dumps(value)
    except ValueError:
        return False
    return True
