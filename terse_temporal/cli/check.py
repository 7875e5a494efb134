"""`terse-temporal check`: what will hurt, found before a deploy, without running anything."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer
from rich.text import Text

from ..checking import Report
from ..checking import check as check_targets
from ..checking.reports import as_json, as_sarif, summary, text_lines
from .exiting import FAILED
from .options import Debug
from .output import console

__all__ = ["check"]

_STYLES = {"error": "bold red", "warning": "bold yellow", "note": "bold cyan"}


class Format(StrEnum):
    """A format of findings."""

    text = "text"
    json = "json"
    sarif = "sarif"


def check(
    targets: Annotated[
        list[str],
        typer.Argument(
            metavar="MODULE|FILE|PACKAGE...",
            help="What to read: shop.jobs, jobs/onboarding.py, or a package, of which every module is read.",
            show_default=False,
        ),
    ],
    format: Annotated[
        Format, typer.Option("--format", help="For people, for programs, or for what shows findings beside the code.")
    ] = Format.text,
    select: Annotated[
        list[str] | None,
        typer.Option("--select", metavar="CODE", help="Only this code, or those that begin so. May be repeated."),
    ] = None,
    ignore: Annotated[
        list[str] | None,
        typer.Option("--ignore", metavar="CODE", help="Not this code, nor those that begin so. May be repeated."),
    ] = None,
    debug: Debug = False,
) -> int:
    """Read jobs without running them, and report what will hurt, with the line and the fix.

    The modules are parsed, not imported; those of the same code base that they import are followed. Every code has its
    section, which `terse-temporal explain CODE` prints, and `# terse: ignore[CODE]` on the line hides one. The exit
    status is 1 if there are errors or warnings, and 2 if something cannot be read.
    """
    report = check_targets(targets, select=_codes(select), ignore=_codes(ignore))
    if format is Format.json:
        print(as_json(report))
    elif format is Format.sarif:
        print(as_sarif(report))
    else:
        _print(report)
    return FAILED if report.failed else 0


def _codes(given: list[str] | None) -> list[str]:
    """Return the codes one by one; they may be separated by commas too, as in other tools."""
    return [code.strip() for each in given or () for code in each.split(",") if code.strip()]


def _print(report: Report) -> None:
    for finding in report.findings:
        what, fix = text_lines(finding)
        line = Text(what)
        line.highlight_words([f" {finding.severity} "], _STYLES[finding.severity])
        console.print(line)
        console.print(Text(fix, style="dim"))
    console.print(summary(report), markup=False)
    if report.findings and console.is_terminal:  # for people; a log of CI has the codes
        code = report.findings[0].code
        console.print(f"more about one: terse-temporal explain {code}", style="dim", markup=False)
