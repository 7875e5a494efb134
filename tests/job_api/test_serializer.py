"""What a type takes is worked out once for each run, and goes with the run."""

from __future__ import annotations

import gc
import weakref
from dataclasses import dataclass
from types import ModuleType
from typing import Annotated, Any

import pytest
from pydantic import Field

from terse_temporal.serialization.serializer import Serializer, remember, shared_serializer


@dataclass
class Left:
    value: int


@dataclass
class Right:
    value: int


def test_it_is_worked_out_once() -> None:
    """The codec of a type is the same object each time, and so is what a function's annotations say."""

    def step(given: list[Left]) -> Right:
        return Right(len(given))

    serializer = Serializer()
    assert serializer.codec(list[Left]) is serializer.codec(list[Left])
    assert serializer.parameter_types(step) is serializer.parameter_types(step)


def test_unions_in_another_order() -> None:
    """`A | B` and `B | A` are equal types that are read differently, so each has a codec of its own."""
    assert Left | Right == Right | Left
    assert type(shared_serializer.codec(Left | Right).load({"value": 1})) is Left
    assert type(shared_serializer.codec(Right | Left).load({"value": 1})) is Right


def test_what_cannot_be_hashed() -> None:
    """What cannot be hashed is worked out anew each time, and what raises is not kept."""
    calls: list[Any] = []

    def read(value: Any) -> int:
        calls.append(value)
        return 10 // len(calls) if value != "wrong" else int(value)

    kept = remember(read)
    assert [kept("a"), kept("a"), kept(["b"]), kept(["b"])] == [10, 10, 5, 3]
    for _ in range(2):
        with pytest.raises(ValueError, match="wrong"):
            kept("wrong")
    assert calls == ["a", ["b"], ["b"], "wrong", "wrong"]
    assert shared_serializer.codec(Annotated[int, Field(gt=1, examples=[2])]).load(3) == 3


def test_the_types_of_a_run_go_with_it() -> None:
    """A run's copy of its module is freed with the run's serializer, without waiting for the garbage collector."""
    module = ModuleType("copy_of_a_module")
    exec("from pydantic import BaseModel\nclass Own(BaseModel):\n    value: int\n", vars(module))
    own = vars(module)["Own"]
    serializer = Serializer(vars(module))
    assert serializer.codec(own).load({"value": 1}) == own(value=1)
    assert serializer.codec(int) is shared_serializer.codec(int)
    gone = weakref.ref(serializer)
    gc.disable()
    try:
        del serializer
        assert gone() is None
    finally:
        gc.enable()
