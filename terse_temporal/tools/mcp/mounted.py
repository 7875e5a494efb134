"""A tool of an MCP server: its arguments are checked against the JSON schema that the server lists."""

from __future__ import annotations

import functools
import inspect
import itertools
import keyword
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Protocol

from ...diagnostics.text import did_you_mean, shorten
from ...errors import StepInputError
from ...execution.protocol import current_execution
from ...serialization.keys import fold
from ...serialization.serializer import shared_serializer
from ...serialization.value_problems import ValueProblem
from ...serialization.wire_names import ARGUMENTS_REFUSED_MARKER
from ..schemas import Written, type_text
from ..tool import Tool

__all__ = ["MountedTool", "argument_name", "recorded", "takes_others"]

#: Why a call is refused on a replay, where nothing is wrong about it by what the server lists now, if it does.
_AT_FIRST = "  (they did not when the call was first made)"

#: The one parameter of a mounted tool's function, and what its arguments travel as. It must not depend on what a server
#: lists: another worker may have another version of it.
_ARGUMENTS = "arguments"


#: Arguments of a tool that its signature has. A server may list any number.
_MOST_SHOWN: Final = 200


#: Arguments that are compared with those that there are.
_MOST_HINTS: Final = 5


class _Validator(Protocol):
    """What is used of a `BoundedValidator`, which needs the extra `mcp`."""

    def iter_errors(self, instance: Any) -> Iterable[Any]: ...


