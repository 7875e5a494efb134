"""The variables that a nested function reads are those that Python's compiler finds."""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import CodeType

import pydantic
import pytest

from terse_temporal.checking.scopes import Names

FILES = [
    file
    for package in (asyncio, json, re, pydantic)
    for file in sorted(Path(inspect.getfile(package)).parent.glob("*.py"))
]


def _functions(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from _functions(constant)


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_as_the_compiler(file: Path) -> None:
    """Function by function, over modules that others wrote."""
    tree = ast.parse(file.read_text())
    compiled = sorted(
        (code.co_name, code.co_firstlineno, sorted(set(code.co_freevars) - {"__class__"}))
        for code in _functions(compile(tree, str(file), "exec"))
        if code.co_flags & inspect.CO_OPTIMIZED and (code.co_name == "<lambda>" or not code.co_name.startswith("<"))
    )
    read = sorted(
        (
            function.name,
            # A function's code begins at its first decorator.
            min([function.node.lineno, *(each.lineno for each in function.decorators)]),
            sorted(function.scope.free_names()),
        )
        for function in Names(tree).functions
    )
    assert read == compiled
