"""Fingerprints of nested functions, which tell those of one qualified name apart.

`said.how.version`: the first part is what the code says, which every version of Python agrees about; the second is how
it says it (`a + 1` and `a - 1` differ in the bytecode alone), which only the same version compares. Where a function
stands is no part of it.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterator
from types import CodeType

__all__ = ["fingerprint", "fits", "name_of", "nested_code"]

_VERSION = "{}{}".format(*sys.version_info)

#: Python 3.11 makes functions of comprehensions, and later versions do not.
_COMPREHENSION = re.compile(r"<(list|dict|set)comp>\.<locals>\.")


def nested_code(code: CodeType) -> Iterator[CodeType]:
    """Yield the code objects within one, at any depth."""
    for const in code.co_consts:
        if isinstance(const, CodeType):
            yield const
            yield from nested_code(const)


def name_of(code: CodeType) -> str:
    """Return the qualified name of a nested function, the same in every version of Python."""
    return _COMPREHENSION.sub("", code.co_qualname)


def fingerprint(code: CodeType) -> str:
    """Return what a piece of code says and how, and which Python says it."""
    how = hashlib.sha256()
    names: set[str] = set()
    constants: set[str] = set()
    for each in (code, *nested_code(code)):
        how.update(each.co_code)
        how.update(repr([_text(const) for const in each.co_consts]).encode())
        names.update(each.co_names, each.co_varnames, each.co_cellvars, each.co_freevars)
        # A docstring is no part of what it does, and is indented otherwise in Python 3.13.
        has_docstring = not each.co_name.startswith("<") and each.co_consts and isinstance(each.co_consts[0], str)
        constants.update(map(_text, each.co_consts[bool(has_docstring) :]))
    # In the order of their names, as comprehensions are functions in one version and part of the one around in another;
    # without what some versions have for themselves.
    parameters = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    said = repr((parameters, sorted(names - {".0"}), sorted(constants - {"None", ""})))
    return f"{hashlib.sha256(said.encode()).hexdigest()[:12]}.{how.hexdigest()[:8]}.{_VERSION}"


def fits(code: CodeType, reference: str) -> bool:
    """Return whether a reference's fingerprint is that of a piece of code, as far as this Python can tell."""
    own, given = fingerprint(code).split("."), reference.split(".")
    if len(given) == 3 and given[2] == own[2]:
        return own == given
    return own[0] == given[0]


def _text(constant: object) -> str:
    """Return a constant as text, the same in every process: the order of a set is not."""
    if isinstance(constant, CodeType):
        return ""
    if isinstance(constant, frozenset):
        return f"{{{', '.join(sorted(map(_text, constant)))}}}"
    if isinstance(constant, tuple):
        return f"({', '.join(map(_text, constant))})"
    return repr(constant)
