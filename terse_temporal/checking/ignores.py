"""`# terse: ignore[CODE]`: findings that somebody has looked at and wants to keep.

It needs a code, so that it hides what was seen and nothing that comes later, and one that hides nothing is reported, so
that it does not outlive what it was for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from ..diagnostics.places import shown_path
from .codes import CODES
from .findings import Finding
from .source import Module

__all__ = ["without_ignored"]

_IGNORE: Final = re.compile(r"#\s*terse:\s*ignore\b(?:\[(?P<codes>[^\]]*)\])?")


@dataclass(slots=True)
class _Ignore:
    """One comment: where it is, which codes it names, and which of them have hidden something."""

    line: int
    column: int
    codes: list[str]
    used: set[str] = field(default_factory=set)


def without_ignored(findings: Iterable[Finding], modules: Iterable[Module]) -> Iterator[Finding]:
    """Yield the findings that no comment hides, and what is wrong with the comments."""
    ignores = {shown_path(str(module.path)): list(_ignores(module)) for module in modules}
    for each in findings:
        hidden = [
            ignore
            for ignore in ignores.get(each.file, ())
            if each.code in ignore.codes and ignore.line in (each.line, each.start)
        ]
        for ignore in hidden:
            ignore.used.add(each.code)
        if not hidden:
            yield each
    for file, found in ignores.items():
        for ignore in found:
            yield from _of_comment(ignore, file)


def _of_comment(ignore: _Ignore, file: str) -> Iterator[Finding]:
    def made(code: str, message: str, because: str, fix: str) -> Finding:
        return Finding(file, ignore.line, ignore.column, code, message, because, fix, ignore.line, ignore.line)

    if not ignore.codes:
        because = "it would hide whatever comes to stand there, so it hides nothing"
        yield made("TERSE002", "an ignore without a code", because, "name what it hides: `# terse: ignore[TERSE206]`")
    for code in ignore.codes:
        if code not in CODES:
            yield made(
                "TERSE002",
                f"there is no code {code!r}",
                "it hides nothing",
                "`terse-temporal explain checks` has the codes",
            )
        elif code not in ignore.used:
            yield made(
                "TERSE001",
                f"nothing here is hidden by the ignore of {code!r}",
                "it says what is not so",
                "take it away",
            )


def _ignores(module: Module) -> Iterator[_Ignore]:
    if not any("terse:" in line for line in module.lines):
        return
    for line, column, text in module.comments():
        if (match := _IGNORE.search(text)) is not None:
            codes = [each.strip().upper() for each in (match["codes"] or "").split(",")]
            yield _Ignore(line, column + match.start() + 1, [each for each in codes if each])
