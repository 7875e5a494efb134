"""Annotations that are still text, and which class a name in them stands for.

A module of jobs is executed afresh for every durable run, so the same dataclass exists many times over, while pydantic
looks the text of an annotation up in `sys.modules`, which leads to one of them. So text is resolved here, in the
namespace of the run, before pydantic sees it. And nothing of a copy is cached: a cache would keep every copy alive.
"""

from __future__ import annotations

import dataclasses
import functools
import sys
import threading
from collections.abc import Mapping
from typing import Any, Final, get_args, get_origin, get_type_hints

from pydantic import BaseModel, TypeAdapter
from pydantic.dataclasses import is_pydantic_dataclass
from typing_extensions import is_typeddict

from .wire_names import PACKAGE

__all__ = ["resolve", "type_adapter"]

_building: Final = threading.Lock()


def resolve(annotation: Any, globalns: Mapping[str, Any], localns: Mapping[str, Any] | None = None) -> Any:
    """Return the annotation with every name in it looked up, first in `localns`.

    Raises:
        Exception: whatever evaluating the annotation raises; a `NameError` for a name that is not there.
    """
    # A class to carry it, because only there does typing let ClassVar and Final pass.
    carrier = type("carrier", (), {"__annotations__": {"it": annotation}})
    return get_type_hints(carrier, dict(globalns), localns or {}, include_extras=True)["it"]


def type_adapter(type_: Any, namespace: Mapping[str, Any] | None = None) -> TypeAdapter[Any]:
    """Return a validator for a type in which the names of string annotations mean what they mean in `namespace`.

    Raises:
        PydanticUserError, NameError: there is no validating such a type, or it names what does not exist.
    """
    if isinstance(type_, type) and (home := _home(type_, namespace)) is not None:
        return _kept_adapter(type_, home)
    return _new_adapter(type_, namespace)


def _home(class_: type, namespace: Mapping[str, Any] | None) -> str | None:
    """Return the name of the module that a namespace is; `None` where that, or the class, is a run's own copy's."""
    own = sys.modules.get(class_.__module__)
    if getattr(own, class_.__qualname__, None) is not class_:
        return None
    if namespace is None:
        return ""
    name = str(namespace.get("__name__", ""))
    return name if vars(sys.modules.get(name, sys)) is namespace else None


@functools.lru_cache(1024)
def _kept_adapter(class_: type, home: str) -> TypeAdapter[Any]:
    # Making one takes longer than all else that a run of a few steps does.
    return _new_adapter(class_, vars(sys.modules[home]) if home else None)


def _new_adapter(type_: Any, namespace: Mapping[str, Any] | None) -> TypeAdapter[Any]:
    if namespace is not None:
        _settle(type_, namespace, set())
    for each in (type_, *get_args(type_)):
        if isinstance(each, type) and issubclass(each, BaseModel):
            _build(each)
    adapter: TypeAdapter[Any] = TypeAdapter(type_)
    # Underscored, but documented. `force`, because the first attempt has looked in `sys.modules`.
    adapter.rebuild(force=namespace is not None, _types_namespace=namespace or {})
    return adapter


def _build(model: type[BaseModel]) -> None:
    """Build a model of this package's whose building was put off until it is used (`defer_build`).

    An adapter of such a model builds it for itself alone, and the next one builds it again.
    """
    if model.__module__.startswith(f"{PACKAGE}."):
        with _building:  # a second thread would find it half built
            if not model.__pydantic_complete__:
                model.model_rebuild()


def _settle(type_: Any, namespace: Mapping[str, Any], seen: set[int]) -> None:
    """Put types for text in the annotations of every standard dataclass and TypedDict that a type is made of.

    In place: it is what these classes hold anyway where their module does without `from __future__ import
    annotations`. Pydantic takes no namespace for the fields of a standard dataclass, and would look up those of a
    TypedDict in it even when the class is from another module.
    """
    if id(type_) in seen:
        return
    seen.add(id(type_))
    parts = [*get_args(type_)]
    cls = get_origin(type_) or type_
    if is_typeddict(cls):
        annotations = cls.__annotations__
        annotations.update({key: _resolve(each, cls, namespace) for key, each in annotations.items()})
        parts += annotations.values()
    elif isinstance(cls, type) and issubclass(cls, BaseModel):
        parts += [field.annotation for field in cls.model_fields.values()]
    elif isinstance(cls, type) and dataclasses.is_dataclass(cls) and not is_pydantic_dataclass(cls):
        # A subclass shares the fields it inherits, whose names are those of the base's module: bases come first.
        for base in reversed(cls.__mro__):
            for field in vars(base).get("__dataclass_fields__", {}).values():
                field.type = _resolve(field.type, base, namespace)
                parts.append(field.type)
    for part in parts:
        _settle(part, namespace, seen)


def _resolve(annotation: Any, owner: type, namespace: Mapping[str, Any]) -> Any:
    own = namespace
    if namespace.get("__name__", owner.__module__) != owner.__module__:
        own = vars(sys.modules[owner.__module__]) if owner.__module__ in sys.modules else {}
    try:
        # As locals too: a TypedDict's forward references name their module, and would look there first.
        return resolve(annotation, own, own)
    except Exception:  # evaluating may raise anything; pydantic will say it better, with the field
        return annotation
