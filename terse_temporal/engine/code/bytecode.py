"""The instructions of a piece of code, as far as this package reads them.

`dis` makes an object of each, with its labels, positions and a text for its argument. That was a third of what a worker
with hundreds of jobs did before it was ready. What an argument means is said here for the few instructions that are of
interest; a test compares all modules of the standard library with what `dis` says.
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any, Final, NamedTuple, TypeAlias

__all__ = ["GlobalName", "global_names", "instructions"]

#: What an instruction is about, by the number of it; of those that load two variables, the second.
_Values: TypeAlias = Callable[[CodeType, int], Any]

_CACHE: Final = dis.opmap.get("CACHE", 0)
_EXTENDED: Final = dis.opmap["EXTENDED_ARG"]
_LOAD: Final = dis.opmap["LOAD_GLOBAL"]
_WRITE: Final = frozenset({dis.opmap["STORE_GLOBAL"], dis.opmap["DELETE_GLOBAL"]})

_NAMES: Final = ("LOAD_NAME", "IMPORT_NAME", "STORE_GLOBAL", "DELETE_GLOBAL", "LOAD_FROM_DICT_OR_GLOBALS")
_CELLS: Final = ("LOAD_DEREF", "LOAD_CLASSDEREF", "LOAD_FROM_DICT_OR_DEREF")


def _variable(code: CodeType, number: int) -> Any:
    variables = code.co_varnames
    if number < len(variables):
        return variables[number]
    cells = [each for each in code.co_cellvars if each not in variables]
    return (*cells, *code.co_freevars)[number - len(variables)]


def _values_of(name: str) -> _Values | None:
    # The lowest bit of these says whether what is loaded is called.
    if name == "LOAD_GLOBAL" or (name == "LOAD_ATTR" and sys.version_info >= (3, 12)):
        return lambda code, argument: code.co_names[argument >> 1]
    if name in (*_NAMES, "LOAD_ATTR", "LOAD_METHOD"):
        return lambda code, argument: code.co_names[argument]
    if name == "LOAD_CONST":
        return lambda code, argument: code.co_consts[argument]
    if name == "LOAD_SMALL_INT":
        return lambda code, argument: argument
    if "LOAD_FAST" in name and name.count("_FAST") > 1:  # from Python 3.13 on
        return lambda code, argument: _variable(code, argument & 15)
    return _variable if "LOAD_FAST" in name or name in _CELLS else None


_VALUES: Final = [_values_of(name) for name in dis.opname[:256]]


def instructions(code: CodeType) -> Iterator[tuple[str, Any, int]]:
    """Yield the name of each instruction, what it is about, and its argument.

    What it is about is the name of a global, attribute, variable or module, or the constant, and `None` for all that do
    something else than load it.
    """
    high = 0
    for operation, low in zip(code.co_code[::2], code.co_code[1::2], strict=True):
        if operation == _EXTENDED:
            high = (high | low) << 8
        elif operation != _CACHE:
            argument = high | low
            values = _VALUES[operation]
            yield dis.opname[operation], values and values(code, argument), argument
            high = 0


class GlobalName(NamedTuple):
    """One use of a global.

    Attributes:
        name: of it.
        is_written: whether it is set or deleted, and not read.
        line: in the source, 0 where that is not known.
        column: likewise, of the first character.
    """

    name: str
    is_written: bool
    line: int
    column: int


def global_names(code: CodeType) -> Iterator[GlobalName]:
    """Yield every use of a global in a piece of code, without those of the functions within it."""
    high = 0
    for operation, low, where in zip(code.co_code[::2], code.co_code[1::2], code.co_positions(), strict=True):
        if operation == _EXTENDED:
            high = (high | low) << 8
            continue
        if operation == _LOAD or operation in _WRITE:
            name = code.co_names[(high | low) >> (operation == _LOAD)]
            yield GlobalName(name, operation != _LOAD, where[0] or 0, where[2] or 0)
        high = 0
