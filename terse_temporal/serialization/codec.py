"""Values on their way to JSON and back, by the types that the user gives.

pydantic does the work. What is added: an error says *where* in a nested value the trouble is, NaN and infinity are
refused (they are not JSON), and types are resolved in a given namespace, because a module of jobs is executed afresh
for every run and its classes are then other objects than those that `sys.modules` leads to.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Annotated, Any, Final, get_args, get_origin

from pydantic import BaseModel, PydanticUserError, ValidationError
from pydantic_core import PydanticSerializationError, to_jsonable_python

from .annotations import type_adapter
from .iterators import of_iterator, replace_iterators
from .json_text import Json, json_of_value, read_json
from .large import (
    LARGE_TEXT,
    PART_BREAK,
    batches,
    encode,
    is_large,
    paused_collector,
    read_in_parts,
    recorded_in_parts,
)
from .readback import (
    OF_SECRETS,
    Schema,
    difference,
    equal,
    find,
    is_secret,
    not_plain,
    safe_repr,
)
from .value_problems import DEEPEST, DEEPEST_READ, NO_NUMBER, ValueProblem, innermost, not_finite, path_below
from .wire_names import PACKAGE

__all__ = ["Codec", "type_name", "validation_text"]

#: In front of a class of this package, in the text of a type that it is part of.
_MODULE_OF_OURS: Final = re.compile(rf"\b{PACKAGE}\.(?:\w+\.)*(?=\w)")

_LONGEST_LABEL: Final = 300
_WITH_VALIDATOR: Final = re.compile(r"function-(?:after|before|wrap)\[[^,\[\]]*, (.+)\]")

#: Wrong fields that are named. An event from outside may hold half a million, whose lines take seconds to write.
_MOST_ERRORS: Final = 1_000


class Codec:
    """One type's way to JSON and back.

    Args:
        type_: anything `TypeAdapter` takes; `Any` is plain JSON.
        namespace: where the names in string annotations are looked up first.

    Raises:
        ValueProblem: pydantic can make nothing of the type.
    """

    __slots__ = ("_adapter", "_schema", "_type")

    def __init__(self, type_: Any, namespace: Mapping[str, Any] | None = None) -> None:
        self._type = type_
        try:
            self._adapter = type_adapter(of_iterator(type_), namespace)
        # NameError: an annotation within the type names something that is not there.
        except (PydanticUserError, NameError) as err:
            reason = _MODULE_OF_OURS.sub("", str(err).splitlines()[0])
            raise ValueProblem(f"{type_name(type_)} cannot be read from JSON: {reason}") from None
        self._schema = Schema(self._adapter.core_schema)

    def check(self, value: Any) -> Any:
        """Return a Python value, validated and converted to the type; lists where it says `Iterable`."""
        return self._validate(lambda: self._adapter.validate_python(value, by_alias=True, by_name=True))

    def missing(self, value: Any) -> list[tuple[int | str, ...]]:
        """Return the paths at which a value lacks what the type requires; `[]` also where it is wrong in another way
        only.
        """
        try:
            self._adapter.validate_python(value, by_alias=True, by_name=True)
        except ValidationError as err:
            return [each["loc"] for each in err.errors(include_url=False) if each["type"] == "missing"]
        return []

    def wrong_fields(self, data: Any) -> list[tuple[str, str]]:
        """Return what is wrong with JSON data, without what was there: a path and a reason for each; `[]` if it fits.

        A path begins with the name that the field has in the type.
        """
        try:
            self._adapter.validate_json(json.dumps(data), by_alias=True, by_name=True)
        except ValidationError as err:
            if (count := err.error_count()) > _MOST_ERRORS:
                return [("", f"{count:,} values are wrong, too many to name each")]
            names = self._names_of_aliases()
            wrong = []
            for each in err.errors(include_url=False, include_context=False, include_input=False):
                first, *rest = each["loc"] or ("",)
                wrong.append((".".join([names.get(str(first), str(first)), *map(_path_part, rest)]), each["msg"]))
            return wrong
        except (Exception, SystemExit) as err:  # a validator of the user's may raise anything
            return [("", f"it cannot be checked: a validator of {type_name(self._type)} raises {type(err).__name__}")]
        return []

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON schema of what is read, with the names that fields have in the type."""
        return self._adapter.json_schema(by_alias=False, mode="validation")

    def _names_of_aliases(self) -> dict[str, str]:
        """Return the names of the fields of a model by those that they have in errors."""
        fields = self._type.model_fields if isinstance(self._type, type) and issubclass(self._type, BaseModel) else {}
        return {
            alias: name
            for name, field in fields.items()
            for alias in (field.alias, field.validation_alias)
            if isinstance(alias, str)
        }

    def record(self, value: Any) -> Json:
        """Return a Python value, validated, as JSON that reads back as the same value.

        What a type declares as `Any`, and a value without a type, is plain JSON on the other side.

        Raises:
            ValueProblem: it does not fit, JSON cannot hold it, it holds a secret, or it would be read back as another.
        """
        if is_large(value):
            with paused_collector():
                return self._record_large(value)
        return self._record(value)

    def _record_large(self, value: Any) -> Json:
        """Record a value in parts, where the type lets it be taken apart."""
        try:
            if self._type is Any:
                return Json.of_text(recorded_in_parts(value, lambda part: self._record(part).text))
            if type(value) is list and self._schema.is_plain_list:
                parts = (self._record(part).text[1:-1] for part in batches(value))
                # A validator may leave all items of a part out.
                return Json.of_text(f"[{PART_BREAK.join(filter(None, parts))}]")
        except ValueProblem:
            pass  # is found again, with the path that it has in the whole
        return self._record(value)

    def _record(self, value: Any) -> Json:
        if self._type is Any:
            written = self._dump(value)
            if not equal(written.data, value):
                _refuse_not_finite(value, written)
                if (found := not_plain(value)) is not None:
                    raise ValueProblem(f"the value at {found[0]} {found[1]}")
            return written
        checked = self.check(value)
        written = self._dump(checked)
        # Half of a surrogate pair is the one text that JSON can hold and pydantic does not read.
        if not (self._schema.is_json and "\\ud" not in written.text and equal(written.data, checked)):
            self._compare(checked, written)
        return written

    def dump(self, value: Any) -> Any:
        """Return a value of the type as JSON data, for `load`.

        Plain JSON, which nobody loads, is as its types write it.
        """
        return self._dump(value).data

    def load(self, data: Any) -> Any:
        """Return JSON data, validated and converted to the type, by pydantic's rules for JSON (also in strict mode)."""
        if self._type is Any:
            return data
        if not is_large(data):
            return self.load_text(json.dumps(data))
        with paused_collector():
            if type(data) is list and self._schema.is_plain_list:
                with suppress(ValueProblem):  # which is found again, with the path that it has in the whole
                    return [each for part in batches(data) for each in self.load_text(json.dumps(part))]
            return self.load_text(encode(data, allow_nan=True))

    def load_text(self, text: str | bytes) -> Any:
        """Return the same for JSON that is a string."""
        if self._type is Any:
            return read_json(text)
        if len(text) < LARGE_TEXT:
            return self._read(text)
        with paused_collector():
            items = None
            if self._schema.is_plain_list:
                with suppress(ValueProblem):  # which is found again, with the path that it has in the whole
                    items = read_in_parts(text, self._read)
            return self._read(text) if items is None else items

    def _read(self, text: str | bytes) -> Any:
        return self._validate(lambda: self._adapter.validate_json(text, by_alias=True, by_name=True))

    def _validate(self, validate: Callable[[], Any]) -> Any:
        try:
            value = validate()
            return replace_iterators(value) if self._schema.has_iterators else value
        except ValidationError as err:
            raise ValueProblem(f"it {validation_text(err, self._type)}") from None
        except Exception as err:  # a validator of the user's may raise anything
            raise ValueProblem(f"makes a validator of its type raise {type(err).__name__}: {err}") from err

    def _dump(self, value: Any) -> Json:
        plain = self._type is Any
        # A list is not what pydantic expects of an `Iterable`. It writes it all the same.
        warnings: Any = False if self._schema.has_iterators else "error"
        try:
            data = self._adapter.dump_python(
                value, mode="json", by_alias=plain, round_trip=not plain, warnings=warnings
            )
        except (PydanticSerializationError, ValueError, TypeError, RecursionError) as err:
            if (path := path_below(value)) is not None:
                raise ValueProblem(
                    f"the value at {path} is nested more than {DEEPEST} levels deep, or contains itself"
                ) from None
            path, found = innermost(value, lambda inner: not _is_jsonable(inner))
            if _is_jsonable(found):
                raise ValueProblem(f"the value does not fit {type_name(self._type)}: {str(err).strip()}") from None
            keys = [key for key in found if not _is_jsonable({key: None})] if isinstance(found, Mapping) else []
            if keys:
                raise ValueProblem(
                    f"the value at {path} has the key {safe_repr(keys[0])}, which JSON cannot hold as a key"
                ) from None
            if inspect.iscoroutine(found):
                raise ValueProblem(
                    f"the value at {path} is the coroutine {found.__qualname__!r}, which was not awaited: write `await`"
                    " before the call that made it"
                ) from err
            raise ValueProblem(
                f"the value at {path} is a {type_name(type(found))!r}, which JSON cannot hold: make it plain data, a"
                " model or a dataclass"
            ) from err
        return json_of_value(data, value)

    def _compare(self, checked: Any, written: Json) -> None:
        data, text = written.data, written.text
        if "***" in text and (path := find(checked, is_secret)):
            raise ValueProblem(f"the value at {path} {OF_SECRETS}")
        try:
            back = self.load_text(text)
            if equal(checked, back):
                return
            _refuse_not_finite(checked, written)
            again = self.dump(back)
        except ValueProblem as problem:
            if (path := path_below(checked, DEEPEST_READ)) is not None:
                raise ValueProblem(f"the value at {path} is nested more than {DEEPEST_READ} levels deep") from None
            found = not_plain(checked)
            reason = f"the value at {found[0]} {found[1]}" if found else str(problem)
            raise ValueProblem(f"could not be read back from {safe_repr(data)}: {reason}") from None
        found = difference(checked, back, self._schema, written_alike=again == data)
        if found is None:
            return
        if found[1] == OF_SECRETS:
            raise ValueProblem(f"the value at {found[0]} {OF_SECRETS}")
        if again != data:
            raise ValueProblem(
                f"the value at {found[0]} {found[1]}: the validators of {type_name(self._type)} change it again"
                " whenever it is read. Let them leave a value alone that they have given."
            )
        raise ValueProblem(
            f"the value at {found[0]} {found[1]}. What is given has to come back: annotate it with its own type, of"
            " fields that are written, and unions whose members JSON can tell apart."
        )


