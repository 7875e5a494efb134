"""What a step is given, held against what its function takes: how many arguments, and of what type.

Values that are written down are judged as the engine judges them, by pydantic. An annotation of which a part is not
known stands for nothing. Classes of the user's own are judged where they are models or dataclasses that do nothing
unusual: one that derives from `str` may be taken for a string, and a validator may make anything of anything.
"""

from __future__ import annotations

import ast
import collections.abc
import datetime
import decimal
import inspect
import typing
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import PlainValidator

from ..diagnostics.text import shorten
from ..serialization.codec import Codec
from ..serialization.value_problems import ValueProblem
from .awaiting import expects_error
from .findings import Checked, Finding, finding
from .roles import StepCall, keyword
from .scopes import Class, Function, FunctionNode
from .source import Module
from .symbols import Foreign, Instance

__all__ = ["given"]

#: What an annotation may be made of, besides classes of the user's own.
_TYPES: Final[Mapping[str, Any]] = {
    **{f"builtins.{each.__name__}": each for each in (bool, bytes, dict, float, frozenset, int, list, set, str, tuple)},
    **{
        f"datetime.{each.__name__}": each
        for each in (datetime.date, datetime.datetime, datetime.time, datetime.timedelta)
    },
    **{f"collections.abc.{each.__name__}": each for each in (collections.abc.Mapping, collections.abc.Sequence)},
    "builtins.object": Any,
    "decimal.Decimal": decimal.Decimal,
    "typing.Any": Any,
    "typing.Dict": dict,
    "typing.List": list,
    "typing.Mapping": collections.abc.Mapping,
    "typing.Sequence": collections.abc.Sequence,
    "typing.Set": set,
    "typing.Tuple": tuple,
    "uuid.UUID": uuid.UUID,
}

_DISPLAYS: Final[Mapping[type[ast.expr], type]] = {
    ast.Dict: dict,
    ast.DictComp: dict,
    ast.List: list,
    ast.ListComp: list,
    ast.Set: set,
    ast.SetComp: set,
    ast.Tuple: tuple,
}

#: What may make a model read objects of other classes, by the names that stand in its body.
_READS_OTHERS: Final = frozenset(["model_config", "Config", "__pydantic_config__"])

#: Methods that do not let an object pass for a number or another class, nor a class read what it is not.
_USUAL: Final = frozenset(f"__{name}__" for name in ("init", "post_init", "repr", "str", "eq", "hash", "lt", "bool"))

_INPUT_ERROR: Final = "the call raises a StepInputError"


class _Unknown(Exception):  # noqa: N818  # no error: there is no answer
    """What cannot be known from the source."""


@dataclass(slots=True)
class _Object:
    """Stands for an object of a class of the user's own."""

    class_: Class


@dataclass(slots=True)
class _Model(_Object):
    """Stands for a model, which may be read as a tuple of its fields."""

    is_gone_through: bool = False

    def __iter__(self) -> Iterator[Any]:
        self.is_gone_through = True
        return iter(())


def given(checked: Checked) -> Iterator[Finding]:
    """TERSE105 and 106."""
    for call in checked.roles.step_calls.values():
        # In a job that is not durable, `state.update` runs its function where it stands.
        if call.function is not None and (not call.is_update or call.node in checked.durable_nodes):
            module = checked.resolver.module_of_node(call.node)
            found = list(_how_many(call, call.function, module, checked))
            yield from found or _of_job_step(call, call.function, module, checked)
    for node in checked.durable_nodes:
        if isinstance(node, ast.Call):
            called = checked.resolver.resolve(node.func)
            if isinstance(called, Function) and checked.roles.is_step(called):
                yield from _of_step(node, called, checked)


def _how_many(call: StepCall, function: Function, module: Module, checked: Checked) -> Iterator[Finding]:
    node = call.node
    if not _is_plain(function, checked) or any(each.arg is None for each in node.keywords):
        return
    if call.is_update:
        if any(isinstance(each, ast.Starred) for each in node.args):
            return
        count = 1 + len(node.args[2:])
        handed = "the value" if count == 1 else f"the value and {count - 1} more"
        fix = "give it a function of the value and of what follows it in the call"
    else:
        count = 0 if keyword(node, "input") is None and keyword(node, "inputs") is None else 1
        handed = "one argument, the input" if count else "no argument, as there is no input"
        fix = "give `input=…` for a function with one argument, and none for one without"
    try:
        _signature(function).bind(*[None] * count)
    except TypeError:
        message = f"{call.description} is called with {handed}, and takes ({ast.unparse(function.node.args)})"
        yield finding("TERSE105", module, call.run, message, _INPUT_ERROR, fix)


