"""What a handler receives: an untyped `Event`, or a model derived from `EventModel`.

Vendors write `pullRequest`, Python writes `pull_request`. Both kinds of event find a field by either spelling: letters
count, underscores and case do not, and a key that is there exactly as written always wins.

The hard part is `items`. Payloads have fields of that name, so `event.items` has to be the field; and `json.dumps`
serialises a subclass of dict by *calling* `event.items`. So that one field, read as an attribute, comes back as an
object or list that can also be called, and then behaves as `dict.items`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, ItemsView, Iterable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

from pydantic import AliasGenerator, BaseModel, ConfigDict, GetCoreSchemaHandler, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import core_schema, to_jsonable_python

from .diagnostics.text import closest, shorten
from .serialization.keys import fold

__all__ = ["Event", "EventModel"]

#: The longest line that `debug_log()` gives, in characters, and the longest value in it.
_LOG_LINE: Final = 200
_LOG_VALUE: Final = 40

#: How far a prompt indents, in characters. What is nested deeper is JSON on one line: events come from outside, and
#: indenting each line of a deep one by all of its depth would take longer than a workflow task may.
_DEEPEST: Final = 40


class Event(dict[str, Any]):
    """An untyped event. Its fields read as attributes and as items, nested and inside lists too.

    `event.customer.email` is `event["customer"]["email"]`, and `event.pull_request` finds `pullRequest`. A missing
    field is an `AttributeError` (as an item a `KeyError`) that names the fields there are. It is a dict: it
    serialises, copies and pickles as one.

    A field named like a method of dict (`items`, `keys`, `get` …) is what the attribute gives, where the payload has
    it; `dict(event)` has the methods. One exception: an `items` that is a plain value, neither object nor list, is only
    reached as `event["items"]`.
    """

    __slots__ = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Nearly all fields of a large one are no objects.
        for key in [key for key, value in dict.items(self) if isinstance(value, dict | list)]:
            self[key] = dict.__getitem__(self, key)

    def __getattr__(self, name: str) -> Any:
        # Protocols probe for dunders (copy, pickle, pydantic); no payload is to answer them.
        if not (name.startswith("__") and name.endswith("__")):
            key = name if dict.__contains__(self, name) else _spelling(name, self)
            if key is not None:
                return dict.__getitem__(self, key)
        raise AttributeError(_no_field("this event", name, self))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f'an event has no attributes to set; set the field as event["{name}"] = …')

    def __missing__(self, name: str) -> Any:
        key = _spelling(name, self)
        if key is None:
            raise KeyError(_no_field("this event", name, self))
        return dict.__getitem__(self, key)

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, _wrap(value))

    def __contains__(self, key: object) -> bool:
        return super().__contains__(key) or (isinstance(key, str) and _spelling(key, self) is not None)

    def get(self, key: str, default: Any = None, /) -> Any:
        """Return the field of that name, in either spelling, or `default`."""
        return self[key] if key in self else default  # noqa: SIM401  # this is get

    def copy(self) -> Event:
        """Return a copy whose nested events are copied too."""
        return Event(self)

    def update(self, *args: Any, **kwargs: Any) -> None:
        """As `dict.update`."""
        for key, value in dict(*args, **kwargs).items():
            self[key] = value

    def format_for_agent(self) -> str:
        """Return the event as text for a prompt: what it is, then every field that has a value, one to a line."""
        kind = dict.get(self, "type")
        return _text(f'Event "{kind}"' if isinstance(kind, str) and kind else "Event", _plain(self))

    def debug_log(self) -> str:
        """Return the event on one line of at most 200 characters, for logs."""
        return _line("Event", _plain(self))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        # So that an Event can be a field of a model, and the argument or result of a step.
        return core_schema.no_info_after_validator_function(cls, core_schema.dict_schema(core_schema.str_schema()))


class _FieldFirst:
    """A method of `Event` that gives way to a field of the same name."""

    def __init__(self, name: str, method: Callable[..., Any]) -> None:
        self.name = name
        self.method = method

    def __get__(self, event: Event | None, owner: type[Event]) -> Any:
        method = self.method if event is None else self.method.__get__(event, owner)
        if event is None or not dict.__contains__(event, self.name):
            return method
        field = dict.__getitem__(event, self.name)
        if self.name != "items":
            return field
        if isinstance(field, dict):
            return _CallableObject(field, method)
        return _CallableList(field, method) if isinstance(field, list) else method


class _CallableObject(Event):
    """A field `items` that is an object, read as an attribute."""

    __slots__ = ("_dict_items",)

    def __init__(self, field: dict[str, Any], method: Callable[[], ItemsView[str, Any]]) -> None:
        dict.__init__(self, field)
        object.__setattr__(self, "_dict_items", method)

    def __call__(self) -> ItemsView[str, Any]:
        return self._dict_items()  # type: ignore[no-any-return]  # slots are not typed

    def __reduce__(self) -> tuple[type[Event], tuple[dict[str, Any]]]:
        return Event, (dict(self),)


class _CallableList(list[Any]):
    """A field `items` that is a list, read as an attribute."""

    def __init__(self, field: list[Any], method: Callable[[], ItemsView[str, Any]]) -> None:
        super().__init__(field)
        self._dict_items = method

    def __call__(self) -> ItemsView[str, Any]:
        return self._dict_items()

    def __reduce__(self) -> tuple[type[list[Any]], tuple[list[Any]]]:
        return list, (list(self),)


for _name in ("clear", "copy", "get", "items", "keys", "pop", "popitem", "setdefault", "update", "values"):
    setattr(Event, _name, _FieldFirst(_name, getattr(Event, _name)))


def _wrap(value: Any) -> Any:
    """Return the same JSON with its objects as events."""
    if isinstance(value, dict):
        return value if isinstance(value, Event) else Event(value)
    return [_wrap(item) for item in value] if isinstance(value, list) else value


class EventModel(BaseModel):
    """The base of typed events.

    Fields are read from `snake_case` and `camelCase` keys. What the model does not declare is kept and reads as an
    attribute too, its objects as `Event`.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="allow",
        alias_generator=AliasGenerator(validation_alias=to_camel),
        validate_by_name=True,
        # Errors name the field as the model does.
        loc_by_alias=False,
    )

    @model_validator(mode="after")
    def _wrap_undeclared(self) -> Self:
        undeclared = self.model_extra or {}
        undeclared.update({key: _wrap(value) for key, value in undeclared.items()})
        return self

    # Hidden from type checkers: they are to find the misspelt fields of a typed event.
    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            try:
                return super().__getattr__(name)
            except AttributeError:
                if name.startswith("_"):
                    raise
                keys = [*type(self).model_fields, *(getattr(self, "__pydantic_extra__", None) or ())]
                key = _spelling(name, keys)
                if key is None:
                    raise AttributeError(_no_field(type(self).__name__, name, keys)) from None
                return getattr(self, key)

    def format_for_agent(self) -> str:
        """Return the event as text for a prompt: what it is, then the declared fields that have a value, one to a line.

        What else the vendor sent is left out: a raw payload is mostly addresses of its own API. So are fields with
        `repr=False`.
        """
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", type(self).__name__.partition("[")[0])
        return _text(self.model_config.get("title") or words.capitalize(), _plain(self))

    def debug_log(self) -> str:
        """Return the event on one line of at most 200 characters, for logs."""
        return _line(type(self).__name__.partition("[")[0], _plain(self))

    def _shown(self) -> dict[str, Any]:
        """Return what the texts of the event are made of, what matters first."""
        return {name: getattr(self, name) for name, field in type(self).model_fields.items() if field.repr}


def _spelling(name: str, keys: Iterable[str]) -> str | None:
    """Return which of the keys is meant by `name`."""
    folded = fold(name)
    return next((key for key in keys if isinstance(key, str) and fold(key) == folded), None)


def _no_field(what: str, name: str, keys: Iterable[str]) -> str:
    present = list(keys)
    shown = ", ".join(f'"{key}"' for key in present[:20]) + (", …" if len(present) > 20 else "")
    hint = "".join(f'; did you mean "{each}"?' for each in closest(name, present, most=1))
    return f'{what} has no field "{name}"{hint} (it has {shown or "no fields"})'


def _plain(value: Any) -> Any:
    """Return what of a value is worth showing, as JSON.

    Of a model that is what it declares, and nothing that is null or empty.
    """
    if isinstance(value, EventModel):
        return _plain(value._shown() or value.model_extra or {})
    if isinstance(value, dict):
        shown = {str(key): _plain(item) for key, item in dict.items(value)}
        return {key: item for key, item in shown.items() if item not in (None, "", [], {})}
    if isinstance(value, list | tuple):
        return [item for item in map(_plain, value) if item not in (None, "", [], {})]
    if value is None or isinstance(value, str | int | float):
        return value
    jsonable = to_jsonable_python(value, by_alias=False, fallback=str)
    return _plain(jsonable) if isinstance(jsonable, dict | list) else jsonable


def _text(title: str, data: dict[str, Any]) -> str:
    lines = [title]
    _add_lines(lines, data if data else "(no fields)", "", "")
    return "\n".join(lines)


def _add_lines(lines: list[str], value: Any, first: str, rest: str) -> None:
    """Add a value as lines, the first and the others behind these indentations."""
    if isinstance(value, dict | list) and len(rest) >= _DEEPEST:
        lines.append(first + json.dumps(value, ensure_ascii=False))
    elif isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, dict | list) or (isinstance(item, str) and len(item.splitlines()) > 1):
                lines.append(f"{first}{key}:" if isinstance(item, dict | list) else f"{first}{key}: |")
                _add_lines(lines, item, f"{rest}  ", f"{rest}  ")
            else:
                _add_lines(lines, item, f"{first}{key}: ", rest)
            first = rest
    elif isinstance(value, list):
        for item in value:
            _add_lines(lines, item, f"{first}- ", f"{rest}  ")
            first = rest
    elif isinstance(value, str):
        for line in value.splitlines() or [""]:
            lines.append(first + line)
            first = rest
    else:
        lines.append(first + json.dumps(value))


def _line(title: str, data: dict[str, Any]) -> str:
    line = title
    for path, value in _leaves(data, ""):
        shown = value[: _LOG_VALUE + 1] if isinstance(value, str) else value
        line += f" {path}={shorten(repr(shown), _LOG_VALUE)}"
        if len(line) > _LOG_LINE:  # there may be a million more
            break
    return shorten(line, _LOG_LINE)


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves(item, f"{path}.{key}" if path else str(key))
    else:
        yield path, value
