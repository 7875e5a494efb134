"""What is found of an input is what the engine refuses: no value that a step takes is reported."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from terse_temporal.checking import check
from terse_temporal.serialization.serializer import Serializer
from terse_temporal.serialization.signatures import input_type
from terse_temporal.serialization.value_problems import ValueProblem

MODULE = """
import dataclasses, datetime, decimal, enum, uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Annotated, Literal, NewType, Optional, TypedDict, Union
from pydantic import BaseModel, Field, field_validator, model_validator
from terse_temporal import create_job, job_step

class Order(BaseModel):
    id: str = "o1"
class Special(Order): pass
class Invoice(BaseModel):
    id: str = "i1"
class FromAny(BaseModel, from_attributes=True):
    id: str
class Configured(BaseModel):
    model_config = {"from_attributes": True}
    id: str
class Before(BaseModel):
    id: str
    @model_validator(mode="before")
    @classmethod
    def read(cls, value): return {"id": "x"}
def read_all(value): return {"id": "x"}
class Assigned(BaseModel):
    id: str
    read = model_validator(mode="before")(read_all)
@dataclass
class Point:
    x: int = 0
@dataclass
class Point3(Point):
    z: int = 0
class Plain:
    id = "p1"
class Word(str): pass
class Floating:
    def __float__(self): return 1.5
class Color(enum.Enum):
    red = "red"
class Row(TypedDict):
    id: str
class Table(dict): pass
Name = NewType("Name", str)
Alias = int

@create_job(name="chk-inputs", durable=True)
async def handle(event):
"""

_TYPES = """
int str float bool bytes list dict set tuple frozenset object Any None list[int] list[str] list[Order] dict[str,int]
dict[str,Order] tuple[int,str] tuple[int,...] set[str] Sequence[int] Mapping[str,int] int|None Optional[str]
Union[int,str] Literal["a",1] Annotated[int,Field(gt=3)] datetime.date datetime.datetime datetime.timedelta
datetime.time decimal.Decimal uuid.UUID Order Special Invoice FromAny Configured Before Assigned Point Point3 Word Color
Row Table Name Alias Order|None list[Point] "Order" Order|str
"""

_VALUES = """
5 -5 5.5 True None "5" "a" "red" "2025-01-02" "P1D" "00000000-0000-4000-8000-000000000000" b"5" [] [1] ["a"] ["1",2]
(1,"a") (1,) {} {"id":"x"} {"a":1} {"a":Order()} {1} {"a"} [Order()] [Point()] Order() Special() Invoice() Point()
Point3() Plain() Word("a") Floating() Color.red Color("red") Table() Name("a") Alias(5) f"{5}" str(5) 1e400 10**30 event
datetime.date(2025,1,2) decimal.Decimal(5) [*[1]] [x(1)for(x)in[str]] {**{}} (5)if(1)else"a" -True
"""


TYPES, VALUES = _TYPES.split(), _VALUES.split()


def test_no_value_that_fits_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every type with every value: what is found is refused, and what is refused is found where it can be read."""
    functions = "\n".join(f"def take_{number}(it: {type_}): ..." for number, type_ in enumerate(TYPES))
    calls = [(number, value) for number in range(len(TYPES)) for value in VALUES]
    lines = [f"    await job_step(run=take_{number}, input={value})" for number, value in calls]
    source = MODULE.replace("@create_job", f"{functions}\n@create_job") + "\n".join(lines) + "\n"
    (tmp_path / "chk_inputs.py").write_text(source)
    monkeypatch.chdir(tmp_path)
    first = source.count("\n") - len(lines) + 1
    found = {each.line - first for each in check(["chk_inputs.py"], select=["TERSE106"]).findings}

    module = ModuleType("chk_inputs")
    monkeypatch.setitem(sys.modules, "chk_inputs", module)
    namespace: dict[str, Any] = vars(module)
    exec(source.partition("@create_job")[0], namespace)
    refused = set()
    for place, (number, value) in enumerate(calls):
        given = eval(value, {**namespace, "event": object()})
        try:
            Serializer(namespace).codec(input_type(namespace[f"take_{number}"])).record(given)
        except ValueProblem:
            refused.add(place)
    wrongly = [f"{TYPES[calls[each][0]]}: {calls[each][1]}" for each in found - refused]
    assert wrongly == []
    assert len(found) > 700
