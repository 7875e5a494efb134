"""What is found, and what the rules find it with."""

from __future__ import annotations

import ast
import functools
from dataclasses import dataclass, field

from ..diagnostics.places import shown_path
from .codes import CODES, Severity
from .reach import Reached
from .roles import Roles
from .source import Module
from .symbols import Resolver

__all__ = ["Checked", "Finding", "finding"]


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Something that will hurt.

    Attributes:
        file: as a person would type it.
        line, column: where, from 1.
        code: of `CODES`.
        message: what is wrong.
        because: what happens because of it.
        fix: what to write instead.
        start: the line on which the statement begins, where an ignore may stand too.
        end_line, end_column: where it ends; the column is the one after the last.
    """

    file: str
    line: int
    column: int
    code: str
    message: str
    because: str
    fix: str
    start: int = field(default=0, compare=False)
    end_line: int = field(default=0, compare=False)
    end_column: int = field(default=0, compare=False)

    @property
    def severity(self) -> Severity:
        return CODES[self.code].severity


@dataclass(frozen=True)
class Checked:
    """What the rules look at.

    Attributes:
        modules: those that were asked about, and those of the user's own that they import.
        reached: for every role the functions that run in it.
    """

    modules: list[Module]
    roles: Roles
    resolver: Resolver
    reached: list[Reached]

    @functools.cached_property
    def durable_nodes(self) -> set[ast.AST]:
        """What runs in the handlers and filters of durable jobs."""
        return {
            node
            for reached in self.reached
            if reached.role.kind in ("handler", "failure", "filter", "policy")
            for node in reached.function.nodes
        }


def finding(code: str, module: Module, node: ast.AST, message: str, because: str, fix: str) -> Finding:
    """Return a finding at a node."""
    line = getattr(node, "lineno", 1)
    end_line = getattr(node, "end_lineno", None) or line
    column = _characters(module, line, getattr(node, "col_offset", 0))
    start = node
    while not isinstance(start, ast.stmt) and "_parent" in vars(start):
        start = vars(start)["_parent"]
    return Finding(
        file=shown_path(str(module.path)),
        line=line,
        column=column + 1,
        code=code,
        message=message,
        because=because,
        fix=fix,
        start=getattr(start, "lineno", line),
        end_line=end_line,
        end_column=_characters(module, end_line, getattr(node, "end_col_offset", None) or 0) + 1,
    )


def _characters(module: Module, line: int, offset: int) -> int:
    """Return a column in characters: the parser counts bytes."""
    text = module.lines[line - 1] if line <= len(module.lines) else ""
    return len(text.encode()[:offset].decode(errors="replace"))