def type_name(type_: Any) -> str:
    """Return a type as one would write it."""
    if get_origin(type_) is Annotated:
        # What it is annotated with, validators above all, says where in memory it is.
        return f"Annotated[{type_name(get_args(type_)[0])}, …]"
    if isinstance(type_, type):
        return type_.__qualname__
    # It may be recorded: where a class stands in this package is of no meaning there.
    return _MODULE_OF_OURS.sub("", str(type_).replace("typing.", ""))


def validation_text(err: ValidationError, type_: Any) -> str:
    """Return every wrong field of a failed validation, one per line, with its path and what was there."""
    if (count := err.error_count()) > _MOST_ERRORS:
        return f"does not fit {type_name(type_)}: {count:,} values in it are wrong, too many to name each"
    lines = [
        f"  {'.'.join(map(_path_part, detail['loc'])) or '(the value itself)'}: {detail['msg']}{_format(detail)}"
        for detail in err.errors(include_url=False, include_context=False)
    ]
    return "\n".join([f"does not fit {type_name(type_)}:", *lines])


def _path_part(part: int | str) -> str:
    # pydantic calls a member of a union by its validators, too: `function-after[check(), Lead]`. A key of the input,
    # which may be as long as it likes, can look like that as well.
    text = str(part)
    while len(text) <= _LONGEST_LABEL and (found := _WITH_VALIDATOR.fullmatch(text)) is not None:
        text = found[1]
    return text


def _format(detail: Any) -> str:
    if detail["type"] == "missing" or isinstance(detail["input"], dict):
        return ""
    return f" (it is {safe_repr(detail['input'])})"


def _refuse_not_finite(value: Any, written: Json) -> None:
    """Refuse a number for which pydantic writes null, as it does where no type says that it is one."""
    if "null" in written.text and (path := not_finite(value)) is not None:
        raise ValueProblem(f"the value at {path} {NO_NUMBER}")


def _is_jsonable(value: Any) -> bool:
    try:
        to_jsonable_python(value)
    except Exception:
        return False
    return True
