"""What is read from bytecode is what `dis` says, for every instruction of many modules of the standard library."""

from __future__ import annotations

import ast
import asyncio.base_events
import dataclasses
import dis
import enum
import inspect
import typing
from collections.abc import Iterator
from types import CodeType, ModuleType

import pytest

from terse_temporal.engine.code.bytecode import global_names, instructions
from terse_temporal.engine.code.fingerprints import nested_code


def _codes(module: ModuleType) -> Iterator[CodeType]:
    assert module.__file__ is not None
    with open(module.__file__, encoding="utf-8") as file:  # noqa: PTH123  as `dis` has it
        top = compile(file.read(), module.__file__, "exec", dont_inherit=True)
    yield from (top, *nested_code(top))


_MODULES = [asyncio.base_events, ast, dataclasses, enum, inspect, typing]


@pytest.mark.parametrize("module", _MODULES, ids=lambda module: module.__name__)
def test_instructions_are_those_that_dis_reads(module: ModuleType) -> None:
    """Names, arguments and what is loaded are the same."""
    compared = 0
    for code in _codes(module):
        expected = [each for each in dis.get_instructions(code) if each.opname != "EXTENDED_ARG"]
        found = list(instructions(code))
        assert [name for name, _, _ in found] == [each.opname for each in expected]
        for (_, value, argument), each in zip(found, expected, strict=True):
            assert argument == (each.arg or 0)
            if value is not None:
                # Of two variables that are loaded at once, the second.
                two = isinstance(each.argval, tuple) and "LOAD_FAST" in each.opname
                assert value == (each.argval[-1] if two else each.argval)
                compared += 1
    assert compared > 1_000


@pytest.mark.parametrize("module", _MODULES, ids=lambda module: module.__name__)
def test_globals_are_those_that_dis_reads(module: ModuleType) -> None:
    """Each use has its name, its place in the source, and whether it is written."""
    compared = 0
    for code in _codes(module):
        expected = [
            (each.argval, each.opname != "LOAD_GLOBAL", each.positions.lineno or 0, each.positions.col_offset or 0)
            for each in dis.get_instructions(code)
            if each.opname.endswith("_GLOBAL") and each.positions is not None
        ]
        assert [tuple(each) for each in global_names(code)] == expected
        compared += len(expected)
    assert compared > 100


def test_every_instruction_that_loads_a_name_has_one() -> None:
    """So no chain of attributes is lost that `toolbox.http` or the name of a step may begin with."""
    loading = {"LOAD_GLOBAL", "LOAD_NAME", "LOAD_ATTR", "LOAD_CONST", "IMPORT_NAME", "LOAD_FAST", "LOAD_DEREF"}
    seen = set()
    for module in _MODULES:
        for code in _codes(module):
            for name, value, argument in instructions(code):
                if name in loading:
                    seen.add(name)
                    assert value is not None or (name == "LOAD_CONST" and code.co_consts[argument] is None)
    assert {"LOAD_GLOBAL", "LOAD_NAME", "LOAD_ATTR", "LOAD_CONST", "IMPORT_NAME"} <= seen