def _of_job_step(call: StepCall, function: Function, module: Module, checked: Checked) -> Iterator[Finding]:
    value, schema = keyword(call.node, "input"), keyword(call.node, "input_schema")
    if call.is_update or value is None or any(each.arg is None for each in call.node.keywords):
        return
    if schema is not None and not (isinstance(schema, ast.Constant) and schema.value is None):
        wanted: ast.expr | None = schema
        takes = f"its input_schema is {ast.unparse(schema)}"
    elif _is_plain(function, checked):
        arguments = function.node.args
        first = next(iter([*arguments.posonlyargs, *arguments.args, arguments.vararg]), None)
        wanted = first.annotation if first is not None else None
        takes = f"its function takes ({ast.unparse(arguments)})"
    else:
        return
    if wanted is not None and not _fits(value, wanted, checked) and not _is_expected(call.node, checked):
        message = f"{call.description} is given {_as_written(value, checked)}, and {takes}"
        fix = "give what it takes, or annotate the function with what it is given"
        yield finding("TERSE106", module, value, message, _INPUT_ERROR, fix)


def _of_step(node: ast.Call, function: Function, checked: Checked) -> Iterator[Finding]:
    """Yield a call of a function under `@step`."""
    if any(isinstance(each, ast.Starred) for each in node.args) or any(each.arg is None for each in node.keywords):
        return
    if not _is_plain(function, checked) or _is_expected(node, checked):
        return
    module = checked.resolver.module_of_node(node)
    takes = f"takes ({ast.unparse(function.node.args)})"
    try:
        bound = _signature(function).bind(*node.args, **{str(each.arg): each.value for each in node.keywords})
    except TypeError as error:
        message = f"the step {function.name!r} {takes}, and the call does not fit: {error}"
        yield finding("TERSE105", module, node, message, _INPUT_ERROR, "call it as it is defined")
        return
    by_name = {each.arg: each.annotation for each in _parameters(function.node.args)}
    for name, value in bound.arguments.items():
        # Of `*args` and `**kwargs` there are several.
        if isinstance(value, ast.expr) and (wanted := by_name[name]) is not None and not _fits(value, wanted, checked):
            message = f"the step {function.name!r} is given {_as_written(value, checked)} for {name!r}, and {takes}"
            fix = "give what it takes, or annotate the function with what it is given"
            yield finding("TERSE106", module, value, message, _INPUT_ERROR, fix)


def _is_plain(function: Function, checked: Checked) -> bool:
    """Return whether a call of a function is a call of what is written."""
    return function.class_ is None and (not function.decorators or checked.roles.is_step(function))


def _is_expected(node: ast.Call, checked: Checked) -> bool:
    return expects_error(node, checked, "StepInputError", "StepDefinitionError", "TerseError", "TypeError")


def _parameters(arguments: ast.arguments) -> list[ast.arg]:
    others = [each for each in (arguments.vararg, arguments.kwarg) if each is not None]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *others]


def _signature(function: Function) -> inspect.Signature:
    """Return the signature, without annotations; each default is `None`."""
    arguments, kinds = function.node.args, inspect.Parameter
    positional = [
        *((each, kinds.POSITIONAL_ONLY) for each in arguments.posonlyargs),
        *((each, kinds.POSITIONAL_OR_KEYWORD) for each in arguments.args),
    ]
    required = len(positional) - len(arguments.defaults)
    found = [
        kinds(each.arg, kind, default=kinds.empty if place < required else None)
        for place, (each, kind) in enumerate(positional)
    ]
    if arguments.vararg is not None:
        found.append(kinds(arguments.vararg.arg, kinds.VAR_POSITIONAL))
    found += [
        kinds(each.arg, kinds.KEYWORD_ONLY, default=kinds.empty if default is None else None)
        for each, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    ]
    if arguments.kwarg is not None:
        found.append(kinds(arguments.kwarg.arg, kinds.VAR_KEYWORD))
    return inspect.Signature(found)


def _fits(value: ast.expr, annotation: ast.expr, checked: Checked) -> bool:
    """Return whether a value may be read as a type: false only where it is sure that it is not."""
    try:
        data, is_whole = _value(value, checked)
        codec = Codec(_type(annotation, checked, whole=is_whole))
    except (_Unknown, ValueProblem, TypeError):
        return True
    try:
        codec.check(data)
    except ValueProblem:
        return isinstance(data, _Model) and data.is_gone_through
    return True


def _as_written(value: ast.expr, checked: Checked) -> str:
    found = checked.resolver.resolve(value)
    if isinstance(found, Instance):
        return f"an object of {found.class_.node.name!r}"
    return shorten(ast.unparse(value), 60)


