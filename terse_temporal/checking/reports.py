"""The findings as text for people, JSON for programs, and SARIF for whatever shows findings beside the code."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from .._version import __version__
from .checker import Report
from .codes import CODES, Severity
from .findings import Finding

__all__ = ["as_json", "as_sarif", "summary", "text_lines"]

#: Where the schema is kept by those who make the standard: SARIF 2.1.0, appendix C.
_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def text_lines(finding: Finding) -> list[str]:
    """Return what is wrong and what comes of it, and below it the fix."""
    head = f"{finding.file}:{finding.line}:{finding.column}: {finding.severity} {finding.code}"
    return [f"{head}: {_sentences(finding)}", f"    fix: {finding.fix}"]


def summary(report: Report) -> str:
    """Return one line: how much was found, in how much."""
    read = f"{_count(report.files, 'file')}, {_count(report.jobs, 'job')}"
    if report.workflows:
        read += f", {_count(report.workflows, 'workflow')}"
    counts = Counter(each.severity for each in report.findings)
    order: list[Severity] = ["error", "warning", "note"]
    found = ", ".join(_count(counts[severity], severity) for severity in order if counts[severity])
    return f"{found or 'nothing found'} in {read}"


def as_json(report: Report) -> str:
    """Return one object: `findings`, each with where, what and why, and what was read."""
    return _dump(
        {
            "findings": [
                {
                    "file": each.file,
                    "line": each.line,
                    "column": each.column,
                    "code": each.code,
                    "severity": each.severity,
                    "message": each.message,
                    "because": each.because,
                    "fix": each.fix,
                    "explained_by": CODES[each.code].explained_by,
                }
                for each in report.findings
            ],
            "files": report.files,
            "jobs": report.jobs,
            "workflows": report.workflows,
        }
    )


def as_sarif(report: Report) -> str:
    """Return a log of one run, by SARIF 2.1.0. Files below the current directory are named from there."""
    rules = list(CODES.values())
    positions = {rule.code: number for number, rule in enumerate(rules)}
    run = {
        "tool": {
            "driver": {
                "name": "terse-temporal check",
                "version": __version__,
                "rules": [
                    {
                        "id": rule.code,
                        "shortDescription": {"text": rule.title},
                        "help": {"text": f"See {rule.explained_by}", "markdown": f"See `{rule.explained_by}`"},
                        "defaultConfiguration": {"level": rule.severity},
                    }
                    for rule in rules
                ],
            }
        },
        # The parser's columns are characters, not the UTF-16 units that are SARIF's default.
        "columnKind": "unicodeCodePoints",
        "results": [_result(each, positions[each.code]) for each in report.findings],
    }
    return _dump({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]})


def _result(finding: Finding, position: int) -> dict[str, Any]:
    region = {
        "startLine": finding.line,
        "startColumn": finding.column,
        "endLine": max(finding.end_line, finding.line),
        "endColumn": max(finding.end_column, 1),
    }
    return {
        "ruleId": finding.code,
        "ruleIndex": position,
        "level": finding.severity,
        "message": {"text": f"{_sentences(finding)} Fix: {finding.fix}."},
        "locations": [{"physicalLocation": {"artifactLocation": {"uri": _uri(finding.file)}, "region": region}}],
    }


def _sentences(finding: Finding) -> str:
    because = finding.because[:1].upper() + finding.because[1:]
    return f"{finding.message}. {because}."


def _uri(file: str) -> str:
    path = Path(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _dump(value: Any) -> str:
    # In ASCII: what a shell on Windows makes of the output of others is not UTF-8, which JSON is.
    return json.dumps(value, indent=2)