@dataclass(frozen=True, eq=False)
class MountedTool(Tool):
    """A tool of an MCP server.

    Attributes:
        server_name: what the server calls it; `None` while nothing is listed, as are the following.
        output_schema: the JSON schema of its structured results.
        validator: of its arguments.
        result_validator: of its structured results.
    """

    _takes_json: ClassVar[bool] = True

    server_name: str | None = None
    output_schema: Mapping[str, Any] | None = None
    validator: _Validator | None = None
    result_validator: _Validator | None = None

    @functools.cached_property
    def signature(self) -> inspect.Signature:
        """Made of the schema: the properties whose names can be names of arguments. For people and editors."""
        rest = inspect.Parameter(_ARGUMENTS, inspect.Parameter.VAR_KEYWORD)
        if self.schema is None:
            return inspect.Signature([rest])
        required = self.schema.get("required") or ()
        parameters, left_out = [], takes_others(self.schema)
        properties = _properties(self.schema)
        left_out = left_out or len(properties) > _MOST_SHOWN
        for name, schema in itertools.islice(properties.items(), _MOST_SHOWN):
            if (shown := argument_name(name)) is None:
                left_out = True
                continue
            default = inspect.Parameter.empty if name in required else Written(_default_text(schema))
            parameters.append(
                inspect.Parameter(
                    shown,
                    inspect.Parameter.KEYWORD_ONLY,
                    default=default,
                    annotation=Written(type_text(schema, self.schema)),
                )
            )
        parameters.sort(key=lambda each: each.default is not each.empty)
        if left_out and _ARGUMENTS not in {each.name for each in parameters}:
            parameters.append(rest)
        return inspect.Signature(parameters)

    def checked(self, arguments: Mapping[str, Any], *, is_part: bool = False) -> dict[str, Any]:
        """Return the arguments as JSON, as the server names them.

        Args:
            arguments: by name, in either spelling.
            is_part: others may be missing.

        Raises:
            StepInputError: some do not fit the schema; the message has all of them.
        """
        try:
            data: dict[str, Any] = shared_serializer.codec(Any).record(dict(arguments)).data
        except ValueProblem as problem:
            raise StepInputError(f"tool {self.name!r} ({self.where}): its arguments: {problem}") from None
        problems = _Problems()
        if self.schema is not None:
            data = self._without_absent(self._respelled(data))
            problems = self._unknown(data)
            misfits = self._misfits({name: value for name, value in data.items() if name not in problems})
            # What is wrong about no argument by itself is so for one that is missing.
            problems += _of_arguments(misfits, data) if is_part else misfits
        if recorded(ARGUMENTS_REFUSED_MARKER, bool(problems)):
            lines = [f"  {path}: {text}" for path, text in problems.items()] or [_AT_FIRST]
            shown = f"It is {self.name}{self.shown_signature}"
            raise StepInputError(
                "\n".join([f"tool {self.name!r} ({self.where}): its arguments do not fit:", *lines, shown])
            )
        return data

    @property
    def argument_names(self) -> list[str]:
        return list(_properties(self.schema or {}))

    def problem_with(self, name: str, value: Any) -> str | None:
        if self.schema is None or name not in self._without_absent({name: value}):
            return None
        return next(iter(_of_arguments(self._misfits({name: value}), [name]).values()), None)

    def from_json(
        self,
        arguments: Mapping[str, Any],
        *,
        by_model: bool = False,
        by_code: Collection[str] = (),
        is_part: bool = False,
    ) -> dict[str, Any]:
        return self._bound(arguments, is_part=is_part)

    def shown(self, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        inner = arguments.get(_ARGUMENTS)
        return inner if isinstance(inner, Mapping) else arguments

    def _fold(self, name: str) -> str:
        return _fold(name)

    def _bound(self, arguments: Mapping[str, Any], *, is_part: bool = False) -> dict[str, Any]:
        return {_ARGUMENTS: self.checked(arguments, is_part=is_part)}

    def _respelled(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        known = _properties(self.schema or {})
        missing = {_fold(name): name for name in known if name not in arguments}
        return {name if name in known else missing.get(_fold(name), name): value for name, value in arguments.items()}

    def _without_absent(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Without each `None` that means "not given", as it does in Python: optional, and no null by its schema."""
        assert self.schema is not None
        known, required = _properties(self.schema), self.schema.get("required") or ()
        return {
            name: value
            for name, value in arguments.items()
            if value is not None or name in required or name not in known or _may_be_null(known[name], self.schema)
        }

    def _unknown(self, arguments: Mapping[str, Any]) -> _Problems:
        assert self.schema is not None
        known = _properties(self.schema)
        if takes_others(self.schema):
            return _Problems()
        unknown = [name for name in arguments if name not in known]
        names = [argument_name(name) or name for name in known] if unknown else []
        hints = {name: did_you_mean(name, names) for name in unknown[:_MOST_HINTS]}
        return _Problems({name: f"there is no such argument{hints.get(name, '')}" for name in unknown})

    def _misfits(self, arguments: Mapping[str, Any]) -> _Problems:
        found = _Problems()
        try:
            for error in self.validator.iter_errors(arguments) if self.validator else ():
                path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path)
                if error.validator == "required" and isinstance(error.instance, dict):
                    for name in error.validator_value:
                        if name not in error.instance:
                            found[f"{path}.{name}".lstrip(".")] = "is missing"
                else:
                    found[path.lstrip(".") or "(all of them)"] = shorten(error.message, 200)
        except Exception:
            # A schema that cannot be applied, such as by a reference to another document: it is the server's to refuse
            # what it does not take.
            return _Problems()
        return found


class _Problems(dict[str, str]):
    """What is wrong, by the path of the argument."""

    def __add__(self, other: _Problems) -> _Problems:
        return _Problems({**other, **self})


def _of_arguments(problems: _Problems, names: Collection[str]) -> _Problems:
    """Return what is wrong with some arguments themselves."""
    starts = tuple(f"{name}{end}" for name in names for end in (".", "["))
    return _Problems({path: text for path, text in problems.items() if path in names or path.startswith(starts)})


def recorded(marker: str, value: bool) -> bool:
    """Return whether a call is refused by what a server lists; on a replay, whether it was."""
    execution = current_execution()
    return value if execution is None else execution.recorded(marker, value)


def argument_name(name: str) -> str | None:
    """Return what an argument is called in Python: a `-` or `.` is `_`, a keyword gets one; `None` if it cannot be."""
    spelled = name.replace("-", "_").replace(".", "_")
    if keyword.iskeyword(spelled):
        spelled += "_"
    return spelled if spelled.isidentifier() and spelled.isascii() else None


def takes_others(schema: Mapping[str, Any]) -> bool:
    """Return whether arguments that are not among the properties make sense.

    A schema that does not say allows them, by the letter. Servers rarely say, and drop what they do not know: a name
    that is not listed is then a slip.
    """
    if schema.get("additionalProperties") or schema.get("patternProperties"):
        return True
    return not _properties(schema) and any(key in schema for key in ("anyOf", "oneOf", "allOf", "$ref", "if"))


def _properties(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    found = schema.get("properties")
    return found if isinstance(found, Mapping) else {}


def _default_text(schema: Any) -> str:
    default = schema.get("default") if isinstance(schema, Mapping) else None
    return repr(default) if isinstance(default, str | int | float | bool) else "..."


def _may_be_null(schema: Any, root: Mapping[str, Any]) -> bool:
    text = type_text(schema, root)
    return text == "Any" or "None" in text


def _fold(name: str) -> str:
    return fold(name.replace("-", "_").replace(".", "_").rstrip("_"))