def _value(node: ast.expr, checked: Checked) -> tuple[Any, bool]:
    """Return what an expression gives, and whether all of it; else it is an empty container of its kind."""
    found = checked.resolver.resolve(node)
    if isinstance(found, Instance) and _is_simple(found.class_, checked):
        return (_Model if _is_model(found.class_, checked) else _Object)(found.class_), True
    written = checked.resolver.constant(node)
    if written is None:
        raise _Unknown
    # What a name stands for may have been filled since.
    if written is node or not isinstance(written, tuple(_DISPLAYS)):
        try:
            return ast.literal_eval(written), True
        except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            pass
    if (kind := _DISPLAYS.get(type(written))) is not None:
        return kind(), False
    raise _Unknown


def _type(node: ast.expr, checked: Checked, *, whole: bool) -> Any:
    """Return the type that an annotation is.

    Args:
        whole: whether also of what a container holds.
    """
    match node:
        case ast.Constant(value=None):
            return None
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            return typing.Union[_type(left, checked, whole=whole), _type(right, checked, whole=whole)]  # noqa: UP007  made at run time
        case ast.Subscript(value=outer, slice=inner):
            return _generic(checked.resolver.path(outer), inner, checked, whole=whole)
    match checked.resolver.resolve(node):
        case Foreign(path=path) if path in _TYPES:
            return _TYPES[path]
        case Class() as class_ if _is_simple(class_, checked) and _reads_itself_alone(class_, checked):
            return typing.Annotated[Any, PlainValidator(_check_of(class_, checked))]
    raise _Unknown


def _generic(path: str, inner: ast.expr, checked: Checked, *, whole: bool) -> Any:
    if path == "typing.Literal":
        values = inner.elts if isinstance(inner, ast.Tuple) else [inner]
        if not all(isinstance(each, ast.Constant) for each in values):
            raise _Unknown
        return typing.Literal[tuple(each.value for each in values if isinstance(each, ast.Constant))]
    outer = _TYPES.get(path)
    if path not in ("typing.Optional", "typing.Union") and outer is None:
        raise _Unknown
    if outer is not None and not whole:
        return outer
    parts = tuple(
        ... if isinstance(each, ast.Constant) and each.value is ... else _type(each, checked, whole=whole)
        for each in (inner.elts if isinstance(inner, ast.Tuple) else [inner])
    )
    if outer is None:
        return typing.Union[(*parts, None) if path == "typing.Optional" else parts]  # noqa: UP007  made at run time
    return outer[parts]


def _check_of(class_: Class, checked: Checked) -> Any:
    def check(value: Any) -> Any:
        # A dict is read as its fields, which are not held against it here.
        if isinstance(value, dict) or (isinstance(value, _Object) and _is_a(value.class_, class_, checked)):
            return value
        raise ValueError

    return check


def _is_a(class_: Class, wanted: Class, checked: Checked) -> bool:
    return class_ is wanted or any(_is_a(base, wanted, checked) for base in _bases(class_, checked))


def _bases(class_: Class, checked: Checked) -> list[Class]:
    """Return the bases that are of the user's own."""
    found = map(checked.resolver.resolve, class_.node.bases)
    return [base for base in found if isinstance(base, Class)]


def _is_simple(class_: Class, checked: Checked, depth: int = 12) -> bool:
    """Return whether a class is a model, a dataclass or a plain class, whose objects pass for those of no other."""
    node, resolver = class_.node, checked.resolver
    made_by = [each.func if isinstance(each, ast.Call) else each for each in node.decorator_list]
    others = [each for each in map(resolver.resolve, node.bases) if each != Foreign("pydantic.BaseModel")]
    return (
        depth > 0
        and not class_.is_nested
        and not node.keywords
        and all(resolver.path(each) == "dataclasses.dataclass" for each in made_by)
        and all(name in _USUAL or not name.startswith("__") for name in class_.methods)
        and all(isinstance(each, Class) and _is_simple(each, checked, depth - 1) for each in others)
    )


def _reads_itself_alone(class_: Class, checked: Checked) -> bool:
    """Return whether a simple class is read from a dict or an object of it, and from nothing else."""
    node = class_.node
    calls = [each for each in node.body if not isinstance(each, ast.AnnAssign) and _has_call(each)]
    if calls or _READS_OTHERS.intersection(class_.scope.bindings):
        return False
    bases = _bases(class_, checked)
    return (_is_model(class_, checked) or bool(bases) or bool(node.decorator_list)) and all(
        _reads_itself_alone(each, checked) for each in bases
    )


def _is_model(class_: Class, checked: Checked) -> bool:
    return any(checked.resolver.path(each) == "pydantic.BaseModel" for each in class_.node.bases) or any(
        _is_model(each, checked) for each in _bases(class_, checked)
    )


def _has_call(statement: ast.stmt) -> bool:
    """Return whether a statement of a class calls something, as validators are made; a decorator counts as such."""
    if isinstance(statement, FunctionNode):
        return not isinstance(statement, ast.Lambda) and bool(statement.decorator_list)
    return any(isinstance(each, ast.Call) for each in ast.walk(statement))
