"""References to types, for the schemas that a step is given.

A schema is a Python object in the handler and has to be the same type in the worker that runs the step. A class, or an
alias bound to a name at module level, travels as `module:name`; `list[Item]`, `Item | None` and `Literal["a"]` as what
they are made of.
"""

from __future__ import annotations

import sys
import types
import typing
from collections.abc import Mapping
from typing import Any, Final

from pydantic import ImportString

from ..errors import StepIsolationError, UnknownFunctionError
from ..jobs import module_name
from ..values import type_name
from .functions import attribute_path
from .pinned import original

__all__ = ["refer_to_type", "resolve_type"]

#: Where what is not a class, and means one, is defined: `list[int]`, `Annotated[…]`, `Any`, a `NewType`.
_OF_ALIASES: Final = frozenset({"types", "typing", "typing_extensions"})


def refer_to_type(type_: Any, step: str, namespace: Mapping[str, Any]) -> Any:
    """A type as JSON.

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
        module, qualname = module_name(type_.__module__), type_.__qualname__
        bound_in = namespace if module == home else vars(sys.modules.get(type_.__module__, types.ModuleType("_")))
        if attribute_path(bound_in, qualname) is type_:
            return f"{module}:{qualname}"
    for name, value in namespace.items():
        if value is type_:
            return f"{home}:{name}"
    origin, arguments = typing.get_origin(type_), typing.get_args(type_)
    if origin is typing.Union or origin is types.UnionType:
        return {"union": [refer_to_type(each, step, namespace) for each in arguments]}
    if origin is typing.Literal:
        return {"literal": list(arguments)}
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


def resolve_type(reference: Any) -> Any:
    """The type that a reference stands for, in this process.

    A type, and nothing else: given a function, pydantic would call it with what it is to validate.

    Raises:
        UnknownFunctionError: there is no such type in a module that this worker has loaded.
    """
    try:
        match reference:
            case str():
                return _found(reference)
            case {"union": list(members)}:
                return typing.Union[tuple(map(resolve_type, members))]  # noqa: UP007  # made at run time
            case {"literal": list(values)}:
                return typing.Literal[tuple(values)]
            case {"of": origin, "with": list(arguments)}:
                return resolve_type(origin)[tuple(map(resolve_type, arguments))]
    except TypeError:  # a type that is not generic, or not with these
        pass
    raise UnknownFunctionError(f"this worker has no type {reference!r}: that is no reference to one")


def _found(reference: str) -> Any:
    module, _, qualname = reference.partition(":")
    if module == "builtins" and qualname in ("None", "Ellipsis"):
        return None if qualname == "None" else Ellipsis
    loaded = sys.modules.get(module) or _main(module)
    found = attribute_path(vars(loaded), qualname) if loaded is not None else None
    if not (isinstance(found, type) or type(found).__module__ in _OF_ALIASES) or found is ImportString:
        raise UnknownFunctionError(
            f"this worker has no type {reference!r}: no module that it has loaded has a type of that name. If the step"
            " is of another version of the code, it waits for a worker that has it."
        )
    return found


def _main(module: str) -> types.ModuleType | None:
    main = sys.modules["__main__"]
    return main if module_name("__main__") == module else None
