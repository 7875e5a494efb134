"""`terse-temporal explain`: the documentation, where it is needed."""

from __future__ import annotations

import inspect
import re
from typing import Annotated, Final

import typer
from rich.markdown import Markdown
from rich.table import Table
from rich.text import Text

from .. import errors as errors_module
from ..checking.codes import CODES
from ..diagnostics.text import did_you_mean
from ..errors import TerseError
from .exiting import CommandError
from .output import console
from .pages import Section, pages, sections, table_rows

__all__ = ["explain"]

_CHECKS: Final = "checks"

#: Topics as people type them, letters and digits count.
_NOT_A_LETTER: Final = re.compile(r"[^a-z0-9]+")


def explain(
    topic: Annotated[
        str | None,
        typer.Argument(
            metavar="[CODE|TOPIC]",
            help="A code (TERSE214), an error (StepIsolationError), a page (steps), or a section of one (sleeping).",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Print a page of the documentation, or the section that a message is about; without a topic, what there is."""
    found = pages()
    if topic is None:
        console.print(_contents(found))
        console.print(
            "\nterse-temporal explain TOPIC; also a section of a page, an error, or a code of `check`: TERSE101 …",
            style="dim",
            markup=False,
        )
        return
    text = _text(topic, found)
    if text is None:
        known = [*found, *CODES, *_errors(), *(_plain(each.title) for each in _all_sections(found))]
        # Whoever misspells a code writes it in small letters too.
        close = (
            did_you_mean(topic, known)
            or did_you_mean(topic.upper(), CODES)
            or did_you_mean(topic.lower(), map(str.lower, known))
        )
        raise CommandError(f"there is no topic {topic!r}{close or '; `terse-temporal explain` lists what there is'}")
    if console.is_terminal:
        console.print(Markdown(text), soft_wrap=False)
    else:
        print(text, end="")


def _contents(found: dict[str, str]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("topic")
    table.add_column("about", overflow="fold")
    for name, page in found.items():
        table.add_row(Text(name), Text(_plain(sections(name, page)[0].title)))
    return table


def _text(topic: str, found: dict[str, str]) -> str | None:
    """Return what there is about a topic, as Markdown."""
    if topic.upper() in CODES:
        wanted = topic.upper()
        return next((each.text for each in sections(_CHECKS, found[_CHECKS]) if each.title == wanted), None)
    name = topic.removeprefix("docs/").removesuffix(".md").lower().replace("-", "_")
    if name in found:
        return found[name]
    error = next((each for known, each in _errors().items() if known.lower() == topic.lower()), None)
    if error is not None:
        return _error_text(error, found)
    page, _, heading = topic.removeprefix("docs/").partition("#")
    places = [
        each
        for each in _all_sections(found)
        if _fold(each.title) == _fold(heading or topic) and (not heading or page.removesuffix(".md") == each.page)
    ]
    return "\n".join(_add_source(each) for each in places) if places else None


def _error_text(error: type[TerseError], found: dict[str, str]) -> str:
    """Return the documentation of a class, the rows of tables about it, and which pages mention it."""
    parts = [f"# {error.__name__}", inspect.getdoc(error) or ""]
    for name, page in found.items():
        rows = table_rows(error.__name__, page)
        if rows:
            header = _header(rows[0], page)
            parts.append("\n".join([*header, *rows]))
            parts.append(f"(from `terse-temporal explain {name}`)")
    mentioning = [name for name, page in found.items() if re.search(rf"\b{error.__name__}\b", page)]
    if mentioning:
        parts.append("More: " + ", ".join(f"`terse-temporal explain {name}`" for name in mentioning))
    return "\n\n".join(parts) + "\n"


def _header(row: str, page: str) -> list[str]:
    """Return the two lines above the rows of a table."""
    lines = page.splitlines()
    start = lines.index(row)
    while start > 0 and lines[start - 1].startswith("|"):
        start -= 1
    return lines[start : start + 2]


def _add_source(section: Section) -> str:
    return section.text if section.level == 1 else f"{section.text}\n(from `terse-temporal explain {section.page}`)\n"


def _all_sections(found: dict[str, str]) -> list[Section]:
    return [each for name, page in found.items() for each in sections(name, page)]


def _errors() -> dict[str, type[TerseError]]:
    names = {name: getattr(errors_module, name) for name in errors_module.__all__}
    return {name: each for name, each in names.items() if isinstance(each, type) and issubclass(each, TerseError)}


def _plain(title: str) -> str:
    return title.replace("`", "")


def _fold(title: str) -> str:
    return _NOT_A_LETTER.sub("", title.lower())
