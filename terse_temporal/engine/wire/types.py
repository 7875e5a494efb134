"""References to types, for the schemas that a step is given.

A schema is a Python object in the handler and has to be the same type in the worker that runs the step. A class, or an
alias bound to a name at module level, travels as `module:name`, and one of this package by its public name;
`list[Item]`, `Item | None` and `Literal["a"]` travel as what they are made of.
"""

from __future__ import annotations

import enum
import sys
import types
import typing
from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel, ImportString

from ...errors import StepIsolationError, UnknownFunctionError
from ...jobs.job import module_name
from ...serialization.codec import type_name
from ...serialization.wire_names import PACKAGE
from ..code.first_party import loaded_module
from ..code.functions import FunctionIndex, attribute_path
from ..determinism.clock import original
from .public_classes import is_of_this_package, public_class, reference_of_class

__all__ = ["refer_to_type", "resolve_type"]

#: Where what is not a class, and means one, is defined: `list[int]`, `Annotated[…]`, `Any`, a `NewType`.
_OF_ALIASES: Final = frozenset({"types", "typing", "typing_extensions"})

#: Modules whose classes are values and nothing else. Of pydantic, what looks at the disk (`FilePath`) is no class.
_VALUE_MODULES: Final = frozenset(
    {
        *("collections", "collections.abc", "datetime", "decimal", "enum", "fractions", "ipaddress", "numbers"),
        *("pathlib", "re", "types", "typing", "typing_extensions", "uuid"),
        *("pydantic", "pydantic.main", "pydantic.networks", "pydantic.root_model", "pydantic.types"),
        "pydantic_core._pydantic_core",
    }
)
_BUILTINS: Final = frozenset(
    [bool, bytearray, bytes, complex, dict, float, frozenset, int, list, object, set, str, tuple, type]
)

#: What imports a module by its name, or wraps one that does.
_NEVER: Final = (ImportString, typing.Annotated)


def refer_to_type(type_: Any, step: str, namespace: Mapping[str, Any]) -> Any:
    """Return a type as JSON.

    Args:
        step: the step's name and where it is called, for messages.
        namespace: the globals of the job's own copy of its module.

    Raises:
        StepIsolationError: the type is made within a function, so that no other process has it.
    """
    if type_ is None or type_ is type(None):
        return "builtins:None"
    if type_ is Ellipsis:
        return "builtins:Ellipsis"
    type_ = original(type_)
    home = module_name(str(namespace.get("__name__", "")))
    if isinstance(type_, type) and not isinstance(type_, types.GenericAlias):
        if public_class((public := reference_of_class(type_)).partition(":")[2]) is type_:
            return public
        module, qualname = module_name(type_.__module__), type_.__qualname__
        bound_in = namespace if module == home else vars(sys.modules.get(type_.__module__, types.ModuleType("_")))
        if not is_of_this_package(module) and attribute_path(bound_in, qualname) is type_:
            return f"{module}:{qualname}"
    for name, value in namespace.items():
        if value is type_:
            return f"{home}:{name}"
    origin, arguments = typing.get_origin(type_), typing.get_args(type_)
    if origin is typing.Union or origin is types.UnionType:
        return {"union": [refer_to_type(each, step, namespace) for each in arguments]}
    if origin is typing.Literal:
        return {"literal": [_literal(each, step, namespace) for each in arguments]}
    if origin is not None and origin is not typing.Annotated:
        return {
            "of": refer_to_type(origin, step, namespace),
            "with": [refer_to_type(each, step, namespace) for each in arguments],
        }
    if type_ is Any:
        return "typing:Any"
    raise StepIsolationError(
        f"step {step}: the schema {type_name(type_)} has no name at module level, where the worker that runs the step"
        " could find it. Define it at the top of the module, and pass it by that name."
    )


