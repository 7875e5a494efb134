"""What one run writes its values with, and reads them back by.

A run may have a copy of its job's module to itself, whose classes are then other objects than those of the process. So
there is a serializer for each run, which goes with it, and one for the process, `shared_serializer`, for runs without a
copy and for everything that is no run. Each works out once what a type or the annotations of a function take.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from types import GenericAlias
from typing import Any, Final, TypeVar

from . import signatures
from .codec import Codec

__all__ = ["Serializer", "key_of_type", "remember", "shared_serializer"]

_R = TypeVar("_R")


def remember(function: Callable[..., _R], size: int = 1024) -> Callable[..., _R]:
    """Return a function that keeps what `function` gave for the last `size` arguments.

    What cannot be hashed (an `Annotated` with a list in it, an object of a class with an `__eq__`) is worked out anew.
    """
    kept = functools.lru_cache(size)(function)

    def call(*arguments: Any) -> _R:
        try:
            hash(arguments)
        except TypeError:
            return function(*arguments)
        return kept(*arguments)

    return call


class Serializer:
    """The codecs of types, and what functions' annotations say.

    Args:
        namespace: the globals of a run's own copy of its module, in which the names in annotations are looked up first.
    """

    def __init__(self, namespace: Mapping[str, Any] | None = None) -> None:
        # Partial functions, and no methods: these would make a circle, and the copy of the module wait for the garbage
        # collector.
        self._codec_of: Final = remember(functools.partial(_codec, namespace))
        self.input_type: Final = remember(signatures.input_type)
        self.parameter_types: Final = remember(signatures.parameter_types)
        self.result_type: Final = remember(signatures.result_type)
        self.signature: Final = remember(signatures.signature)

    def codec(self, type_: Any) -> Codec:
        """Return the codec of a type.

        Raises:
            ValueProblem: pydantic can make nothing of the type.
        """
        return self._codec_of(*key_of_type(type_))


def key_of_type(type_: Any) -> tuple[Any, str | None]:
    """Return what a type is told by in a cache: `A | B` and `B | A` are equal, and are not read alike."""
    is_class = isinstance(type_, type) and not isinstance(type_, GenericAlias)
    return type_, None if is_class else repr(type_)


def _codec(namespace: Mapping[str, Any] | None, type_: Any, _: str | None) -> Codec:
    if namespace is not None and (type_ is Any or (type(type_) is type and type_.__module__ == "builtins")):
        return shared_serializer.codec(type_)  # no copy of a module has a type of Python's own to itself
    return Codec(type_, namespace)


shared_serializer: Final = Serializer()
