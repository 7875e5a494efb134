"""The pages of the documentation that come with the package, and their sections.

A wheel holds them (`pyproject.toml` puts `docs/` there); where the package runs out of its own repository, they stand
beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .exiting import CommandError

__all__ = ["Section", "pages", "sections", "table_rows"]

_PACKAGE: Final = Path(__file__).parents[1]
_HEADING: Final = re.compile(r"(#{1,4}) (.+)")


@dataclass(frozen=True)
class Section:
    """A heading of a page, and what stands under it, those below it too.

    Attributes:
        page: the name of the page, without an ending.
        title: the heading, as Markdown.
        level: 1 for that of the page.
        text: with its heading.
    """

    page: str
    title: str
    level: int
    text: str


def pages() -> dict[str, str]:
    """Return every page as Markdown, by its name.

    Raises:
        CommandError: they are not there.
    """
    for directory in (_PACKAGE / "_docs", _PACKAGE.parent / "docs"):
        if (directory / "checks.md").is_file():
            return {file.stem: file.read_text(encoding="utf-8") for file in sorted(directory.glob("*.md"))}
    raise CommandError(f"this installation has no documentation, neither in {str(_PACKAGE / '_docs')!r} nor beside it")


def sections(name: str, page: str) -> list[Section]:
    """Return a page as a whole, and every section of it."""
    lines = page.splitlines()
    headings = list(_headings(lines))
    found = []
    for position, (start, level, title) in enumerate(headings):
        end = next((line for line, other, _ in headings[position + 1 :] if other <= level), len(lines))
        found.append(Section(name, title, level, "\n".join(lines[start:end]).strip() + "\n"))
    return found


def _headings(lines: list[str]) -> Iterator[tuple[int, int, str]]:
    is_code = False
    for number, line in enumerate(lines):
        if line.lstrip().startswith("```"):
            is_code = not is_code
        elif not is_code and (heading := _HEADING.match(line)):
            yield number, len(heading[1]), heading[2].strip()


def table_rows(word: str, page: str) -> list[str]:
    """Return the rows of tables that begin with a word in their first column."""
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    return [row for row in rows if re.search(rf"`{re.escape(word)}\b", row.split(" | ")[0])]