def resolve_type(reference: Any, index: FunctionIndex) -> Any:
    """Return the type that a reference stands for, in this process.

    A type, and nothing else: given a function, pydantic would call it with what it is to validate. And one that does
    nothing by itself, or that the code of this worker's jobs names.

    Args:
        reference: what `refer_to_type` gave, or what somebody made up.
        index: says which modules are those of the jobs' code, and what that names.

    Raises:
        UnknownFunctionError: there is no such type that this worker may make.
    """
    try:
        match reference:
            case str():
                return _found(reference, index)
            case {"union": list(members)}:
                return typing.Union[tuple(resolve_type(each, index) for each in members)]  # noqa: UP007  # at run time
            case {"literal": list(values)}:
                return typing.Literal[tuple(_value(each, index) for each in values)]
            case {"of": origin, "with": list(arguments)}:
                return resolve_type(origin, index)[tuple(resolve_type(each, index) for each in arguments)]
    except (TypeError, ValueError, RecursionError):  # a type that is not generic, or not with these
        pass
    raise UnknownFunctionError(f"this worker has no type {reference!r}: that is no reference to one")


def _literal(value: Any, step: str, namespace: Mapping[str, Any]) -> Any:
    """Return what a `Literal` has in it, as JSON: members of enums, and bytes, as objects."""
    if isinstance(value, enum.Enum):
        return {"of": refer_to_type(type(value), step, namespace), "member": value.name}
    return {"bytes": value.hex()} if isinstance(value, bytes) else value


def _value(literal: Any, index: FunctionIndex) -> Any:
    match literal:
        case {"of": of, "member": str(name)}:
            cls = resolve_type(of, index)
            if isinstance(cls, enum.EnumMeta) and name in cls.__members__:
                return cls.__members__[name]
        case {"bytes": str(digits)}:
            return bytes.fromhex(digits)
        case None | bool() | int() | str():
            return literal
    raise UnknownFunctionError(f"this worker has no value {literal!r} for a Literal")


def _found(reference: str, index: FunctionIndex) -> Any:
    module, _, qualname = reference.partition(":")
    if module == "builtins" and qualname in ("None", "Ellipsis"):
        return None if qualname == "None" else Ellipsis
    ours = index.is_first_party(module)
    found = _in_module(module, qualname)
    is_class = isinstance(found, type)
    if not is_class and type(found).__module__ not in _OF_ALIASES:
        found = None
    if found is None or found in _NEVER:
        raise UnknownFunctionError(
            f"this worker has no type {reference!r}: no module that it has loaded has a type of that name. If the step"
            " is of another version of the code, it waits for a worker that has it."
        )
    if not (ours or _is_plain(module, found) or (is_class and index.names(found))):
        raise UnknownFunctionError(
            f"this worker does not use the type {reference!r} as a schema: it is of a library, and the code of the jobs"
            " does not name it. Import it by its name in a module of theirs."
        )
    if is_class and (maker := _maker(found)) is not None and not index.is_first_party(module_name(maker.__module__)):
        raise UnknownFunctionError(
            f"this worker does not use the type {reference!r} as a schema: making one runs the __init__() of"
            f" {type_name(maker)}, which may do anything (that of pydantic's BaseSettings reads files). Take a model"
            " without it for what a step gets."
        )
    return found


def _in_module(module: str, qualname: str) -> Any:
    """Return what is bound to a name in a module, or in a class of it: never in another module."""
    if is_of_this_package(module):
        return public_class(qualname) if module == PACKAGE else None
    found: Any = loaded_module(module)
    for position, name in enumerate(qualname.split(".")):
        if found is None or (position and not isinstance(found, type)):
            return None
        found = vars(found).get(name)
    return found


def _is_plain(module: str, found: Any) -> bool:
    """Return whether it is a type for values, of Python or of pydantic, that does nothing when one is made."""
    if not isinstance(found, type):
        return module in ("typing", "typing_extensions")
    if module == PACKAGE:
        return issubclass(found, BaseModel)
    return module in _VALUE_MODULES or (module == "builtins" and found in _BUILTINS)


def _maker(cls: type) -> type | None:
    """Return the class of a model whose own `__init__` pydantic would call, if there is one."""
    if not issubclass(cls, BaseModel):
        return None
    owner = next(each for each in cls.__mro__ if "__init__" in vars(each))
    return None if owner.__module__.partition(".")[0] == "pydantic" else owner
